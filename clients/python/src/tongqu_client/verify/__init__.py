"""Offline verification: receipts, proofs, checkpoints and whole exported logs. Pure; nothing here uses the network.

Every ``verify_*`` raises on failure and none returns a bool, so that nobody can overlook a failure.
"""

from tongqu_client.verify.bundle import Bundle
from tongqu_client.verify.cosignatures import WitnessKey
from tongqu_client.verify.evidence import EvidenceReport, verify_bundle
from tongqu_client.verify.export import verify_export
from tongqu_client.verify.findings import ExportReport, Finding
from tongqu_client.verify.merkle import leaf_hash, verify_consistency
from tongqu_client.verify.notes import Checkpoint, TlogProof, VerifierKey, open_note
from tongqu_client.verify.policy import Policy, Witnessed
from tongqu_client.verify.receipts import VerifiedReceipt, verify_inclusion, verify_promise, verify_receipt
from tongqu_client.verify.standards import VerifiedStandard, verify_standard
from tongqu_client.verify.trust import TrustStore

__all__ = [
    "Bundle",
    "Checkpoint",
    "EvidenceReport",
    "ExportReport",
    "Finding",
    "Policy",
    "TlogProof",
    "TrustStore",
    "VerifiedReceipt",
    "VerifiedStandard",
    "VerifierKey",
    "WitnessKey",
    "Witnessed",
    "leaf_hash",
    "open_note",
    "verify_bundle",
    "verify_consistency",
    "verify_export",
    "verify_inclusion",
    "verify_promise",
    "verify_receipt",
    "verify_standard",
]
