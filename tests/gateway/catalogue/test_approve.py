"""From registered to in use: tested, then approved by somebody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway import db
from gateway.audit.log import Log
from gateway.catalogue import store
from gateway.catalogue.actions import Catalogue
from gateway.errors import AlreadyExists, Forbidden, WrongState
from tests.gateway.catalogue.conftest import BUREAU, LINDEN, POLICE, TAX, entries_of, manifest

Conformant = Callable[..., str]


def test_the_bureau_puts_a_conformant_service_to_use(
    catalogue: Catalogue, conformant: Conformant, database: db.Database
) -> None:
    service = conformant()
    assert catalogue.approve(BUREAU, service).state == "active"
    with database.read() as conn:
        found = store.active_service(conn, "police", "person-basic/1.0.0")
    assert found is not None and found.id == service


@pytest.mark.daily_on_one
@pytest.mark.parametrize("who", [POLICE, TAX, LINDEN], ids=lambda caller: caller.party)
def test_nobody_else_may(catalogue: Catalogue, conformant: Conformant, who: object) -> None:
    service = conformant()
    with pytest.raises((Forbidden, Exception)) as refused:
        catalogue.approve(who, service)  # type: ignore[arg-type]
    assert refused.value.code in ("forbidden", "not_found")  # type: ignore[attr-defined]


@pytest.mark.daily_on_one
def test_what_was_never_tested_cannot_be_approved(catalogue: Catalogue) -> None:
    service = catalogue.register(POLICE, manifest())
    with pytest.raises(WrongState):
        catalogue.approve(BUREAU, service.id)


def test_a_failed_test_is_kept_with_what_to_mend(catalogue: Catalogue, database: db.Database) -> None:
    service = catalogue.register(POLICE, manifest())
    after, report = catalogue.test(POLICE, service.id, {"scheme": "cn.resident-id", "id": "990101199001010014"}, None)
    assert after.state == "registered" and not report.passed
    assert "990101199001010014" not in (after.report or "")
    assert entries_of(database)[-1]["outcome"] == "failed"


def test_a_department_has_one_service_in_use_for_a_standard(catalogue: Catalogue, conformant: Conformant) -> None:
    first, second = conformant(), conformant()
    catalogue.approve(BUREAU, first)
    with pytest.raises(AlreadyExists):
        catalogue.approve(BUREAU, second)
    catalogue.suspend(POLICE, first)
    assert catalogue.approve(BUREAU, second).state == "active"


def test_a_change_voids_every_decision_that_rests_on_it(
    catalogue: Catalogue, conformant: Conformant, log: Log, database: db.Database
) -> None:
    service = conformant()

    def revision() -> int:
        with database.read() as conn:
            return log.revisions(conn, [f"service:{service}"])[f"service:{service}"]

    seen = [revision()]
    for act in (catalogue.approve, catalogue.suspend, catalogue.resume):
        act(BUREAU, service)
        seen.append(revision())
    assert seen == sorted(set(seen))


@pytest.mark.daily_on_one
def test_a_stranger_neither_suspends_nor_tests_it(catalogue: Catalogue, conformant: Conformant) -> None:
    service = conformant()
    catalogue.approve(BUREAU, service)
    for act in (catalogue.suspend, catalogue.resume):
        with pytest.raises(Forbidden):
            act(TAX, service)
    with pytest.raises(Forbidden):
        catalogue.test(TAX, service, None, None)
