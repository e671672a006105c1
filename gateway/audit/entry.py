"""The closed list of events, and the exact bytes of an entry (plain Python).

An entry is one JSON object in its canonical spelling (RFC 8785), at most 65,535 bytes (the length prefix of C2SP entry
bundles). It has the header ``v`` (1), ``type``, ``t`` (when it entered the log), ``id`` and ``gw`` ({node, build}), and
the members of its type, all of them always: what does not apply is null. Order is the index, not ``t``: a clock can be
set back, an index cannot.

Rule of change: a member is never removed or re-used with another meaning; a new one raises ``v``. docs/audit-events.md
is tested to say the same as this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from gateway.audit import kinds
from gateway.audit.kinds import Kind, closed, list_of, maybe

VERSION = 1
MAX_ENTRY_BYTES = 65_535  # uint16 length prefix, C2SP tlog-tiles
HEADER = ("v", "type", "t", "id", "gw")

AUTHORIZED = "exchange.authorized"
OUTCOME_UNKNOWN = "exchange.outcome_unknown"
OUTCOMES = frozenset({"exchange.released", "exchange.failed", "exchange.withheld", OUTCOME_UNKNOWN})


class EntryInvalid(ValueError):
    """Not an entry of the closed list. The message names the member and what was expected there, never its value."""


ACTOR = closed(party=maybe(kinds.PARTY), client=maybe(kinds.CLIENT), officer=maybe(kinds.OFFICER))
AGREEMENT = closed(id=kinds.AGREEMENT_ID, digest=kinds.DIGEST)
CONSENT = closed(id=kinds.CONSENT_ID, digest=kinds.DIGEST)

_query: dict[str, Kind] = {
    "query": kinds.QUERY_ID,
    "actor": ACTOR,
    "agreement": maybe(AGREEMENT),
    "consent": maybe(CONSENT),
    "purpose": maybe(kinds.PURPOSE),
    "standard": maybe(kinds.STANDARD),
    "fields": list_of(kinds.FIELD),
    "subject": maybe(kinds.SUBJECT),
    "case": maybe(kinds.CASE),
    "service": maybe(kinds.SERVICE_ID),
    "decision": closed(
        effect=kinds.text("permit or refuse", "permit|refuse"),
        rules=list_of(kinds.CODE),
        facts=kinds.FACTS,
        policy=kinds.text("policy version", r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}"),
    ),
    "request_digest": maybe(kinds.DIGEST),
    "token": maybe(closed(id=kinds.HEX_HASH, jkt=kinds.THUMBPRINT)),
}
_outcome: dict[str, Kind] = {"query": kinds.QUERY_ID, "of": kinds.INDEX}
_agreement: dict[str, Kind] = {
    "actor": ACTOR,
    "agreement": closed(id=kinds.AGREEMENT_ID, digest=kinds.DIGEST, version=kinds.INTEGER),
    "reason": maybe(kinds.CODE),
    "signature": maybe(closed(officer=kinds.OFFICER, jws_digest=kinds.DIGEST)),
}
_consent: dict[str, Kind] = {"actor": ACTOR, "consent": CONSENT, "agreement": AGREEMENT, "subject": kinds.SUBJECT}
_service: dict[str, Kind] = {
    "actor": ACTOR,
    "service": closed(id=kinds.SERVICE_ID, digest=kinds.DIGEST),
    "party": kinds.PARTY,
    "standard": kinds.STANDARD,
    "outcome": maybe(kinds.CODE),
}
_party: dict[str, Kind] = {
    "actor": ACTOR,
    "party": kinds.PARTY,
    "client": maybe(kinds.CLIENT),
    "officer": maybe(kinds.OFFICER),
    "key": maybe(kinds.THUMBPRINT),
}

EVENTS: Mapping[str, Mapping[str, Kind]] = {
    "log.opened": {
        "origin": kinds.ORIGIN,
        "previous": maybe(closed(origin=kinds.ORIGIN, size=kinds.INTEGER, root=kinds.BASE64_HASH)),
    },
    # A refused query may have named an agreement, purpose, standard or person that does not exist; a permitted one not.
    AUTHORIZED: {
        **_query,
        "agreement": AGREEMENT,
        "purpose": kinds.PURPOSE,
        "standard": kinds.STANDARD,
        "subject": kinds.SUBJECT,
        "request_digest": kinds.DIGEST,
    },
    "exchange.refused": _query,
    "exchange.released": {
        **_outcome,
        "response_digest": kinds.DIGEST,
        "records": kinds.INTEGER,
        "dropped": closed(fields=kinds.INTEGER, records=kinds.INTEGER),
        "source": closed(party=kinds.PARTY, service=kinds.SERVICE_ID, as_of=maybe(kinds.TIME)),
        "fields": list_of(kinds.FIELD),
        "consent": maybe(CONSENT),
    },
    "exchange.failed": {**_outcome, "code": kinds.CODE},
    "exchange.withheld": {**_outcome, "code": kinds.CODE, "rules": list_of(kinds.CODE)},
    OUTCOME_UNKNOWN: _outcome,
    "identity.refused": {"actor": ACTOR, "code": kinds.CODE, "rule": maybe(kinds.CODE)},
    **{
        f"agreement.{step}": _agreement
        for step in (
            "proposed", "signed", "activated", "refused", "suspended", "resumed", "terminated", "expired", "superseded"
        )
    },
    **{f"consent.{step}": _consent for step in ("requested", "given", "refused", "withdrawn", "expired")},
    **{f"service.{step}": _service for step in ("registered", "tested", "approved", "suspended", "resumed", "removed")},
    **{f"party.{step}": _party for step in ("added", "suspended", "resumed")},
    **{f"client.{step}": _party for step in ("added", "key_rotated", "suspended", "resumed")},
    **{f"officer.{step}": _party for step in ("added", "suspended")},
    "standard.published": {"actor": ACTOR, "standard": kinds.STANDARD, "digest": kinds.DIGEST},
    "audit.viewed": {"actor": ACTOR, "filter_digest": kinds.DIGEST, "rows": kinds.INTEGER},
    "audit.exported": {"actor": ACTOR, "size": kinds.INTEGER},
}  # fmt: skip


class Marks(NamedTuple):
    """By what an entry is found again; ``of`` is the entry that it is the outcome of. Derived, never the truth."""

    type: str
    query: str | None
    agreement: str | None
    subject: str | None
    party: str | None  # who acted
    other_party: str | None  # whom it concerns: the department asked, the party administered
    of: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry whose bytes lack only the time, which it gets when it enters the log."""

    before: bytes
    after: bytes
    marks: Marks

    def at(self, t: str) -> bytes:
        """The bytes of the entry; ``t`` as gateway.lib.clock.rfc3339 writes it."""
        return self.before + t.encode() + self.after


