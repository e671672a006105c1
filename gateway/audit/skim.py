"""Read from the entries of queries what the index asks for, and make nothing of the rest (plain Python).

Nearly all entries are permits and releases, of which a parser makes a hundred objects that nobody looks at. Canonical
JSON has one spelling, so a pattern finds their members; what it does not match is left to the parser, to the same end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from gateway.audit import entry

REFUSED = "exchange.refused"
_RELEASED = "exchange.released"


class Asked(NamedTuple):
    """A query that was permitted or refused. Things are told by their ids, lists with spaces between."""

    officer: str | None
    party: str | None
    agreement: str | None
    case: str | None
    consent: str | None
    facts: str  # of the decision, as JSON
    rules: str
    fields: str
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
    rules: str
    source: str | None
    t: str
    type: str


def read(data: bytes) -> Asked | Ended | dict[str, Any]:
    """An entry of the log; if it is neither a query nor an outcome, its members."""
    text = data.decode()
    if (found := _asked(text)) is not None:
        officer, party, agreement, case, consent, facts, rules, fields, *rest = found.groups()
        return Asked(officer, party, agreement, case, consent, facts, _spaced(rules), _spaced(fields), *rest)
    if (found := _released(text)) is not None:
        of, records, source, t = found.groups()
        return Ended(int(of), None if int(records) else "no_record", "", source, t, _RELEASED)
    item = entry.read(data)
    if item["type"] in (entry.AUTHORIZED, REFUSED):
        return _parsed(item)
    return _ended(item) if item["type"] in entry.OUTCOMES else item


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
        " ".join(item["decision"]["rules"]),
        " ".join(item["fields"]),
        *(item[name] for name in ("purpose", "query", "service", "standard", "subject", "t", "type")),
    )


def _ended(item: Mapping[str, Any]) -> Ended:
    code = item.get("code") or ("no_record" if item.get("records") == 0 else None)
    source = item.get("source") or {}
    return Ended(item["of"], code, " ".join(item.get("rules") or ()), source.get("party"), item["t"], item["type"])


# ── patterns of canonical JSON, members in their order ────────────────────────────────────────────────────────────────
_ANY = r'"[^"\\]*"'  # texts without escapes
_WANTED = r'"([^"\\]*)"'
_MAYBE = rf"(?:null|{_WANTED})"
_NAMED = rf'(?:null|\{{"digest":{_ANY},"id":{_WANTED}\}})'
_LIST = r"\[([^]\\]*)\]"
_FLAT = r"\{[^{}]*\}"


def _object(**members: str) -> str:
    return r"\{" + ",".join(f'"{name}":{pattern}' for name, pattern in sorted(members.items())) + r"\}"


# Facts are whatever may stand there: they end where the last policy begins, for none of what follows can hold another.
_asked = re.compile(
    _object(
        actor=_object(client=r"[^,{}]*", officer=_MAYBE, party=_MAYBE),
        agreement=_NAMED,
        case=_MAYBE,
        consent=_NAMED,
        decision=_object(effect=_ANY, facts=r"(\{.*\})", policy=_ANY, rules=_LIST),
        fields=_LIST,
        gw=_FLAT,
        id=_ANY,
        purpose=_MAYBE,
        query=_WANTED,
        request_digest=r"[^,{}]*",
        service=_MAYBE,
        standard=_MAYBE,
        subject=_MAYBE,
        t=_WANTED,
        token=rf"(?:null|{_FLAT})",
        type=rf'"({re.escape(entry.AUTHORIZED)}|{re.escape(REFUSED)})"',
        v="[0-9]+",
    )
).fullmatch
_released = re.compile(
    _object(
        consent=rf"(?:null|{_FLAT})",
        dropped=_FLAT,
        fields=r"\[[^]\\]*\]",
        gw=_FLAT,
        id=_ANY,
        of="([0-9]+)",
        query=_ANY,
        records="([0-9]+)",
        response_digest=_ANY,
        source=_object(as_of=r"[^,{}]*", party=_WANTED, service=_ANY),
        t=_WANTED,
        type=f'"{re.escape(_RELEASED)}"',
        v="[0-9]+",
    )
).fullmatch


def _spaced(members: str) -> str:
    """Of a list of texts without escapes."""
    return members[1:-1].replace('","', " ")
