"""What the site tells about: the published standards and everything that stands beside them, looked up both ways."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import standards
from gateway.pages.public.words import Text
from standards import Element, Standard, Violation, codelists, guide

PACKAGE = Path(standards.__file__).parent


def always_published(_standard_id: str) -> str:
    """The state of a standard where no registry is at hand: its file is in the package, so it was published."""
    return "published"


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
    state_of: Callable[[str], str] = always_published

    @cached_property
    def newest(self) -> dict[str, Standard]:
        """The newest version of each standard by its name, in the order of the domains."""
        last = {standard.name: standard for standard in self.registry.values()}
        placed = [name for group in guide.domains() for name in group.standards if name in last]
        return {name: last[name] for name in [*placed, *(name for name in last if name not in placed)]}

    def versions(self, name: str) -> list[Standard]:
        """All versions of a standard, newest first."""
        return [standard for standard in self.registry.values() if standard.name == name][::-1]

    def within(self, group: guide.Group) -> list[Standard]:
        """The standards of a domain or matter that are published."""
        return [self.newest[name] for name in group.standards if name in self.newest]

    @cached_property
    def domains(self) -> list[guide.Group]:
        return [group for group in guide.domains() if self.within(group)]

    @cached_property
    def matters(self) -> list[guide.Group]:
        return [group for group in guide.matters() if self.within(group)]

    @cached_property
    def homeless(self) -> list[Standard]:
        """Standards that no domain names yet."""
        placed = {name for group in guide.domains() for name in group.standards}
        return [standard for name, standard in self.newest.items() if name not in placed]

    def offices_of(self, standard: Standard) -> list[tuple[str, Text]]:
        """(id of the department, title) of each authority of a standard."""
        return offices(standard.authority_zh, standard.authority_en)

    def domain_of(self, name: str) -> guide.Group | None:
        return next((group for group in guide.domains() if name in group.standards), None)

    def matters_of(self, name: str) -> list[guide.Group]:
        return [group for group in self.matters if name in group.standards]

    def examples(self, standard: Standard, kind: str) -> list[Example]:
        """``kind`` is ``valid`` or ``invalid``. What is wrong is found by the validator, not told by the file."""
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
        found: list[Change] = []
        for path in sorted((self.folder / "changelogs").glob("*.json")):
            for entry in json.loads(path.read_text(encoding="utf-8")):
                standard = f"{path.stem}/{entry['version']}"
                if standard in self.registry:
                    lines = tuple(Text(zh, en) for zh, en in zip(entry["zh"], entry["en"], strict=True))
                    found.append(Change(standard, entry["date"], lines))
        return sorted(found, key=lambda change: change.date, reverse=True)

    def change_of(self, standard_id: str) -> Change | None:
        return next((change for change in self.changes if change.standard == standard_id), None)

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
        titles: dict[str, Text] = {}
        holds: dict[str, list[Standard]] = {}
        parts: dict[str, list[tuple[Standard, Element]]] = {}
        for standard in self.newest.values():
            for department, title in offices(standard.authority_zh, standard.authority_en):
                titles.setdefault(department, title)
                holds.setdefault(department, []).append(standard)
        for standard, element in self.all_elements():
            for department, title in offices(element.authority_zh, element.authority_en):
                titles.setdefault(department, title)
                parts.setdefault(department, []).append((standard, element))
        found = [
            Department(key, title, tuple(holds.get(key, ())), tuple(parts.get(key, ())))
            for key, title in titles.items()
        ]
        ordered = sorted(found, key=lambda each: (-len(each.holds), -len(each.elements), each.id))
        return {each.id: each for each in ordered}


def offices(zh: str, en: str) -> list[tuple[str, Text]]:
    """(id, title) of each office in an authority like ``民政（老年）/ 残联（残疾）``, without the desks in brackets."""
    parts_zh, parts_en = (re.split(r"\s*/\s*", text) for text in (zh, en))
    if len(parts_zh) != len(parts_en):
        parts_zh, parts_en = [zh], [en]
    found = []
    for one_zh, one_en in zip(parts_zh, parts_en, strict=True):
        title = Text(re.sub(r"（.*?）", "", one_zh).strip(), re.sub(r"\s*\(.*?\)", "", one_en).strip())
        found.append((re.sub(r"[^a-z0-9]+", "-", title.en.lower()).strip("-"), title))
    return found
