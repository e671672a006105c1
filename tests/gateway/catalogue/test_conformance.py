"""The data bureau's question to a live endpoint: does it keep the provider contract? Over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway import db
from gateway.audit.log import Log
from gateway.catalogue import actions, outbound
from gateway.catalogue.actions import Catalogue
from gateway.errors import Busy, Forbidden, InvalidRequest, NotFound
from gateway.registry.library import Library
from tests.clock import FixedClock
from tests.gateway.catalogue.conftest import BUREAU, KEY, LINDEN, POLICE, POLICY, TAX, entries_of, manifest
from tests.gateway.catalogue.test_register import CROSSWALK
from tests.simulators.department import Department

ISSUER = "http://gw.test"
RESIDENT = "990101199001010019"
FOUND, ABSENT = ({"scheme": "cn.resident-id", "id": who} for who in (RESIDENT, "990101199912310012"))
RECORD = {"idNumber": RESIDENT, "name": "示例人", "sex": "1", "birthDate": "1990-01-01", "personStatus": "active"}
ROW = {"ID": RESIDENT, "XM": "示例人", "XB": "M", "CSRQ": "19900101"}


@pytest.fixture
def live(database: db.Database, log: Log, clock: FixedClock) -> Catalogue:
    """A catalogue that really calls departments."""
    return Catalogue(
        database,
        log,
        clock,
        Library(database),
        issuer=ISSUER,
        check_url=POLICY.check_url,
        sender=lambda base_url: outbound.conformance_sender(POLICY, base_url),
        sign_request=lambda claims: KEY.sign_jwt("tongqu-request+jwt", claims),
    )


def department_of(clock: FixedClock, *people: dict[str, Any], **settings: Any) -> Department:
    return Department(
        {RESIDENT: list(people)},
        gateway_keys={KEY.kid: KEY.public},
        issuer=ISSUER,
        now=lambda: clock.now().timestamp(),
        **settings,
    )


@pytest.fixture
def department(clock: FixedClock) -> Iterator[Department]:
    with department_of(clock, RECORD) as running:
        yield running


def registered(live: Catalogue, department: Department, **changes: Any) -> str:
    service = live.register(POLICE, manifest(base_url=department.base_url, **changes))
    department.service = service.id
    return service.id


def test_an_endpoint_that_keeps_the_contract_becomes_conformant(live: Catalogue, department: Department) -> None:
    service = registered(live, department)
    after, report = live.test(POLICE, service, FOUND, ABSENT)
    assert report.passed, report.to_dict()
    assert after.state == "conformant"
    assert live.approve(BUREAU, service).state == "active"


@pytest.mark.daily_on_one
def test_an_endpoint_in_its_own_columns_is_judged_by_its_crosswalk(live: Catalogue, clock: FixedClock) -> None:
    with department_of(clock, ROW, native=True) as department:
        service = registered(live, department, crosswalk=CROSSWALK)
        after, report = live.test(POLICE, service, FOUND, ABSENT)
        assert report.passed, report.to_dict()
        assert after.state == "conformant"


@pytest.mark.daily_on_one
def test_the_same_endpoint_without_its_crosswalk_is_not_conformant(live: Catalogue, clock: FixedClock) -> None:
    with department_of(clock, ROW, native=True) as department:
        service = registered(live, department)
        after, report = live.test(POLICE, service, FOUND, ABSENT)
        assert {"obeys_standard", "same_subject"} <= {check.id for check in report.failed}
        assert after.state == "registered"


@pytest.mark.daily_on_one
def test_without_a_subject_nothing_is_known_and_nothing_passes(live: Catalogue, department: Department) -> None:
    service = registered(live, department)
    after, report = live.test(POLICE, service, None, None)
    assert not report.passed
    assert after.state == "registered"


@pytest.mark.daily_on_one
def test_slow_endpoints_take_no_more_than_two_threads_of_the_gateway(live: Catalogue, department: Department) -> None:
    """The token endpoint is served by the same few: whoever owns a slow system must not keep everybody out."""
    service, held, go = registered(live, department), threading.Semaphore(0), threading.Event()

    def wait(_: object) -> None:
        held.release()
        go.wait(20)

    department.on_request = wait
    with ThreadPoolExecutor() as threads:
        tests = [threads.submit(live.test, POLICE, service, FOUND, ABSENT) for _ in range(actions.TESTS_AT_ONCE)]
        try:
            held.acquire(timeout=20)
            held.acquire(timeout=20)
            with pytest.raises(Busy):
                live.test(POLICE, service, FOUND, ABSENT)
        finally:
            go.set()
        for each in tests:
            each.result()
    assert live.test(POLICE, service, FOUND, ABSENT)[1].passed


BROKEN = ["extra_fields", "wrong_types", "html", "hang", "reset", "ten_megabytes", "duplicate_keys", "redirect_home"]


@pytest.mark.daily_on_one
@pytest.mark.parametrize("mistake", [*BROKEN, "no_records", "server_error", "same_person_twice", "as_of_without_zone"])
def test_a_defect_is_named_with_how_to_mend_it(live: Catalogue, department: Department, mistake: str) -> None:
    service = registered(live, department, timeout_ms=200)
    department.behave(mistake)
    after, report = live.test(POLICE, service, FOUND, ABSENT)
    assert after.state == "registered"
    assert report.failed
    for check in report.failed:
        assert check.zh and check.en and check.mend_zh and check.mend_en


@pytest.mark.daily_on_one
def test_what_was_conformant_and_fails_later_is_not_approved(live: Catalogue, department: Department) -> None:
    service = registered(live, department)
    live.test(POLICE, service, FOUND, ABSENT)
    department.behave("server_error")
    after, _ = live.test(BUREAU, service, FOUND, ABSENT)
    assert after.state == "registered"


@pytest.mark.daily_on_one
def test_an_endpoint_that_answers_anybody_is_found_out(live: Catalogue, clock: FixedClock) -> None:
    with Department({RESIDENT: [RECORD]}, now=lambda: clock.now().timestamp()) as careless:
        service = registered(live, careless)
        _, report = live.test(POLICE, service, FOUND, ABSENT)
        assert {"missing_signature", "forged_signature", "replayed"} <= {check.id for check in report.failed}


def test_the_subjects_are_used_and_kept_nowhere(
    live: Catalogue, department: Department, database: db.Database, log: Log
) -> None:
    service = registered(live, department)
    for behaviour in ("good", "wrong_types", "agreement_not_served"):
        department.behave(behaviour)
        after, report = live.test(POLICE, service, FOUND, ABSENT)
        for kept in (after.report or "", json.dumps(report.to_dict(), ensure_ascii=False)):
            assert RESIDENT not in kept
            assert "示例人" not in kept
    assert RESIDENT not in json.dumps(entries_of(database))
    if database.engine.dialect.name == "sqlite":
        on_disk = Path(str(database.engine.url.database))
        for file in on_disk.parent.glob(f"{on_disk.name}*"):  # the write-ahead log too
            assert file.is_dir() or RESIDENT.encode() not in file.read_bytes()


def test_each_test_is_an_entry_with_its_outcome(live: Catalogue, department: Department, database: db.Database) -> None:
    service = registered(live, department)
    live.test(POLICE, service, None, None)
    live.test(BUREAU, service, FOUND, ABSENT)
    tests = [each for each in entries_of(database) if each["type"] == "service.tested"]
    assert [(each["actor"]["party"], each["outcome"]) for each in tests] == [
        ("police", "failed"),
        ("data-bureau", "passed"),
    ]


@pytest.mark.daily_on_one
@pytest.mark.parametrize("stranger", [TAX, LINDEN], ids=lambda caller: caller.party)
def test_a_stranger_cannot_have_it_called(live: Catalogue, department: Department, stranger: Any) -> None:
    """Threat T6: a test makes the gateway send requests, so it belongs to the department and the bureau."""
    service = registered(live, department)
    with pytest.raises(NotFound):
        live.test(stranger, service, FOUND, ABSENT)
    live.test(POLICE, service, FOUND, ABSENT)
    live.approve(BUREAU, service)
    department.requests.clear()
    with pytest.raises(Forbidden):
        live.test(stranger, service, FOUND, ABSENT)
    assert department.requests == []


@pytest.mark.daily_on_one
def test_an_address_that_settings_forbid_by_now_is_not_called(
    live: Catalogue, department: Department, database: db.Database, log: Log, clock: FixedClock
) -> None:
    service = registered(live, department)
    closed = outbound.OutboundPolicy()
    stricter: Callable[[str], Any] = lambda base_url: outbound.conformance_sender(closed, base_url)  # noqa: E731
    catalogue = Catalogue(
        database,
        log,
        clock,
        Library(database),
        issuer=ISSUER,
        check_url=closed.check_url,
        sender=stricter,
        sign_request=lambda _: "x.y.z",
    )
    with pytest.raises(InvalidRequest):
        catalogue.test(POLICE, service, FOUND, ABSENT)
    assert department.requests == []
