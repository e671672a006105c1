"""The checkpoint published last, for every process and machine.

Revision ID: 0007_checkpoint
Revises: 0006_replay
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_checkpoint"
down_revision = "0006_replay"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_checkpoint",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_checkpoint_one_row")),
    )


def downgrade() -> None:
    op.drop_table("log_checkpoint")
