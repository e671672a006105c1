"""A disk without room or with errors, a clock that leaps, and what stands still for a while: threats T27 and T28.

No record leaves without its entry, and once the fault is over the gateway answers again within RECOVERY_S, on a machine
that is busy with other things too.
The faults are the kernel's own (a full tmpfs, SIGSTOP) or come between the process and the kernel
(tests/simulators/failing_machine.c); nothing of ours is replaced.

TONGQU_STOPPED_SECONDS   for how long things stand still (default 3; the long form: 30)
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import psutil
import psycopg
import pytest
import requests
from sqlalchemy.engine import make_url

from gateway.health import MIN_FREE_BYTES
from tests.cast import AN, Cast
from tests.journeys import commands
from tests.journeys.by_hand import ByHand
from tests.journeys.process import Process
from tests.journeys.test_kill import BROKEN_LOG, closed_city  # noqa: F401  # a fixture
from tests.journeys.under_load import Load, check, check_outcomes
from tests.running import City, RunningGateway
from tests.simulators.department import Department
from tests.simulators.failing_machine import FailingMachine
from tests.witness.process import WitnessProcess

RECOVERY_S = 20.0
STOPPED_S = float(os.environ.get("TONGQU_STOPPED_SECONDS", "3"))
HOUR = 3600
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def wait_for(true: Callable[[], object], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def recovers(city: City, config: Path, said: Path, agreement: str) -> None:
    """A new process, as a supervisor would start it, has everything closed and answers in time."""
    city.close()
    began = time.monotonic()
    with Process(config, city.gateway.url, said):
        answer = city.ask(agreement)
        took = time.monotonic() - began
        assert answer.verify()
        check_outcomes(check(city, [answer]))
        assert took < RECOVERY_S * crowded(), f"recovery took {took:.1f} s"


def crowded() -> float:
    """How much longer everything takes because others use this machine."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


# ── T27: the disk ─────────────────────────────────────────────────────────────────────────────────────────────────────
DISKS: dict[str, tuple[int, Literal["syncs", "writes"], str]] = {
    "EIO at a sync of the database": (errno.EIO, "syncs", "gateway.sqlite"),
    "EIO at a write of the database": (errno.EIO, "writes", "gateway.sqlite"),
    "ENOSPC at a write of the database": (errno.ENOSPC, "writes", "gateway.sqlite"),
    "EIO at a sync of the published files": (errno.EIO, "syncs", "/log/"),
    "ENOSPC at a write of the published files": (errno.ENOSPC, "writes", "/log/"),
}


@on_sqlite
@pytest.mark.torture
@pytest.mark.parametrize("disk", DISKS)
def test_a_disk_that_fails_under_load_ends_the_gateway_and_nothing_leaves_unlogged(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
    disk: str,
) -> None:
    error, which, place = DISKS[disk]
    city, said = closed_city, tmp_path / "said"
    config = commands.write_configuration(city.gateway.settings, tmp_path / "tongqu.toml")
    agreement = city.cast.agreement().id
    with (
        FailingMachine(tmp_path, fails=place) as machine,
        Process(config, city.gateway.url, said, env=machine.environment) as process,
        Load(city, agreement) as load,
    ):
        load.wait_for_answers(10)
        machine.disk_fails(error, which)
        assert process.process.wait(30) == BROKEN_LOG
    check(city, load.answers)
    recovers(city, config, said, agreement)
    check(city, load.answers)


