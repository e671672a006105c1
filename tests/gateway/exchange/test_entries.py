"""What a decision writes into the log: who asked, under what, and nothing that the caller made up."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gateway.audit.entry import draft
from gateway.audit.kinds import MAX_PLAIN_FACTS, PLAIN_FACTS
from gateway.exchange import entries
from gateway.exchange.decision import ORDINARY, POLICY, decide
from tests.gateway.exchange.facts import CONSENT, FACTS, QUERY, STANDARD, TERMS, facts

DIGEST = "sha-256:" + "d" * 64
NUMBER = "990101199001010019"


def entry(**changes: Any) -> dict[str, Any]:
    """The entry of a decision on these facts; it must be one that the log takes."""
    some = facts(**changes)
    made = entries.decided(some.query, some, decide(some), DIGEST)
    draft(made, id="01KAR3ENTRY000000000000000", gw={"node": "gw1", "build": "test"})
    return made


def test_a_permit_names_its_consent_and_all_rules() -> None:
    made = entry()
    assert made["type"] == "exchange.authorized"
    assert made["decision"]["effect"] == "permit" and made["decision"]["policy"] == POLICY
    assert made["decision"]["rules"] == list(ORDINARY)
    assert made["consent"] == {"id": CONSENT.id, "digest": CONSENT.digest}
    assert made["fields"] == list(TERMS.fields) and "fields_unknown" not in made["decision"]["facts"]


def test_the_facts_of_a_permit_are_plain() -> None:
    """So they are checked by one pattern; see audit/kinds.py."""
    text = json.dumps(entry()["decision"]["facts"], sort_keys=True, separators=(",", ":"))
    assert re.fullmatch(PLAIN_FACTS.pattern, text) and len(text) <= MAX_PLAIN_FACTS


def test_a_refusal_names_the_rules_that_objected() -> None:
    made = entry(agreement_state="suspended", service=None)
    assert made["type"] == "exchange.refused" and made["decision"]["effect"] == "refuse"
    assert made["decision"]["rules"] == ["R1", "R16"]
    assert made["consent"] is None and made["service"] is None


def test_neither_resident_nor_case_nor_token_is_named() -> None:
    text = json.dumps(entry())
    for secret in (QUERY.subject_id, "SQ-1", QUERY.caller.token_id + '"'):
        assert secret not in text
    assert QUERY.subject in text and (QUERY.case_pseudonym or "") in text


@pytest.mark.parametrize(
    ("member", "changes", "kept"),
    [
        ("purpose", {"query__purpose": NUMBER}, None),
        ("purpose", {"query__purpose": "p" + NUMBER}, None),
        ("purpose", {"query__purpose": "dibao.initial"}, "dibao.initial"),
        ("purpose", {"query__purpose": "p" + NUMBER, "terms": None}, None),
        ("fields", {"query__fields": ("name", "f" + NUMBER)}, ["name"]),
        ("fields", {"query__fields": ("name", "ethnicGroup")}, ["name", "ethnicGroup"]),
        ("fields", {"query__fields": ("name",), "standard": None}, []),
        ("standard", {"standard": None}, None),
        ("standard", {}, STANDARD.id),
    ],
)
def test_only_published_and_agreed_names_enter_the_log(member: str, changes: dict[str, Any], kept: Any) -> None:
    made = entry(**changes)
    assert made[member] == kept and NUMBER not in json.dumps(made)


def test_how_many_unknown_fields_were_named_is_said() -> None:
    assert entry(query__fields=("name", "a", "b"))["decision"]["facts"]["fields_unknown"] == 2


def test_an_agreement_that_is_not_there_gets_no_digest() -> None:
    assert entry(agreement_state=None, terms=None, agreement_digest=None)["agreement"] is None


def test_the_facts_are_those_that_were_decided_on() -> None:
    found = entries.replayable(FACTS, list(FACTS.terms.fields))
    assert found["at"] == "2026-11-23T02:00:00.000Z" and found["quota_used"] == 9
