"""Suspending: either party alone, at once. Resuming: everybody it takes."""

from __future__ import annotations

import pytest

from gateway.errors import AlreadyExists, Forbidden, InvalidRequest, NotFound, WrongState
from tests.gateway.agreements.people import AUDIT, BUREAU, NEIGHBOUR, POLICE, STREET, Town, caller


@pytest.mark.daily_on_one
@pytest.mark.parametrize("party", [POLICE, STREET, BUREAU])
def test_a_party_or_the_bureau_suspends_alone(town: Town, party: str) -> None:
    active = town.active()
    suspended = town.agreements.suspend(caller(party), active.id, "misuse")
    assert (suspended.state, suspended.reason, suspended.suspended_by) == ("suspended", "misuse", (party,))
    entry = town.entries()[-1]
    assert (entry["type"], entry["actor"]["party"], entry["reason"]) == ("agreement.suspended", party, "misuse")


def test_suspending_voids_decisions_already_made(town: Town) -> None:
    active = town.active()
    key = f"agreement:{active.id}"
    with town.database.read() as conn:
        before = town.log.revisions(conn, [key])[key]
    town.agreements.suspend(caller(POLICE), active.id)
    with town.database.read() as conn:
        assert town.log.revisions(conn, [key])[key] == before + 1


@pytest.mark.daily_on_one
def test_the_audit_office_only_reads(town: Town) -> None:
    active = town.active()
    assert town.agreements.get(caller(AUDIT), active.id) == active
    with pytest.raises(Forbidden):
        town.agreements.suspend(caller(AUDIT), active.id)


@pytest.mark.daily_on_one
def test_strangers_find_nothing_to_suspend(town: Town) -> None:
    active = town.active()
    with pytest.raises(NotFound):
        town.agreements.suspend(caller(NEIGHBOUR), active.id)


@pytest.mark.daily_on_one
def test_only_reasons_of_the_list_are_taken(town: Town) -> None:
    active = town.active()
    with pytest.raises(InvalidRequest):
        town.agreements.suspend(caller(POLICE), active.id, "张三滥用")


def test_resumption_needs_both_parties(town: Town) -> None:
    suspended = town.suspended()
    asked = town.agreements.resume(caller(POLICE), suspended.id)
    assert (asked.state, asked.resumption) == ("suspended", (POLICE,))
    with pytest.raises(AlreadyExists):
        town.agreements.resume(caller(POLICE), suspended.id)
    resumed = town.agreements.resume(caller(STREET), suspended.id)
    assert (resumed.state, resumed.resumption, resumed.suspended_by, resumed.reason) == ("active", (), (), None)
    assert town.events()[-3:] == ["agreement.suspended", "agreement.resumption_asked", "agreement.resumed"]


@pytest.mark.daily_on_one
def test_what_the_bureau_suspended_the_parties_cannot_resume_without_it(town: Town) -> None:
    active = town.active()
    town.agreements.suspend(caller(BUREAU), active.id, "rectification")
    town.agreements.resume(caller(POLICE), active.id)
    assert town.agreements.resume(caller(STREET), active.id).state == "suspended"
    assert town.agreements.resume(caller(BUREAU), active.id).state == "active"


@pytest.mark.daily_on_one
def test_the_bureau_has_no_say_in_a_suspension_it_did_not_make(town: Town) -> None:
    suspended = town.suspended()
    with pytest.raises(Forbidden):
        town.agreements.resume(caller(BUREAU), suspended.id)


@pytest.mark.daily_on_one
def test_another_suspension_wipes_out_what_was_asked_before(town: Town) -> None:
    suspended = town.suspended()
    town.agreements.resume(caller(STREET), suspended.id)
    held = town.agreements.suspend(caller(STREET), suspended.id)
    assert (held.suspended_by, held.resumption) == ((POLICE, STREET), ())
    with pytest.raises(WrongState):
        town.agreements.suspend(caller(STREET), suspended.id)


@pytest.mark.daily_on_one
def test_only_what_is_in_force_is_suspended(town: Town) -> None:
    proposed = town.proposed()
    with pytest.raises(WrongState):
        town.agreements.suspend(caller(POLICE), proposed.id)
    with pytest.raises(WrongState):
        town.agreements.resume(caller(POLICE), town.active().id)
