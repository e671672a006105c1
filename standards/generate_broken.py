"""Records that break exactly one rule each.

For each element of a right record some wrong values are tried; what the validator says is broken, and nothing else,
becomes a counter-example. So a counter-example is never wrong about itself, and a new rule needs no new code to be
noticed, only a wrong value to be shown.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from standards.validate import Validator, Violation

Path = tuple[str | int, ...]

STRANGE = "\u200b?＊ -一0AzΩ０٣"  # one of these is outside nearly every pattern
UNKNOWN = "notInTheStandard"


@dataclass(frozen=True, slots=True)
class CounterExample:
    """``rule``: the keyword, or ``format:<name>``, as the validator names it; ``pointer``: where it is broken."""

    pointer: str
    rule: str
    record: dict[str, Any]


def broken(schema: dict[str, Any], right: dict[str, Any], random: Random) -> Iterator[CounterExample]:
    """One counter-example for each rule that can be broken alone, in the order of the schema."""
    judge = Validator.of(schema)
    seen: set[Violation] = set()  # each absent member is a violation of its own
    for path, part, value in _places(schema, right, ()):
        for wrong in _wrong(part, value, random):
            record = _with(right, path, wrong)
            found = judge.errors(record)
            if len(found) == 1 and found[0] not in seen:
                seen.add(found[0])
                yield CounterExample(found[0].pointer, found[0].rule, record)


def _places(schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any], Any]]:
    """Every place of the record with its part of the schema; of each list the first item stands for all."""
    yield path, schema, value
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _places(schema["properties"][name], below, (*path, name))
    elif isinstance(value, list) and value:
        yield from _places(schema["items"], value[0], (*path, 0))


def _wrong(part: Mapping[str, Any], value: Any, random: Random) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from ({name: below for name, below in value.items() if name != absent} for absent in value)
        yield value | {UNKNOWN: "x"}
        yield []
    elif isinstance(value, list):
        yield value * (part.get("maxItems", 0) // max(1, len(value)) + 1)
        yield value[: part.get("minItems", 0) - 1] if part.get("minItems") else value
        yield value + value[:1]
        yield {}
    elif isinstance(value, str):
        yield from _wrong_texts(part, value, random)
        yield 7
    elif isinstance(value, bool):
        yield "true"
    else:
        yield from (part.get("minimum", value) - 1, part.get("maximum", value) + 1, str(value))


def _wrong_texts(part: Mapping[str, Any], value: str, random: Random) -> Iterator[str]:
    """Too short, too long, one character exchanged, and what looks right but does not exist."""
    if "minLength" in part:
        yield value[: part["minLength"] - 1]
    if "maxLength" in part:
        missing = part["maxLength"] + 1 - len(value)
        yield from (value[:at] + value[at - 1] * missing + value[at:] for at in range(1, len(value) + 1))
    yield from _impossible(part.get("format"), value)
    places = list(range(len(value)))
    random.shuffle(places)
    for place in sorted([*places[:6], 0, len(value) - 1] if value else []):
        for strange in STRANGE:
            yield value[:place] + strange + value[place + 1 :]


def _impossible(kind: str | None, value: str) -> Iterator[str]:
    if kind in ("date", "date-time"):
        yield from (value[:5] + "02-30" + value[10:], value[:5] + "13-01" + value[10:])
        yield from (value[:11] + "25" + value[13:],) if kind == "date-time" else ()
    elif kind is not None:  # a check digit that does not fit; a date within the number that does not exist
        yield from (value[:-1] + other for other in "0123456789" if other != value[-1])
        yield value[:10] + "0230" + value[14:]


def _with(record: dict[str, Any], path: Path, value: Any) -> Any:
    """A copy of the record with another value at this place."""
    if not path:
        return value
    changed = copy.deepcopy(record)
    holder: Any = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return changed