@contextmanager
def tmpfs(folder: Path, size: int) -> Iterator[Path]:
    """A disk of so many bytes; skips where we may not mount one (the machine above fails as it does)."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a tmpfs; the errors of the kernel are tested without it")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(ballast: Path, *, leaving: int) -> None:
    """In pieces: the gateway writes to the same disk meanwhile."""
    with ballast.open("ab", buffering=0) as file:
        while (more := shutil.disk_usage(ballast.parent).free - leaving) > 0:
            file.write(bytes(min(more, 64 * 1024)))


@pytest.mark.torture
def test_a_real_disk_with_256_kibibytes_left_fills_up_and_no_answer_is_without_its_entry(
    tmp_path: Path, sqlite_template: Path
) -> None:
    room = MIN_FREE_BYTES + 3 * sqlite_template.stat().st_size + 8 * 2**20
    with tmpfs(tmp_path / "disk", room) as disk, Department({AN["idNumber"]: [AN]}) as department:
        shutil.copyfile(sqlite_template, disk / "gateway.sqlite")
        gateway = RunningGateway(disk / "gateway", f"sqlite:///{disk / 'gateway.sqlite'}")
        city = City(gateway, Cast(gateway.deps, department), department)
        agreement, said = city.cast.agreement().id, tmp_path / "said"
        config = commands.write_configuration(gateway.settings, tmp_path / "tongqu.toml")
        ballast = disk / "ballast"
        try:
            with Process(config, gateway.url, said) as process:
                fill(ballast, leaving=256 * 1024)
                with Load(city, agreement) as load:
                    assert process.process.wait(60) == BROKEN_LOG
            assert load.answers
            check(city, load.answers)
            ballast.unlink()
            recovers(city, config, said, agreement)
            check(city, load.answers)
        finally:
            city.close()
            gateway.deps.close()


# ── T28: the clock ────────────────────────────────────────────────────────────────────────────────────────────────────
@on_sqlite
def test_a_clock_that_leaps_an_hour_ahead_and_two_back_opens_nothing_that_was_closed(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
) -> None:
    city, said = closed_city, tmp_path / "said"
    config = commands.write_configuration(city.gateway.settings, tmp_path / "tongqu.toml")
    agreement = city.cast.agreement().id
    answered: list[int] = []
    city.department.now = lambda: time.time() + linden.ahead_s

    def ask(token: str, proof: str | None = None) -> int:
        response = linden.query(agreement, token, proof=proof)
        if response.ok:
            answered.append(response.json()["log"]["index"])
        return response.status_code

    with FailingMachine(tmp_path) as machine:
        with Process(config, city.gateway.url, said, env=machine.environment):
            linden = ByHand(city)
            first = linden.token(agreement)
            proof = linden.proof("/v1/queries", first)
            assert ask(first, proof) == 200
            machine.clock_ahead(hours=1)  # the gateway's alone: what callers sign seems an hour old
            assert ask(first) == 401
            linden.ahead_s = HOUR  # and the callers' with it
            linden.fetch_nonce()
            assert ask(first) == 401, "its token ended 55 minutes ago"
            second = linden.token(agreement)
            assert ask(second) == 200
            machine.clock_ahead(hours=-1)
            assert requests.get(f"{city.gateway.url}/readyz", timeout=5).status_code == 503
            assert ask(second) == 401, "made in two hours"
            linden.ahead_s = -HOUR
            linden.fetch_nonce()
            third = linden.token(agreement)
            assert ask(third) == 200
            machine.clock_ahead(hours=0)
            linden.ahead_s = 0
            assert ask(first, proof) == 401, "no leap makes a used proof good again"
            linden.fetch_nonce()
            assert ask(linden.token(agreement)) == 200
        machine.clock_ahead(hours=-1)
        backwards = Process(config, city.gateway.url, said, env=machine.environment)
        with pytest.raises(AssertionError, match="clock is more than a minute behind"), backwards:
            pass
    check_outcomes(entries := check(city, []))
    assert [entries[at]["type"] for at in answered] == ["exchange.released"] * 4
    hours = [int(entries[at]["t"][11:13]) for at in answered]
    assert [(hour - hours[0]) % 24 for hour in hours] in ([0, 1, 23, 0], [0, 1, 23, 1])  # the hour may just have struck
    exported = commands.export(city, tmp_path, "log")
    done = commands.tongqu("verify", exported, "--trust", commands.trust_file(city, tmp_path))
    # The order is the index and holds; that times go back every verifier tells, since a back-dated entry looks so too.
    said_so = done.stdout + done.stderr
    assert done.returncode == 9
    told = {int(at) for at in re.findall(r"\[entry (\d+)\] 第 \d+ 条的时间早于它前面的条目：时钟被调过", said_so)}
    assert answered[2] in told and answered[0] not in told


# ── what stands still ─────────────────────────────────────────────────────────────────────────────────────────────────
@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def all_of(process: Process) -> list[int]:
    parent = psutil.Process(process.process.pid)
    return [each.pid for each in (parent, *parent.children(recursive=True))]


def answers_again(load: Load) -> float:
    before = len(load.answers)
    return wait_for(lambda: len(load.answers) > before, RECOVERY_S * crowded())


@pytest.mark.torture
def test_a_gateway_that_stood_still_goes_on_and_nothing_is_unlogged(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
) -> None:
    city, said = closed_city, tmp_path / "said"
    config = commands.write_configuration(city.gateway.settings, tmp_path / "tongqu.toml")
    agreement = city.cast.agreement().id
    with Process(config, city.gateway.url, said) as process, Load(city, agreement) as load:
        load.wait_for_answers(5)
        with stopped(*all_of(process)):
            time.sleep(1)  # what was under way
            before = len(load.answers)
            time.sleep(STOPPED_S)
            assert len(load.answers) - before == 0
        answers_again(load)
    check_outcomes(check(city, load.answers))


@on_sqlite
@pytest.mark.torture
def test_of_two_workers_one_that_stands_still_does_not_stop_the_other_for_good(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
) -> None:
    city, said = closed_city, tmp_path / "said"
    config = commands.write_configuration(city.gateway.settings, tmp_path / "tongqu.toml")
    agreement = city.cast.agreement().id
    with Process(config, city.gateway.url, said, workers=2) as process, Load(city, agreement) as load:
        load.wait_for_answers(5)
        with stopped(process.workers()[0].pid):
            time.sleep(STOPPED_S)
        answers_again(load)
    check_outcomes(check(city, load.answers))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.torture
def test_a_database_whose_sessions_stood_still_is_met_again(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
) -> None:
    city, said = closed_city, tmp_path / "said"
    config = commands.write_configuration(city.gateway.settings, tmp_path / "tongqu.toml")
    agreement = city.cast.agreement().id
    with Process(config, city.gateway.url, said), Load(city, agreement) as load:
        load.wait_for_answers(5)
        with stopped(*sessions(city.gateway.settings.database)):
            time.sleep(1)  # what was under way
            before = len(load.answers)
            time.sleep(STOPPED_S)
            assert len(load.answers) - before == 0
        answers_again(load)
    check_outcomes(check(city, load.answers))


def sessions(url: str) -> list[int]:
    """The server's processes that work for this database."""
    at = make_url(url)
    with psycopg.connect(host=at.query["host"], user=at.username, dbname=at.database) as connection:  # type: ignore[arg-type]
        asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        found = [int(row[0]) for row in connection.execute(asked)]
    assert found
    return found


