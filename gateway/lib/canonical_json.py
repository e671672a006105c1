"""JSON with exactly one spelling (RFC 8785, JCS), its digest, and a reader that refuses what is ambiguous."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

MAX_DEPTH = 64  # nesting levels; the deepest standard has 6
MAX_NODES = 100_000  # values in one document; a page of 200 records has about 10,000


class NotCanonical(ValueError):
    """This value has no single JSON spelling: NaN, an integer beyond 2^53, a key that is no string."""


class MalformedJson(ValueError):
    """These bytes are no JSON that every reader understands alike. The message names the place, never the content."""


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value. Raises NotCanonical."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise NotCanonical(type(error).__name__) from None


def digest_bytes(data: bytes) -> str:
    """``sha-256:`` and 64 hexadecimal digits."""
    return "sha-256:" + hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """The digest of a JSON value over its RFC 8785 bytes. Raises NotCanonical."""
    return digest_bytes(canonical(value))


def strict_loads(data: bytes | str) -> Any:
    """Read one JSON value; raise MalformedJson for what readers disagree on.

    Refused: bytes that are not UTF-8, duplicate member names, NaN and Infinity, more than MAX_DEPTH levels or
    MAX_NODES values, lone surrogates, trailing text.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise MalformedJson(f"not UTF-8 at byte {error.start}") from None
    _scan_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, MalformedJson):
            raise
        raise MalformedJson("a number too long or nesting too deep") from None
    try:
        text.encode("utf-8")
        if "\\u" in text:  # an escaped lone surrogate shows only after parsing
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedJson("a lone surrogate, which is no character") from None
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("a member name appears twice in one object")
    return members


def _no_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not JSON")


def _scan_depth(text: str) -> None:
    """Bound depth and size before the parser builds anything. Strings are skipped, so brackets in them do not count."""
    depth = nodes = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            nodes += 1
            if depth > MAX_DEPTH:
                raise MalformedJson(f"nested deeper than {MAX_DEPTH} levels")
        elif character in "]}":
            depth -= 1
        elif character == ",":
            nodes += 1
            if nodes > MAX_NODES:
                raise MalformedJson(f"more than {MAX_NODES} values")
