from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.db import Database
from tests.clock import FixedClock
from tests.gateway.accounts import house as houses
from tests.gateway.accounts.house import House


@contextmanager
def _open(folder: Path, clock: FixedClock, key: CheckpointKey) -> Iterator[tuple[Database, Log]]:
    database = Database(f"sqlite:///{folder / 'house.sqlite'}")
    with Log(database, clock=clock, key=key, folder=folder / "log") as log:
        yield database, log
    database.close()


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, checkpoint_key: CheckpointKey) -> Path:
    """A folder with the database and log of a house; copied for each test."""
    folder = tmp_path_factory.mktemp("settled")
    shutil.copyfile(sqlite_template, folder / "house.sqlite")
    with _open(folder, FixedClock(), checkpoint_key) as (database, log):
        houses.settle(database, log, FixedClock())
        with database.engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


@pytest.fixture
def house(settled: Path, tmp_path: Path, clock: FixedClock, checkpoint_key: CheckpointKey) -> Iterator[House]:
    """On SQLite; what differs between the databases is in test_both_databases.py."""
    folder = shutil.copytree(settled, tmp_path / "house")
    with _open(folder, clock, checkpoint_key) as (database, log):
        yield houses.enter(database, log, clock)


@pytest.fixture
def dear_house(
    sqlite_template: Path, tmp_path: Path, clock: FixedClock, checkpoint_key: CheckpointKey
) -> Iterator[House]:
    """The same, where a password costs what it costs."""
    shutil.copyfile(sqlite_template, tmp_path / "house.sqlite")
    with _open(tmp_path, clock, checkpoint_key) as (database, log):
        houses.settle(database, log, clock, houses.DEAR)
        yield houses.enter(database, log, clock, houses.DEAR)
