"""Cut a record to what was permitted: these fields, these rows, with these masks. Plain Python, no I/O.

A cut is built by picking what is granted, never by deleting what is not: what nobody thought of stays behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from standards.masks import MASKS


class Tree(dict[str, "Tree | None"]):
    """What is granted, by name. None: the whole value; else only these members of it, and it is one of ``parts``."""

    __slots__ = ("parts",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        super().__init__({name: None if inner is None else Tree(inner) for name, inner in members.items()})
        self.parts = tuple(name for name, inner in self.items() if inner is not None)


@lru_cache(maxsize=4096)
def tree(fields: tuple[str, ...]) -> Tree:
    """Field paths (``name``, ``residenceAddress.divisionCode``) as nested members. A whole field covers its parts."""
    root: dict[str, Any] = {}
    for path in sorted(fields, key=lambda name: name.count(".")):
        node = root
        *parents, last = path.split(".")
        for parent in parents:
            if parent in node and node[parent] is None:
                break  # the whole of it is granted already
            node = node.setdefault(parent, {})
        else:
            node[last] = None
    return Tree(root)


def pick(value: Any, wanted: Tree | None) -> Any:
    """The granted part of a value. Lists are picked item by item; a bare value where members are wanted gives none."""
    if wanted is None:
        return value
    if isinstance(value, dict):
        all_granted = value.keys() <= wanted.keys()
        picked = value.copy() if all_granted else {name: value[name] for name in wanted if name in value}
        for name in wanted.parts:
            if name in picked:
                picked[name] = pick(picked[name], wanted[name])
        return picked
    if isinstance(value, list):
        return [pick(item, wanted) for item in value]
    return {}


def count_dropped(record: Mapping[str, Any], wanted: Tree) -> int:
    """How many members of this record, at the levels the grant speaks of, were not granted."""
    dropped = len(record.keys() - wanted.keys())
    for name in wanted.parts:
        inner = wanted[name]
        if inner is not None and isinstance(record.get(name), dict):
            dropped += count_dropped(record[name], inner)
    return dropped


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    if "." not in path:
        return record.get(path) if isinstance(record, dict) else None
    value: Any = record
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def within(record: Mapping[str, Any], jurisdiction_field: str | None, divisions: Sequence[str] | None) -> bool:
    """Does this record lie in one of the divisions? A division code covers every code that begins with it.

    A record that does not say where it lies is outside: the rule fails closed.
    """
    if divisions is None:
        return True
    code = value_at(record, jurisdiction_field) if jurisdiction_field else None
    return isinstance(code, str) and any(code.startswith(division) for division in divisions)


def mask(record: dict[str, Any], masks: Mapping[str, str]) -> tuple[str, ...]:
    """Mask fields of an already cut record in place; return those that were masked.

    A masked value that is no text is removed: a mask that cannot be applied must not let the value through.
    """
    done = []
    for path, name in masks.items():
        *parents, last = path.split(".")
        holders = [holder for holder in (_holders(record, parents) if parents else [record]) if last in holder]
        for holder in holders:
            value = holder[last]
            if isinstance(value, str):
                holder[last] = MASKS[name](value)
            else:
                del holder[last]
        if holders:
            done.append(path)
    return tuple(done)


def _holders(value: Any, steps: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The objects that a path leads to: one, or each item of the lists on its way."""
    if isinstance(value, list):
        for item in value:
            yield from _holders(item, steps)
    elif isinstance(value, dict):
        if not steps:
            yield value
        elif steps[0] in value:
            yield from _holders(value[steps[0]], steps[1:])


def _holds(record: Mapping[str, Any], path: str) -> bool:
    *parents, last = path.split(".")
    return any(holder.get(last) is not None for holder in _holders(record, parents))


def withheld(
    fields: Iterable[str], records: Sequence[Mapping[str, Any]], masked: Iterable[str]
) -> list[dict[str, str]]:
    """What a caller was granted and does not see in full: masked, or not held by the department."""
    hidden = set(masked)
    out = [{"field": name, "reason": "masked"} for name in fields if name in hidden]
    sought = [name for name in fields if name not in hidden] if records else []
    for record in records:
        sought = [name for name in sought if name not in record or record[name] is None]
        sought = [name for name in sought if "." not in name or not _holds(record, name)]
        if not sought:
            break
    return out + [{"field": name, "reason": "not_held"} for name in sought]
