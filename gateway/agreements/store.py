"""The table of agreements: one row per version. Rows stay here; what leaves is model.Agreement.

Every change is made within a transaction of the log, which lets in one writer at a time: two signatures at the same
moment are both kept. ``save`` refuses to overwrite what was not read, should somebody write outside of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from sys import intern
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from gateway.agreements.model import IN_FORCE, PENDING, Agreement, Signature
from gateway.db import metadata
from gateway.errors import ChangedMeanwhile
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import parse_rfc3339, rfc3339

agreements = Table(
    "agreement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False, index=True),
    Column("document", Text, nullable=False),  # RFC 8785, exactly what ``digest`` is of
    Column("state", Text, nullable=False, index=True),
    Column("revision", Integer, nullable=False),  # counts the changes of this row
    Column("drafted_by", Text, nullable=False),
    Column("provider", Text, nullable=False, index=True),
    Column("consumer", Text, nullable=False, index=True),
    Column("signatures", Text, nullable=False),
    Column("suspended_by", Text, nullable=False),
    Column("resumption", Text, nullable=False),
    Column("reason", Text),
    Column("effective_from", Text),
    Column("resumed_at", Text),
    Column("changed_at", Text, nullable=False),
    Column("due_at", Text, index=True),  # when time alone will change it; null: never again
)
_VERSIONS = select(agreements).where(agreements.c.id == bindparam("agreement_id")).order_by(agreements.c.version)
_RANK = dict.fromkeys(IN_FORCE, 2) | dict.fromkeys((*PENDING, "refused"), 0)  # ended ones: 1


def find(conn: Connection, agreement_id: str) -> Agreement | None:
    """The version that counts: the one in force, else the last that was, else the newest. None when there is none."""
    return counting(versions(conn, agreement_id))


def pending(conn: Connection, agreement_id: str) -> Agreement | None:
    """The version that is drafted or proposed and not yet in force; there is at most one."""
    return next((each for each in versions(conn, agreement_id) if each.state in PENDING), None)


def versions(conn: Connection, agreement_id: str) -> tuple[Agreement, ...]:
    """All versions, oldest first."""
    rows = conn.execute(_VERSIONS, {"agreement_id": agreement_id}).all()
    return tuple(_model(row) for row in rows)


def by_digest(conn: Connection, digest: str) -> Agreement | None:
    """The version whose document has this digest, for whoever holds a receipt or an entry of the log."""
    row = conn.execute(select(agreements).where(agreements.c.digest == digest)).first()
    return _model(row) if row else None


def proposed_ever(conn: Connection) -> Iterator[Agreement]:
    """Every version that left its draft: what an export of the log comes with."""
    rows = conn.execute(
        select(agreements).where(agreements.c.state != "draft").order_by(agreements.c.id, agreements.c.version)
    )
    return (_model(row) for row in rows)


def page(
    conn: Connection, *, known_to: str | None, state: str | None, after: tuple[str, int] | None, limit: int
) -> tuple[Agreement, ...]:
    """Versions in order of id and version, from behind ``after``. ``known_to`` None: all of them, for overseers."""
    where = []
    if known_to is not None:
        one_of_its_own = or_(agreements.c.provider == known_to, agreements.c.consumer == known_to)
        visible = or_(agreements.c.state != "draft", agreements.c.drafted_by == known_to)
        where.append(and_(one_of_its_own, visible))
    if state is not None:
        where.append(agreements.c.state == state)
    if after is not None:
        where.append(tuple_(agreements.c.id, agreements.c.version) > after)
    rows = conn.execute(
        select(agreements).where(*where).order_by(agreements.c.id, agreements.c.version).limit(limit)
    ).all()
    return tuple(_model(row) for row in rows)


def due(conn: Connection, now: datetime) -> tuple[Agreement, ...]:
    """Versions whose time has passed, or whose review has, at ``now``."""
    rows = conn.execute(select(agreements).where(agreements.c.due_at <= rfc3339(now))).all()
    return tuple(_model(row) for row in rows)


def add(conn: Connection, agreement: Agreement, now: datetime) -> None:
    conn.execute(
        insert(agreements).values(id=agreement.id, version=agreement.version, revision=1, **_row(agreement, now))
    )


def save(conn: Connection, before: Agreement, after: Agreement, now: datetime) -> None:
    """Replace a version by what became of it. Raises ChangedMeanwhile if it is no longer that."""
    done = conn.execute(
        update(agreements)
        .where(agreements.c.id == before.id, agreements.c.version == before.version)
        .where(agreements.c.revision == before.revision)
        .values(revision=before.revision + 1, **_row(after, now))
    )
    if done.rowcount != 1:
        raise ChangedMeanwhile


def counting(found: Sequence[Agreement]) -> Agreement | None:
    """Of some versions of one agreement, the one that counts: see ``find``."""
    return max(found, key=lambda each: (_RANK.get(each.state, 1), each.version), default=None)


def _row(agreement: Agreement, now: datetime) -> dict[str, Any]:
    return {
        "digest": agreement.digest,
        "document": agreement.text.decode(),
        "state": agreement.state,
        "drafted_by": agreement.drafted_by,
        "provider": agreement.provider,
        "consumer": agreement.consumer,
        "signatures": canonical([_signature_row(each) for each in agreement.signatures]).decode(),
        "suspended_by": canonical(list(agreement.suspended_by)).decode(),
        "resumption": canonical(list(agreement.resumption)).decode(),
        "reason": agreement.reason,
        "effective_from": _text(agreement.effective_from),
        "resumed_at": _text(agreement.resumed_at),
        "changed_at": rfc3339(now),
        "due_at": _text(agreement.due_at),
    }


def _model(row: Row[Any]) -> Agreement:
    return Agreement(
        id=row.id,
        version=row.version,
        digest=intern(row.digest),  # tokens and terms name it too
        text=row.document.encode(),
        state=row.state,
        drafted_by=row.drafted_by,
        signatures=tuple(
            Signature(each["party"], each["officer"], each["jws"], parse_rfc3339(each["signed_at"]))
            for each in json.loads(row.signatures)
        ),
        effective_from=_instant(row.effective_from),
        reason=row.reason,
        suspended_by=tuple(json.loads(row.suspended_by)),
        resumption=tuple(json.loads(row.resumption)),
        resumed_at=_instant(row.resumed_at),
        revision=row.revision,
    )


def _signature_row(signature: Signature) -> dict[str, str]:
    return {
        "party": signature.party,
        "officer": signature.officer,
        "jws": signature.jws,
        "signed_at": rfc3339(signature.signed_at),
    }


def _text(instant: datetime | None) -> str | None:
    return rfc3339(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None
