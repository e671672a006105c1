"""A crosswalk turned round: from a record of the standard to the department's own columns.

The way back is a *right inverse*: what it writes, the crosswalk reads as the value it came from. It need not be what
the department once wrote (男 for 男性): that is gone. Rules that cannot keep this promise are listed with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from standards import codelists
from standards.crosswalk_dates import writer
from standards.crosswalk_pointers import steps_of
from standards.crosswalk_steps import lookup_table, unit_factor

Back = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class NotInvertible:
    """A target whose column cannot be written back, and why."""

    target: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Way:
    """The way back of one target: where it is written, and the functions from the value to the cell, in order."""

    place: tuple[str, ...]
    backs: tuple[Back, ...]


@dataclass(frozen=True, slots=True)
class Inverse:
    """The way back. ``columns``: target field → the column that is written from it (``a/b`` within a nested one)."""

    columns: Mapping[str, str]
    not_invertible: tuple[NotInvertible, ...]
    _ways: Mapping[str, Way] = field(repr=False)

    def apply(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A row of the department's columns from a record that obeys the standard. Absent fields give no column.

        Values that the way back does not know (a code none of whose spellings is in the table) give no column either.
        Where two fields come from one column, the first in the crosswalk writes it.
        """
        row: dict[str, Any] = {}
        for target, way in self._ways.items():
            value: Any = record
            for step in target.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
            for back in way.backs:
                value = None if value is None else back(value)
            if value is not None:
                _put(row, way.place, value)
        return row


def inverse(document: Mapping[str, Any]) -> Inverse:
    """Turn round every rule of a compiled crosswalk's document that can be."""
    ways: dict[str, Way] = {}
    stuck: list[NotInvertible] = []
    for target, rule in document["targets"].items():
        found = _list(target, rule) if "each" in rule else _rule(target, rule)
        if isinstance(found, NotInvertible):
            stuck.append(found)
        else:
            ways[target] = found
    return Inverse({target: "/".join(way.place) for target, way in ways.items()}, tuple(stuck), ways)


def _put(row: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    holder: Any = row
    for step in place[:-1]:
        holder = holder.setdefault(step, {})
        if not isinstance(holder, dict):  # the column is also written as a whole
            return
    holder.setdefault(place[-1], value)


def _list(target: str, rule: Mapping[str, Any]) -> Way | NotInvertible:
    """A list goes back to the list it came from; what its items cannot give back, they leave out."""
    if not rule["each"]:
        zh, en = "一行只放得下一项，列表有几项就放不下", "a row has room for one item, and a list may hold several"
        return NotInvertible(target, zh, en)
    inner = inverse(rule)
    if not inner.columns:
        return NotInvertible(target, "列表的各部分都无法还原", "no part of its items can be restored")
    return Way(tuple(steps_of(rule["each"])), (lambda items: [inner.apply(item) for item in items],))


def _rule(target: str, rule: Mapping[str, Any]) -> Way | NotInvertible:
    given = rule.get("from")
    steps = [{"fn": step} if isinstance(step, str) else step for step in rule.get("fn", ["copy"])]
    if isinstance(given, list) and steps[0]["fn"] == "first":
        given, steps = given[0], steps[1:]  # what stands in the first column is what is read
    if not isinstance(given, str):
        return NotInvertible(target, "没有来源列，或由多列合成", "comes from no column, or is made of several")
    if "[]" in given.split("/"):
        return NotInvertible(target, "来源在列表之内", "comes from within a list")
    backs: list[Back] = []
    for parameters in reversed(steps):
        back = _BACKS.get(parameters["fn"], _none)(parameters)
        if back is None:
            zh, en = _REASONS.get(parameters["fn"], _REASONS["concat"])
            return NotInvertible(target, zh, en)
        backs.append(back)
    return Way(tuple(steps_of(given)), tuple(backs))


_REASONS: Mapping[str, tuple[str, str]] = {
    "concat": ("合并或截取后无法还原", "joined or cut, it cannot be taken apart again"),
    "mask": ("遮盖后无法还原", "masked, it cannot be restored"),
    "when-eq": ("条件的结果不足以还原原值", "the result of a condition does not tell the value"),
    "date": ("所声明的第一种格式写不出完整的日期", "the first declared format cannot write a whole day"),
    "lookup": ("没有一个代码能唯一地译回", "no code can be translated back to just one"),
}


def _none(_: Mapping[str, Any]) -> Back | None:
    return None


def _as_it_is(_: Mapping[str, Any]) -> Back | None:
    return lambda value: value


def _date(parameters: Mapping[str, Any]) -> Back | None:
    return writer(parameters["formats"][0], parameters.get("as", "date"))


def _lookup(parameters: Mapping[str, Any]) -> Back | None:
    """The first spelling that an inline table lists for a code; without one, the code itself, or its Chinese name
    where ``written`` says so. From another list: the one code of that list that means ours."""
    spellings: dict[Any, str] = {}
    for word, code in parameters.get("table", {}).items():
        spellings.setdefault(code, word)
    if "from_codelist" in parameters:
        origins = codelists.crosswalk(parameters["from_codelist"], parameters["codelist"]).inverse()
        return (lambda code: spellings.get(code, origins.get(code))) if origins or spellings else None
    if "codelist" not in parameters:
        return spellings.get
    table = lookup_table(parameters)
    names = {code.code: code.zh for code in codelists.get(parameters["codelist"]).codes.values()}
    by_name = parameters.get("written") == "name"

    def back(code: Any) -> Any:
        written: Any = names.get(code) if by_name else code
        return spellings.get(code, written if table.get(written) == code else None)

    return back


def _unit(parameters: Mapping[str, Any]) -> Back | None:
    factor = unit_factor(parameters["from"], parameters["to"])
    return lambda text: format((Decimal(text) / factor).normalize() + 0, "f")


def _division(_: Mapping[str, Any]) -> Back | None:
    return lambda code: None if len(code) > 6 and code.endswith("000") else code  # zeros would be cut when read again


_BACKS: Mapping[str, Callable[[Mapping[str, Any]], Back | None]] = {
    "copy": _as_it_is,
    "trim": _as_it_is,
    "id15to18": _as_it_is,
    "date": _date,
    "lookup": _lookup,
    "unit": _unit,
    "integer": lambda _: str,
    "region_code": _division,
}
