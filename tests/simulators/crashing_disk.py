"""A disk that fails at the worst moment: at COMMIT, in both ways in which it can.

    lost    nothing was written, and the database says so
    kept    everything was written, and the database says it was not

On SQLite the driver reports a failed fsync. On PostgreSQL the server ends our session: before the commit (lost), or
after it but before we hear of it (kept).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import Any, Literal

import psycopg
from sqlalchemy import event

from gateway.db import Database

Failure = Literal["lost", "kept"]


class CrashingDisk:
    """Stands under ``database`` from now on; works until ``fail_at_commit`` is called."""

    def __init__(self, database: Database) -> None:
        self._due: list[Failure | None] = []
        database._drop_kept()  # what is open already would stand beside us
        database.engine.dispose()
        event.listen(database.engine, "do_connect", self._connect)

    def fail_at_commit(self, failure: Failure, *, after: int = 0) -> None:
        """The next commit, or the one ``after`` so many that work, fails so; those after it work (if anybody dares).

        Commits of the log's publisher do not count: it only fills the index of search, at times of its own.
        """
        self._due += [failure, *[None] * after]

    def next(self) -> Failure | None:
        if threading.current_thread().name == "log-publisher" or not self._due:
            return None
        return self._due.pop()

    def _connect(self, _dialect: Any, _record: Any, positional: Sequence[Any], named: dict[str, Any]) -> Any:
        if positional:  # SQLite: the path
            connection: Any = sqlite3.connect(*positional, **named, factory=_Sqlite)
        else:
            connection = _Postgres.connect(**named)
        connection.disk = self
        return connection


class _Sqlite(sqlite3.Connection):
    disk: CrashingDisk

    def commit(self) -> None:
        failure = self.disk.next()
        if failure == "lost":
            self.rollback()
        else:
            super().commit()
        if failure is not None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error


class _Postgres(psycopg.Connection[Any]):
    disk: CrashingDisk

    def commit(self) -> None:
        failure = self.disk.next()
        if failure == "kept":
            super().commit()
        if failure is not None:
            end_session(self)
            self.execute("SELECT 1")  # hears that the session is gone
        super().commit()


def end_session(connection: psycopg.Connection[Any]) -> None:
    """Have the server end this session, as a fail-over or a crash would."""
    session = [connection.info.backend_pid]
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", session)
        while other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", session).fetchone() is not None:
            time.sleep(0.002)  # PostgreSQL, told to wait, looks only every 100 ms
