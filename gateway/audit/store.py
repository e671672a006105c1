"""The log's tables, and the statements of its hot path.

    log_head      one row: how many entries there are and what is needed to go on growing the tree of the open year;
                  locking it orders all writers
    log_shard     the log of each year: the positions that are its own
    log_entry     the entries themselves, the only truth; ``outcome_of`` is unique, so that no query has two outcomes
    log_node      hashes of full tiles (level ≥ 1), 1/256 of the entries
    log_revision  how often a thing that can be withdrawn has changed
    log_open      authorized queries without an outcome yet, and the run of the gateway that owes it
    log_checkpoint one row: the checkpoint published last, for every process and machine

Entries are numbered by their *position*, over all years. The tree of a year counts from 0: its leaf ``i`` is the entry
at first + i, and its node ``i`` of tile level L stands at ⌈first / 256^L⌉ + i, beyond all nodes of the years before.

The writer talks to the driver directly: SQLAlchemy's own cost per statement would be half of its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from gateway.audit.merkle import TILE_HEIGHT, TILE_WIDTH, CompactRange, Node, subtree_root, tile_of
from gateway.audit.shard import Shard
from gateway.db import metadata

Big = BigInteger().with_variant(Integer, "sqlite")

HEAD = Table(
    "log_head",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("size", Big, nullable=False),
    Column("compact", LargeBinary, nullable=False),
    Column("origin", Text),
    Column("last_t", Text),
    Column("changes", Big, nullable=False),
    Column("first", Big, nullable=False, server_default="0"),
    Column("until", Text, nullable=False, server_default=""),
)
SHARD = Table(
    "log_shard",
    metadata,
    Column("first", Big, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False, unique=True),
    Column("until", Text, nullable=False),
    Column("ended", Big),
    Column("root", LargeBinary),
)
ENTRY = Table(
    "log_entry",
    metadata,
    Column("number", Big, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("outcome_of", Big, unique=True),
)
NODE = Table(
    "log_node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", Big, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
REVISION = Table(
    "log_revision",
    metadata,
    Column("key", Text, primary_key=True),
    Column("number", Big, nullable=False),
)
OPEN = Table(
    "log_open",
    metadata,
    Column("of_number", Big, primary_key=True, autoincrement=False),
    Column("query", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("since", Text, nullable=False),
)
CHECKPOINT = Table(
    "log_checkpoint",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("size", Big, nullable=False),
    Column("note", Text, nullable=False),
)


class Head(NamedTuple):
    """``size``: of the log over all years; ``first``: position of the open year's first entry, ``until``: its end."""

    size: int
    compact: bytes
    origin: str | None
    last_t: str | None
    changes: int
    first: int = 0
    until: str = ""

    def tree(self) -> CompactRange:
        """The tree of the open year."""
        return CompactRange.decode(self.size - self.first, self.compact)


class OpenRow(NamedTuple):
    of: int
    query: str


