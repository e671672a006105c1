"""The exchange's two tables: uses of agreements, and answers kept for callers that ask twice."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from gateway.db import metadata

QUOTA_USE = Table(
    "quota_use",
    metadata,
    Column("agreement", String(80), primary_key=True),
    Column("window", String(12), primary_key=True),  # 2026-11-23 | 2026-11 | total
    Column("used", Integer, nullable=False),
)

IDEMPOTENCY = Table(
    "idempotency",
    metadata,
    Column("key", String(64), primary_key=True),  # hex of a keyed hash over client and Idempotency-Key
    Column("request", String(64), nullable=False),  # hex of a keyed hash over the request body
    Column("query", String(80), nullable=False, index=True),
    Column("until", String(24), nullable=False, index=True),
    Column("answer", LargeBinary),  # sealed; null while the query is being answered
)
_unanswered = IDEMPOTENCY.c.answer.is_(None)  # a handful among a day's millions
Index("ix_idempotency_unanswered", IDEMPOTENCY.c.query, sqlite_where=_unanswered, postgresql_where=_unanswered)
