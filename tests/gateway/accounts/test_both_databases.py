"""What counts once counts once on either database, whoever else tries at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pyotp
import pytest

from gateway.audit.log import Log
from gateway.db import Database
from gateway.errors import SignInRefused
from tests.clock import FixedClock
from tests.gateway.accounts import house as houses
from tests.gateway.accounts.house import HERE, PASSWORD, House

AT_ONCE = 4


@pytest.fixture
def house(database: Database, log: Log, clock: FixedClock) -> House:
    houses.settle(database, log, clock)
    return houses.enter(database, log, clock)


def successes(act: Callable[[], object]) -> int:
    """How many of several who do the same at once succeed."""
    outcomes: list[bool] = []
    start = threading.Barrier(AT_ONCE)

    def run() -> None:
        start.wait()
        try:
            outcomes.append(bool(act()))
        except SignInRefused:
            outcomes.append(False)

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes.count(True)


def test_of_several_who_use_a_code_at_once_one_gets_in(house: House) -> None:
    device = pyotp.TOTP(house.factors.new_secret())
    house.factors.add_totp(house.clerk, device.secret, device.at(house.clock.now()))
    (recovery, *_) = house.factors.new_recovery_codes(house.clerk)
    house.clock.advance(seconds=60)
    code = device.at(house.clock.now())
    assert successes(lambda: house.factors.prove(house.clerk, code, HERE)) == 1
    assert successes(lambda: house.factors.prove(house.clerk, recovery, HERE)) == 1


def test_of_several_who_take_a_challenge_at_once_one_gets_it(house: House) -> None:
    house.ceremonies.put("browser", "kind", "value")
    assert successes(lambda: house.ceremonies.take("browser", "kind")) == 1


def test_a_session_lives_and_ends(house: House) -> None:
    account = house.accounts.prove_password("linden-1", PASSWORD, HERE)
    token = house.sessions.step_up(house.sessions.begin(account, "password", "?"), "totp")
    found = house.sessions.find(token)
    assert found is not None and found[1] == account
    house.sessions.end(token)
    assert house.sessions.find(token) is None
    house.accounts.tidy(house.clock.now())
    house.sessions.tidy(house.clock.now())
    house.ceremonies.tidy(house.clock.now())
