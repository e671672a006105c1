"""A SQLite file with all tables: made once for a whole test run, for a hundred migrations take a second."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from gateway import db

FOLDER_VARIABLE = "TONGQU_TEST_MIGRATED_FOLDER"


def choose_folder() -> None:
    """Called once by the controlling process: its workers share what lies there."""
    if FOLDER_VARIABLE not in os.environ:
        os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="tongqu-migrated-")


def remove() -> None:
    shutil.rmtree(os.environ.pop(FOLDER_VARIABLE, "/nonexistent"), ignore_errors=True)


def sqlite() -> Path:
    """The file, to be copied; whoever needs it first makes it."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    made, making = folder / "migrated.sqlite", folder / "making.sqlite"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            database = db.Database(f"sqlite:///{making}")
            db.upgrade(database)
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # then the one file is all of it
            database.close()
            making.rename(made)
    return made
