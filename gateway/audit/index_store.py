"""The tables by which entries are found again. All of them are derived, and may be thrown away at any time.

log_index     one row for each entry: what it is about; a query's first row also tells how the query ended
log_segment   SEGMENT rows of it as columns of bits, for counting (segment.py)
log_indexed   one row: how many entries are indexed; locking it orders those who index
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from gateway.audit.row import Row
from gateway.audit.store import Big, Rows
from gateway.db import metadata

INDEX = Table(
    "log_index",
    metadata,
    Column("number", Big, primary_key=True, autoincrement=False),
    Column("t", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("of_number", Big),
    Column("outcome", Big),
    Column("query", Text),
    Column("party", Text),
    Column("other_party", Text),
    Column("officer", Text),
    Column("standard", Text),
    Column("purpose", Text),
    Column("fields", Text),
    Column("agreement", Text),
    Column("consent", Text),
    Column("service", Text),
    Column("subject", Text),
    Column("case_ref", Text),
    Column("result", Text),
    Column("code", Text),
    Column("rules", Text),
    Column("risk", Text),
)
SEGMENTS = Table(
    "log_segment",
    metadata,
    Column("number", Big, primary_key=True, autoincrement=False),
    Column("made", Big, nullable=False),
    Column("first_t", Text, nullable=False),
    Column("last_t", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
INDEXED = Table(
    "log_indexed",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("size", Big, nullable=False),
    Column("version", Integer, nullable=False),
    Column("touched", Big, nullable=False),
)


def _index(column: str, where: ColumnElement[bool], name: str | None = None) -> None:
    Index(f"ix_log_index_{name or column}", INDEX.c[column], INDEX.c.number, sqlite_where=where, postgresql_where=where)


for _column in ("query", "subject", "case_ref", "consent", "officer"):  # outcomes are found by their queries
    _index(_column, INDEX.c[_column].is_not(None) & INDEX.c.of_number.is_(None))
_index("service", INDEX.c.type == "service.registered")  # whose service it is
_index("agreement", INDEX.c.type == "agreement.signed")  # between whom it is
_index("consent", INDEX.c.type == "consent.given", "given")


class State(NamedTuple):
    """``touched`` counts how often rows changed that a segment may be made of."""

    size: int
    version: int
    touched: int


class SegmentRow(NamedTuple):
    """``mark``: what its columns are told from all others by (segment.mark)."""

    number: int
    mark: int
    first_t: str
    last_t: str


COLUMNS = ", ".join(Row._fields)
_BIG = ("number", "of_number", "outcome")
_TYPES = tuple((name, "bigint" if name in _BIG else "text") for name in Row._fields)
KEYED = {"query": "query", "subject": "subject", "case": "case_ref", "consent": "consent"}  # qualifier → column
_ELSEWHERE = {"outcome", "service", *KEYED.values()}  # columns that no segment has
_OF_SEGMENTS = ", ".join("NULL" if name in _ELSEWHERE else name for name in Row._fields)


class IndexRows(Rows):
    """The statements of the index on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._connection = connection

    def state(self, *, lock: bool = False) -> State:
        """``lock``: keep others who index out until this transaction ends (SQLite does so by itself)."""
        sql = "SELECT size, version, touched FROM log_indexed"
        if lock and not self._sqlite:
            self._run("INSERT INTO log_indexed (id, size, version, touched) VALUES (1, 0, 0, 0) ON CONFLICT DO NOTHING")
            sql += " FOR UPDATE"
        found = self._all(sql)
        return State(*found[0]) if found else State(0, 0, 0)

    def set_state(self, state: State) -> None:
        self._run(
            "INSERT INTO log_indexed (id, size, version, touched) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET size = excluded.size, version = excluded.version, touched = excluded.touched",
            *state,
        )

    def insert(self, rows: Sequence[Row]) -> None:
        self.bulk("log_index", _TYPES, rows)

    def ended(self, rows: Sequence[Row]) -> None:
        """Write into queries' first rows how they ended."""
        values = [(row.outcome, row.result, row.code, row.rules, row.other_party, row.number) for row in rows]
        if not values:
            return
        if self._sqlite:
            self._cursor.executemany(
                "UPDATE log_index SET outcome = ?, result = ?, code = ?, rules = ?, other_party = ? WHERE number = ?",
                values,
            )
            return
        self._cursor.execute(
            "UPDATE log_index SET outcome = v.outcome, result = v.result, code = v.code, rules = v.rules,"
            " other_party = v.other FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[],"
            " %b::bigint[]) AS v(outcome, result, code, rules, other, number) WHERE log_index.number = v.number",
            [list(column) for column in zip(*values, strict=True)],
        )

    def by_number(self, numbers: Iterable[int]) -> dict[int, Row]:
        sql = f"SELECT {COLUMNS} FROM log_index WHERE {self._in('number', 'bigint')}"  # noqa: S608  # our own words
        return {row[0]: Row(*row) for row in self._all(sql, self._list(numbers))}

    def between(self, low: int, high: int) -> list[Row]:
        """The rows [low, high), with what segments are made of; the rest is null."""
        sql = f"SELECT {_OF_SEGMENTS} FROM log_index WHERE number >= ? AND number < ? ORDER BY number"  # noqa: S608
        return [Row._make(row) for row in self._all(sql, low, high)]

    def numbers(self, qualifier: str, values: Iterable[str]) -> list[int]:
        """The entries that name one of these, by a qualifier of KEYED; an outcome names what its query does."""
        column = KEYED[qualifier]
        where = f"{column} IS NOT NULL AND {self._in(column, 'text')} AND of_number IS NULL"
        sql = f"SELECT number, outcome FROM log_index WHERE {where}"  # noqa: S608  # our own words
        return [number for row in self._all(sql, self._list(values)) for number in row if number is not None]

    def within(self, low: int, high: int, since: str, until: str) -> list[int]:
        """Of the rows [low, high), those of [since, until)."""
        sql = "SELECT number FROM log_index WHERE number >= ? AND number < ? AND t >= ? AND t < ?"
        return [number for (number,) in self._all(sql, low, high, since, until)]

    def of_officer(self, officer: str, low: int, high: int) -> list[Row]:
        """An officer's queries among the rows [low, high), each once."""
        where = "officer = ? AND officer IS NOT NULL AND number >= ? AND number < ? AND of_number IS NULL"
        sql = f"SELECT {COLUMNS} FROM log_index WHERE {where} AND result IS NOT NULL ORDER BY number"  # noqa: S608
        return [Row._make(row) for row in self._all(sql, officer, low, high)]

    def often(self, column: str, low: int, least: int, most: int) -> list[str]:
        """The ``most`` residents or cases with the most first rows from ``low`` on, ``least`` each."""
        where = f"{column} IS NOT NULL AND number >= ? AND of_number IS NULL"
        sql = (
            f"SELECT {column} FROM log_index WHERE {where} GROUP BY {column}"  # noqa: S608  # our own words
            f" HAVING count(*) >= ? ORDER BY count(*) DESC, {column} LIMIT ?"
        )
        return [value for (value,) in self._all(sql, low, least, most)]

    def of_these(self, column: str, values: Iterable[str], low: int) -> list[Row]:
        """First rows from ``low`` on of these residents or cases, where an officer asked."""
        where = (
            f"{column} IS NOT NULL AND {self._in(column, 'text')} AND number >= ? AND of_number IS NULL"
            " AND officer IS NOT NULL"
        )
        sql = f"SELECT {COLUMNS} FROM log_index WHERE {where} ORDER BY {column}, number"  # noqa: S608  # our own words
        return [Row._make(row) for row in self._all(sql, self._list(values), low)]

    def replace(self, rows: Sequence[Row]) -> None:
        self._run(f"DELETE FROM log_index WHERE {self._in('number', 'bigint')}", self._list(row.number for row in rows))  # noqa: S608
        self.insert(rows)

    def owners_of_services(self, services: Iterable[str]) -> dict[str, str]:
        where = f"type = 'service.registered' AND {self._in('service', 'text')}"
        sql = f"SELECT service, other_party FROM log_index WHERE {where} ORDER BY number"  # noqa: S608
        return {service: party for service, party in self._all(sql, self._list(services)) if party}

    def signers(self, agreements: Iterable[str]) -> list[tuple[str, str]]:
        where = f"type = 'agreement.signed' AND {self._in('agreement', 'text')}"
        sql = f"SELECT agreement, party FROM log_index WHERE {where} ORDER BY number"  # noqa: S608
        return [(agreement, party) for agreement, party in self._all(sql, self._list(agreements)) if party]

    def given(self, consents: Iterable[str]) -> dict[str, str]:
        """When each consent was given."""
        where = f"type = 'consent.given' AND consent IS NOT NULL AND {self._in('consent', 'text')}"
        sql = f"SELECT consent, t FROM log_index WHERE {where} ORDER BY number"  # noqa: S608
        return dict(self._all(sql, self._list(consents)))

    # ── segments ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def segments(self) -> list[SegmentRow]:
        return [
            SegmentRow(*row)
            for row in self._all("SELECT number, made, first_t, last_t FROM log_segment ORDER BY number")
        ]

    def segment(self, row: SegmentRow) -> bytes | None:
        """None when another one stands there by now."""
        found = self._all("SELECT data FROM log_segment WHERE number = ? AND made = ?", row.number, row.mark)
        return bytes(found[0][0]) if found else None

    def insert_segment(self, row: SegmentRow, data: bytes) -> None:
        self._run(
            "INSERT INTO log_segment (number, made, first_t, last_t, data) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (number) DO UPDATE SET made = excluded.made, first_t = excluded.first_t,"
            " last_t = excluded.last_t, data = excluded.data",
            *row, data,
        )  # fmt: skip

    def drop_segments(self, numbers: Iterable[int]) -> None:
        self._run(f"DELETE FROM log_segment WHERE {self._in('number', 'bigint')}", self._list(numbers))  # noqa: S608

    def clear(self) -> None:
        for table in ("log_segment", "log_index"):
            self._run(f"DELETE FROM {table}")  # noqa: S608  # our own words
