"""Emergencies in the database: the table is in gateway/exchange/store.py, what leaves is model.Emergency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from gateway.exchange.emergencies.model import Emergency
from gateway.exchange.store import EMERGENCY
from gateway.lib.clock import parse_rfc3339, rfc3339

_TIMES = ("asked_at", "until", "closed_at", "review_due")


def revision_key(emergency_id: str) -> str:
    """Under which the log counts its changes."""
    return f"emergency:{emergency_id}"


def find(conn: Connection, emergency_id: str) -> Emergency | None:
    row = conn.execute(select(EMERGENCY).where(EMERGENCY.c.id == emergency_id)).first()
    return _model(row) if row else None


def by_digest(conn: Connection, digest: str) -> Emergency | None:
    row = conn.execute(select(EMERGENCY).where(EMERGENCY.c.digest == digest)).first()
    return _model(row) if row else None


def page(conn: Connection, parties: Sequence[str] | None, limit: int) -> tuple[Emergency, ...]:
    """The newest first; ``parties`` None: everybody's."""
    query = select(EMERGENCY).order_by(EMERGENCY.c.asked_at.desc(), EMERGENCY.c.id).limit(limit)
    if parties is not None:
        query = query.where(EMERGENCY.c.party.in_(parties))
    return tuple(_model(row) for row in conn.execute(query))


def not_reviewed(conn: Connection) -> tuple[Emergency, ...]:
    """Those that were opened and that nobody has looked at yet."""
    rows = conn.execute(select(EMERGENCY).where(EMERGENCY.c.state.in_(("open", "closed"))).order_by(EMERGENCY.c.id))
    return tuple(_model(row) for row in rows)


def add(conn: Connection, emergency: Emergency) -> None:
    conn.execute(insert(EMERGENCY).values(_columns(emergency)))


def save(conn: Connection, emergency: Emergency) -> None:
    conn.execute(update(EMERGENCY).where(EMERGENCY.c.id == emergency.id).values(_columns(emergency)))


def _columns(emergency: Emergency) -> dict[str, Any]:
    values = {column.name: getattr(emergency, column.name) for column in EMERGENCY.columns}
    return values | {name: text(values[name]) for name in _TIMES}


def text(instant: datetime | None) -> str | None:
    """As the table and the log write an instant."""
    return rfc3339(instant) if instant else None


def _model(row: Row[Any]) -> Emergency:
    values = dict(row._mapping)
    return Emergency(**values | {name: parse_rfc3339(values[name]) if values[name] else None for name in _TIMES})
