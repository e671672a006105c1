"""What the exchange writes into the log: the fields of its entries, built from queries, facts and verdicts.

Nothing here may hold a value of a record, an identifier of a resident or a case number: pseudonyms and digests only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from gateway.exchange.decision import POLICY, RULE_IDS, wanted_fields
from gateway.exchange.model import Facts, Permit, Query, Reason, Refused
from gateway.exchange.translate import Translated
from gateway.lib.clock import rfc3339
from standards import Standard

Entry = dict[str, Any]


def decided(query: Query, facts: Facts, verdict: Permit | Refused, request_digest: str) -> Entry:
    """``exchange.authorized`` or ``exchange.refused``."""
    permitted = isinstance(verdict, Permit)
    known = _known_fields(facts)
    return {
        "type": "exchange.authorized" if permitted else "exchange.refused",
        "query": query.id,
        "actor": query.caller.actor(),
        "agreement": _agreement(facts),
        "consent": _consent(facts) if permitted else None,
        # A refused query may name anything, a resident's number too: only names that somebody published or agreed on
        # enter the log. What else was named is bound by the request's digest.
        "purpose": query.purpose if _is_agreed(query.purpose, facts) else None,
        "standard": facts.standard.id if facts.standard else None,
        "fields": known,
        "subject": query.subject,
        "case": query.case_pseudonym,
        "service": facts.service.id if facts.service else None,
        "decision": {
            "effect": "permit" if permitted else "refuse",
            "rules": list(RULE_IDS if isinstance(verdict, Permit) else verdict.rules),
            "facts": replayable(facts, known),
            "policy": POLICY,
        },
        "request_digest": request_digest,
        "token": {
            "id": hashlib.sha256(query.caller.token_id.encode()).hexdigest(),
            "jkt": query.caller.key_thumbprint,
        },
    }


def released(
    query: Query,
    of: int,
    permit: Permit,
    kept: Translated,
    core: Mapping[str, Any],
    response_digest: str,
) -> Entry:
    consent = permit.consent
    return {
        "type": "exchange.released",
        "query": query.id,
        "of": of,
        "response_digest": response_digest,
        "records": len(core["data"]),
        "dropped": {"fields": kept.dropped_fields, "records": kept.dropped_records + kept.outside},
        "source": dict(core["source"]),
        "fields": list(permit.fields),
        "consent": {"id": consent.id, "digest": consent.digest} if consent else None,
    }


def failed(query: Query, of: int, code: str) -> Entry:
    return {"type": "exchange.failed", "query": query.id, "of": of, "code": code}


def withheld(query: Query, of: int, reasons: tuple[Reason, ...]) -> Entry:
    return {
        "type": "exchange.withheld",
        "query": query.id,
        "of": of,
        "code": reasons[0].code,
        "rules": list(dict.fromkeys(reason.rule for reason in reasons)),
    }


def replayable(facts: Facts, known: list[str]) -> dict[str, Any]:
    """The facts beside the signed agreement that the verdict rests on, so that anyone can decide again.

    ``known``: of the fields that the query is about, those that the standard has.
    """
    terms, consent = facts.terms, facts.consent
    return {
        "at": rfc3339(facts.now),
        "agreement_state": facts.agreement_state,
        "consent_state": consent.state if consent else None,
        "client_state": facts.client_state,
        "consumer_state": facts.consumer_state,
        "provider_state": facts.provider_state,
        "service": facts.service is not None,
        "standard_state": facts.standing.state,
        "standard_until": rfc3339(facts.standing.until) if facts.standing.until else None,
        "quota_used": facts.quota_used,
        "quota_max": terms.quota_max if terms else None,
        "subject_error": facts.subject_error,
        "fields_unknown": len(wanted_fields(facts)) - len(known),
    }


def _is_agreed(purpose: str, facts: Facts) -> bool:
    grant = facts.query.caller.grant
    return (facts.terms is not None and purpose in facts.terms.purposes) or (
        grant is not None and purpose == grant.purpose
    )


def _known_fields(facts: Facts) -> list[str]:
    """Of the fields that the query is about, those that the standard has."""
    known = _names(facts.standard) if facts.standard else frozenset()
    return [name for name in wanted_fields(facts) if name in known]


@lru_cache(maxsize=256)
def _names(standard: Standard) -> frozenset[str]:
    return frozenset(element.path for element in standard.elements)


def _agreement(facts: Facts) -> dict[str, str] | None:
    """Named only where it is known: the log must not make up a digest for an agreement that is not there."""
    if facts.agreement_digest is None:
        return None
    return {"id": facts.query.agreement, "digest": facts.agreement_digest}


def _consent(facts: Facts) -> dict[str, str] | None:
    if facts.consent is None or facts.terms is None or facts.terms.consent_rule != "required":
        return None
    return {"id": facts.consent.id, "digest": facts.consent.digest}
