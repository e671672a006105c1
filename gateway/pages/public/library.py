"""What the site tells about: the published standards and everything that stands beside them, looked up both ways."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import standards
from gateway.pages.public.words import Text
from standards import Element, Standard, Violation, codelists, drafting, indicators
from standards.compare import Comparison, compare
from standards.indicators import Indicator
from standards.matters import Matter, matters

PACKAGE = Path(standards.__file__).parent
DOMAINS = "standard-domain/1.0.0"
PREDECESSOR_EFFORT = 2_000_000  # operations for each direction of a comparison, about a microsecond each


@dataclass(frozen=True, slots=True)
class Group:
    """A domain or a matter: a heading over standards."""

    id: str
    title: Text
    standards: tuple[Standard, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """What a registry knows of a version beside its text. ``date``, ``until``: days (YYYY-MM-DD).

    ``lines`` is the changelog that was published with it; where it is None, the package's own file is looked at.
    """

    state: str = "published"
    date: str | None = None
    until: str | None = None
    successor: str | None = None
    signed_by: str | None = None
    lines: tuple[Text, ...] | None = None


PUBLISHED = Note()  # of a version that no registry knows: its file is in the package, so it was published


@dataclass(frozen=True, slots=True)
class Example:
    """A synthetic record. ``violations`` is empty for a valid one, and says what is wrong with an invalid one."""

    name: str
    record: Any
    violations: tuple[Violation, ...]

    @property
    def title(self) -> str:
        """The first part of the file's name, as words; the rest of it repeats the place and the rule."""
        return self.name.split(".")[0].replace("-", " ")


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a changelog."""

    standard: str  # person-basic/1.0.0
    date: str
    lines: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class SharedElement:
    """One entry of the dictionary, and where standards use it."""

    name: str
    group: str
    element: Element
    uses: tuple[tuple[Standard, Element], ...]


@dataclass(frozen=True, slots=True)
class Department:
    """Somebody whom a standard or an element names as the authority for it."""

    id: str
    title: Text
    holds: tuple[Standard, ...]
    elements: tuple[tuple[Standard, Element], ...]


@dataclass(frozen=True)
class Library:
    """``registry`` holds every version. ``folder`` holds examples and changelogs, laid out as in this package."""

    registry: Mapping[str, Standard] = field(default_factory=lambda: standards.REGISTRY)
    folder: Path = PACKAGE
    notes: Mapping[str, Note] = field(default_factory=dict)
    _examples: dict[tuple[str, str], list[Example]] = field(default_factory=dict, repr=False, compare=False)

    def note(self, standard_id: str) -> Note:
        return self.notes.get(standard_id, PUBLISHED)

    @cached_property
    def newest(self) -> dict[str, Standard]:
        """The version of each standard to be used, by name, in the order of the domains.

        That is the newest in force; where none is, the newest of all.
        """
        last: dict[str, Standard] = {}
        for standard in self.registry.values():
            if standard.name not in last or self.in_force(standard) or not self.in_force(last[standard.name]):
                last[standard.name] = standard
        order = list(codelists.get(DOMAINS).codes)
        return dict(sorted(last.items(), key=lambda item: order.index(item[1].schema["x-domain"])))

    def in_force(self, standard: Standard) -> bool:
        return self.note(standard.id).state in ("published", "deprecated")

    def versions(self, name: str) -> list[Standard]:
        """All versions of a standard, newest first."""
        return [standard for standard in self.registry.values() if standard.name == name][::-1]

    def comparison(self, standard: Standard) -> Comparison | None:
        """This version against the one before it; None for the first."""
        older = self.versions(standard.name)
        older = older[older.index(standard) + 1 :]
        return _compared(older[0], standard) if older else None

    @cached_property
    def domains(self) -> list[Group]:
        found = []
        for code in codelists.get(DOMAINS).codes.values():
            within = tuple(each for each in self.newest.values() if each.schema["x-domain"] == code.code)
            if within:
                found.append(Group(code.code, Text(code.zh, code.en), within))
        return found

    @cached_property
    def matters(self) -> list[Group]:
        return [group for group in map(self._group, matters()) if group.standards]

    def _group(self, matter: Matter) -> Group:
        within = tuple(self.newest[name] for name in matter.standards if name in self.newest)
        return Group(matter.id, Text(matter.zh, matter.en), within)

    def domain_of(self, standard: Standard) -> Group:
        return next(group for group in self.domains if group.id == standard.schema["x-domain"])

    def matters_of(self, standard: Standard) -> list[Group]:
        return [group for group in self.matters if standard in group.standards]

    def offices_of(self, standard: Standard) -> list[Department]:
        """The authorities of a standard."""
        return [self.departments[each] for each in self._ids(standard.authority_zh, standard.authority_en)]

    def examples(self, standard: Standard, kind: str) -> list[Example]:
        """``kind`` is ``valid`` or ``invalid``. What is wrong is found by the validator, not told by the file."""
        if (standard.id, kind) not in self._examples:
            self._examples[standard.id, kind] = self._read_examples(standard, kind)
        return self._examples[standard.id, kind]

    def _read_examples(self, standard: Standard, kind: str) -> list[Example]:
        validator = standard.validator()
        found = []
        for path in sorted((self.folder / "examples" / standard.id / kind).glob("*.json")):
            record = json.loads(path.read_text(encoding="utf-8"))
            found.append(Example(path.stem, record, tuple(validator.errors(record))))
        return found

    def example_text(self, standard_id: str, kind: str, name: str) -> str:
        """An example as its file has it; empty if there is none of this name."""
        for path in (self.folder / "examples" / standard_id / kind).glob("*.json"):
            if path.stem == name:
                return path.read_text(encoding="utf-8")
        return ""

    @cached_property
    def changes(self) -> list[Change]:
        """What changed, newest first."""
        ids = [standard.id for name in self.newest for standard in self.versions(name)]
        found = [change for standard_id in ids if (change := self.change_of(standard_id))]
        return sorted(found, key=lambda change: change.date, reverse=True)

    def change_of(self, standard_id: str) -> Change | None:
        """The changelog of one version; None for one that was not published."""
        note = self.note(standard_id)
        shipped = self._shipped_changes.get(standard_id)
        lines = note.lines if note.lines is not None else shipped.lines if shipped else None
        date = note.date or (shipped.date if shipped else None)
        return Change(standard_id, date, lines) if lines is not None and date else None

    @cached_property
    def _shipped_changes(self) -> dict[str, Change]:
        found: dict[str, Change] = {}
        for path in sorted((self.folder / "changelogs").glob("*.json")):
            for entry in json.loads(path.read_text(encoding="utf-8")):
                lines = tuple(Text(zh, en) for zh, en in zip(entry["zh"], entry["en"], strict=True))
                found[f"{path.stem}/{entry['version']}"] = Change(
                    f"{path.stem}/{entry['version']}", entry["date"], lines
                )
        return found

    @cached_property
    def shared(self) -> dict[str, SharedElement]:
        """The dictionary of shared elements by name, in the order of its groups."""
        uses: dict[str, list[tuple[Standard, Element]]] = {}
        for standard, element in self.all_elements():
            uses.setdefault(element.schema.get("x-element", ""), []).append((standard, element))
        words = drafting.dictionary()
        return {
            name: SharedElement(name, group, element_of(name, words[name]), tuple(uses.get(name, ())))
            for group, names in drafting.groups().items()
            for name in names
        }

    @cached_property
    def indicators(self) -> list[Indicator]:
        """The published indicators over standards that are shown."""
        found = [indicators.get(name) for name in indicators.names()]
        return [each for each in found if each.standard.id in self.registry]

    @cached_property
    def translations(self) -> list[codelists.ListCrosswalk]:
        """Every published table from one code list to another."""
        return [codelists.crosswalk(source, target) for source, target in codelists.published()]

    @cached_property
    def code_lists(self) -> list[codelists.CodeList]:
        return [codelists.get(name) for name in codelists.names()]

    def users_of_list(self, list_id: str) -> list[tuple[Standard, Element]]:
        """The elements whose values are codes of this list, whatever its version."""
        return [(s, e) for s, e in self.all_elements() if e.codelist and e.codelist.split("/")[0] == list_id]

    def all_elements(self) -> Iterator[tuple[Standard, Element]]:
        for standard in self.newest.values():
            for element in standard.elements:
                yield standard, element

    @cached_property
    def departments(self) -> dict[str, Department]:
        """By id, those that hold whole standards first. The words in brackets (the desk within) are left out."""
        holds: dict[str, list[Standard]] = {}
        parts: dict[str, list[tuple[Standard, Element]]] = {}
        for standard in self.newest.values():
            for office in self._ids(standard.authority_zh, standard.authority_en):
                holds.setdefault(office, []).append(standard)
        for standard, element in self.all_elements():
            for office in self._ids(element.authority_zh, element.authority_en):
                parts.setdefault(office, []).append((standard, element))
        found = [
            Department(
                slug(title.en), title, tuple(holds.get(slug(title.en), ())), tuple(parts.get(slug(title.en), ()))
            )
            for title in self._offices.values()
        ]
        ordered = sorted(found, key=lambda each: (-len(each.holds), -len(each.elements), each.id))
        return {each.id: each for each in ordered}

    @cached_property
    def _offices(self) -> dict[str, Text]:
        """The titles of all offices by their Chinese one; of several English ones the longest, which says most."""
        titles: dict[str, Text] = {}
        holders = [(each.authority_zh, each.authority_en) for each in self.newest.values()]
        for zh, en in [*holders, *((each.authority_zh, each.authority_en) for _, each in self.all_elements())]:
            for title in offices(zh, en):
                titles[title.zh] = max(title, titles.get(title.zh, title), key=lambda each: len(each.en))
        return titles

    def _ids(self, zh: str, en: str) -> list[str]:
        return [slug(self._offices[title.zh].en) for title in offices(zh, en)]


@lru_cache(maxsize=256)
def _compared(old: Standard, new: Standard) -> Comparison:
    """Versions never change, so neither does this."""
    return compare(old.schema, new.schema, PREDECESSOR_EFFORT)


def element_of(name: str, schema: Mapping[str, Any]) -> Element:
    """An entry of the dictionary as an element that stands in no standard yet."""
    return Element(
        name,
        schema["title"],
        schema["x-en"],
        schema["x-standard"],
        schema.get("x-codelist"),
        schema["x-sensitivity"],
        schema.get("x-sensitivity-category"),
        schema.get("x-mask"),
        schema["x-authority"]["zh"],
        schema["x-authority"]["en"],
        False,
        schema["type"],
        schema,
    )


def offices(zh: str, en: str) -> list[Text]:
    """The offices in an authority like ``民政（老年）/ 残联（残疾）``, without the desks in brackets."""
    parts_zh, parts_en = (re.split(r"\s*/\s*", text) for text in (zh, en))
    if len(parts_zh) != len(parts_en):
        parts_zh, parts_en = [zh], [en]
    return [
        Text(re.sub(r"（.*?）", "", one_zh).strip(), _capital(re.sub(r"\s*\(.*?\)", "", one_en).strip()))
        for one_zh, one_en in zip(parts_zh, parts_en, strict=True)
    ]


def slug(words: str) -> str:
    """For an address: small letters and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