@on_sqlite
@pytest.mark.torture
def test_a_witness_that_stands_still_or_is_lost_keeps_nobody_waiting_and_is_met_again(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
) -> None:
    city, said = closed_city, tmp_path / "said"
    log, agreement = city.gateway.deps.log, city.cast.agreement().id
    with WitnessProcess(tmp_path / "witness", "audit.test/w1", log.key.vkey) as witness:
        policy = tmp_path / "policy"
        policy.write_text(f"log {log.key.vkey}\nwitness audit {witness.vkeys[0]} {witness.url}\nquorum audit\n")
        config = commands.write_configuration(
            city.gateway.settings, tmp_path / "tongqu.toml", witness_policy=str(policy), witness_seconds=0.1
        )
        with Process(config, city.gateway.url, said), Load(city, agreement) as load:
            wait_for(lambda: cosigned(city) > 0, 60)
            for lose in (standing_still, killed):
                with lose(witness):
                    time.sleep(1)  # what was under way
                    seen, before = cosigned(city), len(load.answers)
                    time.sleep(STOPPED_S)
                    assert cosigned(city) == seen
                    assert len(load.answers) - before > STOPPED_S, "queries go on"
                    assert requests.get(f"{city.gateway.url}/readyz", timeout=5).ok
                size = len(city.gateway.entries())
                wait_for(lambda size=size: cosigned(city) >= size, RECOVERY_S * crowded())  # type: ignore[misc]
    check_outcomes(check(city, load.answers))


def cosigned(city: City) -> int:
    """How many entries the witness has seen."""
    witnesses: list[dict[str, Any]] = requests.get(f"{city.gateway.url}/v1/log/witnesses", timeout=5).json()[
        "witnesses"
    ]
    return int(witnesses[0]["last_size"] or 0)


@contextmanager
def standing_still(witness: WitnessProcess) -> Iterator[None]:
    with stopped(witness.process.pid):
        yield


@contextmanager
def killed(witness: WitnessProcess) -> Iterator[None]:
    witness.kill()
    yield
    witness.__enter__()
