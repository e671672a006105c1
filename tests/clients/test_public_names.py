"""The names that users' programs rely on. A change here is a change for them: see the changelog."""

from __future__ import annotations

import inspect

import tongqu_client
from tongqu_client import Gateway, verify

NAMES = [
    "Answer",
    "Decision",
    "Gateway",
    "GatewayError",
    "Health",
    "IntegrityError",
    "Officer",
    "Reason",
    "Retries",
    "Subject",
    "Timeout",
    "TrustStore",
    "VerifiedReceipt",
    "__version__",
]
VERIFY = [
    "Checkpoint",
    "ExportReport",
    "Finding",
    "TlogProof",
    "Policy",
    "TrustStore",
    "VerifiedReceipt",
    "VerifiedStandard",
    "VerifierKey",
    "WitnessKey",
    "Witnessed",
    "Bundle",
    "EvidenceReport",
    "verify_bundle",
    "leaf_hash",
    "open_note",
    "verify_consistency",
    "verify_export",
    "verify_inclusion",
    "verify_promise",
    "verify_receipt",
    "verify_standard",
]


def test_the_package_offers_exactly_these_names() -> None:
    assert sorted(tongqu_client.__all__) == sorted(NAMES)
    assert all(hasattr(tongqu_client, name) for name in NAMES)


def test_the_verifier_offers_exactly_these_names() -> None:
    assert sorted(verify.__all__) == sorted(VERIFY)


def test_a_query_takes_these_arguments() -> None:
    assert list(inspect.signature(Gateway.query).parameters) == [
        "self", "standard", "subject", "agreement", "purpose", "case", "fields", "consent", "predicates",
        "emergency", "second", "idempotency_key", "timeout", "deliver_as",
    ]  # fmt: skip


def test_an_explanation_takes_these_arguments() -> None:
    assert list(inspect.signature(Gateway.explain).parameters) == [
        "self", "standard", "subject", "agreement", "purpose", "fields", "case", "predicates",
        "timeout",
    ]  # fmt: skip
