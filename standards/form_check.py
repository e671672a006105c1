"""Is this document a collection form?

What is proved: the closed schema (form.schema.json); that each named element exists; that nothing is asked twice; that
a new field is in no standard and has limits that can be met; that dates do not contradict each other. What departments
already hold is another question: see form_holders.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from standards.registry import REGISTRY
from standards.rules import Problem
from standards.standard import Element, Standard, UnknownField
from standards.validate import Validator, beyond_bounds

SCHEMA = Path(__file__).parent / "form.schema.json"
MAX_FIELDS = 200  # of one form, as the schema says too; counted before the fields are looked at


def check(document: object, standards: Mapping[str, Standard] = REGISTRY) -> list[Problem]:
    """Everything that keeps this document from being a form; an empty list if nothing does."""
    if not isinstance(document, dict):
        return [Problem("", "not_an_object", "采集表单应为 JSON 对象", "a form is a JSON object")]
    if too_big := beyond_bounds(document):
        return [Problem("", "too_large", too_big.zh, too_big.en)]
    fields = document.get("fields")
    if isinstance(fields, list) and len(fields) > MAX_FIELDS:
        return [Problem("/fields", "too_large", f"字段多于 {MAX_FIELDS} 个", f"more than {MAX_FIELDS} fields")]
    if violations := _validator().errors(document):
        return [Problem(one.pointer, f"meta:{one.rule}", one.zh, one.en) for one in violations]
    return [
        *_elements(document["fields"], standards),
        *_twice(document["fields"]),
        *_new_fields(document["fields"], standards),
        *_dates(document),
    ]


@cache
def _validator() -> Validator:
    return Validator.of_ours(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _find(named: str, standards: Mapping[str, Standard]) -> Element | None:
    standard, _, path = named.partition("#")
    try:
        return standards[standard].element(path)
    except (KeyError, UnknownField):
        return None


def _elements(fields: list[dict[str, Any]], standards: Mapping[str, Standard]) -> Iterator[Problem]:
    for index, field in enumerate(fields):
        if "element" in field and _find(field["element"], standards) is None:
            yield Problem(
                f"/fields/{index}/element",
                "unknown_element",
                f"没有这个数据元：{field['element']}",
                f"no such element: {field['element']}",
            )


def _twice(fields: list[dict[str, Any]]) -> Iterator[Problem]:
    """The same element, an object together with a part of it, or two new fields of one name or title."""
    seen: set[str] = set()
    for index, field in enumerate(fields):
        marks = (
            [field["element"]] if "element" in field else [f"new:{field['new']['name']}", _title(field["new"]["title"])]
        )
        if any(_covers(mark, earlier) or _covers(earlier, mark) for mark in marks for earlier in seen):
            yield Problem(f"/fields/{index}", "duplicate", "表单已有这一项", "the form has this already")
        seen.update(marks)


def _covers(one: str, other: str) -> bool:
    return one == other or other.startswith(f"{one}.")


def _title(title: Mapping[str, str]) -> str:
    return f"title:{title['zh'].strip()}"


def _new_fields(fields: list[dict[str, Any]], standards: Mapping[str, Standard]) -> Iterator[Problem]:
    for index, field in enumerate(fields):
        if "new" not in field:
            continue
        place, new = f"/fields/{index}/new", field["new"]
        if found := titled(new["title"], standards.values()):
            named = f"{found[0].id}#{found[1].path}"
            yield Problem(
                place,
                "is_an_element",
                f"已有标准数据元 {named}，请直接引用",
                f"a standard has it: name the element {named} instead",
            )
        if new.get("minimum", 0) > new.get("maximum", new.get("minimum", 0)):
            yield Problem(place, "empty_range", "minimum 大于 maximum", "minimum is greater than maximum")
        if new.get("from", "") > new.get("until", new.get("from", "")):
            yield Problem(place, "empty_range", "from 晚于 until", "from is later than until")
        codes = [code["code"] for code in new.get("codes", ())]
        if len(set(codes)) < len(codes):
            yield Problem(f"{place}/codes", "duplicate", "代码重复", "a code appears twice")


def titled(title: Mapping[str, str], standards: Iterable[Standard]) -> tuple[Standard, Element] | None:
    """The first element that has this Chinese or this English title."""
    zh, en = title["zh"].strip(), title["en"].strip().casefold()
    for standard in standards:
        for element in standard.elements:
            if element.zh == zh or element.en.casefold() == en:
                return standard, element
    return None


def _dates(document: Mapping[str, Any]) -> Iterator[Problem]:
    period = document["period"]
    if period["from"] > period["until"]:
        yield Problem("/period", "empty_range", "from 晚于 until", "from is later than until")
    if document["deadline"].get("on", period["from"]) < period["from"]:
        yield Problem("/deadline", "too_early", "截止日期早于开始日期", "the deadline is before the period begins")
    if document.get("approval", {}).get("until", period["until"]) < period["until"]:
        yield Problem(
            "/approval/until",
            "approval_ends",
            "批准在填报期结束前失效，届时填报人可以拒绝（统计法第十七条）",
            "the approval ends before the period does; after that people may refuse (Statistics Law, article 17)",
        )
    if document["id"] in document.get("replaces", ()):
        yield Problem("/replaces", "replaces_itself", "表单不能替代自身", "a form does not replace itself")
