"""JSON with exactly one spelling (RFC 8785, JCS), its digest, and a reader that refuses what is ambiguous."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson
import rfc8785

MAX_DEPTH = 64  # nesting levels; the deepest standard has 6
MAX_NODES = 100_000  # values in one document; a page of 200 records has about 10,000
MAX_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: beyond it a double cannot hold every integer
SHORT = 4096  # bytes; in so few, counting brackets is quicker than looking at values

_BLANKS = b" \t\n\r"
_HOLDERS = frozenset((dict, list))


class NotCanonical(ValueError):
    """This value has no single JSON spelling: NaN, an integer beyond 2^53, a key that is no string."""


class MalformedJson(ValueError):
    """These bytes are no JSON that every reader understands alike. The message names the place, never the content."""


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value. Raises NotCanonical."""
    try:
        if _is_plain(value):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError):
        pass  # what orjson does not know, or nested too deeply for it: the slow way says what is wrong
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise NotCanonical(type(error).__name__) from None


def fitted(written: bytes) -> bytes:
    """The same bytes in a place of their size, for what is kept: orjson writes into one of 4 KB and leaves it so."""
    return bytes(memoryview(written))


def _is_plain(value: Any) -> bool:
    """Whether orjson writes this value as RFC 8785 does: no floats, whose spelling differs, no integer that doubles
    round, no names beyond ASCII, which sort otherwise by UTF-16 units, and no types but JSON's own."""
    waiting = [value]
    for item in waiting:  # grows while it is read
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        if kind is dict:
            if not "".join(item).isascii():
                return False
            waiting += item.values()
        elif kind is list:
            waiting += item
        elif kind is not int or not -MAX_INTEGER <= item <= MAX_INTEGER:
            return False
        if len(waiting) > MAX_NODES:
            return False
    return True


def digest_bytes(data: bytes) -> str:
    """``sha-256:`` and 64 hexadecimal digits."""
    return "sha-256:" + hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """The digest of a JSON value over its RFC 8785 bytes. Raises NotCanonical."""
    return digest_bytes(canonical(value))


def strict_loads(data: bytes | str) -> Any:
    """Read one JSON value; raise MalformedJson for what readers disagree on.

    Refused: bytes that are not UTF-8, duplicate member names, NaN and Infinity, more than MAX_DEPTH levels or
    MAX_NODES values, lone surrogates, trailing text. orjson, strict about text and numbers, reads it. If what it writes
    back is, but for blanks, what came in, then nothing was dropped (a duplicate) or altered (a long number); otherwise
    the standard library's reader, which shows duplicate names, reads it once more.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    if not _is_whole(value, raw):
        value = _read_slowly(raw)
    if len(raw) > SHORT or raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_size(value)
    return value


def _is_whole(value: Any, raw: bytes) -> bool:
    try:
        written = orjson.dumps(value)
    except orjson.JSONEncodeError:  # nested too deeply for it
        return False
    return written == raw or written.translate(None, _BLANKS) == raw.translate(None, _BLANKS)


def _read_slowly(raw: bytes) -> Any:
    try:
        return json.loads(raw, object_pairs_hook=_no_duplicates)
    except MalformedJson:
        raise
    except (RecursionError, ValueError):
        raise MalformedJson("a number too long or nesting too deep") from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("a member name appears twice in one object")
    return members


def _check_size(value: Any) -> None:
    nodes, level = 1, [value] if type(value) in _HOLDERS else []
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for holder in level:
            members = holder.values() if type(holder) is dict else holder
            nodes += len(members)
            if not _HOLDERS.isdisjoint(map(type, members)):
                below += [one for one in members if type(one) in _HOLDERS]
        if nodes > MAX_NODES:
            raise MalformedJson(f"more than {MAX_NODES} values")
        if not below:
            return
        level = below
    raise MalformedJson(f"nested deeper than {MAX_DEPTH} levels")
