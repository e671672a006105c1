"""JSON with exactly one spelling (RFC 8785, JCS), its digest, and a reader that refuses what is ambiguous.

Written here because the client shares no code with the gateway: the gateway makes digests, the client checks them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

_MAX_EXACT = 2**53 - 1  # the largest integer that every JSON reader keeps exact (RFC 7493 §2.2)


class NotCanonical(ValueError):
    """This value has no single JSON spelling: NaN, an integer beyond 2^53, a lone surrogate."""


class MalformedJson(ValueError):
    """These bytes are no JSON that every reader understands alike. The message never holds the content."""


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value. Raises NotCanonical."""
    try:
        pieces: list[str] = []
        _write(value, pieces.append)
        return "".join(pieces).encode("utf-8")
    except (UnicodeEncodeError, RecursionError) as error:
        raise NotCanonical(type(error).__name__) from None


def digest_bytes(data: bytes) -> str:
    """``sha-256:`` and 64 hexadecimal digits."""
    return "sha-256:" + hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """The digest of a JSON value over its RFC 8785 bytes. Raises NotCanonical."""
    return digest_bytes(canonical(value))


def strict_loads(data: bytes | str) -> Any:
    """Read one JSON value. Raises MalformedJson: duplicate members, NaN, bad UTF-8, lone surrogates, deep nesting."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = _reader.decode(text)
        if "\\u" in text:  # an escaped lone surrogate shows only after parsing
            _text(value).encode("utf-8")
    except MalformedJson:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"no JSON: {type(error).__name__}") from None
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("a member name appears twice in one object")
    return members


def _no_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not JSON")


# Made once: json.dumps and json.loads make one for each call with settings.
_text = json.JSONEncoder(ensure_ascii=False).encode
_reader = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)


def _write(value: Any, put: Callable[[str], None]) -> None:
    if isinstance(value, str):
        put(_text(value))
    elif isinstance(value, dict):
        put("{")
        comma = ""
        for name in _in_order(value):
            put(f"{comma}{_text(name)}:")
            _write(value[name], put)
            comma = ","
        put("}")
    elif isinstance(value, (list, tuple)):
        put("[")
        for number, item in enumerate(value):
            if number:
                put(",")
            _write(item, put)
        put("]")
    elif value is None or isinstance(value, bool):
        put(_text(value))
    elif isinstance(value, int):
        put(_integer(value))
    elif isinstance(value, float):
        put(_number(value))
    else:
        raise NotCanonical(f"{type(value).__name__} is no JSON value")


def _in_order(value: dict[Any, Any]) -> list[str]:
    """Its names by UTF-16 code units (RFC 8785 §3.2.3): for ASCII that is the order of Python."""
    try:
        plain = "".join(value).isascii()
    except TypeError:
        raise NotCanonical("a member name is no string") from None
    return sorted(value) if plain else sorted(value, key=lambda name: name.encode("utf-16-be"))


def _integer(value: int) -> str:
    if abs(value) > _MAX_EXACT:
        raise NotCanonical("an integer beyond 2^53 - 1; such numbers travel as strings")
    return str(value)


def _number(value: float) -> str:
    """ECMAScript's Number::toString (RFC 8785 §3.2.2.3); Python's repr has the same digits, laid out otherwise."""
    if math.isnan(value) or math.isinf(value):
        raise NotCanonical("NaN and Infinity are no JSON")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))  # digits before the decimal point
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
