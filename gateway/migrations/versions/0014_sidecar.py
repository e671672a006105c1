"""Whose record each query was about, sealed.

Revision ID: 0014_sidecar
Revises: 0013_witnesses
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_sidecar"
down_revision = "0013_witnesses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_sidecar",
        sa.Column("query", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("log_sidecar")
