"""An agreement as Cedar policy text, and an entry of the log as a Cedar request: a second opinion on every verdict.

Cedar (cedarpolicy.com) is specified formally and was written by others. The policy is made from the agreement's text,
the request from the entry, by docs/decision-facts.md alone; nothing of gateway/exchange/decision.py is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

Document = Mapping[str, Any]
LEVELS = {"aal1": 1, "aal2": 2, "aal3": 3}
NEVER = 10**15  # milliseconds: far beyond every calendar


def policies(document: Document) -> str:
    """One permit for each item; everything else is denied by default."""
    return "\n".join(_permit(document, item) for item in document["items"])


def _permit(document: Document, item: Mapping[str, Any]) -> str:
    consumer = next(each["party"] for each in document["parties"] if each["role"] == "consumer")
    conditions = [*_standing(document, item), *_asked(document, item), *_officer(document["access"])]
    calm = [*_consent(item), *_counts(), *_hours(document["access"]["hours"])]
    emergency = _emergency(document)
    conditions.append(f"({emergency} || ({' && '.join(calm)}))")
    conditions.append(f"(!context.called || {emergency})")
    return (
        f'permit (principal == Party::"{consumer}", action == Action::"read", '
        f'resource == Standard::"{item["standard"]}")\nwhen {{\n  ' + " &&\n  ".join(conditions) + "\n};"
    )


def _standing(document: Document, item: Mapping[str, Any]) -> Iterable[str]:
    validity = document["validity"]
    yield "context.known"
    yield 'context.agreement_state == "active"'
    for who in ("client", "consumer", "provider"):
        yield f'context.{who}_state == "active"'
    yield f"context.at >= {_ms(validity['from'])} && context.at < {_ms(validity['until'])}"
    yield "context.service"
    yield f'(context.standard_digest == "" || context.standard_digest == "{item["schema_digest"]}")'
    yield 'context.standard_state != "withdrawn" && context.at < context.standard_until'
    yield "context.token"
    yield 'context.signature != "invalid"'
    if document["access"].get("request_signature") == "required":
        yield 'context.signature == "valid"'


def _asked(document: Document, item: Mapping[str, Any]) -> Iterable[str]:
    questions = {each["name"]: each["digest"] for each in item.get("predicates", ())}
    yield f"{_set(each['code'] for each in document['purposes'])}.contains(context.purpose)"
    yield f"{_set(item['fields'])}.containsAll(context.fields)"
    yield f"{_set(f'{name}={digest}' for name, digest in questions.items())}.containsAll(context.questions)"
    yield "context.fields_unknown == 0"
    yield "context.subject_right && context.subject_fits && context.case_fits"
    yield "context.unrelated && (!context.protected || context.second)"
    if document["access"]["case_required"]:
        yield "context.case"


def _officer(access: Mapping[str, Any]) -> Iterable[str]:
    demands = any(access.get(name) for name in ("roles", "min_acr", "max_auth_age", "per_officer"))
    if not access.get("automated", not demands):
        yield "context.officer"
    if access.get("roles"):
        yield f"(!context.officer || {_set(access['roles'])}.containsAny(context.roles))"
    if access.get("min_acr"):
        yield f"(!context.officer || context.level >= {LEVELS[access['min_acr']]})"
    if access.get("max_auth_age") is not None:
        yield f"(!context.officer || context.signed_in >= context.at - {access['max_auth_age'] * 1000})"


def _consent(item: Mapping[str, Any]) -> Iterable[str]:
    if item["consent"] == "required":
        yield 'context.consent_state == "given" && context.consent_covers'
        yield "context.at >= context.consent_from && context.at < context.consent_until"
        yield f"context.consent_level >= {item['min_proof_level']}"


def _counts() -> Iterable[str]:
    yield "context.within_limits"


def _hours(hours: Mapping[str, Any] | None) -> Iterable[str]:
    yield "true"
    if hours is not None:
        opens, closes = (int(text[:2]) * 60 + int(text[3:]) for text in (hours["from"], hours["until"]))
        yield f"[{', '.join(map(str, hours['days']))}].contains(context.weekday)"
        yield f"context.minute >= {opens} && context.minute < {closes}"


def _emergency(document: Document) -> str:
    if document.get("emergency") != "allowed":
        return "false"
    return "(context.called && context.emergency_open && context.officer && context.at < context.emergency_until)"


def request(entry: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """What Cedar is asked about this entry."""
    facts, access = entry["decision"]["facts"], document["access"]
    asked = facts.get("predicates", {})
    local = datetime.fromisoformat(facts["at"]) + timedelta(hours=8)
    context = {
        "known": facts.get("known", True),
        "agreement_state": facts["agreement_state"] or "none",
        **{f"{who}_state": facts[f"{who}_state"] for who in ("client", "consumer", "provider")},
        "at": _ms(facts["at"]),
        "weekday": local.isoweekday(),
        "minute": local.hour * 60 + local.minute,
        "service": facts["service"],
        "standard_digest": facts.get("standard_digest", ""),
        "standard_state": facts["standard_state"],
        "standard_until": _ms(facts["standard_until"]) if "standard_until" in facts else NEVER,
        "token": _token_fits(entry),
        "signature": facts.get("signature", "none"),
        "purpose": entry["purpose"] or "",
        "fields": [name for name in entry["fields"] if name not in asked],
        "questions": [f"{name}={digest}" for name, digest in asked.items()],
        "fields_unknown": facts.get("fields_unknown", 0),
        "subject_right": "subject_scheme" not in facts and "subject_error" not in facts,
        "case": entry["case"] is not None,
        "unrelated": "relation" not in facts,
        "protected": facts.get("protected", False),
        "second": "second" in facts,
        "within_limits": _within(facts, access),
        **_officer_said(facts.get("officer")),
        **_consented(facts.get("consent")),
        **_called(entry, facts),
    }
    return {
        "principal": f'Party::"{entry["actor"]["party"]}"',
        "action": 'Action::"read"',
        "resource": f'Standard::"{entry["standard"]}"',
        "context": context,
    }


def _officer_said(said: Mapping[str, Any] | None) -> dict[str, Any]:
    given = said or {}
    return {
        "officer": said is not None,
        "roles": list(given.get("roles", ())),
        "level": LEVELS.get(given.get("acr", ""), 0),
        "signed_in": _ms(given["auth_time"]) if "auth_time" in given else 0,
        "case_fits": given.get("case", True),
        "subject_fits": given.get("subject", True),
    }


def _consented(consent: Mapping[str, Any] | None) -> dict[str, Any]:
    given = consent or {}
    covers = consent is not None and "agreement" not in given
    return {
        "consent_state": given.get("state", "none"),
        "consent_level": given.get("level", 0),
        "consent_from": _ms(given["from"]) if given else NEVER,
        "consent_until": _ms(given["until"]) if given else 0,
        "consent_covers": covers and all(given.get(name, True) for name in ("purpose", "fields", "named")),
    }


def _called(entry: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    emergency = facts.get("emergency") or {}
    mine = emergency.get("agreement") is True and emergency.get("party") == entry["actor"]["party"]
    return {
        "called": "emergency" in facts,
        "emergency_open": mine and emergency.get("state") == "open",
        "emergency_until": _ms(emergency["until"]) if emergency.get("until") else 0,
    }


def _token_fits(entry: Mapping[str, Any]) -> bool:
    facts = entry["decision"]["facts"]
    token = facts.get("token")
    if token is None or any(name in token for name in ("agreement", "digest", "purpose", "standard")):
        return False
    narrowed = token.get("fields")
    return narrowed is None or (set(entry["fields"]) <= set(narrowed) and not facts.get("fields_unknown"))


def _within(facts: Mapping[str, Any], access: Mapping[str, Any]) -> bool:
    quota, officers = access["quota"], access.get("per_officer", {})
    limits = {
        "quota_used": quota["max"] if quota else None,
        "officer_hour_used": officers.get("per_hour"),
        "officer_day_used": officers.get("per_day"),
    }
    reached = (name in facts and limit is not None and facts[name] >= limit for name, limit in limits.items())
    return not any(reached) and not ("questions_used" in facts and facts.get("predicates"))


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _set(texts: Iterable[str]) -> str:
    return json.dumps(list(texts), ensure_ascii=False)
