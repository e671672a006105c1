"""Decisions that a program in any language can make again: tests/vectors/decisions, written from our own facts.

    python -m tests.gateway.exchange.vectors      writes the files anew; a test compares them with what they would be

Each vector holds what a stranger has, the entry of the log without its verdict and the agreement as signed, and the
verdict that must come out. docs/decision-facts.md says how to read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.agreements import terms as agreed
from gateway.agreements.terms import Terms
from gateway.exchange import entries
from gateway.exchange.decision import decide
from gateway.exchange.model import Facts
from gateway.lib.canonical_json import canonical, digest_bytes
from gateway.lib.clock import rfc3339
from tests.gateway.exchange.facts import DIGEST, STANDARD, TERMS, facts
from tests.gateway.exchange.test_decision import ASKS, CALLS, NOT_OVERRULED, OBJECTIONS, OVERRULED

FOLDER = Path(__file__).parents[2] / "vectors" / "decisions"
REQUEST = "sha-256:" + "d" * 64
OTHER_STANDARD = "residence-record/1.0.0"


def document_of(terms: Terms) -> dict[str, Any]:
    """An agreement that grants exactly these terms."""
    hours = terms.hours
    item = {
        "standard": terms.standard,
        "schema_digest": terms.schema_digest,
        "fields": list(terms.fields),
        "legal_basis": "lb1",
        "consent": terms.consent_rule,
        "min_proof_level": terms.min_proof_level,
        "masks": dict(terms.masks),
    }
    if terms.predicates:
        item["predicates"] = [{"name": name, "digest": digest} for name, digest in terms.predicates.items()]
        item["question_budget"] = {"unit": terms.question_unit, "max": terms.question_max}
    access = {
        "mode": "query",
        "quota": None if terms.quota_max is None else {"unit": terms.quota_unit, "max": terms.quota_max},
        "subjects_per_request": 1,
        "case_required": terms.case_required,
        "hours": None if hours is None else {"days": sorted(hours.days), "from": hours.opens, "until": hours.closes},
    }
    return {
        "schema": "tongqu-agreement/1",
        "id": terms.agreement_id,
        "version": terms.version,
        "supersedes": None,
        "title_zh": "窗口办事身份核对",
        "title_en": "Identity at the counter",
        "parties": [
            {"role": "provider", "party": terms.provider, "function": "户籍管理", "contact": "数据管理科"},
            {"role": "consumer", "party": terms.consumer, "function": "便民服务", "contact": "公共服务办"},
        ],
        "purposes": [{"code": code, "zh": "核对身份", "en": "Confirm identity"} for code in sorted(terms.purposes)],
        "legal_basis": [{"id": "lb1", "type": terms.legal_basis, "citation": terms.citation}],
        "items": [item],
        "access": access | _officers(terms),
        "jurisdiction": {"divisions": list(terms.divisions)} if terms.divisions else None,
        "retention": {"consumer": "P2Y", "destruction": "办结后按档案规定销毁"},
        "onward_disclosure": "prohibited",
        "subject_visibility": "immediate",
        "validity": {"from": rfc3339(terms.valid_from), "until": rfc3339(terms.valid_until), "review_by": None},
        "obligations": [],
    } | ({"emergency": terms.emergency} if terms.emergency != "none" else {})


def _officers(terms: Terms) -> dict[str, Any]:
    per_officer = {"per_hour": terms.officer_per_hour, "per_day": terms.officer_per_day}
    given = {name: limit for name, limit in per_officer.items() if limit is not None}
    members: dict[str, Any] = {"per_officer": given} if given else {}
    if terms.roles:
        members["roles"] = sorted(terms.roles)
    if terms.min_acr is not None:
        members["min_acr"] = terms.min_acr
    if terms.max_auth_age is not None:
        members["max_auth_age"] = int(terms.max_auth_age.total_seconds())
    if terms.automated == bool(members):  # otherwise it is what follows from the others
        members["automated"] = terms.automated
    if terms.request_signature != "optional":
        members["request_signature"] = terms.request_signature
    return members


def vector(name: str, some: Facts) -> dict[str, Any]:
    """The entry and the agreement of a decision. The terms of ``some`` become a document, with its true digest."""
    terms = some.terms
    document = document_of(terms or replace(TERMS, standard=OTHER_STANDARD))
    text = canonical(document)
    assert terms is None or _same(agreed.read(text).terms[STANDARD.id], terms), name
    verdict = decide(some)
    entry = entries.decided(some.query, some, verdict, REQUEST)
    decision = entry["decision"]
    del entry["token"], entry["request_digest"]
    entry["case"] = entry["case"] if some.query.case else None  # a case that is not named has no pseudonym
    entry["decision"] = {"facts": decision["facts"], "policy": decision["policy"]}
    exists = some.agreement_digest is not None
    made = {
        "name": name,
        "entry": entry,
        "agreement": document if exists else None,
        "expected": {"effect": decision["effect"], "rules": decision["rules"]},
    }
    whole: dict[str, Any] = json.loads(canonical(made).replace(DIGEST.encode(), digest_bytes(text).encode()))
    return whole


def _same(read: Terms, wanted: Terms) -> bool:
    unit = None if wanted.quota_max is None else wanted.quota_unit  # without a quota its unit says nothing
    return replace(read, digest=wanted.digest) == replace(wanted, quota_unit=unit)


def cases() -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "everything in order", {}
    for name, (_, _, change, neighbour) in OBJECTIONS.items():
        yield name, change
        yield f"{name}: its neighbour", neighbour
    for name, change in OVERRULED.items():
        yield f"an emergency overrules {name}", {**CALLS, **change}
    for position, change in enumerate(NOT_OVERRULED):
        yield f"an emergency does not overrule {position + 1}", {**CALLS, **change}
    yield "a yes or no", ASKS
    yield "another purpose", {"query__purpose": "marriage.check"}
    yield "no item for this standard", {"terms": None}
    yield "fields that nobody published", {"query__fields": ("name", "a", "b")}
    yield (
        "everything wrong with the agreement of others",
        {
            "agreement_known_to": frozenset({"street-maple"}),
            "consent": None,
            "service": None,
            "quota_used": 10,
            "client_state": "suspended",
        },
    )


def files() -> dict[str, list[dict[str, Any]]]:
    """The vectors by file: one for each rule that objects alone, one for permits, one for several rules at once."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, change in cases():
        some = facts(**change)
        if some.agreement_state is None:  # then there is nothing that could have terms either
            some = replace(some, terms=None, agreement_digest=None, agreement_known_to=frozenset())
        made = vector(name, some)
        rules = made["expected"]["rules"]
        file = "permit" if made["expected"]["effect"] == "permit" else rules[0] if len(rules) == 1 else "several"
        found.setdefault(f"{file}.json", []).append(made)
    return found


def text_of(vectors: list[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in vectors) + "\n]\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, vectors in files().items():
        (FOLDER / name).write_text(text_of(vectors), encoding="utf-8")
