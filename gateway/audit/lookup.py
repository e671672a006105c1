"""Find the outcome of a query, and which queries have none yet, from the log itself."""

from __future__ import annotations

from sqlalchemy import Select, select

from gateway.audit.shard import holding
from gateway.audit.store import ENTRY, OPEN, Rows
from gateway.audit.transaction import Appended
from gateway.db import Database


def outcome(database: Database, of: int) -> Appended | None:
    """The entry that ended the query authorized in entry ``of``; None while it has no outcome."""
    with database.read() as conn:
        row = conn.execute(select(ENTRY).where(ENTRY.c.outcome_of == of)).first()
        if row is None:
            return None
        shard = holding(Rows(conn).shards(), row.number)
    return Appended(row.number, bytes(row.leaf_hash), bytes(row.entry), shard.origin, shard.first)


def under_way() -> Select[tuple[str]]:
    """The ids of queries that are authorized and have no outcome yet, for use within another statement."""
    return select(OPEN.c.query)
