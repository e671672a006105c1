"""What kind of value an element holds, as its schema shows: the ground for comparing, adding and grouping values."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Literal

from standards.standard import Element
from standards.validate import Validator

ValueKind = Literal[
    "boolean", "code", "integer", "amount", "date", "time", "division", "identifier", "text", "object", "list"
]

_FORMATS: dict[str, ValueKind] = {
    "date": "date",
    "date-time": "time",
    "cn-resident-id": "identifier",
    "cn-uscc": "identifier",
}
_KINDS: dict[str, ValueKind] = {"boolean": "boolean", "integer": "integer", "object": "object", "array": "list"}


def value_kind(element: Element) -> ValueKind:
    """The kind of an element's values.

    An ``amount`` is text that takes ``0.00`` or ``0`` and no word; a ``division`` is text that takes a division code of
    6, 9 or 12 digits but neither fewer digits, zeros nor letters. What is neither is ``text``: compared with nothing.
    """
    schema = element.schema
    if element.kind in _KINDS:
        return _KINDS[element.kind]
    if "enum" in schema:
        return "code"
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if takes(element, "甲") or takes(element, "a") or takes(element, "A"):
        return "text"
    if any(takes(element, zero) for zero in ("0", "0.0", "0.00", "0.000", "0.0000")):
        return "amount"
    return "division" if _is_division(element) else "text"


def _is_division(element: Element) -> bool:
    lengths = [length for length in (6, 9, 12) if takes(element, "110101001001"[:length])]
    others = ("11010", *("0" * length for length in lengths), *("ABCDEF123456"[:length] for length in lengths))
    return bool(lengths) and not any(takes(element, other) for other in others)


def takes(element: Element, value: object) -> bool:
    """Whether the element, taken alone, accepts this value."""
    return _validator(json.dumps(dict(element.schema), sort_keys=True)).ok(value)


@lru_cache(maxsize=2048)
def _validator(schema_text: str) -> Validator:
    schema: dict[str, Any] = json.loads(schema_text)
    return Validator.of(schema)
