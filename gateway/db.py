"""The database: SQLite in WAL mode with synchronous=FULL, or PostgreSQL, behind the same five names.

SQLAlchemy is the seam between the two. Every concept's ``store.py`` hangs its tables on ``metadata``; rows stay inside
the store, frozen dataclasses go out. Tables are made and changed by Alembic only (``upgrade``).
"""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, MetaData, create_engine, event, inspect, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from gateway.lib.file_lock import FileLock, LockTimeout

if TYPE_CHECKING:
    from alembic.config import Config

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite copies its journal into the file when that has so many pages of 4 KB. A commit that does it takes 50 to 100 ms,
# so the gateway copies beside the commits, every second (Database.copy_journal), and these bounds are for other days.
JOURNAL_PAGES = 16_384
FULL_PAGES = 4_096  # from here on the writer is kept out for a moment, so that the journal begins anew
PATIENCE_S = 10.0  # for whoever else writes; then nothing is done, and the caller hears so
STALLED_S = 30  # PostgreSQL ends a session that sleeps in a transaction for so long: its process was stopped, not slow


MIGRATIONS = Path(__file__).parent / "migrations"
_NAMED = re.compile(r'^(revision|down_revision) = "(\w+)"$', re.M)


class Outdated(Exception):
    """The tables are not those of this version of the code."""


class Occupied(Exception):
    """Somebody else is writing, and the caller did not want to wait. Nothing was begun."""