class Rows:
    """The log's statements on one connection, within whatever transaction that has.

    ``first``: of the year whose tree ``tile`` and ``nodes`` read; all else goes by position.
    """

    def __init__(self, connection: Connection, first: int = 0) -> None:
        self.first = first
        self._sqlite = connection.dialect.name == "sqlite"
        self._cursor = connection.connection.cursor()

    def _run(self, sql: str, *values: object) -> None:
        self._cursor.execute(sql if self._sqlite else _percent(sql), values)

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        self._run(sql, *values)
        return list(self._cursor.fetchall())

    def _in(self, column: str, of: str) -> str:
        """One parameter for a whole list, so that the statement is the same for any length."""
        return f"{column} IN (SELECT value FROM json_each(?))" if self._sqlite else f"{column} = ANY(?::{of}[])"  # noqa: S608

    def _list(self, values: Iterable[object]) -> object:
        return orjson.dumps(list(values)).decode() if self._sqlite else list(values)

    # ── the head ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def lock_head(self) -> Head:
        """Read the head and keep every other writer out until this transaction ends.

        On SQLite the transaction has the file to itself already (BEGIN IMMEDIATE).
        """
        return self.head(" FOR UPDATE" if not self._sqlite else "")

    def head(self, locking: str = "") -> Head:
        sql = f"SELECT size, compact, origin, last_t, changes, first, until FROM log_head{locking}"  # noqa: S608  # our own words only
        size, compact, *rest = self._all(sql)[0]
        return Head(size, bytes(compact), *rest)

    def set_head(self, head: Head) -> None:
        """What grows with every entry; see ``open_shard`` for the rest."""
        sql = "UPDATE log_head SET size = ?, compact = ?, origin = ?, last_t = ?, changes = ?"
        self._run(sql, head.size, head.compact, head.origin, head.last_t, head.changes)

    # ── the years ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def shards(self) -> list[Shard]:
        """All there are, the oldest first."""
        rows = self._all("SELECT origin, first, until, ended, root FROM log_shard ORDER BY first")
        return [
            Shard(origin, first, until, end, None if root is None else bytes(root))
            for origin, first, until, end, root in rows
        ]

    def open_shard(self, shard: Shard) -> None:
        self._run(
            "INSERT INTO log_shard (first, origin, until) VALUES (?, ?, ?)", shard.first, shard.origin, shard.until
        )
        self._run("UPDATE log_head SET first = ?, until = ?", shard.first, shard.until)

    def close_shard(self, shard: Shard) -> None:
        self._run("UPDATE log_shard SET ended = ?, root = ? WHERE first = ?", shard.end, shard.root, shard.first)

    # ── entries and hashes ────────────────────────────────────────────────────────────────────────────────────────────
    def insert_entries(self, rows: Sequence[tuple[int, bytes, bytes, int | None]]) -> None:
        self.bulk("log_entry", _ENTRY_COLUMNS, rows)

    def insert_nodes(self, rows: Sequence[tuple[int, int, bytes]]) -> None:
        self.bulk("log_node", _NODE_COLUMNS, rows)

    def entries(self, low: int, high: int) -> list[bytes]:
        """The entries [low, high)."""
        sql = "SELECT entry FROM log_entry WHERE number >= ? AND number < ? ORDER BY number"
        if self._sqlite:
            return [entry for (entry,) in self._all(sql, low, high)]
        # As texts they would be twice as long.
        self._cursor.execute(_percent(sql), (low, high), binary=True)  # type: ignore[call-arg]  # psycopg's
        return [entry for (entry,) in self._cursor.fetchall()]

    def entries_at(self, numbers: Iterable[int]) -> list[tuple[int, bytes]]:
        """These entries with their numbers, in order; those that are there."""
        sql = f"SELECT number, entry FROM log_entry WHERE {self._in('number', 'bigint')} ORDER BY number"  # noqa: S608
        return [(number, bytes(entry)) for number, entry in self._all(sql, self._list(numbers))]

    def tile(self, level: int, low: int, high: int) -> bytes:
        """The hashes numbered [low, high) of tile level ``level`` of the year's tree, concatenated."""
        shift = node_offset(self.first, level)
        low, high = low + shift, high + shift
        if level == 0:
            rows = self._all(
                "SELECT leaf_hash FROM log_entry WHERE number >= ? AND number < ? ORDER BY number", low, high
            )
        else:
            rows = self._all(
                "SELECT hash FROM log_node WHERE level = ? AND number >= ? AND number < ? ORDER BY number",
                level, low, high,
            )  # fmt: skip
        return b"".join(bytes(value) for (value,) in rows)

    def nodes(self, wanted: Sequence[Node]) -> list[bytes]:
        """The hashes of nodes of the tree (see merkle.py), computed from the stored ones."""
        return [self._node(node) for node in wanted]

    def _node(self, node: Node) -> bytes:
        level, number, first, last = tile_of(node)
        return subtree_root(self.tile(level, number * TILE_WIDTH + first, number * TILE_WIDTH + last))

    def finished_after(self, below: int) -> set[int]:
        """Permits below this index whose outcome is not."""
        sql = "SELECT outcome_of FROM log_entry WHERE outcome_of < ? AND number >= ?"
        return {int(row[0]) for row in self._all(sql, below, below)}

    def replace_entries(self, rows: Sequence[tuple[bytes, int]]) -> None:
        """Put stubs in the place of pruned entries (retention.py); their hashes stay."""
        for data, number in rows:
            self._run("UPDATE log_entry SET entry = ? WHERE number = ?", data, number)

    def insert_sealed(self, rows: Sequence[tuple[str, bytes]]) -> None:
        """See sidecar.py."""
        self.bulk("log_sidecar", _SIDECAR_COLUMNS, rows)

    # ── revisions ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def revisions(self, keys: Iterable[str]) -> dict[str, int]:
        wanted = list(keys)
        found = dict.fromkeys(wanted, 0)
        if wanted:
            sql = f"SELECT key, number FROM log_revision WHERE {self._in('key', 'text')}"  # noqa: S608  # our own words
            found.update(self._all(sql, self._list(wanted)))
        return found

    def change(self, key: str) -> None:
        self._run(
            "INSERT INTO log_revision (key, number) VALUES (?, 1)"
            " ON CONFLICT (key) DO UPDATE SET number = log_revision.number + 1",
            key,
        )

    # ── open queries ──────────────────────────────────────────────────────────────────────────────────────────────────
    def insert_open(self, rows: Sequence[tuple[object, ...]]) -> None:
        self.bulk("log_open", _OPEN_COLUMNS, rows)

    def open_rows(self, numbers: Iterable[int]) -> dict[int, OpenRow]:
        sql = f"SELECT of_number, query FROM log_open WHERE {self._in('of_number', 'bigint')}"  # noqa: S608
        return {row[0]: OpenRow(*row) for row in self._all(sql, self._list(numbers))}

    def open_of(self, owners: Sequence[str], limit: int) -> list[OpenRow]:
        """The oldest open queries of these runs."""
        if not owners:
            return []
        sql = f"SELECT of_number, query FROM log_open WHERE {self._in('owner', 'text')} ORDER BY of_number LIMIT ?"  # noqa: S608
        return [OpenRow(*row) for row in self._all(sql, self._list(owners), limit)]

    def open_after(self, of: int, limit: int) -> list[OpenRow]:
        sql = "SELECT of_number, query FROM log_open WHERE of_number > ? ORDER BY of_number LIMIT ?"
        return [OpenRow(*row) for row in self._all(sql, of, limit)]

    def owners(self) -> list[str]:
        return [owner for (owner,) in self._all("SELECT DISTINCT owner FROM log_open")]

    def close(self, numbers: Sequence[int]) -> None:
        self._run(f"DELETE FROM log_open WHERE {self._in('of_number', 'bigint')}", self._list(numbers))  # noqa: S608

    # ── the checkpoint published last ─────────────────────────────────────────────────────────────────────────────────
    def checkpoint(self) -> str | None:
        found = self._all("SELECT note FROM log_checkpoint")
        return str(found[0][0]) if found else None

    def set_checkpoint(self, size: int, note: str) -> None:
        """Does nothing if there is a larger one: somebody was quicker."""
        self._run(
            "INSERT INTO log_checkpoint (id, size, note) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET size = excluded.size, note = excluded.note WHERE log_checkpoint.size < excluded.size",
            size, note,
        )  # fmt: skip

    def bulk(
        self, table: str, columns: tuple[tuple[str, str], ...], rows: Sequence[tuple[object, ...]], conflict: str = ""
    ) -> None:
        """Insert many rows with few statements.

        Each call into a driver lets other threads run, and to come back may cost this thread a full turn of theirs; so
        ``executemany``, which steps once per row, is the wrong tool.
        """
        if not rows:
            return
        if not self._sqlite:
            self._cursor.execute(
                _unnest(table, columns) + conflict, [list(column) for column in zip(*rows, strict=True)]
            )
            return
        start = 0
        while start < len(rows):
            count = min(_MAX_ROWS, 1 << (len(rows) - start).bit_length() - 1)
            chunk = rows[start : start + count]
            self._cursor.execute(_values(table, columns, count) + conflict, list(chain.from_iterable(chunk)))
            start += count


