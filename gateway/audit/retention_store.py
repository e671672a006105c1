"""The tables of retention: what must be kept for a while, how far the log was pruned, and who ordered it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Column, Connection, Integer, SmallInteger, Table, Text, insert, select

from gateway.audit.store import Big
from gateway.db import metadata

HOLD = Table(
    "log_hold",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text),
    Column("reason", Text, nullable=False),
    Column("placed", Text, nullable=False),
    Column("lifted", Text),
)
RETENTION = Table(
    "log_retention",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("days", Integer),
    Column("paper", Text),
    Column("below", Big, nullable=False),
)
ORDER = Table(
    "log_order",
    metadata,
    Column("digest", Text, primary_key=True),  # sha-256:…, as the entry names it
    Column("jws", Text, nullable=False),
)


def keep_orders(conn: Connection, orders: Iterable[tuple[str, str]]) -> None:
    """Signed orders (digest, JWS), with the entry that names them. One that is there already is the same one."""
    for digest, jws in orders:
        if conn.execute(select(ORDER.c.digest).where(ORDER.c.digest == digest)).first() is None:
            conn.execute(insert(ORDER).values(digest=digest, jws=jws))


def kept_orders(conn: Connection) -> Iterator[tuple[str, str]]:
    """All there are; a handful in a year."""
    yield from ((row.digest, row.jws) for row in conn.execute(select(ORDER).order_by(ORDER.c.digest)))
