"""Every element against every column: by name, then by values, then the best assignment of one to the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from standards import Element, Standard

from tongqu_client.provider.mapping import measures, names, places, rules, speakers
from tongqu_client.provider.mapping.everyday import words_of
from tongqu_client.provider.mapping.evidence import Evidence, kind_of, weigh
from tongqu_client.provider.mapping.names import heading
from tongqu_client.provider.mapping.profile import Profile, profile
from tongqu_client.provider.mapping.rules import Fit, Rule
from tongqu_client.provider.mapping.vocabulary import Fits, Vocabulary, vocabulary
from tongqu_client.provider.readers.table import Table

SAMPLE = 1000  # rows looked at, spread over the table: the first thousand are often the oldest
WORTH_A_LOOK = 0.3  # score of a name below which its values are not looked at
BY_VALUES = 0.6  # score of a column that says nothing by its name but everything by its values
COUNTER = 0.75  # factor for a counter beside a number
SHARED = ("divisionCode", "streetCode", "communityCode", "domicileDivision")  # one code column may give several


@dataclass(frozen=True, slots=True)
class Candidate:
    """One element taken from these columns."""

    element: Element
    columns: tuple[str, ...]
    name: Fits
    values: Evidence
    rule: Rule
    fit: Fit
    held: tuple[str, str] | None = None  # why its numbers are not those of the element (measures.held_back)

    @property
    def score(self) -> float:
        return round(self.name.score * self.values.factor, 3)


@dataclass(frozen=True)
class Look:
    """A table as it is looked at: sampled rows, profiles of its columns, the vocabulary of a standard."""

    standard: Standard
    table: Table
    comments: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]
    rows: Sequence[Mapping[str, str | None]] = field(repr=False)
    profiles: Mapping[str, Profile] = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    heard: Mapping[str, str] = field(repr=False)  # column → its name without a prefix of the vendor's
    own: frozenset[str] = frozenset()  # columns that are the subject's only because its numbers differ in every row

    @classmethod
    def at(
        cls,
        standard: Standard,
        table: Table,
        comments: Mapping[str, str],
        codes: Mapping[str, Mapping[str, str]],
        profiles: Mapping[str, Profile] | None = None,
    ) -> Look:
        rows = sampled(table)
        profiles = profiles or profiles_of(table)
        heard = speakers.without_vendor(table.columns)
        words = vocabulary(standard)
        own = speakers.own_columns(heard, profiles) if words.about_anybody else {}
        return cls(standard, table, comments, codes, rows, profiles, words, heard | own, frozenset(own))

    def values(self, column: str) -> list[str | None]:
        return [row.get(column) for row in self.rows]

    def candidate(self, element: Element, columns: tuple[str, ...], name: Fits) -> Candidate:
        """The element from these columns, its rule made and tried."""
        head = heading(columns[0])
        unit = head.unit or (heading(self.comments[columns[0]]).unit if columns[0] in self.comments else None)
        values, codes = self.values(columns[0]), self.codes.get(element.path, {})
        unit = unit or rules.unit_written(values) or self.unit_in_title(element)
        rule = rules.propose(element, columns, values, codes=codes, unit=unit)
        missing = sorted({value for column in columns for value in self.values(column) if value} & names.blank_words())
        if missing:
            rule = rule | {"missing": missing}
        fit = rules.fit(rule, element, self.rows)
        held = None
        if rules.is_amount(element):
            said = [text for column in columns for text in (column, self.comments.get(column, ""))]
            held = measures.held_back(element, said, unit)
        return Candidate(element, columns, name, weigh(element, self.profiles[columns[0]], rule, fit), rule, fit, held)

    def unit_in_title(self, element: Element) -> str | None:
        """The unit that the title above the headings states for all amounts of this kind."""
        if not rules.is_amount(element):
            return None
        area = measures.wanted_unit(element, area=False) in measures.AREAS
        return measures.unit_in_titles(self.table.titles, area=area)


def sampled(table: Table) -> list[Mapping[str, str | None]]:
    """Rows spread over the whole table."""
    step = max(1, len(table.rows) // SAMPLE)
    return [row.cells for row in table.rows[::step]]


def profiles_of(table: Table) -> dict[str, Profile]:
    """What each column's values look like."""
    rows = sampled(table)
    return {column: profile(row.get(column) for row in rows) for column in table.columns}


def candidates(look: Look, elements: Sequence[Element], columns: Sequence[str]) -> list[Candidate]:
    """Everything worth considering, best first; among equals in the order of the standard and of the table."""
    found = [_in_company(look, one, columns) for element in elements for one in _of(look, element, columns)]
    return sorted(found, key=lambda one: (one.held is not None, -one.score))


