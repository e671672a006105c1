"""The signed orders by which the log was pruned, a resident forgotten, a hold lifted.

Revision ID: 0019_orders
Revises: 0018_retention
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_orders"
down_revision = "0018_retention"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_order",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("jws", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("log_order")
