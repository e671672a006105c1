"""Finding a standard, a field, a code list, a matter or a department by any of its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.pages.public.library import Library
from gateway.pages.public.words import Text

MAX_QUERY: Final = 100  # characters
MAX_OF_A_KIND: Final = 40
KINDS: Final = {
    "standard": Text("数据标准", "Standards"),
    "matter": Text("办什么事", "Matters"),
    "element": Text("共享数据元", "Shared elements"),
    "field": Text("字段", "Fields"),
    "codelist": Text("代码表", "Code lists"),
    "indicator": Text("统计指标", "Indicators"),
    "department": Text("部门", "Departments"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be found. ``path`` is its page.

    ``words`` are its own, in lower case; ``around`` those of its standard: one of its own must be asked for.
    """

    kind: str
    title: Text
    detail: Text
    path: str
    words: str
    around: str = ""

    def holds(self, asked: list[str]) -> bool:
        everything = self.words + " " + self.around
        return all(word in everything for word in asked) and any(word in self.words for word in asked)


@dataclass(frozen=True, slots=True)
class Answer:
    """Entries by kind, best first. ``identifier``: the words looked like somebody's number and were not used."""

    query: str
    found: dict[str, list[Entry]]
    identifier: bool = False

    @property
    def count(self) -> int:
        return sum(len(entries) for entries in self.found.values())


def find(index: list[Entry], query: str) -> Answer:
    """Entries that hold every word of ``query``. A number of 15 digits or more may be a person's: it is dropped."""
    query = " ".join(query[:MAX_QUERY].split())
    if re.search(r"\d{11}", re.sub(r"[\s-]", "", query)):
        return Answer("", {}, identifier=True)
    asked = query.casefold().split()
    hits = [entry for entry in index if entry.holds(asked)]
    hits.sort(key=lambda entry: _rank(entry, asked))
    found = {kind: [entry for entry in hits if entry.kind == kind][:MAX_OF_A_KIND] for kind in KINDS}
    return Answer(query, {kind: entries for kind, entries in found.items() if entries})


def _rank(entry: Entry, asked: list[str]) -> int:
    titles = [title.casefold() for title in entry.title]
    return 0 if " ".join(asked) in titles else 1 if all(any(word in title for title in titles) for word in asked) else 2


def index_of(library: Library) -> list[Entry]:
    makers = (_standards, _groups, _shared, _fields, _code_lists, _indicators, _departments)
    return [entry for maker in makers for entry in maker(library)]


def _entry(kind: str, title: Text, detail: Text, path: str, *more: str) -> Entry:
    return Entry(kind, title, detail, path, " ".join([*title, *detail, *more]).casefold())


def _standards(library: Library) -> Iterator[Entry]:
    for standard in library.newest.values():
        detail = Text(standard.authority_zh, standard.authority_en)
        about = standard.schema["description"]
        yield _entry(
            "standard", Text(standard.zh, standard.en), detail, f"/standards/{standard.id}", standard.id, about
        )


def _groups(library: Library) -> Iterator[Entry]:
    for group in library.matters:
        detail = Text("、".join(s.zh for s in group.standards), ", ".join(s.en for s in group.standards))
        yield _entry("matter", group.title, detail, f"/matters/{group.id}")


def _shared(library: Library) -> Iterator[Entry]:
    for each in library.shared.values():
        detail = Text(f"{len(each.uses)} 处使用", f"used in {len(each.uses)} places")
        title = Text(each.element.zh, each.element.en)
        yield _entry("element", title, detail, f"/elements/{each.name}", each.name, each.element.standard)


def _fields(library: Library) -> Iterator[Entry]:
    for standard, element in library.all_elements():
        title, where = Text(element.zh, element.en), Text(standard.zh, standard.en)
        words = " ".join([*title, element.path]).casefold()
        path = f"/standards/{standard.id}#{element.path}"
        yield Entry("field", title, where, path, words, " ".join(where).casefold())


def _code_lists(library: Library) -> Iterator[Entry]:
    for each in library.code_lists:
        codes = " ".join(f"{code.code} {code.zh} {code.en}" for code in each.codes.values())
        detail = Text(f"{len(each.codes)} 个代码", f"{len(each.codes)} codes")
        title, path = Text(each.title_zh, each.title_en), f"/codelists/{each.id}/{each.version}"
        yield _entry("codelist", title, detail, path, each.id, each.standard, codes)


def _indicators(library: Library) -> Iterator[Entry]:
    for each in library.indicators:
        title, detail = Text(**each.document["name"]), Text(**each.document["definition"])
        yield _entry("indicator", title, detail, f"/indicators/{each.id}", each.id)


def _departments(library: Library) -> Iterator[Entry]:
    for each in library.departments.values():
        detail = Text(f"{len(each.elements)} 个字段以它为准", f"authority for {len(each.elements)} fields")
        yield _entry("department", each.title, detail, f"/departments/{each.id}")
