"""The table of registrations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.exc import IntegrityError

from gateway.identity.store import REGISTRATION, Duplicate
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import parse_rfc3339, rfc3339


@dataclass(frozen=True, slots=True)
class Registration:
    """What two people say about one party. ``document``: the RFC 8785 bytes that the first signed."""

    id: str
    party: str
    document: bytes
    digest: str
    state: str
    made: str | None
    proposed_by: str
    proposed_jws: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_jws: str | None = None
    decided_at: datetime | None = None

    def decision_payload(self, verdict: str) -> bytes:
        """What the second person signs."""
        said = {"registration_id": self.id, "registration_digest": self.digest, "verdict": verdict}
        return canonical(said)


def insert(conn: Connection, made: Registration) -> None:
    """Raises Duplicate when this very document was proposed before, whatever became of it: rows are never deleted."""
    try:
        with conn.begin_nested():
            conn.execute(insert_into(REGISTRATION).values(**_columns(made), used=made.digest))
    except IntegrityError:
        raise Duplicate from None


def settle(conn: Connection, after: Registration) -> None:
    """Write how it was decided."""
    columns = _columns(after)
    names = ("state", "made", "decided_by", "decided_jws", "decided_at")
    conn.execute(
        update(REGISTRATION).where(REGISTRATION.c.id == after.id).values({name: columns[name] for name in names})
    )


def find(conn: Connection, id: str) -> Registration | None:
    row = conn.execute(select(REGISTRATION).where(REGISTRATION.c.id == id)).first()
    return _registration(row) if row else None


def listed(conn: Connection, party: str | None) -> list[Registration]:
    """The latest first; those of one party, or all."""
    query = select(REGISTRATION).order_by(REGISTRATION.c.id.desc()).limit(1000)
    if party is not None:
        query = query.where(REGISTRATION.c.party == party)
    return [_registration(row) for row in conn.execute(query)]


def _columns(made: Registration) -> dict[str, Any]:
    return {
        "id": made.id,
        "party": made.party,
        "document": made.document.decode(),
        "digest": made.digest,
        "state": made.state,
        "made": made.made,
        "proposed_by": made.proposed_by,
        "proposed_jws": made.proposed_jws,
        "proposed_at": rfc3339(made.proposed_at),
        "decided_by": made.decided_by,
        "decided_jws": made.decided_jws,
        "decided_at": rfc3339(made.decided_at) if made.decided_at else None,
    }


def _registration(row: Row[Any]) -> Registration:
    return Registration(
        row.id,
        row.party,
        row.document.encode(),
        row.digest,
        row.state,
        row.made,
        row.proposed_by,
        row.proposed_jws,
        parse_rfc3339(row.proposed_at),
        row.decided_by,
        row.decided_jws,
        parse_rfc3339(row.decided_at) if row.decided_at else None,
    )
