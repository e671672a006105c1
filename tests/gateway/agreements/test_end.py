"""How agreements end: refused, terminated, expired, superseded."""

from __future__ import annotations

import pytest

from gateway.errors import InvalidRequest, WrongState
from tests.clock import FixedClock
from tests.gateway.agreements.people import BUREAU, POLICE, STREET, Town, caller, document

DAY = 86400
SHORT = {"from": "2026-01-01T00:00:00Z", "until": "2026-12-23T00:00:00Z", "review_by": None}
REVIEWED = {"from": "2026-01-01T00:00:00Z", "until": "2027-12-23T00:00:00Z", "review_by": "2026-12-01T00:00:00Z"}


@pytest.mark.daily_on_one
def test_a_proposal_is_refused_with_a_coded_reason(town: Town) -> None:
    proposed = town.proposed()
    with pytest.raises(InvalidRequest):
        town.agreements.refuse(caller(POLICE), proposed.id, None)
    with pytest.raises(InvalidRequest):
        town.agreements.refuse(caller(POLICE), proposed.id, "no")
    refused = town.agreements.refuse(caller(POLICE), proposed.id, "scope_too_wide")
    assert (refused.state, refused.reason) == ("refused", "scope_too_wide")
    with pytest.raises(WrongState):
        town.sign(proposed, POLICE)


@pytest.mark.daily_on_one
@pytest.mark.parametrize("party", [POLICE, STREET, BUREAU])
def test_a_party_or_the_bureau_terminates_for_good(town: Town, party: str) -> None:
    active = town.active()
    assert town.agreements.terminate(caller(party), active.id, "purpose_met").state == "terminated"
    for move in (town.agreements.suspend, town.agreements.resume, town.agreements.terminate):
        with pytest.raises(WrongState):
            move(caller(POLICE), active.id)


def test_the_calendar_expires_what_is_past_its_end(town: Town, clock: FixedClock) -> None:
    active, lasting = town.active(validity=SHORT), town.active()
    proposed = town.proposed(validity=SHORT)
    assert town.agreements.expire_due() == ()
    clock.advance(seconds=31 * DAY)
    assert {each.id for each in town.agreements.expire_due()} == {active.id, proposed.id}
    assert town.agreements.get(caller(POLICE), active.id).state == "expired"
    assert town.agreements.get(caller(POLICE), lasting.id).state == "active"
    assert town.agreements.expire_due() == ()
    entry = town.entries()[-1]
    assert entry["type"] == "agreement.expired"
    assert entry["actor"] == {"party": None, "client": None, "officer": None}


def test_a_review_that_is_overdue_suspends_until_both_have_looked(town: Town, clock: FixedClock) -> None:
    active = town.active(validity=REVIEWED)
    clock.advance(seconds=10 * DAY)
    (held,) = town.agreements.expire_due()
    assert (held.state, held.reason) == ("suspended", "review_overdue")
    assert town.agreements.expire_due() == ()
    town.agreements.resume(caller(POLICE), active.id)
    town.agreements.resume(caller(STREET), active.id)
    assert town.agreements.expire_due() == ()  # the review was made
    assert town.agreements.get(caller(STREET), active.id).state == "active"


@pytest.mark.daily_on_one
def test_a_resumption_before_the_review_is_due_does_not_stand_in_for_it(town: Town, clock: FixedClock) -> None:
    active = town.active(validity=REVIEWED)
    town.agreements.suspend(caller(POLICE), active.id)
    town.agreements.resume(caller(POLICE), active.id)
    town.agreements.resume(caller(STREET), active.id)
    clock.advance(seconds=10 * DAY)
    assert [each.reason for each in town.agreements.expire_due()] == ["review_overdue"]


def test_a_new_version_supersedes_when_it_becomes_active_and_not_before(town: Town) -> None:
    first = town.active()
    second = town.agreements.draft(caller(POLICE), document(id=first.id, title_en="With one field less"))
    assert (second.id, second.version) == (first.id, 2)
    assert second.document["supersedes"] == first.digest
    town.agreements.submit(caller(POLICE), first.id)
    town.sign(second, POLICE)
    assert town.agreements.get(caller(STREET), first.id) == first  # the one in force counts
    assert town.agreements.get(caller(STREET), first.id, version=2).state == "proposed"
    town.sign(second, STREET)
    assert town.agreements.get(caller(STREET), first.id).version == 2
    assert town.agreements.get(caller(STREET), first.id, version=1).state == "superseded"
    assert town.events()[-2:] == ["agreement.superseded", "agreement.activated"]
    superseded = town.entries()[-2]["agreement"]
    assert superseded == {"id": first.id, "digest": first.digest, "version": 1}


def test_there_is_one_proposal_at_a_time(town: Town) -> None:
    first = town.active()
    town.agreements.draft(caller(POLICE), document(id=first.id))
    with pytest.raises(WrongState):
        town.agreements.draft(caller(STREET), document(id=first.id))


@pytest.mark.daily_on_one
def test_after_a_refused_version_comes_the_next_number(town: Town) -> None:
    first = town.active()
    town.agreements.draft(caller(POLICE), document(id=first.id))
    town.agreements.submit(caller(POLICE), first.id)
    town.agreements.refuse(caller(STREET), first.id, "purpose_unclear")
    third = town.agreements.draft(caller(STREET), document(id=first.id))
    assert (third.version, third.document["supersedes"]) == (3, first.digest)
    assert town.agreements.get(caller(POLICE), first.id) == first


@pytest.mark.daily_on_one
def test_a_new_version_stays_between_the_same_two(town: Town) -> None:
    first = town.active()
    swapped = document(id=first.id)
    for entry in swapped["parties"]:
        entry["role"] = {"provider": "consumer", "consumer": "provider"}[entry["role"]]
    with pytest.raises(InvalidRequest) as refused:
        town.agreements.draft(caller(POLICE), swapped)
    assert [error["pointer"] for error in refused.value.members["errors"]] == ["/parties"]
