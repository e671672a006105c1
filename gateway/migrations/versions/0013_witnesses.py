"""Checkpoints that are kept, their cosignatures, and how it goes with each witness.

Revision ID: 0013_witnesses
Revises: 0016_cases
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_witnesses"
down_revision = "0016_cases"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "log_kept",
        sa.Column("size", BIG, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("t", sa.Text, nullable=False),
    )
    op.create_table(
        "log_cosignature",
        sa.Column("size", BIG, primary_key=True, autoincrement=False),
        sa.Column("witness", sa.Text, primary_key=True),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("at", BIG, nullable=False),
    )
    op.create_table(
        "log_witness",
        sa.Column("witness", sa.Text, primary_key=True),
        sa.Column("size", BIG, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("tried", sa.Text, nullable=False),
        sa.Column("problem", sa.Text),
    )


def downgrade() -> None:
    for table in ("log_witness", "log_cosignature", "log_kept"):
        op.drop_table(table)
