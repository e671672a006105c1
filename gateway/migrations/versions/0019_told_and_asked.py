"""Alarms told once by several processes; yes-or-no questions counted for each resident and each officer.

Revision ID: 0019_told_and_asked
Revises: 0019_registration_once
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_told_and_asked"
down_revision = "0019_registration_once"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm_told",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_alarm_told"),
    )
    op.create_table(
        "party_question",
        sa.Column("party", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(48), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("question", sa.String(120), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("on_day", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("party", "subject", "month", "question", name="pk_party_question"),
    )
    op.create_table(
        "officer_question",
        sa.Column("officer", sa.String(80), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("officer", "day", name="pk_officer_question"),
    )


def downgrade() -> None:
    for table in ("officer_question", "party_question", "alarm_told"):
        op.drop_table(table)
