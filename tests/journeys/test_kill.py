"""kill -9 at any moment under load, and a log that cannot be written: no answer without its entry, nothing lost.

TONGQU_TORTURE_ROUNDS   how often the long form kills (default 50)
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import Answer, TrustStore, errors
from tongqu_client.verify import verify_export
from tongqu_client.verify.structure import Folder

from tests.cast import AN, BO, Cast
from tests.journeys import commands
from tests.journeys.process import Process
from tests.journeys.under_load import Load, check, check_outcomes
from tests.running import City, RunningGateway
from tests.simulators.crashing_disk import CrashingDisk
from tests.simulators.department import Department

BROKEN_LOG = 70  # the exit code of a gateway that can no longer write


@pytest.fixture
def closed_city(tmp_path: Path, database_url: str) -> Iterator[City]:
    """The cast, admitted into a gateway that does not run in this process."""
    with Department({person["idNumber"]: [person] for person in (AN, BO)}, delay_s=0.005) as department:
        gateway = RunningGateway(tmp_path / "gateway", database_url)
        city = City(gateway, Cast(gateway.deps, department), department)
        try:
            yield city
        finally:
            city.close()
            gateway.deps.close()


def kill_again_and_again(city: City, folder: Path, rounds: int) -> None:
    chance = random.Random(20261123)
    config = commands.write_configuration(city.gateway.settings, folder / "tongqu.toml", log_level="WARNING")
    agreement = city.cast.agreement()
    answers: list[Answer] = []
    lost: list[str] = []
    for _ in range(rounds):
        with Process(config, city.gateway.url, folder / "said") as process:
            check_outcomes(check(city, answers))  # what the last kill left open was closed at the start
            for key in lost[-2:]:  # who asks again with the same key gets the answer that got lost, or a new one
                answers.append(city.ask(agreement.id, idempotency_key=key))
            with Load(city, agreement.id) as load:
                load.wait_for_answers(1)
                time.sleep(chance.uniform(0.0, 0.4))
                process.kill()
                answers += load.answers
            lost = load.lost
            check(city, answers)
        city.close()  # connections to a process that is no more
    with Process(config, city.gateway.url, folder / "said"):
        outcomes = check_outcomes(check(city, answers))
        assert city.ask(agreement.id).verify()
    assert len({answer.log_index for answer in answers}) == len(answers) <= outcomes["exchange.released"]
    assert len(answers) >= rounds
    exported = commands.export(city, folder, "log")
    trust = TrustStore.from_document(city.gateway.deps.trust())
    report = verify_export(Folder(exported), trust, receipts=[answer.receipt for answer in answers])
    assert report.receipts == len(answers) and report.unfinished == 0
    done = commands.tongqu("verify", exported, "--trust", commands.trust_file(city, folder))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_gateway_killed_under_load_loses_nothing(closed_city: City, tmp_path: Path) -> None:
    kill_again_and_again(closed_city, tmp_path, 1)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_a_gateway_killed_fifty_times_under_load_loses_nothing(closed_city: City, tmp_path: Path) -> None:
    kill_again_and_again(closed_city, tmp_path, int(os.environ.get("TONGQU_TORTURE_ROUNDS", "50")))


# ── a log that cannot be written ──────────────────────────────────────────────────────────────────────────────────────
def ask_in_vain(city: City, agreement: str) -> None:
    with pytest.raises(errors.LogUnavailable) as caught:
        city.ask(agreement)
    assert caught.value.status == 503
    assert AN["name"] not in repr(vars(caught.value)) and AN["phone"] not in repr(vars(caught.value))


@pytest.mark.parametrize("failure", ["lost", "kept"])
def test_when_the_decision_cannot_be_written_no_department_is_asked(own_city: City, failure: Any) -> None:
    agreement = own_city.cast.agreement()
    assert own_city.ask(agreement.id).found
    own_city.department.requests.clear()
    CrashingDisk(own_city.gateway.deps.database).fail_at_commit(failure)
    ask_in_vain(own_city, agreement.id)
    assert not own_city.department.requests


@pytest.mark.parametrize("failure", ["lost", "kept"])
def test_when_the_release_cannot_be_written_no_record_leaves(own_city: City, failure: Any) -> None:
    agreement = own_city.cast.agreement()
    assert own_city.ask(agreement.id).found
    disk = CrashingDisk(own_city.gateway.deps.database)
    own_city.department.on_request = lambda _: disk.fail_at_commit(failure)
    ask_in_vain(own_city, agreement.id)
    own_city.department.on_request = None
    own_city.gateway.restart()
    assert own_city.ask(agreement.id).found
    outcomes = check_outcomes(own_city.gateway.entries())
    # A release that the disk kept although it said otherwise stays a release: the log says more than happened.
    unknown = 1 if failure == "lost" else 0
    assert outcomes == Counter(
        {"exchange.released": 3 - unknown} | ({"exchange.outcome_unknown": 1} if unknown else {})
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_once_the_disk_failed_a_gateway_on_sqlite_answers_nothing_any_more(own_city: City) -> None:
    agreement = own_city.cast.agreement()
    assert own_city.ask(agreement.id).found
    CrashingDisk(own_city.gateway.deps.database).fail_at_commit("lost")
    for _ in range(3):  # the disk would work again: but nobody knows what it holds
        ask_in_vain(own_city, agreement.id)
    assert own_city.gateway.broken and len(own_city.department.requests) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_ends_the_gateway_and_no_answer_is_without_its_entry(closed_city: City, tmp_path: Path) -> None:
    """The kernel refuses to let any file grow beyond a limit, as it does when the disk is full."""
    city, said = closed_city, tmp_path / "said"
    config = commands.write_configuration(city.gateway.settings, tmp_path / "tongqu.toml")
    agreement = city.cast.agreement()
    with Process(config, city.gateway.url, said):
        pass  # what came with the software is published at the first start, and is not to be what fills the disk
    limit = max(file.stat().st_size for file in tmp_path.glob("gateway.sqlite*")) + 256 * 1024
    with Process(config, city.gateway.url, said, file_limit=limit) as process:
        with Load(city, agreement.id) as load:
            assert process.process.wait(60) == BROKEN_LOG
        assert load.answers
        check(city, load.answers)
    city.close()
    with Process(config, city.gateway.url, said):  # the disk has room again
        check_outcomes(check(city, load.answers))
        assert city.ask(agreement.id).verify()
