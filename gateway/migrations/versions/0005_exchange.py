"""The exchange: uses of agreements, and answers kept for callers that ask twice.

Revision ID: 0005_exchange
Revises: 0004_agreements
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_exchange"
down_revision = "0004_agreements"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quota_use",
        sa.Column("agreement", sa.String(80), nullable=False),
        sa.Column("window", sa.String(12), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agreement", "window", name="pk_quota_use"),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("query", sa.String(80), nullable=False),
        sa.Column("until", sa.String(24), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_query", "idempotency", ["query"])
    op.create_index("ix_idempotency_until", "idempotency", ["until"])


def downgrade() -> None:
    op.drop_table("idempotency")
    op.drop_table("quota_use")
