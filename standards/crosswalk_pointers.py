"""Where a value stands in a row: JSON Pointers (RFC 6901) with at most one ``[]``, which means each item of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from standards.crosswalk_values import Untranslatable, is_blank

MAX_LIST = 200  # items of one list in a row; a standard allows fewer
MAX_LEAVES = 2_000  # nested values of a row that are looked at for loss

Row = Mapping[str, Any]
Read = Callable[[Row], Any]


def too_many() -> Untranslatable:
    """A list is longer than any that a crosswalk reads."""
    return Untranslatable("too_many", f"超过 {MAX_LIST} 个值", f"more than {MAX_LIST} values")


def steps_of(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def column_of(pointer: str) -> str:
    return steps_of(pointer)[0]


def reader(pointer: str) -> Read:
    """Follow a pointer of at most six steps, with at most one ``[]``. What is not there is None, never an error."""
    steps = steps_of(pointer)
    if len(steps) == 1:
        column = steps[0]
        return lambda row: row.get(column)
    if "[]" not in steps:
        return lambda row: _walk(row, steps)
    at = steps.index("[]")
    before, after = steps[:at], steps[at + 1 :]

    def read(row: Row) -> Any:
        items = _walk(row, before)
        if items is None:
            return None
        if not isinstance(items, list):
            raise Untranslatable("not_a_list", "应为列表", "expected a list")
        if len(items) > MAX_LIST:
            raise too_many()
        return [_walk(item, after) for item in items]

    return read


def _walk(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def nothing(value: Any) -> bool:
    return is_blank(value) or (isinstance(value, list | dict) and not value)


def leaves(value: Any, place: str) -> Iterator[str]:
    """The pointers of all scalars within, list positions as [], breadth first and bounded."""
    level = [(place, value)]
    seen = 0
    while level:
        below: list[tuple[str, Any]] = []
        for here, one in level:
            seen += 1
            if seen > MAX_LEAVES:
                return
            if isinstance(one, dict):
                below += [(f"{here}/{escape(str(name))}", part) for name, part in one.items()]
            elif isinstance(one, list):
                below += [(f"{here}/[]", part) for part in one]
            elif not is_blank(one):
                yield here
        level = below
