"""What counts once stays counted: on disk, for every process, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.audit.log import Log
from gateway.db import Database
from gateway.identity import store
from gateway.identity.spent import AssertionReplayed, Spent
from gateway.identity.tokens import Revocations, revocation_key
from gateway.lib.clock import rfc3339
from tests.clock import FixedClock


@pytest.fixture
def spent(log: Log, clock: FixedClock) -> Spent:
    return Spent(log, clock, Revocations())


def _soon(clock: FixedClock, seconds: float = 60) -> float:
    return clock.now().timestamp() + seconds


def test_an_assertion_is_burnt_for_other_processes_too(spent: Spent, log: Log, clock: FixedClock) -> None:
    other = Database(log.database.url.render_as_string(hide_password=False))
    beside = Log(other, clock=clock, key=log.key, folder=log.folder)
    spent.burn("cli_1", "jti", _soon(clock), 15)
    with pytest.raises(AssertionReplayed):
        Spent(beside, clock, Revocations()).burn("cli_1", "jti", _soon(clock), 15)
    other.close()


def test_of_many_that_burn_at_once_one_succeeds(spent: Spent, clock: FixedClock) -> None:
    def burn(_: int) -> bool:
        try:
            spent.burn("cli_1", "jti", _soon(clock), 15)
        except AssertionReplayed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(burn, range(24))) == 1


def test_burnt_assertions_are_forgotten_only_when_they_can_no_longer_count(
    spent: Spent, database: Database, clock: FixedClock
) -> None:
    expires = _soon(clock)
    spent.burn("cli_1", "jti", expires, 15)
    clock.advance(seconds=74)
    with pytest.raises(AssertionReplayed):
        spent.burn("cli_1", "jti", expires, 15)
    clock.advance(seconds=3 + store.FORGET_AFTER.total_seconds())
    spent.burn("cli_2", "other", _soon(clock), 15)
    with database.read() as conn:
        assert conn.scalar(select(func.count()).select_from(store.BURNT)) == 1


def test_a_clock_that_leapt_ahead_and_came_back_makes_nothing_good_again(
    spent: Spent, log: Log, clock: FixedClock
) -> None:
    """While it was ahead, others used and revoked theirs, and what had expired by that clock might be forgotten."""
    expires, good_until = _soon(clock), clock.now() + timedelta(seconds=300)
    spent.burn("cli_1", "jti", expires, 15)
    spent.revoke("token 1", good_until)
    before = _revision(log)
    clock.advance(seconds=3600)
    spent.burn("cli_2", "other", _soon(clock), 15)
    spent.revoke("token 2", clock.now() + timedelta(seconds=300))
    clock.advance(seconds=-3600)
    with pytest.raises(AssertionReplayed):
        spent.burn("cli_1", "jti", expires, 15)
    assert spent.is_revoked("token 1") and _revision(log) == before == 1


def _revision(log: Log) -> int:
    with log.database.read() as conn:
        return log.revisions(conn, [revocation_key("token 1")])[revocation_key("token 1")]


def test_revocations_are_loaded_and_forgotten(spent: Spent, log: Log, clock: FixedClock) -> None:
    spent.revoke("token 1", clock.now() + timedelta(seconds=100))
    spent.revoke("token 1", clock.now() + timedelta(seconds=100))
    fresh = Revocations()
    later = Spent(log, clock, fresh)
    assert "token 1" not in fresh
    later.refresh()
    assert "token 1" in fresh
    clock.advance(seconds=101)
    later.refresh()
    assert "token 1" not in fresh


def test_a_revocation_that_comes_while_others_are_being_loaded_is_not_lost(clock: FixedClock) -> None:
    now, later = rfc3339(clock.now()), rfc3339(clock.now() + timedelta(seconds=100))
    revocations = Revocations()
    revocations.add("just now", later)
    revocations.load({"long ago": later}, now)
    assert "just now" in revocations
    assert "long ago" in revocations
