"""What an agreement grants, read from its document once and kept: the form in which the path of a query uses it.

Plain Python, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import Any

from gateway.lib import alike
from gateway.lib.canonical_json import digest_bytes, strict_loads
from gateway.lib.clock import parse_rfc3339

MAX_KEPT = 4096  # documents kept as terms, about 10 KB each
# How surely an officer was recognised, the weakest first: the authenticator assurance levels of NIST SP 800-63B. An acr
# that is none of these counts as less than all of them.
ACR_LEVELS = ("aal1", "aal2", "aal3")
QUESTIONS = 3  # distinct yes-or-no questions about one resident and month, where the agreement says nothing


@dataclass(frozen=True, slots=True)
class Hours:
    """When queries are allowed, in China's civil time. ``days``: 1 is Monday; ``until`` is not included."""

    days: frozenset[int]
    opens: str  # "08:30"
    closes: str  # "18:00", at most "24:00"

    def open_at(self, now: datetime) -> bool:
        local = now + timedelta(hours=8)  # UTC+8 all year; the caller's instants are UTC
        return local.isoweekday() in self.days and self.opens <= f"{local.hour:02}:{local.minute:02}" < self.closes


@dataclass(frozen=True, slots=True)
class Terms:
    """What one agreement grants of one standard: all that the path of a query needs, computed once per document."""

    agreement_id: str
    digest: str
    version: int
    standard: str
    schema_digest: str
    consumer: str
    provider: str
    purposes: frozenset[str]
    fields: tuple[str, ...]
    masks: Mapping[str, str]
    consent_rule: str  # none | required | notify
    min_proof_level: int
    quota_unit: str | None  # day | month | total
    quota_max: int | None
    case_required: bool
    hours: Hours | None
    divisions: tuple[str, ...] | None  # None: wherever people live
    valid_from: datetime
    valid_until: datetime
    legal_basis: str  # code of lawful-basis
    citation: str
    predicates: Mapping[str, str] = field(default_factory=dict)  # granted questions → the digest of what they mean
    question_unit: str = "month"
    question_max: int = QUESTIONS  # distinct questions about one resident in a window
    roles: frozenset[str] = frozenset()  # empty: whatever the officer's role
    min_acr: str | None = None
    max_auth_age: timedelta | None = None
    officer_per_hour: int | None = None
    officer_per_day: int | None = None
    automated: bool = True  # may a system ask without an officer?
    request_signature: str = "optional"  # optional | required
    emergency: str = "none"  # none | allowed

    def recognises(self, acr: str | None) -> bool:
        """Was an officer with this acr recognised as surely as was agreed?"""
        return self.min_acr is None or _level(acr) >= _level(self.min_acr)

    def open_at(self, now: datetime) -> bool:
        """May queries be made at this hour? Always, when no hours were agreed."""
        return self.hours is None or self.hours.open_at(now)


def _level(acr: str | None) -> int:
    return ACR_LEVELS.index(acr) + 1 if acr in ACR_LEVELS else 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A document, read once."""

    document: Mapping[str, Any]
    parties: Mapping[str, str]
    valid_from: datetime
    valid_until: datetime
    review_by: datetime | None
    purposes: frozenset[str]
    terms: Mapping[str, Terms]


@lru_cache(maxsize=MAX_KEPT)  # a document is the same for ever
def read(text: bytes) -> Reading:
    """A document from its canonical bytes."""
    document = strict_loads(text)
    parties = {entry["role"]: entry["party"] for entry in document["parties"]}
    validity = document["validity"]
    review_by = validity["review_by"]
    digest = digest_bytes(text)
    items = document["items"]
    return Reading(
        document=MappingProxyType(document),
        parties=MappingProxyType(parties),
        valid_from=parse_rfc3339(validity["from"]),
        valid_until=parse_rfc3339(validity["until"]),
        review_by=parse_rfc3339(review_by) if review_by else None,
        purposes=alike.set_of(purpose["code"] for purpose in document["purposes"]),
        terms=MappingProxyType({item["standard"]: _terms(document, digest, parties, item) for item in items}),
    )


def _terms(document: Mapping[str, Any], digest: str, parties: Mapping[str, str], item: Mapping[str, Any]) -> Terms:
    access, jurisdiction = document["access"], document["jurisdiction"]
    quota, hours = access["quota"], access["hours"]
    basis = next(basis for basis in document["legal_basis"] if basis["id"] == item["legal_basis"])
    return Terms(
        agreement_id=document["id"],
        digest=intern(digest),  # tokens name it too
        version=document["version"],
        standard=intern(item["standard"]),
        schema_digest=intern(item["schema_digest"]),
        consumer=intern(parties["consumer"]),
        provider=intern(parties["provider"]),
        purposes=alike.set_of(purpose["code"] for purpose in document["purposes"]),
        fields=alike.texts(item["fields"]),
        masks=alike.mapping(item["masks"]),
        consent_rule=intern(item["consent"]),
        min_proof_level=item["min_proof_level"],
        quota_unit=intern(quota["unit"]) if quota else None,
        quota_max=quota["max"] if quota else None,
        case_required=access["case_required"],
        hours=Hours(frozenset(hours["days"]), hours["from"], hours["until"]) if hours else None,
        divisions=alike.texts(jurisdiction["divisions"]) if jurisdiction else None,
        valid_from=parse_rfc3339(document["validity"]["from"]),
        valid_until=parse_rfc3339(document["validity"]["until"]),
        legal_basis=intern(basis["type"]),
        citation=intern(basis["citation"]),
        **_hardened(document, item),
    )


def _hardened(document: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """Members that a document may leave out, because older ones do not know them."""
    access, budget = document["access"], item.get("question_budget") or {}
    officers, age = access.get("per_officer") or {}, access.get("max_auth_age")
    demands = any(access.get(name) for name in ("roles", "min_acr", "max_auth_age", "per_officer"))
    return {
        "predicates": alike.mapping({each["name"]: each["digest"] for each in item.get("predicates", ())}),
        "question_unit": budget.get("unit", "month"),
        "question_max": budget.get("max", QUESTIONS),
        "roles": alike.set_of(access.get("roles", ())),
        "min_acr": access.get("min_acr"),
        "max_auth_age": timedelta(seconds=age) if age is not None else None,
        "officer_per_hour": officers.get("per_hour"),
        "officer_per_day": officers.get("per_day"),
        # Whoever makes demands on officers means that officers ask, unless the document says otherwise.
        "automated": access.get("automated", not demands),
        "request_signature": access.get("request_signature", "optional"),
        "emergency": document.get("emergency", "none"),
    }
