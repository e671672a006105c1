"""A SQLite file with all tables: made once for a whole test run, for a hundred migrations take a second."""

from __future__ import annotations

import fcntl
from pathlib import Path

from gateway import db
from tests import postgres


def sqlite() -> Path:
    """The file, to be copied; whoever needs it first makes it."""
    folder = postgres.shared_folder()
    made, making = folder / "migrated.sqlite", folder / "making.sqlite"
    with (folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            database = db.Database(f"sqlite:///{making}")
            db.upgrade(database)
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # then the one file is all of it
            database.close()
            making.rename(made)
    return made
