"""Find one entry by what it is about."""

from __future__ import annotations

from sqlalchemy import select

from gateway.audit.store import ENTRY, INDEX
from gateway.audit.transaction import Appended
from gateway.db import Database


def released(database: Database, query: str) -> Appended | None:
    """Where the release of this query stands in the log, or None when it was not released."""
    statement = (
        select(ENTRY.c.number, ENTRY.c.leaf_hash, ENTRY.c.entry)
        .join(INDEX, INDEX.c.number == ENTRY.c.number)
        .where(INDEX.c.query == query, INDEX.c.type == "exchange.released")
    )
    with database.read() as conn:
        row = conn.execute(statement).first()
    return Appended(row.number, row.leaf_hash, row.entry) if row else None
