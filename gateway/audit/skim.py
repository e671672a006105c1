"""Read from the entries of queries what the index asks for, and make nothing of the rest (plain Python).

Nearly all entries are permits and releases, of which a parser makes a hundred objects that nobody looks at. Canonical
JSON has one spelling, so a pattern finds their members; what it does not match is left to the parser, to the same end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from gateway.audit import entry

REFUSED = "exchange.refused"
RELEASED = "exchange.released"
NO_RECORD = "no_record"


class Asked(NamedTuple):
    """A query that was permitted or refused. Things are told by their ids."""

    officer: str | None
    party: str | None
    agreement: str | None
    case: str | None
    consent: str | None
    facts: str  # JSON
    rules: str  # what stands in the list in JSON, see spaced
    fields: str  # the same
    purpose: str | None
    query: str
    service: str | None
    standard: str | None
    subject: str | None
    t: str
    type: str


class Ended(NamedTuple):
    """The outcome of a query. ``source``: the party that the record came from."""

    of: int
    code: str | None
    rules: str  # as in Asked
    source: str | None
    t: str
    type: str


def read(data: bytes) -> Asked | Ended | dict[str, Any]:
    """An entry of the log; if it is neither a query nor an outcome, its members."""
    return by_pattern(data) or by_parser(data)


def by_pattern(data: bytes) -> Asked | Ended | None:
    text = data.decode()
    if "\\" in text:  # the patterns know no escapes
        return None
    if (found := _asked(text)) is not None:
        return Asked._make(found.groups())
    if (found := _released(text)) is not None:
        of, records, source, t = found.groups()
        return Ended(int(of), NO_RECORD if records == "0" else None, "", source, t, RELEASED)
    return None


def by_parser(data: bytes) -> Asked | Ended | dict[str, Any]:
    item = entry.read(data)
    if item["type"] in (entry.AUTHORIZED, REFUSED):
        return _parsed(item)
    return _ended(item) if item["type"] in entry.OUTCOMES else item


def spaced(members: str) -> str | None:
    """Of a list of codes, what stands in it: with spaces between, None if it is empty."""
    return members[1:-1].replace('","', " ") or None


def id_of(value: object) -> str | None:
    """The id of what an entry names with its digest, or by its id alone."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else None


def _parsed(item: Mapping[str, Any]) -> Asked:
    return Asked(
        item["actor"].get("officer"),
        item["actor"]["party"],
        id_of(item["agreement"]),
        item["case"],
        id_of(item["consent"]),
        orjson.dumps(item["decision"]["facts"]).decode(),
        _members(item["decision"]["rules"]),
        _members(item["fields"]),
        *(item[name] for name in ("purpose", "query", "service", "standard", "subject", "t", "type")),
    )


def _ended(item: Mapping[str, Any]) -> Ended:
    code = item.get("code") or (NO_RECORD if item.get("records") == 0 else None)
    source = item.get("source") or {}
    return Ended(item["of"], code, _members(item.get("rules") or ()), source.get("party"), item["t"], item["type"])


def _members(values: Sequence[str]) -> str:
    return orjson.dumps(values)[1:-1].decode()


# ── patterns of canonical JSON, members in their order ────────────────────────────────────────────────────────────────
_ANY = '"[^"]*"'
_WANTED = '"([^"]*)"'
_LIST = r"\[([^]]*)\]"
_NUMBER = "[0-9]+"


def _maybe(pattern: str) -> str:
    return f"(?:null|{pattern})"


def _object(**members: str) -> str:
    return r"\{" + ",".join(f'"{name}":{pattern}' for name, pattern in sorted(members.items())) + r"\}"


# Facts are whatever may stand there: they end where the last policy begins, for none of what follows can hold another.
_asked = re.compile(
    _object(
        actor=_object(client=_maybe(_ANY), officer=_maybe(_WANTED), party=_maybe(_WANTED)),
        agreement=_maybe(_object(digest=_ANY, id=_WANTED)),
        case=_maybe(_WANTED),
        consent=_maybe(_object(digest=_ANY, id=_WANTED)),
        decision=_object(effect=_ANY, facts=r"(\{(?s:.*)\})", policy=_ANY, rules=_LIST),
        fields=_LIST,
        gw=_object(build=_ANY, node=_ANY),
        id=_ANY,
        purpose=_maybe(_WANTED),
        query=_WANTED,
        request_digest=_maybe(_ANY),
        service=_maybe(_WANTED),
        standard=_maybe(_WANTED),
        subject=_maybe(_WANTED),
        t=_WANTED,
        token=_maybe(_object(id=_ANY, jkt=_ANY)),
        type=rf'"({re.escape(entry.AUTHORIZED)}|{re.escape(REFUSED)})"',
        v=_NUMBER,
    )
).fullmatch
_released = re.compile(
    _object(
        consent=_maybe(_object(digest=_ANY, id=_ANY)),
        dropped=_object(fields=_NUMBER, records=_NUMBER),
        fields=r"\[[^]]*\]",
        gw=_object(build=_ANY, node=_ANY),
        id=_ANY,
        of=f"({_NUMBER})",
        query=_ANY,
        records=f"({_NUMBER})",
        response_digest=_ANY,
        source=_object(as_of=_maybe(_ANY), party=_WANTED, service=_ANY),
        t=_WANTED,
        type=f'"{re.escape(RELEASED)}"',
        v=_NUMBER,
    )
).fullmatch
