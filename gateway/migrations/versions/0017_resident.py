"""A resident's consents are found by the resident's pseudonyms.

Revision ID: 0017_resident
Revises: 0012_decision
"""

from __future__ import annotations

from alembic import op

revision = "0017_resident"
down_revision = "0012_decision"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_consent_subject", "consent", ["subject"])


def downgrade() -> None:
    op.drop_index("ix_consent_subject", "consent")
