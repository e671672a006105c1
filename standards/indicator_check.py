"""Is this document an indicator that every source computes alike? All that can be proved before the first record.

What is proved: the closed schema (indicator.schema.json); that the standard and each element exist and hold one value
per record; that each comparison fits its element and each constant is a value the element can have; that no range is
empty; that nothing picks out a person by number or name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from standards.registry import REGISTRY
from standards.rules import Problem
from standards.standard import Element, Standard, UnknownField
from standards.validate import Validator, beyond_bounds, pointer
from standards.value_kinds import ValueKind, takes, value_kind

SCHEMA = Path(__file__).parent / "indicator.schema.json"
MAX_COMPARISONS = 200  # in one indicator; each is looked at once for each record

# comparison → the kinds of value it is defined for; ``present`` is defined for all
FITS: Mapping[str, tuple[ValueKind, ...]] = {
    "is": ("boolean", "code", "integer"),
    "in": ("boolean", "code", "integer"),
    "at_least": ("integer", "amount"),
    "at_most": ("integer", "amount"),
    "more_than": ("integer", "amount"),
    "less_than": ("integer", "amount"),
    "between": ("date", "time"),
    "age": ("date",),
    "division": ("division",),
}
Place = tuple[str | int, ...]


def check(document: object, standards: Mapping[str, Standard] = REGISTRY) -> list[Problem]:
    """Everything that keeps this document from being an indicator; an empty list if nothing does."""
    if not isinstance(document, dict):
        return [Problem("", "not_an_object", "统计指标应为 JSON 对象", "an indicator is a JSON object")]
    if too_big := beyond_bounds(document):
        return [Problem("", "too_large", too_big.zh, too_big.en)]
    if violations := _validator().errors(document):
        return [_of_schema(violation.pointer, violation.rule, violation.zh, violation.en) for violation in violations]
    if document["standard"] not in standards:
        return [Problem("/standard", "unknown_standard", "没有这个数据标准或版本", "no such standard or version")]
    conditions = list(_conditions(document))
    if len(conditions) > MAX_COMPARISONS:
        return [Problem("", "too_large", f"比较多于 {MAX_COMPARISONS} 个", f"more than {MAX_COMPARISONS} comparisons")]
    looked_at = _Check(standards[document["standard"]])
    return [
        *(problem for place, condition in conditions for problem in looked_at.comparison(condition, place)),
        *looked_at.aggregation(document["aggregation"]),
        *looked_at.period(document["period"]),
        *looked_at.cells(document.get("by", ())),
    ]


@cache
def _validator() -> Validator:
    return Validator.of_ours(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _of_schema(place: str, rule: str, zh: str, en: str) -> Problem:
    if rule in ("oneOf", "anyOf"):
        zh = "不符合任何一种写法：写法见 /v1/meta/indicator/1.0.0"
        en = "is none of the forms that may stand here: see /v1/meta/indicator/1.0.0"
    return Problem(place, f"schema:{rule}", zh, en)


def _conditions(document: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Each comparison with its place, from the filter and from the part of a ratio."""
    if "filter" in document:
        yield from _comparisons(document["filter"], ("filter",))
    if "part" in document["aggregation"]:
        yield from _comparisons(document["aggregation"]["part"], ("aggregation", "part"))


