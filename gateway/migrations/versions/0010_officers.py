"""Officers without a key of their own, keys by which parties vouch for officers, registrations by two people,
certificates of clients.

Revision ID: 0010_officers
Revises: 0009_registry
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_officers"
down_revision = "0009_registry"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("identity_officer") as officer:
        officer.alter_column("key", existing_type=sa.Text, nullable=True)
        officer.alter_column("thumbprint", existing_type=sa.Text, nullable=True)
    with op.batch_alter_table("identity_client") as client:
        client.add_column(sa.Column("certificate", sa.Text, nullable=True))
    op.create_table(
        "identity_assertion_key",
        sa.Column("thumbprint", sa.Text, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("added_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("thumbprint", name="pk_identity_assertion_key"),
        sa.ForeignKeyConstraint(
            ["party"], ["identity_party.id"], name="fk_identity_assertion_key_party_identity_party"
        ),
    )
    op.create_index("ix_identity_assertion_key_party", "identity_assertion_key", ["party"])
    op.create_table(
        "identity_registration",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("made", sa.Text, nullable=True),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_jws", sa.Text, nullable=False),
        sa.Column("proposed_at", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=True),
        sa.Column("decided_jws", sa.Text, nullable=True),
        sa.Column("decided_at", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identity_registration"),
    )
    op.create_index("ix_identity_registration_party", "identity_registration", ["party"])


def downgrade() -> None:
    op.drop_table("identity_registration")
    op.drop_table("identity_assertion_key")
    with op.batch_alter_table("identity_client") as client:
        client.drop_column("certificate")
    op.execute("DELETE FROM identity_officer WHERE key IS NULL")
    with op.batch_alter_table("identity_officer") as officer:
        officer.alter_column("thumbprint", existing_type=sa.Text, nullable=False)
        officer.alter_column("key", existing_type=sa.Text, nullable=False)
