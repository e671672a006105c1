"""An SQL table, read and never written: named columns only, bound parameters, a row cap and a time-out."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from tongqu_client.provider.errors import ConfigInvalid, SourceUnavailable, Unreadable
from tongqu_client.provider.readers.sqlitecomments import comments_in
from tongqu_client.provider.readers.table import Note, Row, flaw_of, suspicious, text_of

ROW_CAP = 200  # rows answered for one subject; the contract allows no more
STATEMENT_SECONDS = 5.0
MAX_SCAN = 5_000_000  # rows read by `map` and `test`


@dataclass(frozen=True)
class SqlTable:
    """One table or view of a department's database.

    ``url`` is an SQLAlchemy URL; ``${NAME}`` in it is taken from the environment, so that no password stands in a file.
    ``table`` may be ``schema.table``. ``columns`` is the allow-list; empty means not chosen yet (``map`` chooses).
    """

    url: str
    table: str
    columns: tuple[str, ...] = ()
    seconds: float = STATEMENT_SECONDS

    @cached_property
    def engine(self) -> Engine:
        return _engine(self.url, self.seconds)

    @cached_property
    def reflected(self) -> sa.Table:
        """Names and types from the database. Raises Unreadable if there is no such table, SourceUnavailable."""
        schema, _, name = self.table.rpartition(".")
        try:
            return sa.Table(name, sa.MetaData(), schema=schema or None, autoload_with=self.engine)
        except NoSuchTableError:
            tables = "、".join(self.tables()[:30])
            raise Unreadable(
                f"没有表 {self.table}；有：{tables}", f"no table {self.table}; there are: {tables}"
            ) from None
        except SQLAlchemyError as error:
            raise _unavailable(error) from None

    def close(self) -> None:
        """Close the connections, if any were opened."""
        if "engine" in self.__dict__:
            self.engine.dispose()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.reflected.columns)

    @property
    def comments(self) -> Mapping[str, str]:
        """Column comments, where the database has them; they often hold the Chinese name."""
        if self.engine.dialect.name == "sqlite":
            return self._written_beside()
        return {column.name: column.comment for column in self.reflected.columns if column.comment}

    def _written_beside(self) -> Mapping[str, str]:
        """SQLite keeps the text of CREATE TABLE, with the comments in it."""
        schema, _, name = self.table.rpartition(".")
        master = sa.table("sqlite_master", sa.column("sql"), sa.column("name"), schema=schema or None)
        statement = sa.select(master.c.sql).where(sa.func.lower(master.c.name) == name.lower())
        with self._reading() as connection:
            text = connection.execute(statement).scalar()
        written = comments_in(text or "")
        return {column: written[column] for column in self.names if column in written}

    def scan(self) -> Iterator[Row]:
        """Every row, in the order of the primary key; row 1 is the first. For ``map`` and ``test``, not for serving."""
        order = list(self.reflected.primary_key.columns)
        statement = sa.select(*self._chosen()).order_by(*order).limit(MAX_SCAN)
        with self._reading() as connection:
            result = connection.execution_options(yield_per=1000).execute(statement)
            for number, row in enumerate(result.mappings(), 1):
                yield _row(number, dict(row))

    def count(self) -> int:
        """How many rows there are, for a progress bar."""
        with self._reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(self.reflected)).scalar_one())

    def find(self, column: str, identifiers: Sequence[str], *, normalised: bool) -> list[Row]:
        """The rows whose ``column`` is one of ``identifiers``; their numbers are 0, for a table has none.

        ``normalised`` compares without blanks and in capitals, which an index on the column cannot serve; without it
        the identifiers are compared as they are.
        """
        target: Any = self.reflected.columns[column]
        if not isinstance(target.type, sa.String):
            target = sa.cast(target, sa.String(64))  # identifiers kept as numbers: compared as what they look like
        if normalised:
            target = sa.func.upper(sa.func.replace(sa.func.trim(target), " ", ""))
        statement = sa.select(*self._chosen()).where(target.in_(list(identifiers))).limit(ROW_CAP)
        with self._reading() as connection:
            return [_row(0, dict(row)) for row in connection.execute(statement).mappings()]

    def check(self) -> None:
        """One row is read, to see whether the table can be. Raises SourceUnavailable."""
        with self._reading() as connection:
            connection.execute(sa.select(*self._chosen()).limit(1)).all()

    def _chosen(self) -> list[Any]:
        """The allowed columns as the driver gives them: SQLAlchemy's own numbers go through floating point on SQLite,
        which would spoil an identity number kept as a number."""
        unknown = [name for name in self.columns if name not in self.reflected.columns]
        if unknown:
            listed = "、".join(unknown)
            raise Unreadable(f"表 {self.table} 没有列：{listed}", f"table {self.table} lacks the columns: {listed}")
        columns = [self.reflected.columns[name] for name in self.columns or self.names]
        return [sa.type_coerce(column, sa.types.NullType()).label(column.name) for column in columns]

    def tables(self) -> list[str]:
        """The names of tables and views."""
        inspector = sa.inspect(self.engine)
        return sorted([*inspector.get_table_names(), *inspector.get_view_names()])

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection that may only read; whatever it did is rolled back."""
        try:
            with self.engine.connect() as connection:
                _limit(connection, self.seconds)
                try:
                    yield connection
                finally:
                    connection.rollback()
        except SQLAlchemyError as error:
            raise _unavailable(error) from None


