"""What an indicator may do with an element: which kind of value it holds, how to read it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Any, Literal

from standards import generate_pattern as patterns
from standards.indicator_periods import day_of
from standards.rules import Problem
from standards.standard import Element, Standard, UnknownField

Kind = Literal["code", "flag", "whole", "amount", "day", "resident", "division", "organisation", "text", "other"]
Read = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Used:
    """One element an indicator reads. ``read`` gives its value, or None if the record does not have it."""

    element: Element
    kind: Kind
    read: Read


class Finding(Exception):
    """One thing wrong with an indicator, found while it is compiled."""

    def __init__(self, place: str, code: str, zh: str, en: str) -> None:
        self.problem = Problem(place, code, zh, en)
        super().__init__(en)


def used(standard: Standard, path: str, place: str, kinds: tuple[Kind, ...] = ()) -> Used:
    """The element at ``path``, if it is of one of these kinds. Raises Finding."""
    try:
        element = standard.element(path)
    except UnknownField:
        raise Finding(place, "field_unknown", "标准没有这个数据项", "the standard has no such element") from None
    if _inside_a_list(standard, path):
        raise Finding(
            place, "inside_a_list", "数据项在列表之内，一条记录有多个值", "it is inside a list: one record has several"
        )
    kind = kind_of(element)
    if kinds and kind not in kinds:
        raise Finding(
            place,
            "wrong_kind",
            f"此处应为 {'、'.join(kinds)} 类数据项，此项为 {kind}",
            f"expected an element of kind {', '.join(kinds)}; this one is {kind}",
        )
    return Used(element, kind, reader(path))


def kind_of(element: Element) -> Kind:
    """What its values are, from its own limits alone."""
    schema = element.schema
    if "enum" in schema:
        return "code"
    if element.kind in ("boolean", "integer"):
        return "flag" if element.kind == "boolean" else "whole"
    if element.kind != "string":
        return "other"
    formats: dict[str, Kind] = {
        "date": "day", "date-time": "day", "cn-resident-id": "resident", "cn-uscc": "organisation"
    }  # fmt: skip
    return formats[schema["format"]] if "format" in schema else _by_pattern(schema.get("pattern", "^.*$"))


@lru_cache(maxsize=512)
def _by_pattern(pattern: str) -> Kind:
    """Digits only: a division code. Digits with a point: an amount. From what the pattern lets one write."""
    try:
        node = patterns.parsed(pattern)
        lengths = patterns.within(node, 0, 40)
        samples = [patterns.write(node, length, Random(seed)) for length in lengths for seed in range(3)]  # noqa: S311
    except patterns.CannotGenerate:
        return "text"
    if all(text.isascii() and text.isdigit() for text in samples):
        return "division"
    decimal = all(text.removeprefix("-").replace(".", "", 1).isdigit() for text in samples)
    return "amount" if decimal and any("." in text for text in samples) else "text"


def reader(path: str) -> Read:
    """The value at a dotted path, None where any step is absent."""
    head, _, rest = path.partition(".")
    if not rest:
        return lambda record: record.get(head)
    below = reader(rest)
    return lambda record: below(record[head]) if head in record else None


def number(value: Any) -> Decimal:
    """A whole number or an amount, exact."""
    return Decimal(value)


def birth(value: str) -> date:
    """The birth date itself, or the one within a resident number (GB 11643: characters 7 to 14)."""
    return date(int(value[6:10]), int(value[10:12]), int(value[12:14])) if len(value) == 18 else day_of(value)


def _inside_a_list(standard: Standard, path: str) -> bool:
    steps = path.split(".")
    return any(standard.element(".".join(steps[:end])).kind == "array" for end in range(1, len(steps)))


def paths(value: Any) -> Iterator[str]:
    """Every element that a condition names, in order."""
    if isinstance(value, dict):
        if isinstance(value.get("element"), str):
            yield value["element"]
        for below in value.values():
            yield from paths(below)
    elif isinstance(value, list):
        for below in value:
            yield from paths(below)
