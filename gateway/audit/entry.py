"""The closed list of events, and the exact bytes of an entry (plain Python).

An entry is one JSON object in its canonical spelling (RFC 8785), at most 65,535 bytes (the length prefix of C2SP entry
bundles). It has the header ``v`` (1), ``type``, ``t`` (when it entered the log), ``id`` and ``gw`` ({node, build}), and
the members of its type, all of them always: what does not apply is null. Order is the index, not ``t``: a clock can be
set back, an index cannot.

Rule of change: a member is never removed or re-used with another meaning; a new one raises ``v``. docs/audit-events.md
is tested to say the same as this file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import orjson

from gateway.audit import kinds
from gateway.audit.kinds import Kind, closed, list_of, maybe

VERSION = 1
MAX_INDEX = 2**53 - 1  # the largest that canonical JSON tells exactly (RFC 8785, I-JSON)
MAX_ENTRY_BYTES = 65_535  # uint16 length prefix, C2SP tlog-tiles

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
_standard: dict[str, Kind] = {
    "actor": ACTOR,
    "standard": kinds.STANDARD,
    "digest": kinds.DIGEST,
    "against": maybe(kinds.STANDARD),
    "verdict": maybe(kinds.CODE),
    "bump": maybe(kinds.CODE),
    "until": maybe(kinds.UTC_TIME),
    "successor": maybe(kinds.STANDARD),
    "reason": maybe(kinds.CODE),
    "signature": maybe(closed(officer=kinds.OFFICER, jws_digest=kinds.DIGEST)),
}
_comment: dict[str, Kind] = {
    "actor": ACTOR,
    "standard": kinds.STANDARD,
    "digest": kinds.DIGEST,
    "comment": closed(id=kinds.COMMENT_ID, digest=kinds.DIGEST),
    "outcome": maybe(kinds.CODE),
}
_case: dict[str, Kind] = {
    "actor": ACTOR,
    "by": maybe(kinds.PERSON),
    "file": kinds.FILE_ID,
    "kind": kinds.CODE,
    "party": maybe(kinds.PARTY),
    "to": maybe(kinds.PERSON),
    "code": maybe(kinds.CODE),
    "entry": maybe(kinds.INDEX),
    "subject": maybe(kinds.SUBJECT),
    "text": maybe(kinds.DIGEST),
}
_account: dict[str, Kind] = {
    "actor": ACTOR,
    "account": maybe(kinds.ACCOUNT_ID),
    "role": maybe(kinds.CODE),
    "method": maybe(kinds.CODE),
    "outcome": maybe(kinds.CODE),
}

_emergency: dict[str, Kind] = {
    "actor": ACTOR,
    "emergency": kinds.EMERGENCY_ID,
    "agreement": kinds.AGREEMENT_ID,
    "party": kinds.PARTY,
    "reason": kinds.CODE,
    "until": maybe(kinds.UTC_TIME),
    "review_due": maybe(kinds.UTC_TIME),
    "outcome": maybe(kinds.CODE),
}
_registration: dict[str, Kind] = {
    "actor": ACTOR,
    "party": kinds.PARTY,
    "registration": closed(id=kinds.REGISTRATION_ID, digest=kinds.DIGEST),
    "signature": closed(officer=kinds.OFFICER, jws_digest=kinds.DIGEST),
}
_key: dict[str, Kind] = {"actor": ACTOR, "purpose": kinds.CODE, "key": kinds.THUMBPRINT}

APPROVED = list_of(closed(officer=kinds.OFFICER, jws_digest=kinds.DIGEST))
_hold: dict[str, Kind] = {
    "actor": ACTOR,
    "hold": kinds.HOLD_ID,
    "subject": maybe(kinds.SUBJECT),
    "reason": kinds.CODE,
    "approved": APPROVED,
}

EVENTS: Mapping[str, Mapping[str, Kind]] = {
    "log.opened": {
        "origin": kinds.ORIGIN,
        "previous": maybe(
            closed(origin=kinds.ORIGIN, first=kinds.INDEX, size=kinds.INTEGER, root=kinds.BASE64_HASH)
        ),
    },
    "log.closed": {"size": kinds.INTEGER, "next": closed(origin=kinds.ORIGIN, vkey=kinds.VKEY)},
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
            "proposed", "signed", "activated", "refused", "suspended", "resumption_asked", "resumed", "terminated",
            "expired", "superseded",
        )
    },
    **{
        f"consent.{step}": _consent
        for step in ("requested", "given", "refused", "withdrawn", "expired", "superseded", "invalidated")
    },
    **{f"service.{step}": _service for step in ("registered", "tested", "approved", "suspended", "resumed", "removed")},
    "party.added": {**_party, "kind": maybe(kinds.CODE)},
    **{
        f"party.{step}": _party
        for step in ("suspended", "resumed", "assertion_key_added", "assertion_key_removed")
    },
    **{f"registration.{step}": _registration for step in ("proposed", "approved", "rejected")},
    **{f"key.{step}": _key for step in ("published", "activated", "removed")},
    **{f"client.{step}": _party for step in ("added", "key_rotated", "suspended", "resumed")},
    "officer.added": {**_party, "role": maybe(kinds.CODE)},
    "officer.suspended": _party,
    **{
        f"standard.{step}": _standard
        for step in ("drafted", "consulted", "reopened", "published", "signed", "deprecated", "withdrawn")
    },
    **{f"standard.{step}": _comment for step in ("commented", "answered")},
    **{
        f"case.{step}": _case
        for step in (
            "opened", "assigned", "explanation_asked", "answered", "noted", "linked", "decided", "closed",
            "unmask_asked", "unmask_approved", "unmask_refused", "unmasked", "looked_up",
        )
    },
    "review.sample_committed": {"day": kinds.DAY, "percent": kinds.INTEGER, "commitment": kinds.DIGEST},
    "review.sampled": {
        "day": kinds.DAY,
        "percent": kinds.INTEGER,
        "commitment": kinds.INDEX,
        "seed": kinds.HEX_HASH,
        "size": kinds.INTEGER,
        "population": kinds.INTEGER,
        "drawn": kinds.INTEGER,
    },
    "review.reviewed": {
        "actor": ACTOR,
        "by": maybe(kinds.PERSON),
        "item": kinds.text("review item id", r"rev_[A-Za-z0-9_-]{1,64}"),
        "reason": kinds.CODE,
        "entry": maybe(kinds.INDEX),
        "outcome": kinds.CODE,
        "file": maybe(kinds.FILE_ID),
    },
    **{
        f"account.{step}": _account
        for step in (
            "added", "suspended", "resumed", "reset", "signed_in", "sign_in_failed", "signed_out", "stepped_up",
            "password_changed", "factor_added", "factor_removed", "linked",
        )
    },
    **{f"emergency.{step}": _emergency for step in ("asked", "opened", "closed", "reviewed")},
    **{
        f"conflict.{step}": {"actor": ACTOR, "officer": kinds.OFFICER, "relation": kinds.CODE}
        for step in ("declared", "withdrawn")
    },
    **{f"protected.{step}": {"actor": ACTOR, "total": kinds.INTEGER} for step in ("added", "removed")},
    "emergency.refused": {
        "actor": ACTOR,
        "step": kinds.CODE,
        "emergency": maybe(kinds.EMERGENCY_ID),
        "agreement": maybe(kinds.AGREEMENT_ID),
        "code": kinds.CODE,
        "rule": maybe(kinds.CODE),
    },
    "alarm.raised": {"actor": ACTOR, "code": kinds.CODE, "query": maybe(kinds.QUERY_ID)},
    "audit.viewed": {"actor": ACTOR, "by": maybe(kinds.PERSON), "filter_digest": kinds.DIGEST, "rows": kinds.INTEGER},
    "audit.exported": {"actor": ACTOR, "by": maybe(kinds.PERSON), "size": kinds.INTEGER},
    "audit.extracted": {
        "actor": ACTOR,
        "by": maybe(kinds.PERSON),
        "filter_digest": kinds.DIGEST,
        "rows": kinds.INTEGER,
        "format": kinds.CODE,
        "size": kinds.INTEGER,
    },
    "audit.retention_set": {"actor": ACTOR, "days": kinds.INTEGER, "paper": kinds.DIGEST},
    "audit.hold_placed": _hold,
    "audit.hold_lifted": _hold,
    "audit.shredded": {
        "actor": ACTOR,
        "subject": kinds.SUBJECT,
        "rows": kinds.INTEGER,
        "reason": kinds.CODE,
        "approved": APPROVED,
    },
    "audit.pruned": {
        "actor": ACTOR,
        "below": kinds.INDEX,
        "exported": closed(size=kinds.INTEGER, root=kinds.BASE64_HASH),
        "approved": APPROVED,
    },
}  # fmt: skip


HEADER: Mapping[str, Kind] = {
    "v": Kind("version", str(VERSION)),
    "type": kinds.text("event", "|".join(map(re.escape, EVENTS))),
    "t": kinds.UTC_TIME,
    "id": kinds.text("entry id", "[0-9A-Z]{26}"),
    "gw": closed(
        node=kinds.text("node", "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
        build=kinds.text("build", "[A-Za-z0-9][A-Za-z0-9._+-]{0,63}"),
    ),
}


class Draft(NamedTuple):
    """An entry whose bytes lack only the time, which it gets when it enters the log."""

    before: bytes
    after: bytes
    type: str
    query: str | None
    of: int | None  # the authorized entry that this one is the outcome of

    def at(self, t: str) -> bytes:
        """The bytes of the entry; ``t`` as gateway.lib.clock.rfc3339 writes it."""
        return self.before + t.encode() + self.after


_NO_TIME = "0000-00-00T00:00:00.000Z"
_TIME_MARK = f',"t":"{_NO_TIME}'.encode()


def draft(content: Mapping[str, Any], *, id: str, gw: Mapping[str, str]) -> Draft:
    """Check an event and write everything of it but its time. Raises EntryInvalid.

    ``content``: ``type`` and the members of that type; members that may be null may be left out.
    """
    kind: Any = content.get("type")
    if type(kind) is not str or kind not in EVENTS:
        raise EntryInvalid("type: expected an event of the closed list")
    form = _form(kind)
    whole = {**form.nulls, **content, "v": VERSION, "t": _NO_TIME, "id": id, "gw": gw}
    for name, size, nulls in form.objects:  # write out the nulls of an object's members that were left out
        value = whole.get(name)
        if type(value) is dict and len(value) < size:
            whole[name] = {**nulls, **value}
    data = _encode(whole)
    if not _is_entry(kind, data, whole):
        raise EntryInvalid(_defect(kind, whole))
    if len(data) > MAX_ENTRY_BYTES:
        raise EntryInvalid(f"{kind}: expected at most {MAX_ENTRY_BYTES} bytes")
    before, mark, after = data.rpartition(_TIME_MARK)
    return Draft(
        before + mark[: -len(_NO_TIME)], after, kind, content.get("query"), whole["of"] if kind in OUTCOMES else None
    )


def read(data: bytes) -> dict[str, Any]:
    """The members of an entry of the log, which is known to be one."""
    value: dict[str, Any] = orjson.loads(data)
    return value


def index_of(text: str) -> int:
    """The index of an entry as somebody typed it into an address. Raises ValueError if no log can have it."""
    if len(text) > 16 or not text.isascii() or not text.isdigit() or (index := int(text)) > MAX_INDEX:
        raise ValueError("expected an index of the log")
    return index


STUB = "log.pruned"


def stub(t: str) -> bytes:
    """What stands in the database in the place of an entry that was pruned: no event of the list, so no entry."""
    return _encode({"v": VERSION, "type": STUB, "t": t})


def is_stub(data: bytes) -> bool:
    return len(data) < 100 and read(data).get("type") == STUB


def check(data: bytes) -> dict[str, Any]:
    """Read an entry and raise EntryInvalid unless it is exactly one of the closed list in its canonical spelling."""
    try:
        value = read(data)
        known = type(value) is dict and EVENTS.get(value["type"]) is not None and len(data) <= MAX_ENTRY_BYTES
        if known and _is_entry(value["type"], data, value) and _encode(value) == data:
            return value
    except (KeyError, TypeError, orjson.JSONDecodeError):
        pass
    raise EntryInvalid("expected an entry of the closed list, in its canonical spelling")


def describe() -> dict[str, dict[str, str]]:
    """Every event, its members and their kinds: what docs/audit-events.md must say."""
    return {event: {name: kind.name for name, kind in members.items()} for event, members in EVENTS.items()}


# ── the parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class _Form(NamedTuple):
    """What is left out of an event: members that are null, and those of its objects (name, how many, null ones)."""

    nulls: Mapping[str, None]
    objects: tuple[tuple[str, int, Mapping[str, None]], ...]


@cache
def _form(event: str) -> _Form:
    members = EVENTS[event]
    objects = ((name, kind.members) for name, kind in members.items() if kind.members is not None)
    return _Form(_nulls(members), tuple((name, len(inner), _nulls(inner)) for name, inner in objects))


def _nulls(members: Mapping[str, Kind]) -> Mapping[str, None]:
    return {name: None for name, kind in members.items() if kind.nullable}


@cache
def _pattern(event: str, facts: Kind = kinds.FACTS) -> re.Pattern[str]:
    """What the canonical JSON of this event looks like, header and all. Compiled when first needed: there are many."""
    header = {**HEADER, "type": kinds.text("event", re.escape(event))}
    whole = kinds.object_pattern({**header, **EVENTS[event]})
    return re.compile(whole.replace(kinds.FACTS.pattern, facts.pattern))


def _encode(value: Any) -> bytes:
    """RFC 8785. Our keys are ASCII, our numbers integers, controls are refused: so orjson's sorted form it is."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise EntryInvalid("expected JSON values: texts, integers, booleans, nulls, lists, objects") from None