def node_offset(first: int, level: int) -> int:
    """Where the nodes of the tree begin whose first entry is at ``first``: ⌈first / 256^level⌉.

    The tree before it, of s entries from f on, has ⌊s / 256^level⌋ of them, and ⌈a⌉ + ⌊b⌋ ≤ ⌈a + b⌉.
    """
    return -(-first >> TILE_HEIGHT * level)


_MAX_ROWS = 128
_ENTRY_COLUMNS = (("number", "bigint"), ("entry", "bytea"), ("leaf_hash", "bytea"), ("outcome_of", "bigint"))
_SIDECAR_COLUMNS = (("query", "text"), ("sealed", "bytea"))
_NODE_COLUMNS = (("level", "smallint"), ("number", "bigint"), ("hash", "bytea"))
_OPEN_COLUMNS = (
    ("of_number", "bigint"), ("query", "text"), ("owner", "text"), ("since", "text"),
)  # fmt: skip


@cache
def _percent(sql: str) -> str:
    return sql.replace("?", "%s")


@cache
def _values(table: str, columns: tuple[tuple[str, str], ...], count: int) -> str:
    row = "(" + ", ".join("?" * len(columns)) + ")"
    names = ", ".join(name for name, _ in columns)
    return f"INSERT INTO {table} ({names}) VALUES " + ", ".join([row] * count)  # noqa: S608  # our own words only


@cache
def _unnest(table: str, columns: tuple[tuple[str, str], ...]) -> str:
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"%b::{type}[]" for _, type in columns)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608  # our own words only
