"""The tables of the registry: versions, what was said of them, and every step they took. Rows stay here.

Every change is made within a transaction of the log, which lets in one writer at a time. ``save`` refuses to overwrite
what was not read, should somebody write outside of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, Row, Table, Text, func, insert, or_, select, update

from gateway.db import metadata
from gateway.errors import ChangedMeanwhile
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import parse_rfc3339, rfc3339
from gateway.registry.model import IN_FORCE, Comment, Move, Signature, Standing, Version

VERSION = Table(
    "standard_version",
    metadata,
    Column("id", Text, primary_key=True),  # name/number
    Column("name", Text, nullable=False, index=True),
    Column("state", Text, nullable=False, index=True),
    Column("revision", Integer, nullable=False),  # counts the changes of this row
    Column("digest", Text, nullable=False),
    Column("document", Text, nullable=False),  # RFC 8785, exactly what ``digest`` is of
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("proposed_by", Text),
    Column("shipped", Text),
    Column("changelog", Text),
    Column("judgement", Text),
    Column("signature", Text),
    Column("withdrawal", Text),
    Column("consulted_at", Text),
    Column("consultation_until", Text),
    Column("published_at", Text),
    Column("deprecated_at", Text),
    Column("until", Text),
    Column("withdrawn_at", Text),
    Column("successor", Text),
    Column("reason", Text),
)
COMMENT = Table(
    "standard_comment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("standard", Text, nullable=False, index=True),
    Column("party", Text, nullable=False),
    Column("pointer", Text),
    Column("text", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("outcome", Text),
    Column("answer", Text),
    Column("answered_at", Text),
)
MOVE = Table(  # what the feed tells; an entry of the log each
    "standard_move",
    metadata,
    Column("log_index", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("standard", Text, nullable=False, index=True),
    Column("event", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("until", Text),
    Column("successor", Text),
    Column("reason", Text),
)
_INSTANTS = (
    "consulted_at", "consultation_until", "published_at", "deprecated_at", "until", "withdrawn_at",
)  # fmt: skip
_PLAIN = ("id", "name", "state", "digest", "title_zh", "title_en", "proposed_by", "shipped", "successor", "reason")
_RELEASED = or_(VERSION.c.published_at.is_not(None), VERSION.c.shipped.is_not(None))
_STANDING = select(VERSION.c.state, VERSION.c.deprecated_at, VERSION.c.until, VERSION.c.successor)


# ── versions ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def find(conn: Connection, standard_id: str) -> Version | None:
    row = conn.execute(select(VERSION).where(VERSION.c.id == standard_id)).first()
    return _version(row) if row else None


def everything(conn: Connection, *, name: str | None = None) -> tuple[Version, ...]:
    """All rows, or those of one name; in no particular order."""
    wanted = select(VERSION) if name is None else select(VERSION).where(VERSION.c.name == name)
    return tuple(_version(row) for row in conn.execute(wanted))


def released_text(conn: Connection, standard_id: str) -> tuple[str, bytes] | None:
    """Digest and canonical bytes of a version that was published here once; None for a draft or an unknown one."""
    row = conn.execute(
        select(VERSION.c.digest, VERSION.c.document).where(VERSION.c.id == standard_id).where(_RELEASED)
    ).first()
    return (row.digest, row.document.encode()) if row else None


def ids(conn: Connection) -> frozenset[str]:
    """Of all rows, whatever their state."""
    return frozenset(row.id for row in conn.execute(select(VERSION.c.id)))


def released_ids(conn: Connection) -> tuple[str, ...]:
    rows = conn.execute(select(VERSION.c.id).where(_RELEASED))
    return tuple(row.id for row in rows)


def standing(conn: Connection, standard_id: str) -> Standing:
    """The state that a version is in. One without a row is shipped and untouched, or there is none: see Library."""
    row = conn.execute(_STANDING.where(VERSION.c.id == standard_id)).first()
    if row is None:
        return IN_FORCE
    return Standing(row.state, _instant(row.deprecated_at), _instant(row.until), row.successor)


def due(conn: Connection, now: datetime) -> tuple[Version, ...]:
    """Deprecated versions whose grace is over at ``now``."""
    over = (VERSION.c.state == "deprecated") & (VERSION.c.until <= rfc3339(now))
    return tuple(_version(row) for row in conn.execute(select(VERSION).where(over)))


def save(conn: Connection, version: Version) -> Version:
    """Write what became of a version that was read (or never written). Raises ChangedMeanwhile if it is not that."""
    values = _row(version) | {"revision": version.revision + 1}
    if version.revision == 0:
        conn.execute(insert(VERSION).values(**values))
    else:
        same = (VERSION.c.id == version.id) & (VERSION.c.revision == version.revision)
        if conn.execute(update(VERSION).where(same).values(**values)).rowcount != 1:
            raise ChangedMeanwhile
    return replace(version, revision=version.revision + 1)


# ── comments ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def comments(conn: Connection, standard_id: str) -> tuple[Comment, ...]:
    """Oldest first."""
    rows = conn.execute(
        select(COMMENT).where(COMMENT.c.standard == standard_id).order_by(COMMENT.c.made_at, COMMENT.c.id)
    )
    return tuple(_comment(row) for row in rows)


def open_comments(conn: Connection, standard_id: str) -> int:
    """How many wait for an answer."""
    waiting = (COMMENT.c.standard == standard_id) & COMMENT.c.outcome.is_(None)
    return int(conn.execute(select(func.count()).select_from(COMMENT).where(waiting)).scalar_one())


def add_comment(conn: Connection, comment: Comment) -> None:
    values = {name: getattr(comment, name) for name in ("id", "standard", "party", "pointer", "text")}
    conn.execute(insert(COMMENT).values(**values, made_at=rfc3339(comment.made_at)))


def save_answer(conn: Connection, comment: Comment) -> None:
    conn.execute(
        update(COMMENT)
        .where(COMMENT.c.id == comment.id)
        .values(outcome=comment.outcome, answer=comment.answer, answered_at=_text(comment.answered_at))
    )


# ── moves ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def add_move(conn: Connection, move: Move) -> None:
    same = ("log_index", "standard", "event", "digest", "title_zh", "title_en", "successor", "reason")
    values = {name: getattr(move, name) for name in same}
    conn.execute(insert(MOVE).values(**values, at=rfc3339(move.at), until=_text(move.until)))


def moves(conn: Connection, events: Collection[str], limit: int) -> tuple[Move, ...]:
    """The newest moves of these kinds, newest first."""
    wanted = select(MOVE).where(MOVE.c.event.in_(events)).order_by(MOVE.c.log_index.desc()).limit(limit)
    return tuple(_move(row) for row in conn.execute(wanted))


# ── rows and models ───────────────────────────────────────────────────────────────────────────────────────────────────
def _row(version: Version) -> dict[str, Any]:
    return {
        **{name: getattr(version, name) for name in _PLAIN},
        **{name: _text(getattr(version, name)) for name in _INSTANTS},
        "document": version.text.decode(),
        "changelog": _json(version.changelog),
        "judgement": _json(version.judgement),
        "signature": _json(_members(version.signature)),
        "withdrawal": _json(_members(version.withdrawal)),
    }


def _members(signature: Signature | None) -> dict[str, Any] | None:
    if signature is None:
        return None
    return {
        "party": signature.party,
        "officer": signature.officer,
        "jws": signature.jws,
        "key": dict(signature.key),
        "signed_at": rfc3339(signature.signed_at),
    }


def _version(row: Row[Any]) -> Version:
    plain: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN if name != "name"}
    instants: dict[str, Any] = {name: _instant(getattr(row, name)) for name in _INSTANTS}
    return Version(
        **plain,
        **instants,
        text=row.document.encode(),
        changelog=json.loads(row.changelog) if row.changelog else None,
        judgement=json.loads(row.judgement) if row.judgement else None,
        signature=_signature(row.signature),
        withdrawal=_signature(row.withdrawal),
        revision=row.revision,
    )


def _signature(text: str | None) -> Signature | None:
    if text is None:
        return None
    kept = json.loads(text)
    return Signature(kept["party"], kept["officer"], kept["jws"], kept["key"], parse_rfc3339(kept["signed_at"]))


def _comment(row: Row[Any]) -> Comment:
    return Comment(
        row.id,
        row.standard,
        row.party,
        row.pointer,
        row.text,
        parse_rfc3339(row.made_at),
        row.outcome,
        row.answer,
        _instant(row.answered_at),
    )


def _move(row: Row[Any]) -> Move:
    return Move(
        row.log_index,
        row.standard,
        row.event,
        parse_rfc3339(row.at),
        row.digest,
        row.title_zh,
        row.title_en,
        _instant(row.until),
        row.successor,
        row.reason,
    )


def _json(value: Any) -> str | None:
    return canonical(value).decode() if value else None


def _text(instant: datetime | None) -> str | None:
    return rfc3339(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None