def _is_entry(event: str, data: bytes, value: Mapping[str, Any]) -> bool:
    text = data.decode()
    if event not in _DECIDED:
        return _pattern(event).fullmatch(text) is not None
    match = _pattern(event, kinds.PLAIN_FACTS).fullmatch(text)
    if match is not None and len(match["facts"]) <= kinds.MAX_PLAIN_FACTS:
        return True
    match = _pattern(event).fullmatch(text)
    if match is None:
        return False
    facts = value["decision"]["facts"]  # the pattern found their extent by the members round it: is it really theirs?
    return kinds.is_facts(facts) and _encode(facts).decode() == match["facts"]


_DECIDED = frozenset(name for name, members in EVENTS.items() if "decision" in members)


def _defect(event: str, whole: Mapping[str, Any]) -> str:
    """Which member is wrong, and what was expected there; never its value."""
    expected = {**HEADER, **EVENTS[event]}
    if surplus := whole.keys() - expected.keys():
        return f"{event}: unknown member {', '.join(sorted(map(ascii, surplus)))}"
    for name, kind in expected.items():
        if name not in whole:
            return f"{event}, member {name}: missing, expected {kind.name}"
        if not kind.accepts(whole[name]):
            return f"{event}, member {name}: expected {kind.name}"
    return f"{event}, member decision: expected facts that are few, short, and hold no control characters and no ids"
