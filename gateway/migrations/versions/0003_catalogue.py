"""The catalogue: services.

Revision ID: 0003_catalogue
Revises: 0002_identity
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_catalogue"
down_revision = "0002_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("party", sa.String(40), nullable=False),
        sa.Column("standard", sa.String(96), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("timeout_ms", sa.Integer(), nullable=False),
        sa.Column("max_concurrent", sa.Integer(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("crosswalk", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.String(72), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("suspended_by", sa.String(40), nullable=True),
        sa.Column("changed_at", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service"),
    )
    in_use = sa.text("state = 'active'")
    op.create_index(
        "uq_service_in_use", "service", ["party", "standard"], unique=True, sqlite_where=in_use, postgresql_where=in_use
    )


def downgrade() -> None:
    op.drop_table("service")
