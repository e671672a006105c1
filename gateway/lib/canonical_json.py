"""JSON with exactly one spelling (RFC 8785, JCS), its digest, and a reader that refuses what is ambiguous."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson
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
    MAX_NODES values, lone surrogates, trailing text. Two parsers read it: orjson is strict about text and numbers, the
    standard library's shows duplicate names; both are compiled, so a megabyte takes about ten milliseconds.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    try:
        value = json.loads(raw, object_pairs_hook=_no_duplicates)
    except MalformedJson:
        raise
    except (RecursionError, ValueError):
        raise MalformedJson("a number too long or nesting too deep") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH or raw.count(b",") > MAX_NODES:
        _check_size(value)
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("a member name appears twice in one object")
    return members


def _check_size(value: Any) -> None:
    nodes, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        nodes += 1
        if nodes > MAX_NODES:
            raise MalformedJson(f"more than {MAX_NODES} values")
        if isinstance(item, dict | list):
            if depth > MAX_DEPTH:
                raise MalformedJson(f"nested deeper than {MAX_DEPTH} levels")
            waiting.extend((member, depth + 1) for member in (item.values() if isinstance(item, dict) else item))
