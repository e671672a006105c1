"""An installation for a test: the tables are made once for all of a process, not by a hundred migrations each time."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import make_url

from gateway import db
from gateway.config import Settings
from gateway.wiring import make_installation


def install(settings: Settings) -> None:
    """``make_installation``, over a copy of a migrated SQLite file where there is none yet."""
    path = Path(make_url(settings.database).database or "")
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(_migrated())
    make_installation(settings)


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.sqlite"
        database = db.Database(f"sqlite:///{path}")
        db.upgrade(database)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # then the one file is the whole database
        database.close()
        return path.read_bytes()
