"""The gateway's keys are changed while everybody asks: nobody is refused, old tokens last until their end, and what a
removed key signed long ago still verifies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tongqu_client import Answer, Gateway, TrustStore, errors
from tongqu_client._jose import read_compact
from tongqu_client.verify import verify_receipt

from gateway.cli.keys import keys as keys_command
from gateway.lib.keys import Keys
from tests.cast import AN, BO, CASE, LINDEN, PURPOSE, SCHEME, STANDARD, Cast, key_of
from tests.journeys import commands
from tests.journeys.by_hand import ByHand
from tests.journeys.process import Process
from tests.running import ONCE, City, RunningGateway
from tests.simulators.department import Department

PURPOSES = ("token", "receipt", "response")


def keys_of(city: City, folder: Path, *arguments: str) -> str:
    done = run_keys(city, folder, *arguments)
    assert done.exit_code == 0, done.output
    return done.output


def run_keys(city: City, folder: Path, *arguments: str) -> Result:
    """``gateway keys …`` over the city's own data, while the city runs."""
    config = commands.write_configuration(city.gateway.settings, folder / "tongqu.toml")
    return CliRunner().invoke(keys_command, [*arguments, "--config", str(config)])


def asking(city: City, trust: TrustStore) -> Gateway:
    own = key_of(LINDEN).private_jwk()
    return Gateway(city.gateway.url, client_id=city.cast.clients[LINDEN], key=own, trust=trust, retries=ONCE)


def once(gateway: Gateway, agreement: str) -> Answer:
    return gateway.query(STANDARD, {SCHEME: AN["idNumber"]}, agreement=agreement, purpose=PURPOSE, case=CASE)


@contextmanager
def load(city: City, agreement: str, trust: TrustStore, threads: int) -> Iterator[list[Answer]]:
    """Ask all the time, each thread with new tokens now and then; any refusal fails the test."""
    answers: list[Answer] = []
    over = threading.Event()

    def ask_on() -> None:
        while not over.is_set():
            with asking(city, trust) as gateway:
                for _ in range(5):
                    answers.append(once(gateway, agreement))

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(ask_on) for _ in range(threads)]
        try:
            yield answers
        finally:
            over.set()
        for each in running:
            each.result()


def change_all(city: City, folder: Path, agreement: str, *, threads: int) -> None:
    before = once(city.client(), agreement)
    for purpose in PURPOSES:
        assert "published" in keys_of(city, folder, "rotate", purpose)
    assert run_keys(city, folder, "rotate", "token").exit_code != 0, "a key that is not a day old is not used yet"
    trust = TrustStore.from_document(city.gateway.deps.trust() | {"jwks": jwks_of(city)})
    with load(city, agreement, trust, threads) as answers:
        settle(answers)
        for purpose in PURPOSES:
            assert "signs from now on" in keys_of(city, folder, "rotate", purpose, "--now", "--yes")
            settle(answers)
        for purpose in PURPOSES:
            assert "removed" in keys_of(city, folder, "retire", purpose, "--now")
        city.gateway.deps.keys.refresh()
        settle(answers)
    assert len(answers) > 4 * threads
    later = TrustStore.from_document(city.gateway.deps.trust())
    assert answers[-1].receipt != before.receipt
    for answer in (before, answers[0], answers[-1]):
        verified(answer, later)
    events = [(entry["type"], entry["purpose"]) for entry in city.gateway.entries() if entry["type"].startswith("key.")]
    assert sorted(events) == sorted(
        (f"key.{step}", purpose) for step in ("published", "activated", "removed") for purpose in PURPOSES
    )


def jwks_of(city: City) -> dict[str, Any]:
    """As everybody's cached copy has it, a day after the next keys were published."""
    return Keys(city.gateway.settings.data_dir / "keys").jwks()


def settle(answers: list[Answer]) -> None:
    """Long enough for each process to have seen the step, and for some answers after it."""
    wanted, until = len(answers) + 10, time.monotonic() + 30
    time.sleep(1.3)
    while len(answers) < wanted:
        assert time.monotonic() < until, "the load has ended"
        time.sleep(0.02)


def verified(answer: Answer, trust: TrustStore) -> None:
    assert verify_receipt(answer.receipt, trust, request=answer.request).agreement


@pytest.mark.torture
def test_keys_are_changed_under_load_and_nobody_is_refused(own_city: City, tmp_path: Path) -> None:
    agreement = own_city.cast.agreement()
    change_all(own_city, tmp_path, agreement.id, threads=2)


def test_an_old_token_lasts_until_its_key_is_removed(own_city: City, tmp_path: Path) -> None:
    agreement = own_city.cast.agreement()
    linden = ByHand(own_city)
    token = linden.token(agreement.id)
    keys_of(own_city, tmp_path, "rotate", "token", "--now")
    own_city.gateway.deps.keys.refresh()
    assert linden.query(agreement.id, token).status_code == 200
    keys_of(own_city, tmp_path, "retire", "token", "--now")
    own_city.gateway.deps.keys.refresh()
    answer = linden.query(agreement.id, token)
    assert (answer.status_code, answer.json()["rule"]) == (401, "A3")
    fresh = linden.token(agreement.id)
    assert linden.query(agreement.id, fresh).status_code == 200


def test_a_retired_key_that_somebody_finds_signs_nothing_of_today(own_city: City, tmp_path: Path) -> None:
    agreement = own_city.cast.agreement()
    stolen = own_city.gateway.deps.keys.receipt
    answer = once(own_city.client(), agreement.id)
    keys_of(own_city, tmp_path, "rotate", "receipt", "--now")
    keys_of(own_city, tmp_path, "retire", "receipt", "--now")
    own_city.gateway.deps.keys.refresh()
    trust = TrustStore.from_document(own_city.gateway.deps.trust())
    verified(answer, trust)
    claims = read_compact(answer.receipt, typ="tongqu-receipt+jwt").claims
    forged = stolen.sign_jwt("tongqu-receipt+jwt", {**claims, "iat": int(time.time()) + 5})
    with pytest.raises(errors.ReceiptInvalid):
        verify_receipt(forged, trust)


@pytest.mark.torture
def test_four_workers_see_each_step_by_themselves(tmp_path: Path, database_url: str) -> None:
    with Department({person["idNumber"]: [person] for person in (AN, BO)}) as department:
        gateway = RunningGateway(tmp_path / "gateway", database_url)
        city = City(gateway, Cast(gateway.deps, department), department)
        agreement = city.cast.agreement()
        config = commands.write_configuration(gateway.settings, tmp_path / "served.toml", log_level="WARNING")
        with Process(config, gateway.url, tmp_path / "said", workers=4):
            change_all(city, tmp_path, agreement.id, threads=6)
        city.close()
        gateway.deps.close()
