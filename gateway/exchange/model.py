"""The words of the exchange as values: Query, Facts, Permit, Refused, Answer, Refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.agreements.model import Terms
from gateway.consent.model import Consent
from gateway.identity.model import Caller
from gateway.lib.request_signature import Unverified as SignedRequest
from gateway.lib.value import value
from gateway.registry.model import IN_FORCE, Standing
from standards import Standard
from standards.crosswalk import Crosswalk


@value
class Query:
    """One request for one resident's record, as the caller sent it. Its repr holds nothing about the resident."""

    id: str
    caller: Caller
    agreement: str
    standard: str
    purpose: str
    subject_scheme: str
    subject_id: str = field(repr=False)
    subject: str  # the pseudonym: all that the log ever sees
    fields: tuple[str, ...] | None = None  # None: all that the agreement grants
    case: str | None = field(default=None, repr=False)
    case_pseudonym: str | None = None
    consent: str | None = None
    predicates: tuple[str, ...] = ()  # questions answered by yes or no
    emergency: str | None = None  # the open emergency that the officer calls upon
    subject_before: tuple[str, ...] = ()  # the resident's pseudonyms of earlier epochs
    signature: SignedRequest | Literal["invalid"] | None = field(default=None, repr=False)  # not verified yet
    second: str | None = field(default=None, repr=False)  # a second officer's word (JWS), see persons/second.py
    body: bytes = field(default=b"{}", repr=False)  # the request as sent, in RFC 8785 bytes, for its digest
    idempotency_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a query is refused: the rule, a stable code, and a sentence for the person who asked."""

    rule: str
    code: str
    zh: str
    en: str
    fix_zh: str
    fix_en: str


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What the path of a query needs to know of a department's service."""

    id: str
    party: str
    base_url: str
    timeout_s: float
    max_concurrent: int
    crosswalk: Crosswalk | None  # None: the department answers in the standard itself


@dataclass(frozen=True, slots=True)
class EmergencyFacts:
    """An emergency as it stood when it was called upon."""

    id: str
    agreement: str
    party: str
    state: str
    until: datetime | None  # None: it was never confirmed


@value
class Facts:
    """Everything a decision rests on, read once. ``decide`` sees this and nothing else."""

    now: datetime
    query: Query
    agreement_state: str | None  # None: there is no such agreement, or it is none of this caller's business
    agreement_known_to: frozenset[str]
    terms: Terms | None  # None: the agreement has no item for this standard
    agreement_digest: str | None
    standard: Standard | None  # None: no such standard is published
    subject_error: str | None  # why the identifier cannot be one of that scheme (a code, never the value)
    consent: Consent | None
    client_state: str
    consumer_state: str
    provider_state: str
    service: ServiceFacts | None
    quota_used: int | None  # None: not counted yet; the commit counts
    standing: Standing = IN_FORCE  # of the standard: does it still serve, and until when
    predicates: Mapping[str, str] = field(default_factory=dict)  # the standard's published predicates → digest
    case_fits: bool | None = None  # the officer's assertion names this case; None: it names none
    subject_fits: bool | None = None  # likewise this resident
    relation: str | None = None  # what the officer has declared: self | declared
    protected: bool = False  # the resident is on the data bureau's list of protected persons
    second: str | None = None  # the officer who stands by the first for a protected person
    signature: str = "none"  # of the request: none | valid | invalid
    emergency: EmergencyFacts | None = None
    officer_hour_used: int | None = None  # None: not counted yet; the commit counts
    officer_day_used: int | None = None
    questions_used: int | None = None  # distinct questions asked about this resident; None: the commit counts
    key_held: bool = True  # the client still has the key with which the token was asked for
    officer_speaks: bool = True  # the officer, if there is one, still stands, and the key that vouched
    token_checked: bool = True  # False when somebody only asks what would be decided (explain)
    rests_on: Mapping[str, int] = field(default_factory=dict)  # revision numbers, compared again at each commit


@value
class Permit:
    """Yes: exactly these fields, of people in these divisions, with these masks, until this instant."""

    fields: tuple[str, ...]
    masks: Mapping[str, str]
    divisions: tuple[str, ...] | None
    until: datetime
    rules: tuple[str, ...]
    consent: Consent | None
    predicates: tuple[str, ...] = ()
    emergency: str | None = None

    @property
    def disclosed(self) -> tuple[str, ...]:
        """All that leaves: fields, and the questions answered by yes or no."""
        return self.fields + self.predicates


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and every rule that said so; the first is the one to mend first."""

    reasons: tuple[Reason, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reason.rule for reason in self.reasons))


@value
class Answer:
    """What leaves the gateway. Made only after its ``exchange.released`` entry is durable.

    ``log_index``: that entry's index in the log ``log_origin``, as in the receipt.
    """

    core: bytes = field(repr=False)  # data, withheld and source as one RFC 8785 object: what the receipt binds
    receipt: str
    log_index: int
    log_origin: str
    query: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused query, as an answer: its reasons and the index of its entry, counted over all years."""

    reasons: tuple[Reason, ...]
    log_index: int
    query: str
