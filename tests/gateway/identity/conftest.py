from __future__ import annotations

import shutil
from collections.abc import Iterator
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
    shutil.copyfile(sqlite_template, tmp_path / "house.sqlite")
    database = Database(f"sqlite:///{tmp_path / 'house.sqlite'}")
    with Log(database, clock=clock, key=checkpoint_key, folder=tmp_path / "house-log") as log:
        yield houses.settle(database, log, clock, tmp_path / "keys")
    database.close()
