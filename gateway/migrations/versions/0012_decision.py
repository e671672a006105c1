"""The hardened decision: officers' uses, questions asked, conflicts of interest, protected persons, emergencies.

Revision ID: 0012_decision
Revises: 0014_sidecar
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_decision"
down_revision = "0014_sidecar"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "officer_use",
        sa.Column("agreement", sa.String(80), nullable=False),
        sa.Column("officer", sa.String(80), nullable=False),
        sa.Column("window", sa.String(16), nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("agreement", "officer", "window", name="pk_officer_use"),
    )
    op.create_table(
        "question",
        sa.Column("agreement", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(48), nullable=False),
        sa.Column("window", sa.String(12), nullable=False),
        sa.Column("predicate", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "subject", "window", "predicate", name="pk_question"),
    )
    op.create_table(
        "officer_conflict",
        sa.Column("officer", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(48), nullable=False),
        sa.Column("relation", sa.String(16), nullable=False),
        sa.Column("declared_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("officer", "subject", name="pk_officer_conflict"),
    )
    op.create_table(
        "protected_person",
        sa.Column("subject", sa.String(48), nullable=False),
        sa.Column("added_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_protected_person"),
    )
    op.create_table(
        "emergency",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("agreement", sa.String(80), nullable=False),
        sa.Column("party", sa.String(80), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("hours", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("opened_by", sa.String(80), nullable=False),
        sa.Column("confirmed_by", sa.String(80)),
        sa.Column("reviewed_by", sa.String(80)),
        sa.Column("outcome", sa.String(40)),
        sa.Column("asked_at", sa.String(24), nullable=False),
        sa.Column("until", sa.String(24)),
        sa.Column("closed_at", sa.String(24)),
        sa.Column("review_due", sa.String(24)),
        sa.Column("told_overdue", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_emergency"),
    )
    op.create_index("ix_emergency_digest", "emergency", ["digest"], unique=True)
    op.create_index("ix_emergency_state", "emergency", ["state"])


def downgrade() -> None:
    for table in ("emergency", "protected_person", "officer_conflict", "question", "officer_use"):
        op.drop_table(table)
