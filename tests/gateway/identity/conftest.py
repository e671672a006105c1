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
from tests.gateway.identity import house as houses
from tests.gateway.identity.house import House


@pytest.fixture
def house(sqlite_template: Path, tmp_path: Path, clock: FixedClock, checkpoint_key: CheckpointKey) -> Iterator[House]:
    """On SQLite only: what differs between the databases is tested in test_parties.py and test_spent.py on both."""
    with _settled(sqlite_template, tmp_path, clock, checkpoint_key) as house:
        yield house


@pytest.fixture(scope="module")
def shared_house(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, checkpoint_key: CheckpointKey
) -> Iterator[House]:
    """For tables of refusals, which change nothing: one house for all rows. Its clock stands still."""
    with _settled(sqlite_template, tmp_path_factory.mktemp("house"), FixedClock(), checkpoint_key) as house:
        yield house


@contextmanager
def _settled(template: Path, folder: Path, clock: FixedClock, key: CheckpointKey) -> Iterator[House]:
    shutil.copyfile(template, folder / "house.sqlite")
    database = Database(f"sqlite:///{folder / 'house.sqlite'}")
    with Log(database, clock=clock, key=key, folder=folder / "house-log") as log:
        yield houses.settle(database, log, clock, folder / "keys")
    database.close()
