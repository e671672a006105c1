"""kill -9 in the middle of everything, and a disk that is full: what was confirmed is there, and the tree verifies."""

from __future__ import annotations

import asyncio
import os
import random
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.audit.store import Rows
from gateway.audit.verify import verify
from gateway.db import Database
from gateway.lib.clock import SystemClock
from tests.gateway.audit.examples import event
from tests.gateway.audit.test_append import open_queries

ROOT = Path(__file__).parents[3]


def start(url: str, folder: Path, key: CheckpointKey, **limits: int) -> subprocess.Popen[bytes]:
    def limit() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    return subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.audit.appender", url, str(folder), key.origin, key.seed.hex()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=limit,
    )


def confirmed(process: subprocess.Popen[bytes]) -> list[tuple[str, str, int, bytes]]:
    output, _ = process.communicate()
    said = re.findall(r"^(authorized|released|control) (\S+) ([0-9]+) ([0-9a-f]{64})\n", output.decode(), re.MULTILINE)
    return [(what, query, int(index), bytes.fromhex(leaf)) for what, query, index, leaf in said]


def check(database: Database, folder: Path, key: CheckpointKey, told: list[tuple[str, str, int, bytes]]) -> Log:
    """What a killed process confirmed is in the log; the log is whole; and it can be started again."""
    published = (folder / "checkpoint").read_text() if (folder / "checkpoint").exists() else None
    assert verify(database, key.verifier, checkpoint=published).findings == ()
    with database.read() as conn:
        rows = Rows(conn)
        leaves = rows.tile(0, 0, rows.head().size)
    for what, query, index, leaf in told:
        assert leaves[index * 32 : index * 32 + 32] == leaf, f"{what} {query} was confirmed but is not in the log"
    with Log(database, clock=SystemClock(), key=key, folder=folder) as log:
        assert open_queries(log) == set()
        asyncio.run(log.append(event()))
        note = log.publish()[1]
        assert verify(database, key.verifier, checkpoint=note, since=published).findings == ()
    return log


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_what_was_confirmed_survives_kill_9(database_url: str, tmp_path: Path, checkpoint_key: CheckpointKey) -> None:
    """TONGQU_TORTURE_ROUNDS says how often (2); each round goes on with the log that the one before left behind."""
    database, told = Database(database_url), []
    folder, number = tmp_path / "log", int(os.environ.get("TONGQU_TORTURE_ROUNDS", "2"))
    for turn in range(number):
        process = start(database_url, folder, checkpoint_key)
        assert process.stdout is not None
        assert process.stdout.readline().endswith(b"\n")  # it is at work
        time.sleep(random.Random(turn).uniform(0.01, 0.4))
        process.kill()
        told += confirmed(process)
        check(database, folder, checkpoint_key, told)
    assert len(told) > 20 * number
    database.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_ends_the_process_and_harms_nothing(
    database_url: str, tmp_path: Path, checkpoint_key: CheckpointKey
) -> None:
    """The kernel refuses every write beyond 1 MiB per file, as it does when the disk is full."""
    process = start(database_url, tmp_path / "log", checkpoint_key, RLIMIT_FSIZE=1024 * 1024)
    told = confirmed(process)
    assert process.returncode == 70 and len(told) > 20
    database = Database(database_url)
    check(database, tmp_path / "log", checkpoint_key, told)
    database.close()
