"""The signed orders by which the log was pruned, a resident forgotten, a hold lifted.

Revision ID: 0020_orders
Revises: 0019_told_and_asked
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_orders"
down_revision = "0019_told_and_asked"
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
