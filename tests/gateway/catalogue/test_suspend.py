"""Stopping a service: by its department or the data bureau, and resumed by whoever stopped it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway import db
from gateway.catalogue import store
from gateway.catalogue.actions import Catalogue
from gateway.errors import AlreadyExists, Forbidden, WrongState
from gateway.identity.model import Caller
from tests.gateway.catalogue.conftest import BUREAU, POLICE, entries_of

BOTH = pytest.mark.parametrize("who", [POLICE, BUREAU], ids=lambda caller: caller.party)


@pytest.fixture
def in_use(catalogue: Catalogue, conformant: Callable[..., str]) -> str:
    service = conformant()
    catalogue.approve(BUREAU, service)
    return service


@BOTH
def test_a_stopped_service_is_not_called_until_it_is_resumed(
    catalogue: Catalogue, in_use: str, database: db.Database, who: Caller
) -> None:
    def is_called() -> bool:
        with database.read() as conn:
            return store.active_service(conn, "police", "person-basic/1.0.0") is not None

    assert is_called()
    assert catalogue.suspend(who, in_use).suspended_by == who.party
    assert not is_called()
    assert catalogue.resume(who, in_use).suspended_by is None
    assert is_called()


@pytest.mark.daily_on_one
def test_a_department_cannot_undo_what_the_bureau_stopped(catalogue: Catalogue, in_use: str) -> None:
    catalogue.suspend(BUREAU, in_use)
    with pytest.raises(Forbidden):
        catalogue.resume(POLICE, in_use)
    assert catalogue.get(POLICE, in_use).state == "suspended"


@pytest.mark.daily_on_one
def test_the_bureau_takes_over_a_stop_of_the_department(catalogue: Catalogue, in_use: str) -> None:
    """Or else a department that stops first could choose when its service comes back."""
    catalogue.suspend(POLICE, in_use)
    catalogue.suspend(BUREAU, in_use)
    with pytest.raises(Forbidden):
        catalogue.resume(POLICE, in_use)
    assert catalogue.resume(BUREAU, in_use).state == "active"


@pytest.mark.daily_on_one
def test_the_bureau_does_not_start_what_a_department_stopped(catalogue: Catalogue, in_use: str) -> None:
    catalogue.suspend(POLICE, in_use)
    with pytest.raises(Forbidden):
        catalogue.resume(BUREAU, in_use)


@pytest.mark.daily_on_one
def test_a_department_stops_what_runs_and_nothing_else(catalogue: Catalogue, in_use: str) -> None:
    catalogue.suspend(POLICE, in_use)
    with pytest.raises(WrongState):
        catalogue.suspend(POLICE, in_use)


@pytest.mark.daily_on_one
@BOTH
def test_what_runs_cannot_be_resumed(catalogue: Catalogue, in_use: str, who: Caller) -> None:
    with pytest.raises(WrongState):
        catalogue.resume(who, in_use)


def test_it_cannot_come_back_beside_its_successor(
    catalogue: Catalogue, in_use: str, conformant: Callable[..., str], database: db.Database
) -> None:
    catalogue.suspend(POLICE, in_use)
    catalogue.approve(BUREAU, conformant())
    before = len(entries_of(database))
    with pytest.raises(AlreadyExists):
        catalogue.resume(POLICE, in_use)
    assert catalogue.get(POLICE, in_use).state == "suspended"
    assert len(entries_of(database)) == before


@pytest.mark.daily_on_one
def test_a_failed_test_of_a_running_service_is_noted_and_does_not_stop_it(catalogue: Catalogue, in_use: str) -> None:
    """A test is asked for by one clerk; stopping a department's service is a decision."""
    after, report = catalogue.test(POLICE, in_use, None, None)
    assert not report.passed
    assert after.state == "active"


def test_each_step_is_an_entry_that_says_who_took_it(catalogue: Catalogue, in_use: str, database: db.Database) -> None:
    catalogue.suspend(BUREAU, in_use)
    catalogue.resume(BUREAU, in_use)
    steps = [(each["type"], each["actor"]["party"]) for each in entries_of(database) if each["type"][:7] == "service"]
    assert steps == [
        ("service.registered", "police"),
        ("service.tested", "police"),
        ("service.approved", "data-bureau"),
        ("service.suspended", "data-bureau"),
        ("service.resumed", "data-bureau"),
    ]
