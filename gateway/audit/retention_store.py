"""The tables of retention: what must be kept for a while, and how far the log was pruned."""

from __future__ import annotations

from sqlalchemy import Column, Integer, SmallInteger, Table, Text

from gateway.audit.store import Big
from gateway.db import metadata

HOLD = Table(
    "log_hold",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text),
    Column("reason", Text, nullable=False),
    Column("placed", Text, nullable=False),
    Column("lifted", Text),
)
RETENTION = Table(
    "log_retention",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("days", Integer),
    Column("paper", Text),
    Column("below", Big, nullable=False),
)
