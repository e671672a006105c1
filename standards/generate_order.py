"""Dates of one record in the order in which such things happen: a lease does not end before it begins."""

from __future__ import annotations

from typing import Any

# Names of elements of one object, the earlier first. What is absent is passed over.
CHAINS = (
    ("birthDate", "deathDate"),
    ("validFrom", "validTo"),
    ("from", "to"),
    ("approvedFrom", "approvedTo"),
    ("arrivalDate", "plannedUntil"),
    ("arrivalDate", "leaveDate"),
    ("leaseFrom", "leaseTo"),
    ("establishedAt", "endedAt"),
    ("establishedAt", "premisesCheckedAt"),
    ("certIssuedAt", "certValidTo"),
    ("employedFrom", "unemployedFrom"),
    ("occurredAt", "reportedAt", "handledAt", "closedAt"),
    ("reportedAt", "dueAt"),
    ("inspectedAt", "rectifiedAt", "reinspectedAt"),
    ("verifiedAt", "rectifiedAt", "revisitedAt"),
    ("issuedAt", "completedAt"),
    ("issuedAt", "dueAt"),
    ("approvedOn", "publishedOn"),
    ("firstInsuredMonth", "lastPaidMonth", "benefitFrom"),
    ("childBirthDate", "registeredAt"),
)


def in_order(value: Any) -> Any:
    """The same record with the values of each chain sorted, in every object of it."""
    if isinstance(value, list):
        return [in_order(item) for item in value]
    if not isinstance(value, dict):
        return value
    ordered = {name: in_order(below) for name, below in value.items()}
    for chain in CHAINS:
        present = [name for name in chain if isinstance(ordered.get(name), str)]
        # texts of one shape only: a date and an instant do not change places
        for length in {len(ordered[name]) for name in present}:
            names = [name for name in present if len(ordered[name]) == length]
            ordered |= dict(zip(names, sorted(ordered[name] for name in names), strict=True))
    return ordered