class Database:
    """One database, shared by all threads of the process, and by other processes (SQLite: on the same machine).

    ``url`` is ``sqlite:///path`` or ``postgresql+psycopg://…``. ``pool_size`` bounds connections, not threads;
    ``patience_s`` how long to wait for others that write.
    """

    def __init__(self, url: str, *, pool_size: int = 10, patience_s: float = PATIENCE_S) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise ValueError(f"database_url: expected sqlite:///… or postgresql+psycopg://…, got {self.dialect}://…")
        self.engine = create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=10,
            pool_use_lifo=True,  # the connection used last has in its memory what the next reader wants
            pool_pre_ping=self.dialect == "postgresql",  # a server that was restarted ended the connections lying idle
            connect_args={} if self.dialect == "sqlite" else _postgresql_options(self.url, patience_s),
        )
        self._patience_s = patience_s
        self._write_lock: FileLock | None = None
        self._kept: Connection | None = None  # see _writing
        if self.dialect == "sqlite":
            event.listen(self.engine, "connect", lambda raw, _: _prepare_sqlite(raw, patience_s))
            if self.path is not None:
                self._write_lock = FileLock(self.path.with_name(self.path.name + ".lock"), patience_s)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None on PostgreSQL and in memory."""
        name = self.url.database if self.dialect == "sqlite" else None
        return Path(name) if name and name != ":memory:" else None

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

    @property
    def local(self) -> bool:
        """A file of this machine (SQLite): a statement costs no journey, only the disk."""
        return self.dialect == "sqlite"

    @contextmanager
    def write(self, *, at_once: bool = False) -> Iterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises.

        On return the change is on disk (SQLite fsyncs at each commit; PostgreSQL with synchronous_commit, its default).
        ``at_once``, for SQLite: raise Occupied rather than wait for whoever else writes.
        """
        with self._alone(at_once), self._writing(at_once) as connection:
            connection.begin()  # so that commit() commits even if only the bare driver was used
            try:
                if self.local:
                    _begin(connection, at_once)
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def _writing(self, at_once: bool) -> Iterator[Connection]:
        """A connection of the pool; for who does not wait, one that is kept: fetching it costs as much as writing an
        entry. Only one writes at a time (``_alone``)."""
        if not at_once or self._write_lock is None:
            with self.engine.connect() as connection:
                yield connection
            return
        if self._kept is None:
            self._kept = self.engine.connect()
            _raw(self._kept).execute("PRAGMA busy_timeout=0")  # a program that does not know our lock may hold the file
        try:
            yield self._kept
        except Occupied:
            raise
        except BaseException:  # whatever state it is in: the next one begins anew
            self._drop_kept()
            raise

    def _drop_kept(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.invalidate()  # not back into the pool: those wait for others
            kept.close()

    @contextmanager
    def _alone(self, at_once: bool) -> Iterator[None]:
        """SQLite lets one writer in and makes the others sleep, for seconds even: so they wait here, not there."""
        if self._write_lock is None:
            yield
            return
        with ExitStack() as stack:
            try:
                stack.enter_context(self._write_lock.held(0 if at_once else None))
            except LockTimeout:
                if at_once:
                    raise Occupied from None
                busy = sqlite3.OperationalError("database is locked")
                busy.sqlite_errorcode, busy.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
                raise OperationalError("BEGIN IMMEDIATE", None, busy) from None
            yield

    def copy_journal(self) -> None:
        """Copy what was committed from SQLite's journal (WAL) into its file, while others read and write on."""
        if not self.local:
            return
        with self.engine.connect() as connection:
            _, pages, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
            if pages > FULL_PAGES:
                with self._alone(False):
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(RESTART)")

    def close(self) -> None:
        self._drop_kept()
        self.engine.dispose()
        if self._write_lock is not None:
            self._write_lock.close()


def import_driver(url: str) -> None:
    """What speaks to this database, which SQLAlchemy imports as late as it is asked for an engine."""
    create_engine(url).dispose()


def _begin(connection: Connection, at_once: bool) -> None:
    """By the bare driver: SQLAlchemy's way there costs as much as the statement."""
    try:
        _raw(connection).execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if at_once and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise Occupied from None
        raise OperationalError("BEGIN IMMEDIATE", None, error) from error


def _raw(connection: Connection) -> sqlite3.Cursor:
    cursor: sqlite3.Cursor = connection.connection.cursor()  # type: ignore[assignment]  # local: it is SQLite's
    return cursor


def _postgresql_options(url: URL, patience_s: float) -> dict[str, str]:
    """A process that was stopped while it holds a lock must not stop all others."""
    settings = {"lock_timeout": f"{patience_s * 1000:.0f}", "idle_in_transaction_session_timeout": f"{STALLED_S}s"}
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    given = url.query.get("options", "")
    return {"options": f"{ours} {given if isinstance(given, str) else ' '.join(given)}".strip()}


# sqlite3 looks for another way to write each None, in vain, at several times the price of writing it: so it finds this.
sqlite3.register_adapter(type(None), {}.get)  # type: ignore[arg-type]  # {}.get(None) is None


def _prepare_sqlite(raw: object, patience_s: float) -> None:
    raw.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN ourselves: the driver's own begins too late
    cursor = raw.cursor()  # type: ignore[attr-defined]
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit that was reported is on disk; NORMAL would lose the last ones in a power failure
        f"wal_autocheckpoint={JOURNAL_PAGES}",
        "foreign_keys=ON",
        f"busy_timeout={patience_s * 1000:.0f}",  # a program that does not know our lock may hold the file
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


# Alembic, its templates and all dialects of SQL are 9 MB that no serving process needs: imported where tables change.
def _alembic(database: Database) -> Config:
    from alembic.config import Config

    config = Config(stdout=io.StringIO())  # what it has to say is our callers' to say
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database"] = database
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the tables to ``revision``; does nothing when they are there already."""
    from alembic import command

    command.upgrade(_alembic(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take revisions back; for tests only: installations go forward."""
    from alembic import command

    command.downgrade(_alembic(database), revision)


def require_current(database: Database) -> None:
    """Raise Outdated, saying what to run, unless the tables are of this version of the code."""
    with database.engine.connect() as connection:
        made = inspect(connection).has_table("alembic_version")
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() if made else []
    if found != [wanted := newest_revision()]:
        raise Outdated(
            f"the database is at revision {', '.join(found) or 'none'}, this version needs {wanted}; run: gateway db "
            "upgrade / 数据库版本不符，请运行 gateway db upgrade"
        )


def newest_revision() -> str:
    """The one that none goes back to, read from the files as Alembic would (``revision``, ``down_revision``)."""
    named: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for file in (MIGRATIONS / "versions").glob("*.py"):
        for name, revision in _NAMED.findall(file.read_text(encoding="utf-8")):
            named[name].add(revision)
    (newest,) = named["revision"] - named["down_revision"]
    return newest


def check(database: Database) -> None:
    """Raise Outdated unless the tables are exactly what the code expects."""
    from alembic import command
    from alembic.util import CommandError

    try:
        command.check(_alembic(database))
    except CommandError as error:
        raise Outdated(str(error)) from None
