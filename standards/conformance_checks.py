"""The list of checks: titles and advice from conformance.json, each with the function that judges.

A judge returns (outcome, zh, en). For a failure the sentences say what was expected and what came; they may name
fields, rules, statuses and counts, never a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from standards import conformance_records as records
from standards import conformance_refusals as refusals
from standards.conformance_finding import Finding
from standards.conformance_probe import Probe


@dataclass(frozen=True, slots=True)
class Check:
    """A rule: its name, its title and what to do if it is broken."""

    id: str
    zh: str
    en: str
    mend_zh: str
    mend_en: str
    judge: Callable[[Probe], Finding]


def _read_checks() -> tuple[Check, ...]:
    """Titles and advice stand in conformance.json, in the order a developer would mend; the rules stand here."""
    texts = json.loads((Path(__file__).parent / "conformance.json").read_text("utf-8"))
    return tuple(Check(**text, judge=_JUDGES[text["id"]]) for text in texts)


_JUDGES: dict[str, Callable[[Probe], Finding]] = {
    "health": records.health,
    "found": records.found,
    "obeys_standard": records.obeys,
    "same_subject": records.same_subject,
    "asked_fields_only": records.profile,
    "absent": records.absent,
    "as_of": records.as_of,
    "content_type": records.content_type,
    "unknown_field": refusals.unknown_field,
    "unknown_standard": refusals.unknown_standard,
    "malformed_json": refusals.malformed_json,
    "missing_signature": refusals.missing_signature,
    "forged_signature": refusals.forged_signature,
    "wrong_audience": refusals.wrong_audience,
    "wrong_issuer": refusals.wrong_issuer,
    "expired": refusals.expired,
    "replayed": refusals.replayed,
    "swapped_agreement": refusals.swapped_agreement,
    "other_agreement": refusals.other_agreement,
    "altered_body": refusals.altered_body,
    "problem_documents": records.problem_documents,
    "no_personal_data": records.no_personal_data,
    "time_and_size": records.time_and_size,
}
CHECKS = _read_checks()
