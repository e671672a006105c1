"""A proposal to register something counts once.

Revision ID: 0019_registration_once
Revises: 0018_retention

Proposals before this revision carry no jti and are refused whoever posts them again, so they need no mark.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_registration_once"
down_revision = "0018_retention"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("identity_registration") as registration:
        registration.add_column(sa.Column("used", sa.Text, nullable=True))
        registration.create_unique_constraint("uq_identity_registration_used", ["used"])


def downgrade() -> None:
    with op.batch_alter_table("identity_registration") as registration:
        registration.drop_constraint("uq_identity_registration_used", type_="unique")
        registration.drop_column("used")
