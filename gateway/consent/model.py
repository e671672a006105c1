"""A resident's consent as a value: what was said yes to, and the events since. Plain Python, no I/O.

The *record* (whom, what for, which fields, which notice) never changes; its state is the last of its events, and an
event is never edited. The resident appears only as a pseudonym. Shape after ISO/IEC TS 27560:2023, narrowed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.errors import WrongState
from gateway.lib.canonical_json import canonical, digest_bytes
from gateway.lib.clock import parse_rfc3339

SCHEMA_NAME = "tongqu-consent/1"
PROOF_TYPE = "tongqu-consent-proof+jws"
COUNTER_TWO_PERSON = "counter-two-person"

PORTAL_SESSION = "portal-session"  # the resident, signed in at this gateway's own page: level 2
PORTAL_LEVEL = 2
PORTAL_TYPE = "tongqu-consent-portal+jws"  # signed by the gateway's receipt key, over the same payload as at a counter

# The level each kind of proof reaches that a party may send. A portal session is none of them: only the gateway's own
# page may say so. Level 3 (the resident's own signature) takes its place here when it can be verified.
PROOF_KINDS: Mapping[str, int] = {COUNTER_TWO_PERSON: 1}

MOVES: Mapping[str, Mapping[str, str]] = {
    "give": {"requested": "given"},
    "refuse": {"requested": "refused"},
    "withdraw": {"given": "withdrawn"},
    "expire": {"given": "expired", "requested": "expired"},
    "supersede": {"given": "superseded"},
    "invalidate": {"given": "invalidated"},
}
STATES = ("requested", "given", "refused", "withdrawn", "expired", "superseded", "invalidated")

# A refusal answers one request and takes nothing back; a superseded consent lives on in the one that superseded it.
COUNTING = frozenset({"given", "withdrawn", "expired", "invalidated"})

INVALIDATION_REASONS: Mapping[str, str] = {
    "entered_in_error": "录入错误",
    "not_informed": "未依法告知",
    "not_the_person": "非本人",
    "forged": "伪造",
}


_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Proof:
    """Why the gateway believes that the resident said yes. ``signatures``: role at the counter → compact JWS."""

    level: int
    kind: str
    officers: Mapping[str, str]  # role at the counter → officer id
    signatures: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a consent; ``log_index`` is its place in the order of everything."""

    state: str
    at: datetime
    log_index: int
    party: str | None = None  # through whom; None: the gateway's own clock
    reason: str | None = None
    proof: Proof | None = None
    code_hash: str | None = field(default=None, repr=False)  # keyed hash of the withdrawal code


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent with its events, oldest first (at least the request)."""

    id: str
    digest: str
    text: bytes = field(repr=False)  # the record's canonical bytes, which ``digest`` is of
    agreement_id: str
    agreement_digest: str
    provider: str
    consumer: str
    subject: str  # pseudonym
    purposes: frozenset[str]
    data: Mapping[str, frozenset[str]]  # standard → fields
    valid_from: datetime
    valid_until: datetime
    events: tuple[Event, ...]

    @property
    def record(self) -> dict[str, Any]:
        """The record as JSON: what the digest is of, and what an officer's proof binds."""
        value: dict[str, Any] = json.loads(self.text)
        return value

    @property
    def state(self) -> str:
        return self.events[-1].state

    @property
    def given(self) -> Event | None:
        """The event of its giving, if it was ever given."""
        for event in self.events:
            if event.state == "given":
                return event
        return None

    @property
    def proof_level(self) -> int:
        """0 until it is given."""
        given = self.given
        return given.proof.level if given is not None and given.proof is not None else 0

    def is_valid(self, now: datetime) -> bool:
        """Given, not taken back, and within its own time."""
        return self.state == "given" and self.valid_from <= now < self.valid_until

    def covers(self, fields: Iterable[str], standard: str | None = None) -> bool:
        """Was each of these fields named? Without ``standard``: in every standard that the consent speaks of."""
        if standard is not None:
            return self.data.get(standard, _NOTHING).issuperset(fields)
        asked = frozenset(fields)
        return bool(self.data) and all(asked <= named for named in self.data.values())

    def known_to(self, party: str) -> bool:
        return party in (self.consumer, self.provider)

    def after(self, move: str) -> str:
        """The state a move of MOVES leads to. Raises WrongState."""
        state = MOVES[move].get(self.state)
        if state is None:
            raise WrongState(
                f"同意记录处于“{self.state}”状态，不能执行 {move}。",
                f"The consent is {self.state}, in which {move} is not possible.",
                fix_zh="如需再次取得同意，请新建同意记录。" if self.state != "requested" else "请先记录当事人的答复。",
                fix_en="To ask again, make a new consent."
                if self.state != "requested"
                else "Record what the resident said first.",
                state=self.state,
            )
        return state

    def proof_payload(self) -> bytes:
        """What the officers at the counter sign: the RFC 8785 bytes of the consent's id and digest."""
        return canonical({"consent_id": self.id, "consent_digest": self.digest})


def read(text: bytes, events: tuple[Event, ...]) -> Consent:
    """A consent from its record's canonical bytes and its events."""
    record = json.loads(text)  # our own canonical bytes
    return Consent(
        id=record["id"],
        digest=digest_bytes(text),
        text=text,
        agreement_id=record["agreement"]["id"],
        agreement_digest=record["agreement"]["digest"],
        provider=record["provider"],
        consumer=record["consumer"],
        subject=record["subject"],
        purposes=frozenset(record["purposes"]),
        data={item["standard"]: frozenset(item["fields"]) for item in record["data"]},
        valid_from=parse_rfc3339(record["validity"]["from"]),
        valid_until=parse_rfc3339(record["validity"]["until"]),
        events=events,
    )


def counting(consents: Iterable[Consent]) -> Consent | None:
    """Of one resident's consents to one agreement, the one that counts: the given one, else the last taken back.

    None when nothing but requests, refusals and superseded ones are there.
    """
    candidates = [each for each in consents if each.state in COUNTING]
    return max(candidates, key=lambda each: (each.state == "given", each.events[-1].log_index), default=None)
