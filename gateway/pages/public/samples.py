"""A record as lines of text, with the places marked that break a rule."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple


class Line(NamedTuple):
    """``name`` is None inside a list. ``text`` is what stands after it; ``wrong``: a rule is broken here."""

    depth: int
    name: str | None
    text: str
    wrong: bool


def lines(record: Any, wrong: Collection[str] = ()) -> list[Line]:
    """``wrong`` holds JSON Pointers (RFC 6901). Joined, the lines are JSON again."""
    return list(_lines(record, 0, None, "", "", frozenset(wrong)))


def _lines(value: Any, depth: int, name: str | None, place: str, comma: str, wrong: frozenset[str]) -> Iterator[Line]:
    bad = place in wrong
    if isinstance(value, dict) and value:
        yield Line(depth, name, "{", bad)
        for position, (key, inner) in enumerate(value.items()):
            below = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
            yield from _lines(inner, depth + 1, key, below, "," if position < len(value) - 1 else "", wrong)
        yield Line(depth, None, "}" + comma, bad)
    elif isinstance(value, list) and value:
        yield Line(depth, name, "[", bad)
        for position, inner in enumerate(value):
            more = "," if position < len(value) - 1 else ""
            yield from _lines(inner, depth + 1, None, f"{place}/{position}", more, wrong)
        yield Line(depth, None, "]" + comma, bad)
    else:
        yield Line(depth, name, json.dumps(value, ensure_ascii=False) + comma, bad)


def at(record: Any, path: str) -> Any:
    """The value at a dotted path, of the first item of a list; None if there is none."""
    for step in path.split("."):
        if isinstance(record, list):
            record = record[0] if record else None
        record = record.get(step) if isinstance(record, dict) else None
    return record
