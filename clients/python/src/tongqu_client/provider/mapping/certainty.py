"""How sure a choice is: ``certain`` only when name and values agree and nothing else fits.

A wrong ``certain`` is the worst this program can do, so everything that could be otherwise is a doubt, and one doubt is
enough for ``likely``. The doubts are told, in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standards import Element, codelists

from tongqu_client.provider.mapping import code_words, crosscheck, measures, shortness
from tongqu_client.provider.mapping.doubt import Certainty, Doubt
from tongqu_client.provider.mapping.everyday import words_of
from tongqu_client.provider.mapping.evidence import kind_of
from tongqu_client.provider.mapping.matching import Candidate, Look
from tongqu_client.provider.mapping.names import heading
from tongqu_client.provider.mapping.profile import HARD

LIKELY = 0.68  # score below which a choice is unsure
FEW = 5  # values; fewer prove nothing
NEARLY_ALL = 0.97
COMPETES = 0.72  # share of our score at which another column competes


@dataclass(frozen=True, slots=True)
class Court:
    """All that is known when one choice is judged."""

    look: Look
    found: Sequence[Candidate]
    taken: Mapping[str, Candidate]

    def judge(self, one: Candidate) -> tuple[Certainty, tuple[Doubt, ...]]:
        """How sure this choice is, and every doubt about it."""
        doubts = tuple(dict.fromkeys(self._doubts(one)))
        if not doubts:
            return "certain", ()
        grave = any(doubt.grave for doubt in doubts) or one.score < LIKELY
        return ("unsure" if grave else "likely"), doubts

    def refuted(self, path: str, one: Candidate | None = None) -> bool:
        """A column of birth dates that are hardly ever those of the identity numbers beside them."""
        one, identity = one or self.taken.get(path), _subject_identity(self)
        if path != "birthDate" or one is None or identity is None or len(one.columns) > 1:
            return False
        agreed = crosscheck.births(self.look.rows, identity, one.columns[0], one.rule["fn"])
        return agreed.rows >= crosscheck.ENOUGH and agreed.share < 0.2

    def _doubts(self, one: Candidate) -> Iterator[Doubt]:
        if len(one.columns) > 1:
            yield Doubt("取自多列", "taken from several columns")
        if not one.name.sure:
            yield Doubt(one.name.zh, one.name.en)
        if not one.values.telling:
            zh, en = one.values.zh or "取值不足以证明", one.values.en or "the values prove nothing"
            yield Doubt(zh, en, grave=one.values.factor < 0.65)
        yield from self._amount_of_evidence(one)
        for column in one.columns:
            yield from self._competition(one, column)
        yield from shortness.doubts(self, one)
        yield from _of_kind(self, one)

    def _amount_of_evidence(self, one: Candidate) -> Iterator[Doubt]:
        seen = self.look.profiles[one.columns[0]]
        if 0 < seen.count < FEW:
            yield Doubt(f"只有 {seen.count} 个取值", f"only {seen.count} values")
        if seen.count and seen.distinct == 1 and kind_of(one.element) != "id":
            yield Doubt("每行取值相同", "the same value in every row")
        if one.fit.share < NEARLY_ALL:
            yield Doubt(f"{one.fit.bad} 个取值不合要求", f"{one.fit.bad} values do not fit", grave=one.fit.share < 0.8)

    def _competition(self, one: Candidate, column: str) -> Iterator[Doubt]:
        """Other columns for this element, other elements for this column, other things of this name."""
        for other in self.found:
            rival = other.element.path == one.element.path and not {*other.columns} & {*one.columns}
            better = other.name.sure and other.name.score >= one.name.score
            if rival and (better or other.score >= COMPETES * one.score) and not self._spoken_for(other):
                listed = "、".join(other.columns)
                yield Doubt(f"列 {listed} 也可能是", f"{listed} may be it as well")
            also = other.columns == one.columns and other.element.path != one.element.path
            if also and other.score >= 0.9 * one.score and not _same_family(one.element, other.element):
                yield Doubt(f"此列也可能是 {other.element.zh}", f"the column may be {other.element.en} as well")
        if heading(column).twin or f"{column}#2" in self.look.table.columns:
            yield Doubt("有同名的列", "another column has the same name")
        settled = one.element.path == "birthDate" and self.born_as_numbered(one)
        for rival_name in () if settled else self._same_letters(one, column):
            yield Doubt(f"列名也可能指 {rival_name}", f"the name may also mean {rival_name}")

    def born_as_numbered(self, one: Candidate) -> bool:
        identity = _subject_identity(self)
        return (
            identity is not None and crosscheck.births(self.look.rows, identity, one.columns[0], one.rule["fn"]).holds
        )

    def elsewhere(self, column: str, one: Candidate) -> bool:
        """The column surely is another element of this standard."""
        return any(
            column in other.columns and other.name.sure
            for path, other in self.taken.items()
            if path != one.element.path
        )

    def _spoken_for(self, other: Candidate) -> bool:
        """The other column surely is another element of this standard."""
        holder = next((one for one in self.taken.values() if other.columns[0] in one.columns), None)
        return holder is not None and holder.name.sure and holder.element.path != other.element.path

    def _same_letters(self, one: Candidate, column: str) -> Iterator[str]:
        """Letters are ambiguous (CSRQ), characters hardly; a telling comment settles it."""
        heard = self.look.heard[column]
        if (
            not heading(heard).latin
            or self.look.comments.get(column)
            or kind_of(one.element) in ("id", "uscc", "division")
        ):
            return
        kind = kind_of(one.element)
        for key in sorted(self.look.vocabulary.rivals(one.element, heard)):
            title, rival_kind = self.look.vocabulary.describe(key)
            confusable = rival_kind in (kind, "?") and kind not in ("person", "phone")
            if title == one.element.zh:
                continue
            if confusable and not (kind == "code" and one.values.telling and rival_kind != "?"):
                yield title


def _same_family(mine: Element, other: Element) -> bool:
    """Parts of one address, or divisions, which share their columns on purpose."""
    return {kind_of(mine), kind_of(other)} == {"division"}


def _of_kind(court: Court, one: Candidate) -> Iterator[Doubt]:
    kind = kind_of(one.element)
    if kind == "id":
        yield from _identity(court, one)
    elif kind == "code":
        yield from _codes(court, one)
    elif kind == "date":
        yield from _dates(court, one)
    elif kind == "amount":
        yield from _amounts(court, one)
    elif kind == "yes_no" and not court.look.profiles[one.columns[0]].values - {"0", "1"}:
        yield Doubt("0、1 的意思没有写明", "what 0 and 1 mean is not said")
    elif kind == "integer":
        yield Doubt("数字可能是别的计数", "the numbers may count something else")
    elif kind == "division":
        yield Doubt("区划可能是另一地址的", "the division may be of another address")


def _identity(court: Court, one: Candidate) -> Iterator[Doubt]:
    """Two columns of identity numbers: certain only if each says whose it is, or the birth date beside it decides."""
    rows, birth = court.look.rows, _subject_birth(court)
    ours = crosscheck.births(rows, one.columns[0], birth.columns[0], birth.rule["fn"]) if birth else None
    subject = one.element.path == court.look.standard.subject_field
    if subject and ours is not None and ours.fails:
        yield Doubt("与出生日期列不符，可能是另一人的号码", "disagrees with the birth dates; it may be another's", True)
    for column, seen in court.look.profiles.items():
        if column in one.columns or seen.share("id") < 0.5:
            continue
        other = heading(court.look.heard[column])
        if other.role in (None, "self") or other.opaque:
            settled = subject and birth is not None and ours is not None and ours.holds
            theirs = crosscheck.births(rows, column, birth.columns[0], birth.rule["fn"]) if birth else None
            if not (settled and theirs is not None and theirs.share < 0.5):
                yield Doubt(f"列 {column} 也是身份证号", f"{column} holds identity numbers too")


def _subject_birth(court: Court) -> Candidate | None:
    found = court.taken.get("birthDate")
    return found if found is not None and len(found.columns) == 1 else None


def _subject_identity(court: Court) -> str | None:
    """The column of the subject's identity numbers; failing that, the only one that says nobody else's."""
    found = court.taken.get(court.look.standard.subject_field)
    if found is not None and kind_of(found.element) == "id" and len(found.columns) == 1:
        return found.columns[0]
    alike = [
        column
        for column, seen in court.look.profiles.items()
        if seen.share("id") >= HARD and heading(court.look.heard[column]).role in (None, "self")
    ]
    return alike[0] if len(alike) == 1 else None


def _codes(court: Court, one: Candidate) -> Iterator[Doubt]:
    """Words speak for themselves. Short numbers may be another department's, or reversed."""
    values, identity = court.look.profiles[one.columns[0]].values, _subject_identity(court)
    if _is_sex_of_subject(one.element) and identity is not None:
        agreed = crosscheck.sexes(court.look.rows, identity, one.columns[0], one.rule["fn"])
        if agreed.fails:
            yield Doubt("与身份证号所示性别不符", "disagrees with the sex the identity numbers tell", grave=True)
        if agreed.holds:
            return
    if any("from_codelist" in step for step in one.rule["fn"] if isinstance(step, dict)):
        yield Doubt("代码属于另一代码表", "the codes are of another list")
    numeric = [value for value in values if value.isascii()]
    if any(not value.isdecimal() for value in numeric) and not _distinctive(one.element, numeric):
        yield Doubt("这些代码可能是本部门自己的编法", "the codes may be the department's own")
    elif numeric and not _distinctive(one.element, numeric):
        yield Doubt("数字代码可能是本部门自己的编法", "the numbers may be codes of the department's own")
    near = code_words.only_near(one.rule)
    if near:
        zh, en = "、".join(near), ", ".join(near)
        yield Doubt(f"{zh} 只是与代码表中的名称相近", f"{en}: only near names of the code list")
    if len(values) < 2:
        yield Doubt("取值太少", "too few different values")
    lists = _lists_that_fit(values)
    if not numeric and lists > 3:
        yield Doubt("这些词也在别的代码表里", "the words are in other code lists too")


