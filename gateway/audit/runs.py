"""Which runs of the gateway are alive, so that a query they still work on is not taken for one that was left behind.

A run is one process. On SQLite it locks a file of its own beside the database (``<database>.runs/``), on PostgreSQL it
holds an advisory lock of the server. Both fall with the process, however it ends.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gateway.db import Database
from gateway.errors import LogUnfit
from gateway.lib.file_lock import try_lock


class Run:
    """This run of the gateway; known by its id, alive from ``begin`` to ``end``."""

    def __init__(self, id: str, database: Database) -> None:
        self.id = id
        self._database = database
        self._folder = None if database.path is None else database.path.with_name(database.path.name + ".runs")
        self._file: TextIO | None = None
        self._connection: Connection | None = None
        self._elected = False

    def begin(self) -> None:
        """Raises LogUnfit if the file system of a SQLite database has no locks."""
        if self._database.dialect == "postgresql":
            self._hold()
        elif self._folder is not None:
            try:
                self._file = _locked(self._folder / _file_of(self.id))
            except OSError as error:
                raise LogUnfit(
                    f"SQLite 数据库所在的文件系统不支持文件锁（{error.strerror}）。"
                    "请放在本机磁盘上；多台机器请使用 PostgreSQL。",
                    f"The file system of the SQLite database has no file locks ({error.strerror}). "
                    "Put it on a disk of this machine; for several machines use PostgreSQL.",
                ) from None
            self._sweep(self._folder)

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
            Path(self._file.name).unlink(missing_ok=True)
            self._file.close()
            self._file = None
        if self._connection is not None:
            self._connection.invalidate()  # the lock belongs to the server's session, so that must end
            self._connection.close()
            self._connection = None
            self._elected = False

    def elected(self) -> bool:
        """Whether this run publishes for all machines on this database: the first that asks, as long as it lives."""
        if self._database.dialect == "postgresql" and not self._elected and self._connection is not None:
            lock = text("SELECT pg_try_advisory_lock(:lock)")
            self._elected = bool(self._connection.execute(lock, {"lock": _lock_of("publisher")}).scalar())
        return self._elected or self._database.dialect == "sqlite"

    def ended(self, conn: Connection, owners: Iterable[str]) -> list[str]:
        """Those of ``owners`` that run no more."""
        others = [owner for owner in owners if owner != self.id]
        if self._database.dialect == "sqlite":
            return [owner for owner in others if self._folder is None or _is_over(self._folder / _file_of(owner))]
        free = text("SELECT pg_try_advisory_xact_lock(:lock)")
        return [owner for owner in others if conn.execute(free, {"lock": _lock_of(owner)}).scalar()]

    def _hold(self) -> None:
        self._connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _lock_of(self.id)})

    def _sweep(self, folder: Path) -> None:
        """Remove the files of runs that were killed; whoever ends removes his own."""
        for path in folder.iterdir():
            _is_over(path)


def _locked(path: Path) -> TextIO:
    """A file that exists and that we hold; whoever sweeps may take it for a dead one before we have locked it."""
    path.parent.mkdir(exist_ok=True)
    while True:
        file = path.open("w")
        if try_lock(file) and os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def _is_over(path: Path) -> bool:
    """Whether nobody holds the file of a run any more; then it is removed."""
    try:
        with path.open("r+") as file:
            if not try_lock(file):
                return False
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        pass  # it ended, and removed its file
    return True


def _file_of(run: str) -> str:
    return hashlib.sha256(b"tongqu run " + run.encode()).hexdigest()[:32]


def _lock_of(run: str) -> int:
    return int.from_bytes(hashlib.sha256(b"tongqu run " + run.encode()).digest()[:8], signed=True)
