"""Orders and kills from outside (T27, T28): whoever is told to end, to begin anew or not to move takes nobody along.

Of several processes one watches over the others (gateway/supervisor.py), one is what they are forked from.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from gateway.server import EXIT_HUNG_UP
from gateway.supervisor import SILENT_S
from tests.journeys import commands
from tests.journeys.process import Process, listens
from tests.journeys.test_kill import BROKEN_LOG, closed_city  # noqa: F401  # a fixture
from tests.journeys.under_load import Load, check, check_outcomes
from tests.running import City
from tests.simulators.failing_machine import FailingMachine

SECONDS = 30.0  # how long anything here may take on a busy machine
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def config(closed_city: City, tmp_path: Path) -> Path:  # noqa: F811
    return commands.write_configuration(closed_city.gateway.settings, tmp_path / "tongqu.toml", log_level="WARNING")


def serving(city: City) -> set[psutil.Process]:
    """All workers that answer on the city's port, whoever their parent is by now."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if "gateway.template" in (process.info["cmdline"] or ()) and listens(process, city.gateway.port):
                found.add(process)
    return found


def until(true: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def others(city: City, before: set[psutil.Process]) -> bool:
    now = serving(city)
    return len(now) == 2 and not now & before


def in_vain(city: City) -> bool:
    try:
        requests.get(f"{city.gateway.url}/healthz", timeout=5)
    except requests.ConnectionError:
        return True
    return False


@on_sqlite
@pytest.mark.torture
def test_orders_that_overlap_leave_nobody_behind(closed_city: City, tmp_path: Path, config: Path) -> None:  # noqa: F811
    """Each SIGHUP begins the hand-over anew, and each worker that was started for the one before goes again."""
    city, agreement = closed_city, closed_city.cast.agreement().id
    with Process(config, city.gateway.url, tmp_path / "said", workers=2) as process:
        before, answers = serving(city), [city.ask(agreement)]
        for _ in range(3):
            process.process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        until(lambda: others(city, before))
        answers += [city.ask(agreement) for _ in range(3)]
        for _ in range(2):
            process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(SECONDS) == 0
        assert not serving(city) and in_vain(city)
    check_outcomes(check(city, answers))


@pytest.fixture
def not_under_nohup() -> Iterator[None]:
    """Who is started under nohup goes on when it is hung up, and so would all that these tests start."""
    before = signal.signal(signal.SIGHUP, lambda *_: None)  # what is minded here, children do not inherit
    yield
    signal.signal(signal.SIGHUP, before)


@on_sqlite
@pytest.mark.usefixtures("not_under_nohup")
@pytest.mark.torture
def test_one_process_alone_that_is_hung_up_finishes_what_it_began(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
    config: Path,
) -> None:
    city, agreement = closed_city, closed_city.cast.agreement().id
    city.department.delay_s = 0.3
    with Process(config, city.gateway.url, tmp_path / "said") as process, Load(city, agreement) as load:
        load.wait_for_answers(5)
        process.process.send_signal(signal.SIGHUP)
        assert process.process.wait(SECONDS) == EXIT_HUNG_UP
    assert check_outcomes(check(city, load.answers)).keys() == {"exchange.released"}


@pytest.mark.torture
def test_without_whom_workers_are_forked_from_the_gateway_goes_on(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
    config: Path,
) -> None:
    city, agreement = closed_city, closed_city.cast.agreement().id
    with Process(config, city.gateway.url, tmp_path / "said", workers=2) as process, Load(city, agreement) as load:
        watching = psutil.Process(process.process.pid)
        for pause in (1.0, 0.0, 0.05, 0.3):  # also in the middle of making a new worker
            load.wait_for_answers(len(load.answers) + 5)
            before = serving(city)
            next(iter(before)).kill()
            time.sleep(pause)
            for template in watching.children():
                template.kill()
            until(lambda before=before: len(serving(city) - before) == 1 and len(serving(city)) == 2)  # type: ignore[misc]
        load.wait_for_answers(len(load.answers) + 5)
    check_outcomes(check(city, load.answers))


@pytest.mark.torture
def test_without_whom_they_are_watched_by_workers_finish_and_end(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
    config: Path,
) -> None:
    city, agreement, said = closed_city, closed_city.cast.agreement().id, tmp_path / "said"
    with Process(config, city.gateway.url, said, workers=2) as process, Load(city, agreement) as load:
        load.wait_for_answers(5)
        process.kill()
        until(lambda: not serving(city) and in_vain(city))
    assert not load.lost
    assert "Traceback" not in said.read_text()
    assert check_outcomes(check(city, load.answers)).keys() == {"exchange.released"}


@pytest.mark.torture
def test_a_worker_that_stands_still_is_replaced(closed_city: City, tmp_path: Path, config: Path) -> None:  # noqa: F811
    """Else every second connection would hang, and everybody if it held the turn to write."""
    city, agreement = closed_city, closed_city.cast.agreement().id
    with Process(config, city.gateway.url, tmp_path / "said", workers=2) as process, Load(city, agreement) as load:
        load.wait_for_answers(5)
        before = process.workers()
        before[0].suspend()
        until(lambda: len(serving(city) - set(before)) == 1 and before[0] not in serving(city), SILENT_S + SECONDS)
        load.wait_for_answers(len(load.answers) + 5)
        assert before[1] in serving(city)
    with Process(config, city.gateway.url, tmp_path / "said"):
        check_outcomes(check(city, load.answers))


@on_sqlite
@pytest.mark.torture
def test_all_that_stood_still_together_go_on_together(closed_city: City, tmp_path: Path, config: Path) -> None:  # noqa: F811
    city, agreement = closed_city, closed_city.cast.agreement().id
    with Process(config, city.gateway.url, tmp_path / "said", workers=2) as process, Load(city, agreement) as load:
        load.wait_for_answers(5)
        watching, before = psutil.Process(process.process.pid), serving(city)
        everybody = [watching, *watching.children(recursive=True)]
        for each in everybody:
            each.suspend()
        time.sleep(SILENT_S + 5)
        for each in everybody:
            each.resume()
        load.wait_for_answers(len(load.answers) + 20)
        assert serving(city) == before
    check_outcomes(check(city, load.answers))


@on_sqlite
@pytest.mark.torture
def test_a_worker_that_cannot_be_replaced_at_once_is_replaced_later(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
    config: Path,
) -> None:
    """As when the address has gone from the machine, or no file and no process is to be had: the others go on."""
    city, agreement = closed_city, closed_city.cast.agreement().id
    with Process(config, city.gateway.url, tmp_path / "said", workers=2) as process, Load(city, agreement) as load:
        load.wait_for_answers(5)
        watching, before = psutil.Process(process.process.pid), process.workers()
        usual = watching.rlimit(psutil.RLIMIT_NOFILE)
        watching.rlimit(psutil.RLIMIT_NOFILE, (4, usual[1]))
        before[0].kill()
        until(lambda: "no worker can be started" in process.said.read_text())
        load.wait_for_answers(len(load.answers) + 5)
        watching.rlimit(psutil.RLIMIT_NOFILE, usual)
        until(lambda: len(process.workers()) == 2)
        assert before[1] in process.workers()
    check_outcomes(check(city, load.answers))


@contextlib.contextmanager
def unheard(config: Path, city: City, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A gateway whose every word is refused: what it says would go to the same full disk."""
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    with Path("/dev/full").open("wb") as full:
        process = subprocess.Popen(command, stdout=full, stderr=full, env=commands.environment(**env))
    try:
        until(lambda: not in_vain(city))
        yield process
    finally:
        process.kill()
        process.wait()


@on_sqlite
@pytest.mark.torture
def test_a_gateway_that_cannot_say_what_is_wrong_ends_all_the_same(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
    config: Path,
) -> None:
    city, agreement = closed_city, closed_city.cast.agreement().id
    with (
        FailingMachine(tmp_path, fails="gateway.sqlite") as machine,
        unheard(config, city, machine.environment) as process,
        Load(city, agreement) as load,
    ):
        load.wait_for_answers(5)
        machine.disk_fails(errno.ENOSPC, "writes")
        assert process.wait(SECONDS) == BROKEN_LOG
    check(city, load.answers)


def test_what_cannot_be_written_down_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.lib import logs

    reading, writing = os.pipe()
    os.close(reading)
    for nowhere in (Path("/dev/full").open("w"), os.fdopen(writing, "w")):  # noqa: SIM115
        monkeypatch.setattr(sys, "stderr", nowhere)
        for _ in range(3):
            logs.error("nobody hears this")
        with contextlib.suppress(OSError):
            nowhere.close()
        logs.error("nor this")