def _in_company(look: Look, one: Candidate, columns: Sequence[str]) -> Candidate:
    """Beside a number that differs in every row, one that is repeated is a clerk's, and a counter is only a counter."""
    seen, kind = look.profiles[one.columns[0]], kind_of(one.element)
    beside = [look.profiles[column] for column in columns if column not in one.columns]
    repeated = kind == "id" and one.element.path == look.standard.subject_field and seen.distinct < 0.5 * seen.count
    if repeated and any(other.share("id") >= 0.9 and other.distinct >= 0.95 * other.count for other in beside):
        zh, en = "各行多为同一号码，而旁边另有各行不同的号码", "repeated in many rows, beside one that differs"
        return replace(one, name=Fits(one.name.score * 0.5, False, zh, en))
    numbered = any(
        not look.profiles[column].counts and look.profiles[column].differs and names.is_number(look.heard[column])
        for column in columns
        if column not in one.columns and not look.profiles[column].kind and not heading(look.heard[column]).role
    )
    if kind == "text" and seen.counts and numbered:
        known = names.is_running(look.heard[one.columns[0]])  # then its own words say more
        zh, en = (
            (one.name.zh, one.name.en)
            if known
            else ("只是 1、2、3 的序号，旁边另有编号", "only a counter, beside a number")
        )
        return replace(one, name=Fits(one.name.score * COUNTER, False, zh, en))
    return one


def _of(look: Look, element: Element, columns: Sequence[str]) -> Iterator[Candidate]:
    fitting = []
    for column in columns:
        heard = look.heard[column]
        if names.is_flag(heard) or names.left_out(heard):
            continue
        counts = look.profiles[column].counts
        fits = look.vocabulary.fits(element, heard, look.comments.get(column, ""), counts=counts)
        if fits.score >= WORTH_A_LOOK:
            fitting.append(column)
            yield look.candidate(element, (column,), fits)
    if element.path.rpartition(".")[2] == "divisionCode" and len(fitting) > 1:
        best = [one for one in fitting if look.profiles[one].share("division") > 0.5]
        best = places.of_one_place([look.heard[column] for column in best], best)
        best.sort(key=lambda one: -max((len(value) for value in look.profiles[one].values), default=0))
        if len(best) > 1:
            zh, en = "取各级区划代码中最细的一级", "the finest of several levels"
            yield look.candidate(element, tuple(best), Fits(1.01, False, zh, en))


def assign(found: Sequence[Candidate], enough: float) -> dict[str, Candidate]:
    """Each element its best column and each column one element, greedily; codes of divisions may serve several.

    What surely is the code of a division is given to nothing else that only may be it.
    """
    taken: dict[str, Candidate] = {}
    used: set[str] = set()
    divisions: set[str] = set()
    for one in found:
        shared = one.element.path.rpartition(".")[2] in SHARED
        mine = {*one.columns}
        if one.score < enough or one.element.path in taken or (not shared and used & mine):
            continue
        if not shared and divisions & mine and not one.name.sure:
            continue
        taken[one.element.path] = one
        if not shared:
            used |= mine
        elif one.name.sure:
            divisions |= mine
    return taken


def by_values(look: Look, elements: Sequence[Element], columns: Sequence[str]) -> Iterator[Candidate]:
    """Columns whose names say nothing, or nothing known, recognised by what only such an element can hold."""
    for column in columns:
        head, seen = heading(look.heard[column]), look.profiles[column]
        telling = [one for one in elements if _told_by_values(one, seen)] if seen.count > 2 or seen.share("id") else []
        known = bool(head.role) or look.vocabulary.means_something(look.heard[column])
        if len(telling) != 1 or names.left_out(look.heard[column]):
            continue
        kind = kind_of(telling[0])
        if head.opaque or (not known and kind != "uscc") or (kind == "id" and head.role is None):
            zh, en = _TOLD[kind]
            yield look.candidate(telling[0], (column,), Fits(BY_VALUES, False, zh, en))


_TOLD = {
    "id": ("按校验码认出的公民身份号码", "recognised by its check digits"),
    "uscc": ("按校验码认出的统一社会信用代码", "recognised by its check characters"),
    "text": ("按编号的格式认出", "recognised by the form of the number"),
    "code": ("按取值认出的代码", "recognised by its words"),
}


def _told_by_values(element: Element, seen: Profile) -> bool:
    """Check digits, or the words of one code list."""
    kind = kind_of(element)
    if kind in ("id", "uscc"):
        return seen.share(kind) >= 0.9
    if kind == "text":
        return seen.count >= 5 and _has_a_form(str(element.schema.get("pattern", ""))) and _all_match(element, seen)
    if kind != "code" or element.codelist is None or not seen.values:
        return False
    words = words_of(element.codelist)
    spoken = [value for value in seen.values if not value.isascii()]
    return len(spoken) > 1 and all(value in words for value in seen.values)


# values of many kinds: a pattern that takes none of them has a form of its own
_ANYTHING = (
    *("1234567890123456789012"[:length] for length in range(1, 22)),
    *(
        "A1",
        "ABC",
        "abc",
        "2026-01-01",
        "440399001001",
        "13800000000",
        "ABC-2026-1",
        "测试",
        "ab c",
        "ABCDEFGHJKLMNPQRTU",
    ),
    *("113.1234567", "22.123456"),
)


@cache
def _has_a_form(pattern: str) -> bool:
    return bool(pattern) and not any(re.search(pattern, text) for text in _ANYTHING)


def _all_match(element: Element, seen: Profile) -> bool:
    return all(re.search(str(element.schema["pattern"]), value) for value in seen.values)
