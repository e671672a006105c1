"""Used proofs of possession, remembered for all processes over one database.

Revision ID: 0006_replay
Revises: 0005_exchange
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_replay"
down_revision = "0005_exchange"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "used_proof",
        sa.Column("slice", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("mark", sa.String(22), nullable=False),
        sa.PrimaryKeyConstraint("slice", "mark", name="pk_used_proof"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "replay_state",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("generation", sa.String(22), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 0", name="id"),
        sa.PrimaryKeyConstraint("id", name="pk_replay_state"),
    )


def downgrade() -> None:
    op.drop_table("replay_state")
    op.drop_table("used_proof")
