"""What a token may carry: no more than an agreement that is active now."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Forbidden
from tests.clock import FixedClock
from tests.gateway.agreements.people import NEIGHBOUR, POLICE, STREET, Town, caller, document

ASKED: dict[str, Any] = {"type": "gov_record_request", "purpose": "dibao.initial"}


def test_the_consumer_gets_what_the_agreement_grants(town: Town) -> None:
    active = town.active()
    granted = town.agreements.check_grant(STREET, ASKED | {"agreement_id": active.id})
    assert granted == ASKED | {"agreement_id": active.id, "agreement_digest": active.digest, "actions": ["read"]}


@pytest.mark.daily_on_one
def test_a_token_may_ask_for_less(town: Town) -> None:
    narrow = {"standard": "person-basic/1.0.0", "datatypes": ["name"]}
    granted = town.agreements.check_grant(STREET, ASKED | narrow | {"agreement_id": town.active().id})
    assert {name: granted[name] for name in narrow} == narrow


REFUSALS: dict[str, tuple[str, dict[str, Any], str]] = {
    "an agreement that is not there": (STREET, {"agreement_id": "agr_" + "0" * 26}, "no_agreement"),
    "no agreement named": (STREET, {"agreement_id": None}, "no_agreement"),
    "somebody else's": (NEIGHBOUR, {}, "no_agreement"),
    "the provider": (POLICE, {}, "not_a_party"),
    "another purpose": (STREET, {"purpose": "curiosity"}, "purpose_not_covered"),
    "no purpose": (STREET, {"purpose": None}, "purpose_not_covered"),
    "another standard": (STREET, {"standard": "residence-record/1.0.0"}, "standard_not_covered"),
    "one field too many": (STREET, {"datatypes": ["name", "nationality"]}, "field_not_covered"),
    "an empty list of fields": (STREET, {"datatypes": []}, "field_not_covered"),
    "a field of another kind": (STREET, {"datatypes": [["name"]]}, "field_not_covered"),
}


@pytest.mark.daily_on_one
def test_nothing_beyond_it_is_granted(town: Town, subtests: pytest.Subtests) -> None:
    active = town.active()
    for excess, (party, changes, reason) in REFUSALS.items():
        with subtests.test(excess):
            with pytest.raises(Forbidden) as refused:
                town.agreements.check_grant(party, ASKED | {"agreement_id": active.id} | changes)
            assert refused.value.members["reason"] == reason
            assert refused.value.detail_zh
            assert refused.value.detail_en


def refusal(town: Town, agreement_id: str) -> object:
    with pytest.raises(Forbidden) as refused:
        town.agreements.check_grant(STREET, ASKED | {"agreement_id": agreement_id})
    return refused.value.members["reason"]


@pytest.mark.daily_on_one
def test_only_an_active_agreement_grants_and_the_refusal_says_why(town: Town, clock: FixedClock) -> None:
    later = {"from": "2026-12-01T00:00:00Z", "until": "2026-12-23T00:00:00Z", "review_by": None}
    coming, ended = town.active(validity=later), town.active()
    town.agreements.terminate(caller(STREET), ended.id)
    assert refusal(town, town.proposed().id) == "agreement_not_active"
    assert refusal(town, coming.id) == "agreement_not_active"
    assert refusal(town, town.suspended().id) == "agreement_suspended"
    assert refusal(town, ended.id) == "agreement_terminated"
    clock.advance(seconds=40 * 86400)
    assert refusal(town, coming.id) == "agreement_expired"  # though nobody has written that down yet
    town.agreements.expire_due()
    assert refusal(town, coming.id) == "agreement_expired"


@pytest.mark.daily_on_one
def test_a_draft_of_ones_own_grants_nothing(town: Town) -> None:
    draft = town.agreements.draft(caller(STREET), document())
    with pytest.raises(Forbidden):
        town.agreements.check_grant(STREET, ASKED | {"agreement_id": draft.id})
