"""Cut a record to what was permitted: these fields, these rows, with these masks. Plain Python, no I/O.

A cut is built by picking what is granted, never by deleting what is not: what nobody thought of stays behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from standards.masks import MASKS

Tree = Mapping[str, "Tree | None"]  # None: the whole value; otherwise only these members of it


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
    return root


def pick(value: Any, wanted: Tree | None) -> Any:
    """The granted part of a value. Lists are picked item by item; a bare value where members are wanted gives none."""
    if wanted is None:
        return value
    if isinstance(value, Mapping):
        return {name: pick(value[name], inner) for name, inner in wanted.items() if name in value}
    if isinstance(value, list):
        return [pick(item, wanted) for item in value]
    return {}


def count_dropped(record: Mapping[str, Any], wanted: Tree) -> int:
    """How many members of this record, at the levels the grant speaks of, were not granted."""
    dropped = sum(name not in wanted for name in record)
    for name, inner in wanted.items():
        if inner is not None and isinstance(record.get(name), Mapping):
            dropped += count_dropped(record[name], inner)
    return dropped


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    if "." not in path:
        return record.get(path) if isinstance(record, Mapping) else None
    value: Any = record
    for name in path.split("."):
        if not isinstance(value, Mapping):
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
        holders = [holder for holder in _holders(record, parents) if last in holder]
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
    if "." not in path:
        return record.get(path) is not None
    *parents, last = path.split(".")
    return any(holder.get(last) is not None for holder in _holders(record, parents))


def withheld(
    fields: Iterable[str], records: Sequence[Mapping[str, Any]], masked: Iterable[str]
) -> list[dict[str, str]]:
    """What a caller was granted and does not see in full: masked, or not held by the department."""
    hidden = set(masked)
    out = [{"field": name, "reason": "masked"} for name in fields if name in hidden]
    if records:
        out += [
            {"field": name, "reason": "not_held"}
            for name in fields
            if name not in hidden and not any(_holds(record, name) for record in records)
        ]
    return out
