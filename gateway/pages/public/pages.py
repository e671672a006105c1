"""Every page of the site: its address, its template, and what it tells. The same for the live site and the export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from gateway.pages.public import overview, samples, search, words
from gateway.pages.public.check import Outcome
from gateway.pages.public.library import Example, Group, Library
from gateway.pages.public.words import Text
from standards import Element, Standard, codelists, divisions, predicates
from standards.divisions import Division

Crumb = tuple[str, Text]
HOME: Crumb = ("/", Text("首页", "Home"))
STANDARDS: Crumb = ("/standards", Text("数据标准", "Standards"))
CODE_LISTS: Crumb = ("/codelists", Text("代码表", "Code lists"))
ELEMENTS: Crumb = ("/elements", Text("数据元", "Elements"))
TRANSLATIONS: Crumb = ("/translations", Text("代码对照", "Translations"))
DIVISIONS: Crumb = ("/divisions", Text("行政区划及沿革", "Divisions and their history"))
INDICATORS: Crumb = ("/indicators", Text("统计指标", "Indicators"))
MATTERS: Crumb = ("/matters", Text("办什么事", "Matters"))
DEPARTMENTS: Crumb = ("/departments", Text("部门", "Departments"))
CHECK: Crumb = ("/check", Text("在线校验", "Check"))
CHANGES: Crumb = ("/changes", Text("变更", "Changes"))
SEARCH: Crumb = ("/search", Text("查找", "Search"))
SECTIONS = (STANDARDS, ELEMENTS, CODE_LISTS, INDICATORS, MATTERS, DEPARTMENTS, CHECK, CHANGES)
PROVINCES = "gbt-2260-province/1.0.0"
RECENT = 6  # changes on the home page
INLINE_CODES = 12  # a code list of no more values stands in the field table itself


@dataclass(frozen=True)
class Page:
    """``crumbs`` lead to it from the home page, itself left out."""

    path: str
    template: str
    title: Text
    crumbs: tuple[Crumb, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """One row of a field table. ``codes`` is filled where they are few; ``example`` comes from a valid example."""

    element: Element
    depth: int
    kind: Text
    definition: Text | None
    example: Any
    codes: tuple[codelists.Code, ...]
    code_list: codelists.CodeList | None


class Site:
    """All pages over one library."""

    def __init__(self, library: Library) -> None:
        self.library = library

    @cached_property
    def index(self) -> list[search.Entry]:
        return search.index_of(self.library)

    def paths(self) -> Iterator[str]:
        """Every address, the home page first."""
        yield HOME[0]
        yield from (path for path, _ in (*SECTIONS, SEARCH))
        yield from (f"/standards/{standard_id}" for standard_id in self.library.registry)
        yield from (_path_of_list(each) for each in self.library.code_lists)
        yield TRANSLATIONS[0]
        yield from (f"/translations/{each.source}--{each.target}" for each in self.library.translations)
        yield DIVISIONS[0]
        yield from (f"/divisions/{province}" for province in provinces())
        yield from (f"/elements/{name}" for name in self.library.shared)
        yield from (f"/indicators/{each.id}" for each in self.library.indicators)
        yield from (f"/matters/{group.id}" for group in self.library.matters)
        yield from (f"/domains/{group.id}" for group in self.library.domains)
        yield from (f"/departments/{key}" for key in self.library.departments)

    def page(self, path: str) -> Page | None:
        """The page at an address; None if there is none."""
        match path.strip("/").split("/"):
            case [""]:
                return self._home()
            case ["standards"]:
                return Page(path, "standards.html", STANDARDS[1])
            case ["standards", name] if name in self.library.newest:
                return self._standard(self.library.newest[name])
            case ["standards", name, version] if f"{name}/{version}" in self.library.registry:
                return self._standard(self.library.registry[f"{name}/{version}"])
            case ["codelists"]:
                return Page(path, "codelists.html", CODE_LISTS[1])
            case ["codelists", name, version]:
                return self._code_list(f"{name}/{version}")
            case ["translations"]:
                return Page(path, "translations.html", TRANSLATIONS[1], (CODE_LISTS,))
            case ["translations", pair]:
                return self._translation(path, pair)
            case ["divisions"]:
                data = {
                    "provinces": {each: province_name(each) for each in provinces()},
                    "about": divisions.description(),
                }
                return Page(path, "divisions.html", DIVISIONS[1], (CODE_LISTS,), data)
            case ["divisions", province] if province in provinces():
                found: dict[str, Any] = {"divisions": provinces()[province], "provinces": provinces()}
                return Page(path, "province.html", province_name(province), (CODE_LISTS, DIVISIONS), found)
            case ["elements"]:
                return Page(path, "elements.html", ELEMENTS[1])
            case ["elements", name] if name in self.library.shared:
                return self._element(path, name)
            case ["indicators"]:
                return Page(path, "indicators.html", INDICATORS[1])
            case ["indicators", name, version]:
                return self._indicator(path, f"{name}/{version}")
            case ["matters"]:
                return Page(path, "matters.html", MATTERS[1])
            case ["matters", name]:
                return self._group(path, name, self.library.matters, MATTERS)
            case ["domains", name]:
                return self._group(path, name, self.library.domains, STANDARDS)
            case ["departments"]:
                return Page(path, "departments.html", DEPARTMENTS[1])
            case ["departments", name] if name in self.library.departments:
                department = self.library.departments[name]
                return Page(path, "department.html", department.title, (DEPARTMENTS,), {"department": department})
            case ["check"]:
                return self.check()
            case ["changes"]:
                return Page(path, "changes.html", CHANGES[1])
            case ["search"]:
                return self.search(None)
        return None

    def search(self, query: str | None) -> Page:
        """What was found; without a question, everything there is."""
        answer = search.find(self.index, query) if query else None
        return Page("/search", "search.html", SEARCH[1], (), {"answer": answer, "index": self.index})

    def check(self, text: str = "", kind: str = "record", standard: str = "", outcome: Outcome | None = None) -> Page:
        """The box, with what was sent and what came of it."""
        data = {"text": text, "kind": kind, "chosen": standard, "outcome": outcome}
        return Page("/check", "check.html", CHECK[1], (), data)

    def not_found(self) -> Page:
        return Page("/404", "404.html", Text("没有这个页面", "No such page"))

    def _home(self) -> Page:
        library = self.library
        data = {
            "overview": overview.draw(library),
            "recent": library.changes[:RECENT],
            "element_count": sum(len(standard.elements) for standard in library.newest.values()),
            "code_count": sum(len(each.codes) for each in library.code_lists),
        }
        return Page("/", "home.html", Text("通衢数据标准", "Tongqu data standards"), (), data)

    def _standard(self, standard: Standard) -> Page:
        library = self.library
        valid = library.examples(standard, "valid")
        domain = library.domain_of(standard)
        crumbs = (STANDARDS, (f"/domains/{domain.id}", domain.title))
        data = {
            "standard": standard,
            "fields": [_field(element, valid) for element in standard.elements],
            "valid": valid,
            "invalid": library.examples(standard, "invalid"),
            "versions": library.versions(standard.name),
            "questions": tuple(predicates.of(standard.id).values()),
        }
        return Page(f"/standards/{standard.id}", "standard.html", Text(standard.zh, standard.en), crumbs, data)

    def _code_list(self, list_id: str) -> Page | None:
        try:
            found = codelists.get(list_id)
        except codelists.UnknownCodeList:
            return None
        data = {
            "list": found,
            "users": self.library.users_of_list(found.id),
            "tables": [each for each in self.library.translations if found.id in (each.source, each.target)],
        }
        title = Text(found.title_zh, found.title_en)
        return Page(_path_of_list(found), "codelist.html", title, (CODE_LISTS,), data)

    def _translation(self, path: str, pair: str) -> Page | None:
        for table in self.library.translations:
            if f"{table.source}--{table.target}" == pair:
                data = {"table": table, "source": codelists.get(table.source), "target": codelists.get(table.target)}
                title = Text(table.title_zh, table.title_en)
                return Page(path, "translation.html", title, (CODE_LISTS, TRANSLATIONS), data)
        return None

    def _indicator(self, path: str, indicator_id: str) -> Page | None:
        for each in self.library.indicators:
            if each.id == indicator_id:
                title = Text(**each.document["name"])
                return Page(path, "indicator.html", title, (INDICATORS,), {"indicator": each})
        return None

    def _element(self, path: str, name: str) -> Page:
        shared = self.library.shared[name]
        field = _field(shared.element, [])
        title = Text(shared.element.zh, shared.element.en)
        return Page(path, "element.html", title, (ELEMENTS,), {"shared": shared, "each": field})

    def _group(self, path: str, name: str, groups: list[Group], above: Crumb) -> Page | None:
        for group in groups:
            if group.id == name:
                return Page(path, "group.html", group.title, (above,), {"group": group})
        return None


@cache
def provinces() -> Mapping[str, tuple[Division, ...]]:
    """Everything that six-digit codes have meant since the first list, by their first two digits; a province first."""
    found: dict[str, tuple[Division, ...]] = {}
    for code, meanings in sorted(divisions.table().items()):
        found[code[:2]] = (*found.get(code[:2], ()), *meanings)
    return MappingProxyType(found)


def province_name(province: str) -> Text:
    """By its two digits. The English name is that of the list of provinces, where it has one."""
    name, code = provinces()[province][0].zh, codelists.get(PROVINCES).codes.get(f"{province}0000")
    return Text(name, code.en if code else name)


def _path_of_list(code_list: codelists.CodeList) -> str:
    return f"/codelists/{code_list.id}/{code_list.version}"


def _field(element: Element, valid: list[Example]) -> Field:
    definition = element.schema.get("description")
    shown = (samples.at(example.record, element.path) for example in valid)
    example = next((value for value in shown if value is not None), None)
    code_list = codelists.get(element.codelist) if element.codelist else None
    used = element.schema.get("enum", ()) if code_list else ()
    codes = tuple(code_list.codes[code] for code in used) if code_list and len(used) <= INLINE_CODES else ()
    return Field(
        element,
        element.path.count("."),
        words.kind(element),
        words.halves(definition) if definition else None,
        None if isinstance(example, dict | list) else example,
        codes,
        code_list,
    )