def _is_sex_of_subject(element: Element) -> bool:
    return element.path == "sex"


def _distinctive(element: Element, numeric: Sequence[str]) -> bool:
    """Codes of two digits and more, several of them, all in the list: hardly by chance."""
    if element.codelist is None:
        return False
    known = codelists.get(element.codelist).codes
    return len(numeric) > 2 and all(len(value) > 1 and value in known for value in numeric)


def _lists_that_fit(values: frozenset[str]) -> int:
    return sum(bool(values) and values <= words_of(name).keys() for name in codelists.names())


def _dates(court: Court, one: Candidate) -> Iterator[Doubt]:
    step: dict[str, Any] = next((s for s in one.rule["fn"] if isinstance(s, dict) and s["fn"] == "date"), {})
    formats = step.get("formats", ())
    if "excel" in formats:
        yield Doubt("日期是 Excel 序列号", "the dates are day numbers of a spreadsheet")
    if {"M/d/yyyy", "d/M/yyyy"} & {*formats}:
        yield Doubt("日与月的先后不明", "day and month may be exchanged")
    if any(re.search("(?<!y)yy(?!y)", name) for name in formats):
        yield Doubt("年份只有两位", "years of two digits")
    if "missing_time" in step:
        yield Doubt("只有日期，时刻取零点", "days without a time become midnight")
    if "missing_day" in step and step.get("as") != "month":
        yield Doubt("只有年月，日取每月第一天", "months without days become their first day")
    identity = _subject_identity(court)
    if identity is None:
        if one.element.path == "birthDate":
            yield Doubt("没有身份证号可以核对", "there are no identity numbers to check it by")
        return
    agreed = crosscheck.births(court.look.rows, identity, one.columns[0], one.rule["fn"])
    if one.element.path == "birthDate" and agreed.fails:
        yield Doubt("与身份证号中的出生日期不符", "disagrees with the birth dates in the identity numbers", grave=True)
    if one.element.path != "birthDate" and agreed.holds:
        yield Doubt(
            "取值就是身份证号中的出生日期", "the values are the birth dates in the identity numbers", grave=True
        )


def _amounts(court: Court, one: Candidate) -> Iterator[Doubt]:
    """A number is right only with its unit and the time it is for."""
    if one.held is not None:
        yield Doubt(*one.held, grave=True)
        return
    said = [text for column in one.columns for text in (column, court.look.comments.get(column, "")) if text]
    if not any(heading(text).unit for text in said):
        stated = court.look.unit_in_title(one.element)
        if stated:
            yield Doubt(f"单位“{stated}”取自标题行", f"the unit, {stated}, is told by the title only")
        else:
            yield Doubt("列名没有写明单位（元、万元、平方米）", "the heading does not name the unit")
    period = measures.period_of(one.element.zh)
    if period is not None and not any(measures.period_of(text) for text in said):
        zh, en = measures.PERIODS[period]
        yield Doubt(f"列名没有写明是{zh}的数", f"the heading does not say that it is for {en}")
