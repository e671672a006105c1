"""Who was looked up: two people, 15 minutes, and an entry before anything is shown."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cases.model import Person
from gateway.errors import Forbidden, InvalidRequest, LogUnavailable, NotFound, WrongState
from tests.gateway.cases.people import BAO, CLERK, HU, QIN, RESIDENT, SUBJECT, TEXT, WEI, Desk

THIRD = Person("acc_third", WEI.party, "audit_office")
SEALED = {"subject": {"scheme": "cn.resident-id", "id": "not-a-number"}, "case": "SQ-2026-0042"}


def asked(desk: Desk, person: Person = WEI) -> Any:
    number = desk.query()
    desk.sidecar.values[desk.queries[-1]] = SEALED
    case = desk.cases.open(person, "review", TEXT, entries=[number])
    return desk.unmaskings.ask(person, case.id, number, "verify_duty")


def test_two_people_see_it_and_each_look_is_an_entry(desk: Desk) -> None:
    waiting = asked(desk)
    assert desk.unmaskings.waiting(QIN) == (waiting,)
    desk.unmaskings.approve(QIN, waiting.id)
    assert desk.unmaskings.waiting(QIN) == ()
    assert desk.sidecar.opened == []
    for person in (WEI, QIN):
        assert desk.unmaskings.open(person, waiting.id) == SEALED
    entries = desk.entries("case.unmask")
    assert [each["type"] for each in entries] == [
        *("case.unmask_asked", "case.unmask_approved", "case.unmasked", "case.unmasked"),
    ]
    assert [each["by"] for each in entries] == [WEI.id, QIN.id, WEI.id, QIN.id]
    assert {(each["subject"], each["entry"]) for each in entries} == {(SUBJECT, waiting.entry)}
    assert SEALED["subject"]["id"] not in str(desk.entries())


@pytest.mark.daily_on_one
def test_never_the_same_account(desk: Desk) -> None:
    waiting = asked(desk)
    with pytest.raises(Forbidden):
        desk.unmaskings.approve(WEI, waiting.id)
    with pytest.raises(WrongState):
        desk.unmaskings.open(WEI, waiting.id)
    assert desk.sidecar.opened == []


@pytest.mark.daily_on_one
def test_who_runs_the_gateway_cannot_do_it_alone(desk: Desk) -> None:
    waiting = asked(desk, BAO)
    with pytest.raises(Forbidden):
        desk.unmaskings.approve(HU, waiting.id)
    desk.unmaskings.approve(QIN, waiting.id)
    assert desk.unmaskings.open(BAO, waiting.id) == SEALED


@pytest.mark.daily_on_one
def test_nobody_else_sees_it(desk: Desk) -> None:
    waiting = asked(desk)
    desk.unmaskings.approve(QIN, waiting.id)
    with pytest.raises(Forbidden):
        desk.unmaskings.open(THIRD, waiting.id)
    for person in (CLERK, RESIDENT):
        assert desk.unmaskings.waiting(person) == ()
        for act in (desk.unmaskings.open, desk.unmaskings.approve, desk.unmaskings.get):
            with pytest.raises(NotFound):
                act(person, waiting.id)
    assert desk.sidecar.opened == []


@pytest.mark.daily_on_one
def test_it_closes_after_fifteen_minutes(desk: Desk) -> None:
    waiting = asked(desk)
    desk.unmaskings.approve(QIN, waiting.id)
    desk.clock.advance(seconds=15 * 60 - 1)
    desk.unmaskings.open(WEI, waiting.id)
    desk.clock.advance(seconds=1)
    with pytest.raises(WrongState):
        desk.unmaskings.open(WEI, waiting.id)
    with pytest.raises(WrongState):
        desk.unmaskings.approve(THIRD, waiting.id)


@pytest.mark.daily_on_one
def test_a_request_ends_after_a_day(desk: Desk) -> None:
    waiting = asked(desk)
    desk.clock.advance(seconds=24 * 3600)
    assert desk.unmaskings.waiting(QIN) == ()
    with pytest.raises(WrongState):
        desk.unmaskings.approve(QIN, waiting.id)
    again = desk.unmaskings.ask(WEI, waiting.case, waiting.entry, "verify_duty")
    assert again.id != waiting.id


@pytest.mark.daily_on_one
def test_refused_it_stays_closed(desk: Desk) -> None:
    waiting = asked(desk)
    desk.unmaskings.refuse(QIN, waiting.id)
    for act in (desk.unmaskings.approve, desk.unmaskings.open):
        with pytest.raises((WrongState, Forbidden)):
            act(QIN, waiting.id)


def test_asking_twice_is_asking_once(desk: Desk) -> None:
    waiting = asked(desk)
    assert desk.unmaskings.ask(WEI, waiting.case, waiting.entry, "verify_duty") == waiting


@pytest.mark.daily_on_one
def test_only_what_belongs_to_the_case(desk: Desk) -> None:
    case, elsewhere = desk.case(), desk.query()
    for index in (elsewhere, 0, 10**9):
        with pytest.raises(NotFound):
            desk.unmaskings.ask(WEI, case.id, index, "verify_duty")
    with pytest.raises(NotFound):
        desk.unmaskings.ask(CLERK, case.id, case.links[0].entry or 0, "verify_duty")
    with pytest.raises(InvalidRequest):
        desk.unmaskings.ask(WEI, case.id, case.links[0].entry or 0, "curious")


@pytest.mark.daily_on_one
def test_nothing_is_unsealed_when_the_log_cannot_be_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = asked(desk)
    desk.unmaskings.approve(QIN, waiting.id)
    desk.log.failed(OSError(), _broken())
    with pytest.raises(LogUnavailable):
        desk.unmaskings.open(WEI, waiting.id)
    assert desk.sidecar.opened == []


def _broken() -> Any:
    from gateway.audit.trouble import Kind

    return Kind.BROKEN


def test_what_was_shredded_stays_shredded(desk: Desk) -> None:
    waiting = asked(desk)
    desk.sidecar.values.clear()
    desk.unmaskings.approve(QIN, waiting.id)
    assert desk.unmaskings.open(QIN, waiting.id) is None
