"""Several processes write one log: one order, nobody starves, and one that is killed or stopped stops nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit import tiles
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Changed, Log
from gateway.audit.store import Rows
from gateway.audit.verify import verify
from gateway.db import Database
from gateway.errors import LogUnavailable
from gateway.lib.clock import SystemClock
from tests.gateway.audit.examples import authorized, event
from tests.gateway.audit.test_append import open_queries
from tests.gateway.audit.test_crash import check, confirmed, start

ENOUGH = 40  # confirmations by each process while all of them are at work


@contextlib.contextmanager
def processes(number: int, url: str, folder: Path, key: CheckpointKey) -> Iterator[list[subprocess.Popen[bytes]]]:
    """``number`` processes at work, killed at the end if they are still there."""
    running = [start(url, folder, key) for _ in range(number)]
    try:
        for process in running:
            heard(process, 1)
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def heard(process: subprocess.Popen[bytes], lines: int) -> bytes:
    assert process.stdout is not None
    return b"".join(process.stdout.readline() for _ in range(lines))


@pytest.mark.timeout(120)
def test_four_processes_write_one_log(database_url: str, tmp_path: Path, checkpoint_key: CheckpointKey) -> None:
    """What each was told stands where it was told; no index is missing or there twice; the tree verifies."""
    database, told = Database(database_url), []
    with processes(4, database_url, tmp_path / "log", checkpoint_key) as running:
        for process in running:
            heard(process, ENOUGH)
        for process in running:
            process.kill()
            told += confirmed(process)
    check(database, tmp_path / "log", checkpoint_key, told)
    indices = [index for _, _, index, _ in told]
    assert len(indices) == len(set(indices))
    database.close()


@pytest.mark.timeout(120)
def test_one_that_is_killed_blocks_nobody_and_its_queries_are_closed(
    database_url: str, tmp_path: Path, checkpoint_key: CheckpointKey
) -> None:
    database = Database(database_url)
    log = Log(database, clock=SystemClock(), key=checkpoint_key, folder=tmp_path / "log")
    with processes(3, database_url, tmp_path / "log", checkpoint_key) as running, log:
        granted = asyncio.run(log.append(authorized("qry_mine")))
        running[0].kill()
        running[0].wait()
        heard(running[1], ENOUGH)
        log.recover()
        owned = {query.split("_")[1] for query in open_queries(log)}
        assert str(running[0].pid) not in owned and "mine" in owned
        asyncio.run(log.append({"type": "exchange.failed", "query": "qry_mine", "of": granted.index, "code": "x"}))
    database.close()


@pytest.mark.timeout(120)
def test_one_that_is_stopped_makes_the_others_say_so_in_time(
    database_url: str, tmp_path: Path, checkpoint_key: CheckpointKey
) -> None:
    """Stopped in the middle of a transaction it holds the lock; nobody may wait for ever, and later all is well."""
    database = Database(database_url, patience_s=0.5)
    log = Log(database, clock=SystemClock(), key=checkpoint_key, folder=tmp_path / "log")
    with processes(1, database_url, tmp_path / "log", checkpoint_key) as (other,), log:
        for _ in range(200):  # until it is stopped while it holds the lock
            os.kill(other.pid, signal.SIGSTOP)
            try:
                asyncio.run(log.append(event()))
            except LogUnavailable:
                break
            finally:
                os.kill(other.pid, signal.SIGCONT)
            heard(other, 7)
        else:
            pytest.fail("was never stopped within a transaction")
        for _ in range(60):  # a slow disk may take the other one longer than our patience
            with contextlib.suppress(LogUnavailable):
                asyncio.run(log.append(event()))
                break
        else:
            pytest.fail("all is not well later")
        assert log.broken is None
    database.close()


def test_a_change_by_one_process_is_seen_by_all(log: Log) -> None:
    """Each keeps revisions as it read them; what another changes meanwhile it notices by the count of changes."""
    second = Log(
        Database(str(log.database.url.render_as_string(False))), clock=log.clock, key=log.key, folder=log.folder
    )
    with second:
        for number in range(3):
            for one in (log, second):
                asyncio.run(one.append(event(), unless_changed={"agreement:agr_1": number}))
            with (log, second)[number % 2].transaction() as tx:
                tx.append(event())
                tx.changed("agreement:agr_1")
            for one in (log, second):
                with pytest.raises(Changed):
                    asyncio.run(one.append(event(), unless_changed={"agreement:agr_1": number}))
    second.database.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_files_of_runs_that_ended_are_removed(
    database: Database, database_url: str, tmp_path: Path, checkpoint_key: CheckpointKey
) -> None:
    assert database.path is not None
    folder = database.path.with_name(database.path.name + ".runs")
    with processes(2, database_url, tmp_path / "log", checkpoint_key):
        assert len(list(folder.iterdir())) == 2
    with Log(database, clock=SystemClock(), key=checkpoint_key, folder=tmp_path / "log"):
        assert len(list(folder.iterdir())) == 1
    assert list(folder.iterdir()) == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("database_url", "folders"),
    [
        ("sqlite", "one"),
        ("postgresql", "each its own"),
        pytest.param("sqlite", "each its own", marks=pytest.mark.torture),
        pytest.param("postgresql", "one", marks=pytest.mark.torture),
    ],
    indirect=["database_url"],
)
def test_when_the_publisher_is_killed_another_publishes(
    database_url: str, tmp_path: Path, checkpoint_key: CheckpointKey, folders: str
) -> None:
    """Killed one after another, the last one still publishes, and what it published everybody sees."""
    database = Database(database_url)
    running = [
        start(database_url, tmp_path / ("log" if folders == "one" else f"log{number}"), checkpoint_key)
        for number in range(3)
    ]
    onlooker = Log(database, clock=SystemClock(), key=checkpoint_key, folder=tmp_path / "onlooker")
    try:
        for process in running:
            heard(process, 1)
        while running:
            with database.read() as conn:
                size = Rows(conn).head().size
            while (published := onlooker.published()) is None or published[0].size <= size:
                for process in running:
                    heard(process, 20)  # they go on, and their output is read
            killed = running.pop(0)
            killed.kill()
            confirmed(killed)
    finally:
        for process in running:
            process.kill()
            confirmed(process)
    folder = tmp_path / ("log" if folders == "one" else "log2")
    with Log(database, clock=SystemClock(), key=checkpoint_key, folder=folder) as log:
        assert verify(database, checkpoint_key.verifier, checkpoint=log.publish()[1]).findings == ()
        full = [name for name in tiles.names(log.publish()[0].size) if name.width == 256]
        assert full and all((folder / "tile" / name.path()).exists() for name in full)
    database.close()
