"""An installation for a test: the tables are made once for a whole test run, not by a hundred migrations each time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from gateway import db
from gateway.config import Settings
from gateway.wiring import make_installation

FOLDER_VARIABLE = "TONGQU_TEST_MIGRATED_FOLDER"


def choose_folder() -> None:
    """Called once by the controlling process, which removes it in the end: its workers share what lies there."""
    if FOLDER_VARIABLE not in os.environ:
        os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix="tongqu-migrated-")


def remove() -> None:
    shutil.rmtree(os.environ.pop(FOLDER_VARIABLE), ignore_errors=True)


def install(settings: Settings) -> None:
    """``make_installation``, over a copy of a migrated SQLite file where there is none yet."""
    path = Path(make_url(settings.database).database or "")
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(migrated(), path)
    make_installation(settings)


def migrated() -> Path:
    """A SQLite file with all tables, to be copied; whoever needs it first makes it."""
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
