"""Every type of entry that a gateway writes (docs/audit-events.md); no gateway that we know wrote another."""

from __future__ import annotations

_STEPS = {
    "account": (
        "added factor_added factor_removed linked password_changed reset resumed sign_in_failed "
        "signed_in signed_out stepped_up suspended"
    ),
    "agreement": ("activated expired proposed refused resumed resumption_asked signed superseded suspended terminated"),
    "alarm": "raised",
    "audit": "exported extracted hold_lifted hold_placed pruned retention_set shredded viewed",
    "case": (
        "answered assigned closed decided explanation_asked linked looked_up noted opened unmask_approved "
        "unmask_asked unmask_refused unmasked"
    ),
    "client": "added key_rotated resumed suspended",
    "conflict": "declared withdrawn",
    "consent": "expired given invalidated refused requested superseded withdrawn",
    "emergency": "asked closed opened refused reviewed",
    "exchange": "authorized failed outcome_unknown refused released withheld",
    "identity": "refused",
    "key": "activated published removed",
    "log": "closed opened",
    "officer": "added suspended",
    "party": "added assertion_key_added assertion_key_removed resumed suspended",
    "protected": "added removed",
    "registration": "approved proposed rejected",
    "review": "reviewed sample_committed sampled",
    "service": "approved registered removed resumed suspended tested",
    "standard": "answered commented consulted deprecated drafted published reopened signed withdrawn",
}
TYPES = frozenset(f"{kind}.{step}" for kind, steps in _STEPS.items() for step in steps.split())
