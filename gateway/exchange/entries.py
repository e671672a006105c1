"""What the exchange writes into the log: the fields of its entries, built from queries, facts and verdicts.

Nothing here may hold a value of a record, an identifier of a resident or a case number: pseudonyms and digests only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from gateway.consent.model import Consent
from gateway.exchange.decision import POLICY, wanted_fields, wanted_predicates
from gateway.exchange.model import Facts, Permit, Query, Reason, Refused
from gateway.exchange.translate import Translated
from gateway.identity.model import Assertion, Grant
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
            "rules": list(verdict.rules),
            "facts": replayable(facts, known, relied_on=isinstance(verdict, Permit) and verdict.consent is not None),
            "policy": POLICY,
        },
        "request_digest": request_digest,
        "token": {
            "id": _hashed(query.caller.token_id),
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
        "fields": list(permit.disclosed),
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


def replayable(facts: Facts, known: list[str], *, relied_on: bool = False) -> dict[str, Any]:
    """The facts beside the signed agreement that the verdict rests on, so that anyone can decide again.

    What does not apply, or is as entry and agreement say it, is left out; docs/decision-facts.md describes each fact.
    ``known``: of the fields and predicates that the query is about, those that are published. ``relied_on``: a permit
    rests on the consent, so that it covers what is asked.
    """
    query, terms, standard, standing = facts.query, facts.terms, facts.standard, facts.standing
    found: dict[str, Any] = {
        "at": rfc3339(facts.now),
        "agreement_state": facts.agreement_state,
        "client_state": facts.client_state,
        "consumer_state": facts.consumer_state,
        "provider_state": facts.provider_state,
        "service": facts.service is not None,
        "standard_state": standing.state,
    }
    if query.caller.party not in facts.agreement_known_to:
        found["known"] = False
    if standing.until is not None:
        found["standard_until"] = rfc3339(standing.until)
    if standard is not None:
        if terms is None or standard.digest != terms.schema_digest:
            found["standard_digest"] = standard.digest
        if query.subject_scheme != standard.subject_scheme:
            found["subject_scheme"] = "other"  # what it was, nobody vouches for
    if facts.subject_error is not None:
        found["subject_error"] = facts.subject_error
    predicates = wanted_predicates(facts)
    if unknown := len(wanted_fields(facts)) + len(predicates) - len(known):
        found["fields_unknown"] = unknown
    if predicates:
        found["predicates"] = {name: facts.predicates[name] for name in predicates if name in facts.predicates}
    if (grant := query.caller.grant) is not None:
        found["token"] = _token(facts, grant)
    if facts.consent is not None:
        found["consent"] = _consented(facts.consent) if relied_on else _what_was_consented(facts, facts.consent)
    if query.caller.assertion is not None:
        found["officer"] = _officer(facts, query.caller.assertion)
    if query.emergency is not None:
        found["emergency"] = _emergency(facts)
    if facts.protected:
        found["protected"] = True
    if facts.signature != "none":
        found["signature"] = facts.signature
    if facts.relation is not None:
        found["relation"] = facts.relation
    if facts.second is not None:
        found["second"] = facts.second
    if facts.quota_used is not None:
        found["quota_used"] = facts.quota_used
    if facts.officer_hour_used is not None:
        found["officer_hour_used"] = facts.officer_hour_used
    if facts.officer_day_used is not None:
        found["officer_day_used"] = facts.officer_day_used
    if facts.questions_used is not None:
        found["questions_used"] = facts.questions_used
    return found


def _token(facts: Facts, grant: Grant) -> dict[str, Any]:
    """In what the token differs from the query that came with it, by names that the token's own agreement knows."""
    query, said = facts.query, dict[str, Any]()
    if grant.agreement_id != query.agreement:
        said["agreement"] = "other"
    if grant.agreement_digest != facts.agreement_digest:
        said["digest"] = grant.agreement_digest
    if grant.purpose != query.purpose:
        said["purpose"] = grant.purpose
    if grant.standard is not None and grant.standard != query.standard:
        said["standard"] = grant.standard
    if grant.fields is not None:
        said["fields"] = list(grant.fields)
    return said


def _consented(consent: Consent) -> dict[str, Any]:
    return {
        "id": consent.id,
        "state": consent.state,
        "level": consent.proof_level,
        "from": _written(consent.valid_from),
        "until": _written(consent.valid_until),
    }


_written = lru_cache(maxsize=4096)(rfc3339)  # a consent lasts for months, and its resident is asked about again


def _what_was_consented(facts: Facts, consent: Consent) -> dict[str, Any]:
    """The consent that counts; what of its record matters is said again, for the record need not be at hand."""
    query, said = facts.query, _consented(consent)
    if consent.agreement_digest != facts.agreement_digest:
        said["agreement"] = consent.agreement_digest
    if query.purpose not in consent.purposes:
        said["purpose"] = False
    if not consent.covers(wanted_fields(facts) + wanted_predicates(facts), query.standard):
        said["fields"] = False
    if query.consent is not None and query.consent != consent.id:
        said["named"] = False
    return said


def _officer(facts: Facts, assertion: Assertion) -> dict[str, Any]:
    said: dict[str, Any] = {"roles": list(assertion.roles)}
    if assertion.acr is not None:
        said["acr"] = assertion.acr
    if assertion.auth_time is not None:
        said["auth_time"] = rfc3339(assertion.auth_time)
    if facts.case_fits is not None:
        said["case"] = facts.case_fits
    if facts.subject_fits is not None:
        said["subject"] = facts.subject_fits
    return said


def _emergency(facts: Facts) -> dict[str, Any] | None:
    """Null when it was called upon but there is none of that id."""
    emergency = facts.emergency
    if emergency is None:
        return None
    return {
        "id": emergency.id,
        "agreement": emergency.agreement == facts.query.agreement,
        "party": emergency.party,
        "state": emergency.state,
        "until": rfc3339(emergency.until) if emergency.until else None,
    }


def _is_agreed(purpose: str, facts: Facts) -> bool:
    grant = facts.query.caller.grant
    return (facts.terms is not None and purpose in facts.terms.purposes) or (
        grant is not None and purpose == grant.purpose
    )


def _hashed(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()


def _known_fields(facts: Facts) -> list[str]:
    """Of the fields and predicates that the query is about, those that are published."""
    known = _names(facts.standard) if facts.standard else frozenset()
    fields = [name for name in wanted_fields(facts) if name in known]
    if asked := wanted_predicates(facts):
        fields += [name for name in asked if name in facts.predicates]
    return fields


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