def _row(number: int, values: Mapping[str, Any]) -> Row:
    cells = {name: text_of(value) for name, value in values.items()}
    if not suspicious(cells.values()):
        return Row(number, cells)
    flaws = {}
    for name, cell in cells.items():
        flaw = flaw_of(cell) if cell else None
        if flaw is not None:
            flaws[name] = Note("bad", flaw[0], number or None, name, flaw[1], flaw[2])
    return Row(number, cells | dict.fromkeys(flaws), flaws)


def _unavailable(error: SQLAlchemyError) -> SourceUnavailable:
    # the driver's own text may hold values of the row or the password in the URL: only its class is shown
    why = type(getattr(error, "orig", None) or error).__name__
    return SourceUnavailable(
        f"数据库暂时读不到（{why}）；请检查地址、账号的只读权限与网络",
        f"the database cannot be read ({why}); check the address, the account's right to read, and the network",
    )


# ── per database: how to open read-only and how to stop a slow statement ──────────────────────────────────────────────
def _engine(url: str, seconds: float) -> Engine:
    try:
        parsed = make_url(_with_environment(url))
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed.database or "", seconds)
        return sa.create_engine(parsed, pool_pre_ping=True, pool_size=8, max_overflow=8, pool_timeout=seconds)
    except ArgumentError:
        raise ConfigInvalid(
            "数据库地址写法不对，应如 mysql+pymysql://用户@主机/库",
            "the database URL is not right; expected for example mysql+pymysql://user@host/database",
        ) from None
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        name = getattr(error, "name", None) or "?"
        raise ConfigInvalid(
            f"缺少数据库驱动 {name}，请先安装", f"the database driver {name} is missing; install it"
        ) from None


def _with_environment(url: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise ConfigInvalid(f"环境变量 {name} 没有设置", f"the environment variable {name} is not set")
        return os.environ[name]

    return re.sub(r"\$\{([A-Z_][A-Z0-9_]*)\}", value, url)


def _sqlite(database: str, seconds: float) -> Engine:
    """A SQLite file opened with mode=ro; a progress handler stops what runs too long."""
    if not os.path.exists(database):  # noqa: PTH110  # the path comes from a URL, and SQLite would make an empty file
        raise SourceUnavailable("数据库文件不存在", "the database file does not exist")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{_quoted(database)}?mode=ro", uri=True, timeout=seconds, check_same_thread=False)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.QueuePool, pool_size=8)

    @event.listens_for(engine, "checkout")
    def deadline(connection: Any, *_: Any) -> None:
        until = time.monotonic() + seconds
        connection.set_progress_handler(lambda: int(time.monotonic() > until), 10_000)

    return engine


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _limit(connection: Connection, seconds: float) -> None:
    """Read-only and a time-out, as each database spells them. Others: the account's own rights are what protects."""
    milliseconds = int(seconds * 1000)
    statements = {
        "postgresql": ("SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {milliseconds}"),
        "mysql": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION MAX_EXECUTION_TIME = {milliseconds}"),
        "mariadb": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_statement_time = {seconds}"),
        "oracle": ("SET TRANSACTION READ ONLY",),
        "mssql": (f"SET LOCK_TIMEOUT {milliseconds}",),
    }
    for statement in statements.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)