def _comparisons(condition: Mapping[str, Any], place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if "not" in condition:
        yield from _comparisons(condition["not"], (*place, "not"))
    elif "element" in condition:
        yield place, condition
    else:
        ((joined, parts),) = condition.items()
        for index, part in enumerate(parts):
            yield from _comparisons(part, (*place, joined, index))


class _Check:
    """Elements and constants against one standard."""

    def __init__(self, standard: Standard) -> None:
        self.standard = standard

    def comparison(self, condition: Mapping[str, Any], place: Place) -> Iterator[Problem]:
        element = self._element(condition["element"], (*place, "element"))
        if isinstance(element, Problem):
            yield element
            return
        ((name, wanted),) = ((key, value) for key, value in condition.items() if key != "element")
        if name == "present":
            return
        kind = value_kind(element)
        if kind not in FITS[name]:
            yield _misfit(pointer((*place, name)), element, kind, FITS[name])
        elif name in ("is", "in"):
            for constant in wanted if name == "in" else [wanted]:
                yield from _constant(constant, element, (*place, name))
        elif kind in ("integer", "amount"):
            yield from _number(wanted, kind, (*place, name))
        elif name in ("between", "age"):
            yield from _range(name, wanted, (*place, name))

    def aggregation(self, aggregation: Mapping[str, Any]) -> Iterator[Problem]:
        if "of" not in aggregation:
            return
        kinds: tuple[ValueKind, ...] = ("integer", "amount")
        if aggregation["fn"] == "distinct":
            kinds = ("identifier", "code", "division", "integer", "date", "text")
        yield from self._of_kind(aggregation["of"], ("aggregation", "of"), kinds)

    def period(self, period: Mapping[str, Any]) -> Iterator[Problem]:
        if "element" in period:
            yield from self._of_kind(period["element"], ("period", "element"), ("date", "time"))

    def cells(self, by: Any) -> Iterator[Problem]:
        for index, cell in enumerate(by):
            kind: ValueKind = "division" if "digits" in cell else "code"
            yield from self._of_kind(cell["element"], ("by", index, "element"), (kind,))
        if len({cell["element"] for cell in by}) < len(by):
            yield Problem("/by", "duplicate", "同一数据元出现两次", "the same element twice")

    def _of_kind(self, path: str, place: Place, kinds: tuple[ValueKind, ...]) -> Iterator[Problem]:
        element = self._element(path, place)
        if isinstance(element, Problem):
            yield element
        elif value_kind(element) not in kinds:
            yield _misfit(pointer(place), element, value_kind(element), kinds)

    def _element(self, path: str, place: Place) -> Element | Problem:
        try:
            element = self.standard.element(path)
        except UnknownField:
            own = self.standard.id
            return Problem(pointer(place), "unknown_element", f"{own} 没有这个数据元", f"{own} has no such element")
        steps = path.split(".")
        if any(self.standard.element(".".join(steps[:depth])).kind == "array" for depth in range(1, len(steps))):
            return Problem(
                pointer(place),
                "many_values",
                "列表中的数据元每条记录有多个值，不能比较",
                "an element within a list has several values in a record and cannot be compared",
            )
        return element


_KIND_NAMES: Mapping[ValueKind, tuple[str, str]] = {
    "boolean": ("是否", "yes or no"),
    "code": ("代码", "a code"),
    "integer": ("整数", "a whole number"),
    "amount": ("金额", "an amount"),
    "date": ("日期", "a date"),
    "time": ("时间", "a time"),
    "division": ("区划代码", "a division code"),
    "identifier": ("证件号码", "an identity number"),
    "text": ("文本", "text"),
    "object": ("对象", "an object"),
    "list": ("列表", "a list"),
}


def _misfit(place: str, element: Element, kind: ValueKind, wanted: tuple[ValueKind, ...]) -> Problem:
    zh, en = _KIND_NAMES[kind]
    return Problem(
        place,
        "kind_unfit",
        f"{element.path} 是{zh}，此处应为{'、'.join(_KIND_NAMES[one][0] for one in wanted)}",
        f"{element.path} is {en}; here it should be {' or '.join(_KIND_NAMES[one][1] for one in wanted)}",
    )


def _constant(constant: object, element: Element, place: Place) -> Iterator[Problem]:
    if isinstance(constant, bool) != (element.kind == "boolean") or not takes(element, constant):
        yield Problem(
            pointer(place),
            "constant_impossible",
            f"{element.path} 不会有这个值",
            f"{element.path} never has this value",
        )


def _number(constant: object, kind: ValueKind, place: Place) -> Iterator[Problem]:
    if kind == "integer" and not isinstance(constant, int):
        yield Problem(pointer(place), "constant_impossible", "应与整数比较", "compare it with a whole number")


def _range(name: str, wanted: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    first, last = ("from", "to") if name == "between" else ("at_least", "less_than")
    low, high = wanted.get(first), wanted.get(last)
    if low is None or high is None or "period_start" in (low, high) or "period_end" in (low, high):
        return
    if low > high if name == "between" else low >= high:  # days are ISO 8601, whose order is that of text
        yield Problem(
            pointer(place), "empty_range", f"{first} 与 {last} 之间没有值", f"nothing is between {first} and {last}"
        )
