"""The registry of standards: versions, comments, and every step they took.

Revision ID: 0009_registry
Revises: 0008_due
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_registry"
down_revision = "0008_due"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
OPTIONAL = (
    *("proposed_by", "shipped", "changelog", "judgement", "signature", "consulted_at", "consultation_until"),
    *("published_at", "deprecated_at", "until", "withdrawn_at", "successor", "reason", "withdrawal"),
)


def upgrade() -> None:
    op.create_table(
        "standard_version",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("title_zh", sa.Text, nullable=False),
        sa.Column("title_en", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in OPTIONAL),
        sa.PrimaryKeyConstraint("id", name="pk_standard_version"),
    )
    op.create_index("ix_standard_version_name", "standard_version", ["name"])
    op.create_index("ix_standard_version_state", "standard_version", ["state"])
    op.create_table(
        "standard_comment",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("standard", sa.Text, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("pointer", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("answered_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_standard_comment"),
    )
    op.create_index("ix_standard_comment_standard", "standard_comment", ["standard"])
    op.create_table(
        "standard_move",
        sa.Column("log_index", BIG, nullable=False, autoincrement=False),
        sa.Column("standard", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("title_zh", sa.Text, nullable=False),
        sa.Column("title_en", sa.Text, nullable=False),
        sa.Column("until", sa.Text),
        sa.Column("successor", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("log_index", name="pk_standard_move"),
    )
    op.create_index("ix_standard_move_standard", "standard_move", ["standard"])


def downgrade() -> None:
    for table in ("standard_move", "standard_comment", "standard_version"):
        op.drop_table(table)
