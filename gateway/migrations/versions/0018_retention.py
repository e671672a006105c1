"""How long the log is kept, and legal holds.

Revision ID: 0018_retention
Revises: 0017_resident
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_retention"
down_revision = "0017_resident"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_hold",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("placed", sa.Text, nullable=False),
        sa.Column("lifted", sa.Text),
    )
    op.create_table(
        "log_retention",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("days", sa.Integer),
        sa.Column("paper", sa.Text),
        sa.Column("below", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("log_retention")
    op.drop_table("log_hold")
