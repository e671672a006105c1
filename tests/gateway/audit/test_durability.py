"""Every durable write broken twice: lost, and kept though reported lost. What a caller was told is always true."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as events

from gateway.audit.log import Appended, Log, NotOpen
from gateway.audit.merkle import TILE_WIDTH
from gateway.audit.store import ENTRY
from gateway.audit.verify import verify
from gateway.db import Database
from gateway.errors import LogUnavailable
from tests.clock import FixedClock
from tests.gateway.audit.examples import authorized, event, released
from tests.gateway.audit.test_append import open_queries, stored
from tests.simulators.crashing_disk import CrashingDisk, Failure

FAILURES: list[Failure] = ["lost", "kept"]
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def disk(database: Database) -> CrashingDisk:
    return CrashingDisk(database)


@pytest.fixture
def alarms() -> list[BaseException]:
    return []


@pytest.fixture
def watched(
    database: Database, clock: FixedClock, checkpoint_key: Any, tmp_path: Path, disk: CrashingDisk, alarms: list[Any]
) -> Iterator[Log]:
    """A running log on a disk that can crash."""
    log = Log(database, clock=clock, key=checkpoint_key, folder=tmp_path / "log", on_broken=alarms.append)
    with log:
        log.publish()
        yield log


def restart(log: Log) -> Log:
    log.stop()
    return Log(log.database, clock=log.clock, key=log.key, folder=log.folder)


def types(log: Log) -> list[str]:
    return [item["type"] for item in stored(log)[1:]]


def assert_whole(log: Log) -> None:
    report = verify(log.database, log.key.verifier, checkpoint=log.publish()[1])
    assert report.findings == ()


def assert_stopped_or_back(log: Log, alarms: list[BaseException]) -> None:
    """SQLite: broken for good, and the gateway was told. PostgreSQL: the next try reads the head anew and goes on."""
    if log.database.dialect == "sqlite":
        assert log.broken is not None and alarms == [log.broken]
        for _ in range(2):
            with pytest.raises(LogUnavailable):
                asyncio.run(log.append(event()))
        with pytest.raises(LogUnavailable), log.transaction() as tx:
            tx.append(event())
    else:
        assert log.broken is None and alarms == []
        asyncio.run(log.append(event(4)))


@pytest.mark.parametrize("failure", FAILURES)
def test_an_append_that_was_not_confirmed_is_refused(
    watched: Log, disk: CrashingDisk, alarms: list[BaseException], failure: Failure
) -> None:
    disk.fail_at_commit(failure)
    with pytest.raises(LogUnavailable):
        asyncio.run(watched.append(event(3)))
    assert_stopped_or_back(watched, alarms)
    with restart(watched) as again:
        kept = [item["size"] for item in stored(again)[1:]]
        back = [4] if again.database.dialect == "postgresql" else []
        assert kept == ([3] if failure == "kept" else []) + back
        assert_whole(again)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_whole_group_hears_the_same(watched: Log, disk: CrashingDisk, failure: Failure) -> None:
    async def story() -> list[Appended | BaseException]:
        asyncio.get_running_loop().call_soon(disk.fail_at_commit, failure)
        return await asyncio.gather(*(watched.append(event(n)) for n in range(200)), return_exceptions=True)

    answers = asyncio.run(story())
    confirmed = {n for n, answer in enumerate(answers) if isinstance(answer, Appended)}
    assert all(isinstance(answer, Appended | LogUnavailable) for answer in answers) and len(confirmed) < 200
    with restart(watched) as again:
        kept = [item["size"] for item in stored(again)[1:]]
        assert len(kept) == len(set(kept)) and confirmed <= set(kept)
        if failure == "lost":
            assert confirmed == set(kept)
        assert_whole(again)


@pytest.mark.parametrize("failure", FAILURES)
def test_an_authorization_that_was_not_confirmed_leaves_nothing_open(
    watched: Log, disk: CrashingDisk, alarms: list[BaseException], failure: Failure
) -> None:
    disk.fail_at_commit(failure)
    with pytest.raises(LogUnavailable):
        asyncio.run(watched.append(authorized("qry_1")))
    assert_stopped_or_back(watched, alarms)
    with restart(watched) as again:
        assert open_queries(again) == set()
        exchange = [name for name in types(again) if name.startswith("exchange")]
        end = "exchange.outcome_unknown" if again.database.dialect == "sqlite" else "exchange.failed"
        assert exchange == (["exchange.authorized", end] if failure == "kept" else [])
        assert_whole(again)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_release_that_was_not_confirmed_says_rather_too_much_than_too_little(
    watched: Log, disk: CrashingDisk, failure: Failure
) -> None:
    granted = asyncio.run(watched.append(authorized("qry_1")))
    disk.fail_at_commit(failure)
    with pytest.raises(LogUnavailable):
        asyncio.run(watched.append(released("qry_1", granted.index)))
    with restart(watched) as again:
        assert open_queries(again) == set()
        outcome = "exchange.released" if failure == "kept" else "exchange.outcome_unknown"
        assert types(again) == ["exchange.authorized", outcome]
        with pytest.raises(NotOpen):
            asyncio.run(again.append(released("qry_1", granted.index)))
        assert_whole(again)


@pytest.mark.parametrize("failure", FAILURES)
def test_state_and_entry_of_the_control_plane_are_kept_or_lost_together(
    watched: Log, disk: CrashingDisk, alarms: list[BaseException], failure: Failure
) -> None:
    disk.fail_at_commit(failure)
    with pytest.raises(LogUnavailable), watched.transaction() as tx:
        tx.append(event(3))
        tx.changed("agreement:agr_1")
    assert_stopped_or_back(watched, alarms)
    with restart(watched) as again:
        kept = 3 in [item.get("size") for item in stored(again)]
        with again.database.read() as conn:
            assert again.revisions(conn, ["agreement:agr_1"])["agreement:agr_1"] == int(kept)
        assert kept == (failure == "kept")
        assert_whole(again)


@pytest.mark.parametrize("failure", FAILURES)
def test_recovery_that_fails_is_done_again(watched: Log, disk: CrashingDisk, failure: Failure) -> None:
    asyncio.run(watched.append(authorized("qry_1")))
    again = restart(watched)
    disk.fail_at_commit(failure)
    with pytest.raises(LogUnavailable):
        again.start()
    with restart(again) as third:
        assert open_queries(third) == set()
        assert types(third) == ["exchange.authorized", "exchange.outcome_unknown"]
        assert_whole(third)


@sqlite_only
def test_a_statement_that_finds_no_room_breaks_the_log(watched: Log, alarms: list[BaseException]) -> None:
    """PostgreSQL undoes a statement that finds no room, and may be tried again."""
    with pytest.raises(LogUnavailable), watched.transaction() as tx:
        pages = tx.conn.exec_driver_sql("PRAGMA page_count").scalar()
        tx.conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(10_000, 10_500):
            row = ENTRY.insert().values(number=number, entry=bytes(900), leaf_hash=bytes(32))
            tx.conn.execute(row)
    assert watched.broken is not None and len(alarms) == 1


@sqlite_only
def test_a_database_held_by_another_process_is_no_reason_to_stop(
    watched: Log, database: Database, alarms: list[BaseException]
) -> None:
    """The file is locked for longer than we wait; nothing was begun, so nothing is in doubt."""
    events.listen(database.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA busy_timeout = 50"))
    other = sqlite3.connect(database.url.database, isolation_level=None)  # type: ignore[arg-type]  # has a path
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogUnavailable):
        asyncio.run(watched.append(event()))
    other.execute("ROLLBACK")
    other.close()
    assert watched.broken is None and alarms == []
    asyncio.run(watched.append(event()))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_that_ended_all_sessions_is_met_again(watched: Log, database: Database, alarms: list[Any]) -> None:
    """As at a restart or fail-over: the queries under way stay open, and this run stays known as alive."""
    granted = asyncio.run(watched.append(authorized("qry_1")))
    with database.read() as conn:
        conn.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with contextlib.suppress(LogUnavailable):
        asyncio.run(watched.append(event()))
    watched.run.keep()
    with Log(database, clock=watched.clock, key=watched.key, folder=watched.folder):
        assert open_queries(watched) == {"qry_1"}
    asyncio.run(watched.append(released("qry_1", granted.index)))
    assert watched.broken is None and alarms == []
    assert_whole(watched)


# ── the published files ───────────────────────────────────────────────────────────────────────────────────────────────
def fill(log: Log, entries: int) -> None:
    async def story() -> None:
        await asyncio.gather(*(log.append(event(n)) for n in range(entries)))

    asyncio.run(story())


def test_proofs_that_cannot_be_written_stop_the_log(watched: Log, alarms: list[BaseException]) -> None:
    """A receipt promises a proof within a minute; if the folder takes no file, the promise cannot be kept."""
    (watched.folder / "tile").write_text("no folder")  # lost: the tile cannot be written
    fill(watched, 300)
    watched.stop()
    assert watched.broken is not None and len(alarms) == 1
    assert watched.published()[0].size < TILE_WIDTH  # no checkpoint without its full tiles
    (watched.folder / "tile").unlink()
    with restart(watched) as again:
        assert_whole(again)
        assert again.publish()[0].size == 301


def test_tiles_that_were_kept_though_reported_lost_are_found_again(watched: Log) -> None:
    fill(watched, 300)
    early = watched.publish()
    checkpoint = watched.folder / "checkpoint"
    fill(watched, 300)
    watched.stop()
    checkpoint.write_text(early[1])  # as if we had stopped after the tiles and before the checkpoint
    with restart(watched) as again:
        assert again.publish()[0].size == 601
        assert_whole(again)


def test_a_published_tile_is_never_overwritten_by_another(watched: Log, alarms: list[BaseException]) -> None:
    fill(watched, 300)
    watched.publish()
    watched.stop()
    for tile in (watched.folder / "tile" / "0" / "000", watched.folder / "tile" / "entries" / "000"):
        right = tile.read_bytes()
        tile.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))  # a byte that certainly differs
        (watched.folder / "checkpoint").unlink(missing_ok=True)
        again = restart(watched)
        with again:
            pass
        assert again.broken is not None and not (watched.folder / "checkpoint").exists()
        tile.write_bytes(right)
