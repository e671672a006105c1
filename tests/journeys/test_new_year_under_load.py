"""Midnight of New Year's Eve at a gateway of four workers under load, one of them killed every moment, the one that
publishes among them: the year turns once, nothing is lost on either side, and a stranger can check both.

The clock is the machine's, moved under the real processes (tests/simulators/failing_machine.c).
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import requests
from tongqu_client import TrustStore
from tongqu_client.verify import verify_export

from gateway.audit.files import Folder
from gateway.audit.shard import end_of, year_of
from gateway.lib.clock import parse_rfc3339, rfc3339
from tests.cast import MONTH
from tests.journeys import commands
from tests.journeys.by_hand import ByHand
from tests.journeys.process import Process
from tests.journeys.test_kill import closed_city  # noqa: F401  # a fixture
from tests.journeys.under_load import Callers, check_outcomes
from tests.running import City
from tests.simulators.failing_machine import FailingMachine

WORKERS, CALLERS = 4, 4
BEFORE_S = 4  # of the old year, from when on callers ask
SECONDS = 40.0


class ByTheMovedClock(Callers):
    """``answers``: request, origin and index of each log entry named, receipt."""

    def __init__(self, city: City, agreement: str, ahead_s: int) -> None:
        super().__init__(CALLERS)
        self.city, self.agreement, self.ahead_s = city, agreement, ahead_s
        self.answers: list[tuple[str, str, int, str]] = []
        self.refused: Counter[str] = Counter()

    def _ask_on(self) -> None:
        while not self._stopping.is_set():
            with suppress(requests.RequestException, KeyError):  # a worker was killed: anew
                caller = ByHand(self.city)
                caller.ahead_s = self.ahead_s
                caller.fetch_nonce()
                token = caller.token(self.agreement)
                while not self._stopping.is_set() and self._ask(caller, token):
                    pass
            time.sleep(0.02)

    def _ask(self, caller: ByHand, token: str) -> bool:
        answer = caller.query(self.agreement, token)
        said = answer.json()
        if answer.status_code != 200:
            self.refused[said["code"]] += 1
            return False
        self.answers.append((said["request_id"], said["log"]["origin"], said["log"]["index"], said["receipt"]))
        return True

    def of(self, origin: str) -> int:
        return sum(1 for each in self.answers if each[1] == origin)


def until(true: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_now_and_then(process: Process, stopping: threading.Event) -> None:
    chance = random.Random(20270101)
    while not stopping.wait(0.8):
        with suppress(psutil.Error, IndexError):
            chance.choice(process.workers()).kill()


@pytest.mark.torture
@pytest.mark.timeout(300)
def test_the_year_turns_once_while_workers_are_killed(closed_city: City, tmp_path: Path) -> None:  # noqa: F811
    city, said = closed_city, tmp_path / "said"
    log = city.gateway.deps.log
    config = commands.write_configuration(city.gateway.settings, tmp_path / "tongqu.toml", log_level="WARNING")
    midnight = parse_rfc3339(end_of(year_of(rfc3339(datetime.now(UTC)))))
    agreement = city.cast.agreement(until=midnight + MONTH).id  # however young the year is
    with (
        FailingMachine(tmp_path) as machine,
        Process(config, city.gateway.url, said, workers=WORKERS, env=machine.environment) as process,
    ):
        ahead_s = int((midnight - datetime.now(UTC)).total_seconds()) - BEFORE_S
        machine.clock_ahead(hours=ahead_s / 3600)
        city.department.now = lambda: time.time() + ahead_s
        stopping = threading.Event()
        with ByTheMovedClock(city, agreement, ahead_s) as callers:
            killing = threading.Thread(target=kill_now_and_then, args=(process, stopping))
            killing.start()
            try:
                until(lambda: len(log.shards()) == 2)
                old, new = log.shards()
                until(lambda: callers.of(new.origin) > 30)
            finally:
                stopping.set()
                killing.join()
        until(lambda: len(process.workers()) == WORKERS)  # who takes a killed one's place closes what it left open
        until(lambda: log.published_to() >= len(city.gateway.entries()))
        process.process.terminate()
        assert process.process.wait(SECONDS) == 0
    finish(
        city,
        tmp_path,
        callers,
        lambda *said: commands.run("gateway", *said, "--config", str(config), env=machine.environment),
    )
    assert callers.of(old.origin)
    assert Folder(log.folder).of(log.shards()[0]).checkpoint() is not None


Command = Callable[..., subprocess.CompletedProcess[str]]


def finish(city: City, folder: Path, callers: ByTheMovedClock, gateway: Command) -> None:
    """``gateway``: a command on the machine whose clock was moved; by any other clock the log comes from the future."""
    entries, firsts = city.gateway.entries(), {each.origin: each.first for each in city.gateway.deps.log.shards()}
    kinds = Counter(entry["type"] for entry in entries)
    assert (kinds["log.closed"], kinds["log.opened"]) == (1, 2)
    for query, origin, index, _ in callers.answers:
        entry = entries[firsts[origin] + index]
        assert (entry["type"], entry["query"]) == ("exchange.released", query)
    check_outcomes(entries)
    assert [entry["t"] for entry in entries] == sorted(entry["t"] for entry in entries)
    trust = TrustStore.from_document(city.gateway.deps.trust())
    exported = gateway("audit", "export", str(folder / "log"))
    assert exported.returncode == 0, exported.stderr
    report = verify_export(folder / "log", trust, receipts=[each[3] for each in callers.answers])
    assert report.receipts == len(callers.answers) and report.unfinished == 0
    verified = gateway("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
