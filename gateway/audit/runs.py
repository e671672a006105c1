"""Which runs of the gateway are alive, so that a query they still work on is not taken for one that was left behind.

SQLite serves one running gateway: it holds a lock on a file beside the database. On PostgreSQL each run holds an
advisory lock of the server, which falls with its connection.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gateway.db import Database
from gateway.errors import LogUnfit


class Run:
    """This run of the gateway; known by its id, alive from ``begin`` to ``end``."""

    def __init__(self, id: str, database: Database) -> None:
        self.id = id
        self._database = database
        self._file: TextIO | None = None
        self._connection: Connection | None = None

    def begin(self) -> None:
        """Raises LogUnfit if another gateway runs on this SQLite database."""
        if self._database.dialect == "postgresql":
            self._hold()
        elif self._database.url.database:
            self._file = Path(self._database.url.database + ".run").open("w")  # noqa: SIM115  # held until end()
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.end()
                raise LogUnfit(
                    "另一个网关进程正在使用这个 SQLite 数据库。请先停止它；要运行多个进程，请使用 PostgreSQL。",
                    "Another gateway is running on this SQLite database. Stop it first; for several use PostgreSQL.",
                ) from None

    def keep(self) -> None:
        """Hold the lock anew if its connection was lost. What others closed of ours meanwhile stays closed."""
        if self._database.dialect != "postgresql":
            return
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return
        except DBAPIError:
            self.end()
        self._hold()  # raises while the server is away; the next call tries again

    def end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._connection is not None:
            self._connection.invalidate()  # the lock belongs to the server's session, so that must end
            self._connection.close()
            self._connection = None

    def ended(self, conn: Connection, owners: Iterable[str]) -> list[str]:
        """Those of ``owners`` that run no more."""
        others = [owner for owner in owners if owner != self.id]
        if self._database.dialect == "sqlite":
            return others
        free = text("SELECT pg_try_advisory_xact_lock(:lock)")
        return [owner for owner in others if conn.execute(free, {"lock": _lock_of(owner)}).scalar()]

    def _hold(self) -> None:
        self._connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _lock_of(self.id)})


def _lock_of(run: str) -> int:
    return int.from_bytes(hashlib.sha256(b"tongqu run " + run.encode()).digest()[:8], signed=True)
