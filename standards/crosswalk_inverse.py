"""A crosswalk turned round: from a record of the standard to the department's own columns.

The way back is a *right inverse*: what it writes, the crosswalk reads as the value it came from. It need not be what
the department once wrote (男 for 男性): that is gone. Rules that cannot keep this promise are listed with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from standards.crosswalk_dates import writer
from standards.crosswalk_steps import lookup_table, unit_factor

Back = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class NotInvertible:
    """A target whose column cannot be written back, and why."""

    target: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Inverse:
    """The way back. ``columns``: target field → the column that is written from it."""

    columns: Mapping[str, str]
    not_invertible: tuple[NotInvertible, ...]
    _back: Mapping[str, tuple[Back, ...]] = field(repr=False)

    def apply(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A row of the department's columns from a record that obeys the standard. Absent fields give no column.

        Values that the way back does not know (a code none of whose spellings is in the table) give no column either.
        """
        row: dict[str, Any] = {}
        for target, column in self.columns.items():
            value: Any = record
            for step in target.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
            for back in self._back[target]:
                value = None if value is None else back(value)
            if value is not None and column not in row:
                row[column] = value
        return row


def inverse(document: Mapping[str, Any]) -> Inverse:
    """Turn round every rule of a compiled crosswalk's document that can be."""
    columns: dict[str, str] = {}
    ways: dict[str, tuple[Back, ...]] = {}
    stuck: list[NotInvertible] = []
    for target, rule in document["targets"].items():
        found = _rule(target, rule)
        if isinstance(found, NotInvertible):
            stuck.append(found)
        else:
            columns[target] = _column(rule["from"])
            ways[target] = found
    return Inverse(columns, tuple(stuck), ways)


def _rule(target: str, rule: Mapping[str, Any]) -> tuple[Back, ...] | NotInvertible:
    source = rule.get("from")
    if not isinstance(source, str):
        return NotInvertible(target, "没有来源列，或有多个来源列", "comes from no column, or from several")
    if source.count("/") != 1:
        return NotInvertible(target, "来源在嵌套结构之内", "comes from within a nested value")
    backs: list[Back] = []
    for step in reversed(rule.get("fn", ["copy"])):
        parameters: Mapping[str, Any] = {"fn": step} if isinstance(step, str) else step
        back = _BACKS.get(parameters["fn"], _none)(parameters)
        if back is None:
            zh, en = _REASONS.get(parameters["fn"], _REASONS["concat"])
            return NotInvertible(target, zh, en)
        backs.append(back)
    return tuple(backs)


_REASONS: Mapping[str, tuple[str, str]] = {
    "concat": ("合并或截取后无法还原", "joined or cut, it cannot be taken apart again"),
    "mask": ("遮盖后无法还原", "masked, it cannot be restored"),
    "when-eq": ("条件的结果不足以还原原值", "the result of a condition does not tell the value"),
    "region_code": ("行政区划代码可能已缩短", "the division code may have been shortened"),
    "date": ("所声明的第一种格式写不出完整的日期", "the first declared format cannot write a whole day"),
    "lookup": ("两个代码表之间只能单向对照", "between the two lists there is only one direction"),
}


def _none(_: Mapping[str, Any]) -> Back | None:
    return None


def _as_it_is(_: Mapping[str, Any]) -> Back | None:
    return lambda value: value


def _date(parameters: Mapping[str, Any]) -> Back | None:
    return None if parameters.get("as") == "date-time" else writer(parameters["formats"][0])


def _lookup(parameters: Mapping[str, Any]) -> Back | None:
    """The first spelling that an inline table lists for a code; without a table of its own, the code itself."""
    if "from_codelist" in parameters:
        return None
    spellings: dict[Any, str] = {}
    for word, code in parameters.get("table", {}).items():
        spellings.setdefault(code, word)
    if "codelist" in parameters:
        table = lookup_table(parameters)
        return lambda code: spellings.get(code, code if table.get(code) == code else None)
    return spellings.get


def _unit(parameters: Mapping[str, Any]) -> Back | None:
    factor = unit_factor(parameters["from"], parameters["to"])
    return lambda text: format((Decimal(text) / factor).normalize() + 0, "f")


_BACKS: Mapping[str, Callable[[Mapping[str, Any]], Back | None]] = {
    "copy": _as_it_is,
    "trim": _as_it_is,
    "id15to18": _as_it_is,
    "date": _date,
    "lookup": _lookup,
    "unit": _unit,
}


def _column(pointer: str) -> str:
    return pointer[1:].replace("~1", "/").replace("~0", "~")
