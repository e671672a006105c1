"""The database: SQLite in WAL mode with synchronous=FULL, or PostgreSQL, behind the same five names.

SQLAlchemy is the seam between the two. Every concept's ``store.py`` hangs its tables on ``metadata``; rows stay inside
the store, frozen dataclasses go out. Tables are made and changed by Alembic only (``upgrade``).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SQLITE_BUSY_TIMEOUT_MS = 10_000  # another process (a command line) may hold the file for a moment


class Database:
    """One database, shared by all threads of the process.

    ``url`` is ``sqlite:///path`` or ``postgresql+psycopg://…``. ``pool_size`` bounds connections, not threads.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise ValueError(f"database_url: expected sqlite:///… or postgresql+psycopg://…, got {self.dialect}://…")
        self.engine = create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=10,
            pool_pre_ping=self.dialect == "postgresql",  # a server that was restarted ended the connections lying idle
        )
        # SQLite lets one writer in and makes the others sleep; within this process a lock is fairer and faster.
        self._write_lock: threading.Lock | None = threading.Lock() if self.dialect == "sqlite" else None
        if self.dialect == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose reads all see one moment. Nothing written through it is kept."""
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            else:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises.

        On return the change is on disk (SQLite fsyncs at each commit; PostgreSQL with synchronous_commit, its default).
        """
        with self._write_lock or nullcontext(), self.engine.connect() as connection:
            connection.begin()  # so that commit() commits even if only the bare driver was used
            try:
                if self.dialect == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def close(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(raw: object, _record: object) -> None:
    raw.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN ourselves: the driver's own begins too late
    cursor = raw.cursor()  # type: ignore[attr-defined]
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit that was reported is on disk; NORMAL would lose the last ones in a power failure
        "foreign_keys=ON",
        f"busy_timeout={SQLITE_BUSY_TIMEOUT_MS}",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _alembic(database: Database) -> Config:
    config = Config(stdout=io.StringIO())  # what it has to say is our callers' to say
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["database"] = database
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the tables to ``revision``; does nothing when they are there already."""
    command.upgrade(_alembic(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take revisions back; for tests only: installations go forward."""
    command.downgrade(_alembic(database), revision)


def require_current(database: Database) -> None:
    """Raise CommandError, saying what to run, unless the tables are of this version of the code."""
    with database.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    wanted = ScriptDirectory.from_config(_alembic(database)).get_current_head()
    if found != wanted:
        raise CommandError(
            f"the database is at revision {found or 'none'}, this version needs {wanted}; run: gateway db upgrade "
            "/ 数据库版本不符，请运行 gateway db upgrade"
        )


def check(database: Database) -> None:
    """Raise alembic.util.CommandError unless the tables are exactly what the code expects."""
    command.check(_alembic(database))
