"""One value for one element: any kind the dialect has, short or long on request, always within the element's limits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any, Literal

from standards import generate_pattern as patterns
from standards.generate_pattern import CannotGenerate
from standards.generate_people import TODAY, Registrar
from standards.identifiers import is_resident_id, is_uscc

Schema = Mapping[str, Any]
Size = Literal["usual", "shortest", "longest"]

USUAL_EXTRA = 12  # a usual text is at most this much longer than the shortest
TRIES = 300


def scalar(schema: Schema, size: Size, random: Random) -> Any:
    """A text, truth value or number. Raises CannotGenerate if its limits contradict each other."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _of_list(schema["enum"], size, random)
    kind = schema["type"]
    if kind == "boolean":
        return {"shortest": False, "longest": True}.get(size, random.random() < 0.5)
    if kind == "integer":
        return _whole(schema, size, random)
    if kind == "string":
        return _text(schema, size, random)
    raise CannotGenerate(f"no values of type {kind}")


def fits(schema: Schema, value: object) -> bool:
    """Whether a value we made up obeys the element. For leaves only; the judge of records is the validator."""
    if "enum" in schema:
        return value in schema["enum"]
    kind = schema["type"]
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if not isinstance(value, str) or kind != "string":
        return False
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", patterns.MOST)
        and ("pattern" not in schema or re.search(_python(schema["pattern"]), value) is not None)
        and ("format" not in schema or _FORMATS[schema["format"]](value))
        and unicodedata.is_normalized("NFC", value)
    )


def _of_list(values: list[Any], size: Size, random: Random) -> Any:
    if size == "usual":
        return random.choice(values)
    return (min if size == "shortest" else max)(values, key=lambda value: len(str(value)))


def _whole(schema: Schema, size: Size, random: Random) -> int:
    low, high = schema.get("minimum", 0), schema.get("maximum", 10**6)
    if low > high:
        raise CannotGenerate("minimum is greater than maximum")
    if size != "usual":
        return int(low if size == "shortest" else high)
    return random.randint(low, min(high, low + 100))


def _text(schema: Schema, size: Size, random: Random) -> str:
    """Candidates one after another until one satisfies everything at once: pattern, format, length, NFC."""
    for candidate in _candidates(schema, size, random):
        if fits(schema, candidate):
            return candidate
    raise CannotGenerate("no text satisfies pattern, format and length together")


def _candidates(schema: Schema, size: Size, random: Random) -> Iterator[str]:
    if "format" in schema:
        make = _MAKERS[schema["format"]]
        if size != "usual":
            yield from sorted({make(random, extreme) for extreme in range(6)}, key=len, reverse=size == "longest")
        for _ in range(TRIES):
            yield make(random, None)
        return
    low, high = schema.get("minLength", 0), schema.get("maxLength", patterns.MOST)
    node = patterns.parsed(schema.get("pattern", "^[^\\u0000-\\u001f]*$"))
    lengths = patterns.within(node, low, high)
    if not lengths:
        raise CannotGenerate("no length satisfies pattern and limits")
    for _ in range(TRIES):
        yield patterns.write(node, _length(lengths, size, random), random)


def _length(lengths: list[int], size: Size, random: Random) -> int:
    if size != "usual":
        return lengths[0 if size == "shortest" else -1]
    shortest = max(lengths[0], 1)
    return random.choice([length for length in lengths if length <= shortest + USUAL_EXTRA] or lengths)


# ── formats ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _date(random: Random, extreme: int | None) -> str:
    if extreme is not None:
        return ("1900-01-01", "2000-02-29", "2099-12-31")[extreme % 3]
    return (TODAY - timedelta(days=random.randrange(0, 9000))).isoformat()


def _date_time(random: Random, extreme: int | None) -> str:
    day = _date(random, extreme)
    clock = f"{random.randrange(8, 18):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}"
    if extreme is None:
        return f"{day}T{clock}+08:00"
    return f"{day}T{clock}" + ("Z", "+08:00", ".123456+08:00", ".5Z", "-12:00", ".000001+14:00")[extreme]


def _resident(random: Random, extreme: int | None) -> str:
    born = date.fromisoformat(_date(random, extreme)) if extreme is None else date(2000, 2, 29)
    return Registrar(random).resident(born, random.choice("12"))


def _uscc(random: Random, extreme: int | None) -> str:
    return Registrar(random).organisation("91" if extreme is None else "11")


_MAKERS: Mapping[str, Callable[[Random, int | None], str]] = {
    "date": _date,
    "date-time": _date_time,
    "cn-resident-id": _resident,
    "cn-uscc": _uscc,
}


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_date_time(text: str) -> bool:
    shape = r"([0-9-]{10})T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    found = re.fullmatch(shape, text)
    return found is not None and _is_date(found[1])


_FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "cn-resident-id": is_resident_id,
    "cn-uscc": is_uscc,
}


def _python(pattern: str) -> str:
    """``$`` in JSON Schema is the end of the text; Python's would let a line break follow."""
    return pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern
