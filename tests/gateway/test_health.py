"""Readiness tells the truth: each finding with a real cause, and none without."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import db
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.errors import LogUnavailable
from gateway.health import FRESH_S, MIN_FREE_BYTES, Health
from gateway.lib.clock import SystemClock
from tests import postgres
from tests.clock import FixedClock
from tests.running import MovableClock
from tests.simulators.crashing_disk import CrashingDisk

A_REFUSAL = {
    "type": "identity.refused",
    "actor": {"party": "street-linden", "client": "cli_1", "officer": None},
    "code": "proof_replayed",
    "rule": "A8",
}


def never() -> float | None:
    return None


@pytest.fixture
def moving() -> MovableClock:
    return MovableClock()


@pytest.fixture
def true_log(
    database: db.Database, moving: MovableClock, checkpoint_key: CheckpointKey, tmp_path: Path
) -> Iterator[Log]:
    """A log on the machine's own clock, which the database server has too; nothing happens in it by itself."""
    with Log(database, clock=moving, key=checkpoint_key, folder=tmp_path / "log"):
        pass
    still = Log(database, clock=moving, key=checkpoint_key, folder=tmp_path / "log")
    yield still
    still.stop()


@pytest.fixture
def health(true_log: Log, moving: MovableClock, tmp_path: Path) -> Health:
    true_log.publish()
    return Health(true_log.database, true_log, moving, tmp_path, never)


def codes(health: Health) -> list[str]:
    found = health.findings()
    assert all(finding.zh and finding.en for finding in found)
    return [finding.code for finding in found]


@contextmanager
def no_file_may_grow() -> Iterator[None]:
    """The kernel refuses to write beyond the first kilobyte of any file, as it does when the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_gateway_that_can_work_is_ready(health: Health) -> None:
    assert codes(health) == []


def test_one_that_was_told_to_end_is_not(health: Health) -> None:
    health.stopping = True
    assert codes(health) == ["stopping"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_disk_that_takes_nothing_more_is_found_by_trying(health: Health) -> None:
    with no_file_may_grow():
        assert codes(health) == ["log_not_writable"]
    assert codes(health) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_after_a_commit_a_moment_ago_nothing_is_tried(health: Health) -> None:
    with no_file_may_grow():
        health.idle_s = lambda: FRESH_S / 2
        assert codes(health) == []
        health.idle_s = lambda: FRESH_S * 2
        assert codes(health) == ["log_not_writable"]


def test_trying_changes_nothing(health: Health, true_log: Log) -> None:
    def head() -> object:
        with true_log.database.read() as conn:
            return conn.exec_driver_sql("SELECT size, changes, last_t FROM log_head").fetchall()

    before = head()
    assert codes(health) == [] and head() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_log_whose_commit_failed_is_broken_for_good(health: Health, true_log: Log) -> None:
    CrashingDisk(true_log.database).fail_at_commit("lost")
    with pytest.raises(LogUnavailable), true_log.transaction() as tx:
        tx.append(A_REFUSAL)
    assert codes(health) == ["log_broken"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_went_away_is_found_and_found_again_when_it_is_back(health: Health, database_url: str) -> None:
    name = db.make_url(database_url).database
    folder = Path(str(db.make_url(database_url).query["host"]))
    assert name is not None
    with postgres.admin(folder) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            assert codes(health) == ["database"]
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert codes(health) == []


def test_a_clock_set_back_behind_the_log_is_found(health: Health, moving: MovableClock) -> None:
    moving.advance(seconds=-50)
    assert "clock_behind_log" not in codes(health)
    moving.advance(seconds=-50)
    assert "clock_behind_log" in codes(health)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seconds", [-20, 20])
def test_a_clock_that_differs_from_the_database_servers_is_found(
    health: Health, moving: MovableClock, seconds: int
) -> None:
    moving.advance(seconds=seconds)
    assert codes(health) == ["clock_differs"]


def test_entries_that_no_checkpoint_covers_for_a_minute_are_found(
    database: db.Database, checkpoint_key: CheckpointKey, tmp_path: Path
) -> None:
    """A log that nobody publishes: it was written, and its publisher does not run."""
    clock = FixedClock(SystemClock().now() - timedelta(seconds=90))
    with Log(database, clock=clock, key=checkpoint_key, folder=tmp_path / "log"):
        pass
    log = Log(database, clock=clock, key=checkpoint_key, folder=tmp_path / "log")
    with log.transaction() as tx:
        tx.append(A_REFUSAL)
    own = Health(database, log, SystemClock(), tmp_path, never)
    assert codes(own) == ["checkpoint_old"] and 85 < own.unpublished_s() < 200
    log.publish()
    assert codes(own) == [] and own.unpublished_s() == 0.0
    log.stop()


def test_too_little_free_space_is_found(health: Health) -> None:
    assert health.free_bytes() > MIN_FREE_BYTES
    health.min_free_bytes = health.free_bytes() * 2
    assert codes(health) == ["disk_full"]


def test_folders_that_are_gone_or_closed_are_found(health: Health, true_log: Log, tmp_path: Path) -> None:
    """Before the next checkpoint cannot be published, which ends the gateway."""
    true_log.folder.rename(tmp_path / "elsewhere")
    assert codes(health) == ["data_folder"]
    (tmp_path / "elsewhere").rename(true_log.folder)
    assert codes(health) == []
    health.folder = tmp_path / "not mounted"
    assert set(codes(health)) == {"data_folder"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_disk_of_the_data_counts_and_that_of_the_database(health: Health) -> None:
    """/proc is a file system of every Linux machine, and nothing is ever free in it."""
    health.folder = Path("/proc")
    assert health.free_bytes() == 0
