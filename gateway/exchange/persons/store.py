"""Declared conflicts and protected persons, by pseudonym. The tables are in gateway/exchange/store.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from gateway.exchange.store import CONFLICT, PROTECTED
from gateway.lib.clock import rfc3339

PROTECTED_KEY = "protected"  # under which the log counts changes of the list


def conflict_key(officer: str) -> str:
    """Under which the log counts changes of what an officer declared."""
    return f"conflict:{officer}"


def conflicts(conn: Connection, officer: str) -> dict[str, str]:
    """Pseudonym → relation, of what this officer declared."""
    rows = conn.execute(select(CONFLICT.c.subject, CONFLICT.c.relation).where(CONFLICT.c.officer == officer))
    return {row.subject: row.relation for row in rows}


def declare(conn: Connection, officer: str, subject: str, relation: str, now: datetime) -> None:
    conn.execute(delete(CONFLICT).where(CONFLICT.c.officer == officer, CONFLICT.c.subject == subject))
    conn.execute(
        CONFLICT.insert().values(officer=officer, subject=subject, relation=relation, declared_at=rfc3339(now))
    )


def withdraw(conn: Connection, officer: str, subjects: Sequence[str]) -> str | None:
    """The relation that was declared, or None if there was none."""
    these = (CONFLICT.c.officer == officer, CONFLICT.c.subject.in_(subjects))
    row = conn.execute(select(CONFLICT.c.relation).where(*these)).first()
    conn.execute(delete(CONFLICT).where(*these))
    return row.relation if row else None


def protected(conn: Connection) -> frozenset[str]:
    return frozenset(conn.execute(select(PROTECTED.c.subject)).scalars())


def protect(conn: Connection, subject: str, now: datetime) -> None:
    conn.execute(PROTECTED.insert().values(subject=subject, added_at=rfc3339(now)))


def unprotect(conn: Connection, subjects: Sequence[str]) -> bool:
    return conn.execute(delete(PROTECTED).where(PROTECTED.c.subject.in_(subjects))).rowcount > 0


def how_many_protected(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(PROTECTED)).scalar_one())
