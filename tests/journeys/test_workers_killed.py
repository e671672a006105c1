"""Four workers on PostgreSQL, one of them killed every second under load: no promise is broken, all are replaced.

TONGQU_TORTURE_SECONDS   how long (default 40; the promise is made for 60)
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests
from sqlalchemy import select
from tongqu_client import TrustStore, errors
from tongqu_client.verify import verify_export
from tongqu_client.verify.structure import Folder

from gateway.exchange.store import QUOTA_USE
from tests.cast import AN, BO, Cast
from tests.conftest import fresh_url
from tests.journeys import commands
from tests.journeys.by_hand import ByHand
from tests.journeys.process import Process
from tests.journeys.under_load import Load, check, check_outcomes
from tests.running import City, RunningGateway
from tests.simulators.department import Department

WORKERS = 4
SECONDS = int(os.environ.get("TONGQU_TORTURE_SECONDS", "40"))
QUOTA = 12  # queries of one agreement; when it is used up, the next agreement's turn begins
SENDS = 6  # of one proof, at once and over as many connections


class Replays:
    """Sends each proof several times at once, to whichever workers get them, and again later."""

    def __init__(self, city: City, agreement: str) -> None:
        self.by_hand, self.agreement = ByHand(city), agreement
        self.taken: Counter[str] = Counter()  # proof → how often it was answered with a record
        self.refused = 0
        self._pool = ThreadPoolExecutor(SENDS)

    def round(self) -> None:
        try:
            token = self.by_hand.token(self.agreement)
            for _ in range(20):
                proof = self.by_hand.proof("/v1/queries", token)
                self.taken[proof] = 0
                list(self._pool.map(lambda _, t=token, p=proof: self._send(t, p), range(SENDS)))
                self._send(token, proof)
                self._send(token, random.choice(list(self.taken)[-20:]))
        except (requests.RequestException, ValueError, KeyError):
            time.sleep(0.02)  # a worker was killed while it answered: a new token, and on

    def _send(self, token: str, proof: str) -> None:
        try:
            answer = self.by_hand.query(self.agreement, token, proof=proof)
        except requests.RequestException:
            return
        if answer.status_code == 200:
            self.taken[proof] += 1
        else:
            self.refused += answer.json()["code"] == "proof_replayed"
        self.by_hand.nonce = answer.headers.get("DPoP-Nonce", self.by_hand.nonce)


class Quotas:
    """Several callers that race for the last uses of one agreement after the other."""

    def __init__(self, city: City) -> None:
        self._city = city
        self.agreements = [city.cast.agreement(quota={"unit": "total", "max": QUOTA}).id for _ in range(12)]
        self._now = 0

    def round(self) -> None:
        place = self._now
        try:
            self._city.ask(self.agreements[place % len(self.agreements)])
        except errors.QuotaExceeded:
            self._now = place + 1
        except errors.GatewayError:
            time.sleep(0.02)


@contextmanager
def on_and_on(*rounds: object) -> Iterator[None]:
    stopping = threading.Event()

    def repeat(round: object) -> None:
        while not stopping.is_set():
            round()  # type: ignore[operator]

    threads = [threading.Thread(target=repeat, args=(each,)) for each in rounds]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(60)


def kill_one_every_second(process: Process, city: City) -> tuple[int, list[int]]:
    """Returns how many were killed, and the sizes that the published checkpoint had."""
    chance, sizes, killed, began = random.Random(20261123), [], 0, time.monotonic()
    while time.monotonic() - began < SECONDS:
        if workers := process.workers():
            with suppress(psutil.NoSuchProcess):  # it was just killed and not yet missed
                chance.choice(workers).kill()
                killed += 1
        if published := city.gateway.deps.log.published():
            sizes.append(published[0].size)
        time.sleep(max(0.0, began + killed - time.monotonic()))
    return killed, sizes


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_of_four_workers_one_is_killed_every_second(tmp_path: Path, sqlite_template: Path) -> None:
    people = {person["idNumber"]: [person] for person in (AN, BO)}
    with (
        fresh_url("postgresql", tmp_path, sqlite_template) as url,
        Department(people, delay_s=0.005) as department,
    ):
        gateway = RunningGateway(tmp_path / "gateway", url)
        city = City(gateway, Cast(gateway.deps, department), department)
        config = commands.write_configuration(gateway.settings, tmp_path / "tongqu.toml", log_level="WARNING")
        agreement, replayed, quotas = city.cast.agreement().id, city.cast.agreement().id, Quotas(city)
        with Process(config, gateway.url, tmp_path / "said", workers=WORKERS) as process:
            replays = Replays(city, replayed)
            with Load(city, agreement) as load, on_and_on(replays.round, quotas.round, quotas.round, quotas.round):
                killed, sizes = kill_one_every_second(process, city)
            deadline = time.monotonic() + 30
            while len(process.workers()) < WORKERS:  # all that were killed are replaced
                assert time.monotonic() < deadline, process.said.read_text()[-2000:]
                time.sleep(0.05)
            assert city.ask(agreement).verify()
            process.process.terminate()
            assert process.process.wait(30) == 0
        assert killed >= SECONDS / 2
        assert len(set(sizes)) > SECONDS / 8 and sizes == sorted(sizes), "the checkpoint goes on, and only forward"
        assert max(replays.taken.values()) == 1 and replays.refused > SECONDS / 4, "no proof counted twice"
        finish(city, config, tmp_path, load, quotas, replays)
        city.close()
        gateway.deps.close()


def finish(city: City, config: Path, folder: Path, load: Load, quotas: Quotas, replays: Replays) -> None:
    """Once more with one process, which closes what is left open; then everything is compared."""
    with Process(config, city.gateway.url, folder / "said"):
        entries = check(city, load.answers)
        outcomes = check_outcomes(entries)
        assert city.ask(load.agreement).verify()
    assert len(load.answers) > SECONDS / 4 and len({answer.log_index for answer in load.answers}) == len(load.answers)
    of = {at: entry["agreement"]["id"] for at, entry in enumerate(entries) if entry["type"] == "exchange.authorized"}
    released = Counter(of[entry["of"]] for entry in entries if entry["type"] == "exchange.released")
    assert max(released[each] for each in quotas.agreements) <= QUOTA
    with city.gateway.deps.database.read() as conn:
        assert all(row.used <= QUOTA for row in conn.execute(select(QUOTA_USE)))
    assert quotas.agreements[0] in released
    assert sum(replays.taken.values()) <= released[replays.agreement] <= len(replays.taken)
    exported = commands.export(city, folder, "log")
    trust = TrustStore.from_document(city.gateway.deps.trust())
    report = verify_export(Folder(exported), trust, receipts=[answer.receipt for answer in load.answers])
    assert report.receipts == len(load.answers) and report.unfinished == 0
    verified = commands.gateway(city, folder, "audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    print(f"{len(load.answers)} answers, {dict(outcomes)}, {len(replays.taken)} proofs, {replays.refused} replays")