_NO_TIME = "0000-00-00T00:00:00.000Z"
_TIME_MARK = f',"t":"{_NO_TIME}'.encode()


def draft(content: Mapping[str, Any], *, id: str, gw: Mapping[str, str]) -> Draft:
    """Check an event and write everything of it but its time. Raises EntryInvalid.

    ``content``: ``type`` and the members of that type; members that may be null may be left out.
    """
    event = EVENTS.get(content["type"]) if type(content.get("type")) is str else None
    if event is None:
        raise EntryInvalid("type: expected an event of the closed list")
    whole: dict[str, Any] = {name: _complete(content.get(name), kind) for name, kind in event.items()}
    for name, kind in event.items():
        if not kind.accepts(whole[name]):
            raise EntryInvalid(f"{content['type']}, member {name}: expected {kind.name}")
    if surplus := content.keys() - event.keys() - {"type"}:
        raise EntryInvalid(f"{content['type']}: unknown member {', '.join(sorted(map(repr, surplus)))}")
    marks = marks_of(content["type"], whole)
    whole |= {"v": VERSION, "type": content["type"], "t": _NO_TIME, "id": id, "gw": gw}
    # Our keys are ASCII, our numbers integers, and controls are refused: on such values orjson writes RFC 8785.
    before, mark, after = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS).rpartition(_TIME_MARK)
    if len(before) + len(mark) + len(after) > MAX_ENTRY_BYTES:
        raise EntryInvalid(f"{content['type']}: expected at most {MAX_ENTRY_BYTES} bytes")
    return Draft(before + _TIME_MARK[: -len(_NO_TIME)], after, marks)


def read(data: bytes) -> dict[str, Any]:
    """The members of an entry of the log."""
    value: dict[str, Any] = orjson.loads(data)
    return value


def check(data: bytes) -> dict[str, Any]:
    """Read an entry and raise EntryInvalid unless it is exactly what ``draft`` would have written."""
    try:
        value = read(data)
        content = {name: member for name, member in value.items() if name not in HEADER or name == "type"}
        same = draft(content, id=value["id"], gw=value["gw"]).at(value["t"]) == data
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError, orjson.JSONEncodeError):
        raise EntryInvalid("not a JSON object with the header of an entry") from None
    if not same:
        raise EntryInvalid("not the canonical spelling, or another version")
    return value


def marks_of(event: str, members: Mapping[str, Any]) -> Marks:
    """What search needs to know of an entry."""
    agreement, actor = members.get("agreement"), members.get("actor")
    source = members.get("source")
    return Marks(
        event,
        members.get("query"),
        agreement["id"] if agreement else None,
        members.get("subject"),
        actor["party"] if actor else None,
        source["party"] if source else members.get("party"),
        members["of"] if event in OUTCOMES else None,
    )


def describe() -> dict[str, dict[str, str]]:
    """Every event, its members and their kinds: what docs/audit-events.md must say."""
    return {event: {name: kind.name for name, kind in members.items()} for event, members in EVENTS.items()}


def _complete(value: Any, kind: Kind) -> Any:
    """Write out the nulls of an object's members that were left out."""
    if kind.members is not None and isinstance(value, dict) and len(value) < len(kind.members):
        return {**{name: None for name, member in kind.members.items() if member.nullable}, **value}
    return value
