"""A record of the standard delivered in another department's own format, and everything that got lost on the way.

The format is that department's own crosswalk turned round: nobody writes a second one. What is written is read again
by that crosswalk and compared, so that it can never say anything but what the record said. Only what is in the record
can be written: a field that was not granted has no way into the delivered row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from standards.crosswalk import Crosswalk
from standards.crosswalk_pointers import column_of

FORMAT = "tongqu-delivery/1"


@dataclass(frozen=True, slots=True)
class Loss:
    """A field of the records that the format cannot carry. ``why_code``: no_column, not_invertible, no_spelling,
    reads_differently. ``count``: records in which it was there. Never a value."""

    field: str
    column: str
    why_code: str
    count: int
    zh: str
    en: str

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("field", "column", "why_code", "count", "zh", "en")}


@dataclass(frozen=True, slots=True)
class Delivered:
    """``rows`` in the columns of the format; ``columns`` in its order; ``empty`` columns got nothing in any row."""

    rows: list[dict[str, Any]] = field(repr=False)
    columns: tuple[str, ...]
    delivered: Mapping[str, int]
    losses: tuple[Loss, ...]
    standard: str
    crosswalk: str

    @property
    def empty(self) -> tuple[str, ...]:
        filled = {column for row in self.rows for column in row}
        return tuple(column for column in self.columns if column not in filled)

    def report(self) -> dict[str, Any]:
        """As JSON: what was delivered, what was lost and why, which columns stay empty; no value."""
        return {
            "format": FORMAT,
            "standard": self.standard,
            "crosswalk": self.crosswalk,
            "records": len(self.rows),
            "delivered": dict(self.delivered),
            "losses": [loss.to_dict() for loss in self.losses],
            "empty_columns": list(self.empty),
        }


_WHY = {
    "no_column": ("该格式没有此项的列", "the format has no column for it"),
    "no_spelling": ("该格式没有这个取值的写法", "the format has no spelling for this value"),
    "reads_differently": ("按该格式读回会得到别的值，故不写", "read again it would say something else; not written"),
}


class Delivery:
    """One format, ready to deliver in. Safe to use from several threads.

    >>> Delivery(crosswalk_of_civil_affairs).deliver([{"name": "测试", "sex": "1"}]).rows
    [{'姓名': '测试', '性别': '男'}]
    """

    def __init__(self, crosswalk: Crosswalk) -> None:
        self._crosswalk = crosswalk
        self._inverse = crosswalk.invert()
        self._stuck = {one.target: one for one in self._inverse.not_invertible}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column of the format: those that fields come from, then those its crosswalk ignores."""
        used = [column for columns in self._crosswalk.sources.values() for column in columns]
        ignored = [column_of(pointer) for pointer in self._crosswalk.document.get("ignored", {})]
        return tuple(dict.fromkeys([*used, *ignored]))

    def paths(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields of a record that this format has a way to write."""
        return tuple(path for path in self._inverse.columns if _at(record, path) is not None)

    def row(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
        """One row, and (field, column, why_code) for each field of the record that it does not carry."""
        row = self._inverse.apply(record)
        present = self.paths(record)
        lost = [(path, "", "no_column") for path in _paths(record) if not self._known(path)]
        lost += [(path, "", "not_invertible") for path in self._stuck if _at(record, path) is not None]
        again = self._read_again(row, present)
        for path in present:
            column = self._inverse.columns[path]
            top = column.partition("/")[0] if column not in row else column
            if top not in row:
                lost.append((path, column, "no_spelling"))
            elif again[path] != _at(record, path):
                lost.append((path, column, "reads_differently"))
        for path, column, why in lost:
            if why == "reads_differently" and not self._shared(path, column, present, lost):
                row.pop(column, None)
        return row, lost

    def deliver(self, records: Iterable[Mapping[str, Any]]) -> Delivered:
        """All records. A record whose every field is lost still gives its row, empty: nobody is dropped."""
        rows: list[dict[str, Any]] = []
        lost: Counter[tuple[str, str, str]] = Counter()
        given: Counter[str] = Counter()
        for record in records:
            row, losses = self.row(record)
            rows.append(row)
            lost.update(losses)
            missing = {path for path, _, _ in losses}
            given.update(path for path in self.paths(record) if path not in missing)
        return self.delivered(rows, given, lost)

    def delivered(
        self, rows: list[dict[str, Any]], given: Mapping[str, int], lost: Mapping[tuple[str, str, str], int]
    ) -> Delivered:
        """Rows that were made one by one, with what was counted of them."""
        losses = tuple(
            Loss(path, column, why, count, *self._why(path, why)) for (path, column, why), count in sorted(lost.items())
        )
        return Delivered(rows, self.columns, dict(given), losses, self._crosswalk.standard.id, self._crosswalk.digest)

    def _read_again(self, row: Mapping[str, Any], present: Sequence[str]) -> dict[str, Any]:
        """What the format's own crosswalk reads in the row, field by field; a fault in one says nothing of others."""
        whole = self._crosswalk.narrow(tuple(present)).apply(row).record
        if whole is not None:
            return {path: _at(whole, path) for path in present}
        return {path: _at(self._crosswalk.narrow((path,)).apply(row).record or {}, path) for path in present}

    def _why(self, path: str, why: str) -> tuple[str, str]:
        return (self._stuck[path].zh, self._stuck[path].en) if why == "not_invertible" else _WHY[why]

    def _known(self, path: str) -> bool:
        return any(path == one or path.startswith(f"{one}.") for one in (*self._inverse.columns, *self._stuck))

    def _shared(self, path: str, column: str, present: Sequence[str], lost: Sequence[tuple[str, str, str]]) -> bool:
        """Another field stands in the same column and is read back rightly: then it is only this one that is lost."""
        broken = {one for one, _, _ in lost}
        return any(self._inverse.columns[one] == column and one != path and one not in broken for one in present)


def _at(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _paths(record: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The fields that are there, objects by their parts, lists as one."""
    found: list[str] = []
    for name, value in record.items():
        found += _paths(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [prefix + name]
    return found
