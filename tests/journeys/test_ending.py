"""Told to end under load, the gateway finishes what it began: every permit has its outcome, and nobody is cut off."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tongqu_client import errors

from gateway.audit.files import Folder
from tests.cast import AN, BO, Cast
from tests.journeys import commands
from tests.journeys.process import Process
from tests.journeys.under_load import Load, check, check_outcomes
from tests.running import City, RunningGateway
from tests.simulators.department import Department

# What a caller may see of a gateway that ends: nobody listens any more, or it says that it cannot now.
ALLOWED = {"ConnectFailed", "LogUnavailable", "Busy"}


@pytest.fixture
def city(tmp_path: Path, database_url: str) -> Iterator[City]:
    """The cast, admitted into a gateway that does not run in this process; its department takes its time."""
    with Department({person["idNumber"]: [person] for person in (AN, BO)}) as department:
        gateway = RunningGateway(tmp_path / "gateway", database_url)
        made = City(gateway, Cast(gateway.deps, department), department)
        department.delay_s = 0.2  # when it has passed its test, which asks it twenty times
        try:
            yield made
        finally:
            made.close()
            gateway.deps.close()


def configuration(city: City, folder: Path, shutdown_seconds: float) -> Path:
    more = {"log_level": "WARNING", "shutdown_seconds": shutdown_seconds}
    return commands.write_configuration(city.gateway.settings, folder / "tongqu.toml", **more)


def wait_for_questions(city: City, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(city.department.requests) < number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_end_under_load_leaves_no_query_without_its_outcome(city: City, tmp_path: Path) -> None:
    config = configuration(city, tmp_path, 10.0)
    agreement = city.cast.agreement()
    with Process(config, city.gateway.url, tmp_path / "said") as process, Load(city, agreement.id) as load:
        load.wait_for_answers(5)
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(30) == 0
    outcomes = check_outcomes(check(city, load.answers))
    assert set(outcomes) == {"exchange.released"}, (outcomes, load.errors)
    assert outcomes["exchange.released"] == len(load.answers), "each release reached its caller"
    assert set(load.errors) <= ALLOWED and load.lost == []
    published = Folder(city.gateway.deps.log.folder).checkpoint()
    assert published is not None and published.splitlines()[1] == str(len(city.gateway.entries()))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_waits_for_a_department_that_does_not_answer_ends_with_its_entry(city: City, tmp_path: Path) -> None:
    config = configuration(city, tmp_path, 0.2)
    agreement = city.cast.agreement()
    city.department.delay_s = 4.5
    seen: list[type[errors.GatewayError]] = []

    def ask() -> None:
        try:
            city.ask(agreement.id)
        except errors.GatewayError as error:
            seen.append(type(error))

    with Process(config, city.gateway.url, tmp_path / "said") as process:
        asking = threading.Thread(target=ask)
        asking.start()
        wait_for_questions(city, 1)
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(30) == 0
        asking.join(30)
    assert seen == [errors.ProviderUnavailable]
    (failed,) = [entry for entry in city.gateway.entries() if entry["type"] == "exchange.failed"]
    assert failed["code"] == "provider_unavailable"
    check_outcomes(check(city, []))


@pytest.mark.any_database
def test_until_it_is_gone_it_is_not_ready_and_tells_callers_to_go_away(city: City, tmp_path: Path) -> None:
    config = configuration(city, tmp_path, 10.0)
    with Process(config, city.gateway.url, tmp_path / "said") as process, requests.Session() as kept:
        ready = kept.get(f"{city.gateway.url}/readyz", timeout=5)
        assert (ready.status_code, ready.headers.get("Connection")) == (200, None)
        process.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while ready.status_code == 200 and time.monotonic() < deadline:
            ready = kept.get(f"{city.gateway.url}/readyz", timeout=5)
        assert (ready.status_code, ready.headers["Connection"]) == (503, "close")
        assert [finding["code"] for finding in ready.json()["findings"]] == ["stopping"]
        assert process.process.wait(30) == 0
