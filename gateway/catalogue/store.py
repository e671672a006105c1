"""The table of services. Rows stay here; Service goes out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, Row, String, Table, Text, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.catalogue.model import Service
from gateway.db import metadata

SERVICE = Table(
    "service",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("party", String(40), nullable=False),
    Column("standard", String(96), nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("timeout_ms", Integer, nullable=False),
    Column("max_concurrent", Integer, nullable=False),
    Column("contact", Text, nullable=False),
    Column("crosswalk", LargeBinary),
    Column("digest", String(72), nullable=False),
    Column("state", String(16), nullable=False),
    Column("report", Text),
    Column("suspended_by", String(40)),
    Column("changed_at", String(24), nullable=False),
)
# One source per department and standard: the database itself refuses a second one in use.
Index(
    "uq_service_in_use",
    SERVICE.c.party,
    SERVICE.c.standard,
    unique=True,
    sqlite_where=SERVICE.c.state == "active",
    postgresql_where=SERVICE.c.state == "active",
)


class InUse(Exception):
    """The department has another service in use for this standard."""


def find(conn: Connection, service_id: str) -> Service | None:
    row = conn.execute(select(SERVICE).where(SERVICE.c.id == service_id)).first()
    return _service(row) if row else None


def active_service(conn: Connection, party: str, standard: str) -> Service | None:
    """The one service of this department for this standard that may be called."""
    row = conn.execute(
        select(SERVICE).where(SERVICE.c.party == party, SERVICE.c.standard == standard, SERVICE.c.state == "active")
    ).first()
    return _service(row) if row else None


def everything(conn: Connection) -> list[Service]:
    return [_service(row) for row in conn.execute(select(SERVICE).order_by(SERVICE.c.id))]


def add(conn: Connection, service: Service, now: str) -> None:
    conn.execute(insert(SERVICE).values(**_columns(service), changed_at=now))


def save(conn: Connection, service: Service, now: str) -> None:
    """Write its state, who suspended it and its last report; nothing else of a service ever changes. Raises InUse."""
    changes = {"state": service.state, "report": service.report, "suspended_by": service.suspended_by}
    try:
        conn.execute(update(SERVICE).where(SERVICE.c.id == service.id).values(**changes, changed_at=now))
    except IntegrityError:
        raise InUse from None


_PLAIN = (
    "id", "party", "standard", "title_zh", "title_en", "base_url", "timeout_ms", "max_concurrent", "contact", "digest",
    "state", "report", "suspended_by",
)  # fmt: skip


def _columns(service: Service) -> dict[str, Any]:
    return {name: getattr(service, name) for name in _PLAIN} | {"crosswalk": service.crosswalk_text}


def _service(row: Row[Any]) -> Service:
    values = {name: getattr(row, name) for name in _PLAIN}
    return Service(**values, crosswalk_text=bytes(row.crosswalk) if row.crosswalk is not None else None)
