"""The exchange's own tables: uses of agreements, questions asked, and answers kept for callers that ask twice."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table

from gateway.db import metadata

QUOTA_USE = Table(
    "quota_use",
    metadata,
    Column("agreement", String(80), primary_key=True),
    Column("window", String(12), primary_key=True),  # 2026-11-23 | 2026-11 | total
    Column("used", Integer, nullable=False),
)

OFFICER_USE = Table(
    "officer_use",
    metadata,
    Column("agreement", String(80), primary_key=True),
    Column("officer", String(80), primary_key=True),
    Column("window", String(16), primary_key=True),  # 2026-11-23T10 | 2026-11-23
    Column("used", Integer, nullable=False),
)

QUESTION = Table(
    "question",
    metadata,
    Column("agreement", String(80), primary_key=True),
    Column("subject", String(48), primary_key=True),  # pseudonym
    Column("window", String(12), primary_key=True),
    Column("predicate", String(40), primary_key=True),
)

PARTY_QUESTION = Table(  # what one office asked about one resident, under whichever agreement
    "party_question",
    metadata,
    Column("party", String(80), primary_key=True),
    Column("subject", String(48), primary_key=True),  # pseudonym
    Column("month", String(7), primary_key=True),
    Column("question", String(120), primary_key=True),  # standard#name
    Column("day", String(10), nullable=False),  # when it was asked last
    Column("on_day", Integer, nullable=False),  # and how often on that day
)

OFFICER_QUESTION = Table(
    "officer_question",
    metadata,
    Column("officer", String(80), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("asked", Integer, nullable=False),
)

TOLD = Table(  # alarms that were raised a moment ago (alarms.py), so that several processes raise each once
    "alarm_told",
    metadata,
    Column("key", String(64), primary_key=True),  # SHA-256 in hex
    Column("at", String(24), nullable=False),
)

CONFLICT = Table(
    "officer_conflict",
    metadata,
    Column("officer", String(80), primary_key=True),
    Column("subject", String(48), primary_key=True),  # pseudonym
    Column("relation", String(16), nullable=False),  # self | declared
    Column("declared_at", String(24), nullable=False),
)

PROTECTED = Table(
    "protected_person",
    metadata,
    Column("subject", String(48), primary_key=True),  # pseudonym
    Column("added_at", String(24), nullable=False),
)

EMERGENCY = Table(
    "emergency",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("agreement", String(80), nullable=False),
    Column("party", String(80), nullable=False),
    Column("state", String(16), nullable=False, index=True),  # asked | open | closed | reviewed
    Column("reason", String(40), nullable=False),
    Column("hours", Integer, nullable=False),
    Column("digest", String(80), nullable=False),  # of what the first officer signed
    Column("opened_by", String(80), nullable=False),
    Column("confirmed_by", String(80)),
    Column("reviewed_by", String(80)),
    Column("outcome", String(40)),
    Column("asked_at", String(24), nullable=False),
    Column("until", String(24)),
    Column("closed_at", String(24)),
    Column("review_due", String(24)),
    Column("told_overdue", Boolean, nullable=False),
)
Index("ix_emergency_digest", EMERGENCY.c.digest, unique=True)  # one signature opens once

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
