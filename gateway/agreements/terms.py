"""What an agreement grants, read from its document once and kept: the form in which the path of a query uses it.

Plain Python, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from gateway.lib.canonical_json import digest_bytes, strict_loads
from gateway.lib.clock import parse_rfc3339

MAX_KEPT = 4096  # documents kept as terms, about 10 KB each


@dataclass(frozen=True, slots=True)
class Hours:
    """When queries are allowed, in China's civil time. ``days``: 1 is Monday; ``until`` is not included."""

    days: frozenset[int]
    opens: str  # "08:30"
    closes: str  # "18:00", at most "24:00"

    def open_at(self, now: datetime) -> bool:
        local = now + timedelta(hours=8)  # UTC+8 all year; the caller's instants are UTC
        return local.isoweekday() in self.days and self.opens <= f"{local:%H:%M}" < self.closes


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

    def open_at(self, now: datetime) -> bool:
        """May queries be made at this hour? Always, when no hours were agreed."""
        return self.hours is None or self.hours.open_at(now)


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


@lru_cache(maxsize=MAX_KEPT)  # a document is the same for ever, and each query asks for its terms
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
        purposes=frozenset(purpose["code"] for purpose in document["purposes"]),
        terms=MappingProxyType({item["standard"]: _terms(document, digest, parties, item) for item in items}),
    )


def _terms(document: Mapping[str, Any], digest: str, parties: Mapping[str, str], item: Mapping[str, Any]) -> Terms:
    access, jurisdiction = document["access"], document["jurisdiction"]
    quota, hours = access["quota"], access["hours"]
    basis = next(basis for basis in document["legal_basis"] if basis["id"] == item["legal_basis"])
    return Terms(
        agreement_id=document["id"],
        digest=digest,
        version=document["version"],
        standard=item["standard"],
        schema_digest=item["schema_digest"],
        consumer=parties["consumer"],
        provider=parties["provider"],
        purposes=frozenset(purpose["code"] for purpose in document["purposes"]),
        fields=tuple(item["fields"]),
        masks=MappingProxyType(dict(item["masks"])),
        consent_rule=item["consent"],
        min_proof_level=item["min_proof_level"],
        quota_unit=quota["unit"] if quota else None,
        quota_max=quota["max"] if quota else None,
        case_required=access["case_required"],
        hours=Hours(frozenset(hours["days"]), hours["from"], hours["until"]) if hours else None,
        divisions=tuple(jurisdiction["divisions"]) if jurisdiction else None,
        valid_from=parse_rfc3339(document["validity"]["from"]),
        valid_until=parse_rfc3339(document["validity"]["until"]),
        legal_basis=basis["type"],
        citation=basis["citation"],
    )
