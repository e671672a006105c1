"""Parties, clients, officers; used assertions and revoked tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_identity"
down_revision = "0001_log"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_party",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name_zh", sa.Text, nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("uscc", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_party"),
        sa.UniqueConstraint("uscc", name="uq_identity_party_uscc"),
    )
    op.create_table(
        "identity_client",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("keys", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_client"),
        sa.ForeignKeyConstraint(["party"], ["identity_party.id"], name="fk_identity_client_party_identity_party"),
    )
    op.create_index("ix_identity_client_party", "identity_client", ["party"])
    op.create_table(
        "identity_officer",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("thumbprint", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_officer"),
        sa.UniqueConstraint("thumbprint", name="uq_identity_officer_thumbprint"),
        sa.ForeignKeyConstraint(["party"], ["identity_party.id"], name="fk_identity_officer_party_identity_party"),
    )
    op.create_index("ix_identity_officer_party", "identity_officer", ["party"])
    op.create_table(
        "identity_burnt_assertion",
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("jti_digest", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("client", "jti_digest", name="pk_identity_burnt_assertion"),
    )
    op.create_index("ix_identity_burnt_assertion_expires_at", "identity_burnt_assertion", ["expires_at"])
    op.create_table(
        "identity_revoked_token",
        sa.Column("jti", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("jti", name="pk_identity_revoked_token"),
    )
    op.create_index("ix_identity_revoked_token_expires_at", "identity_revoked_token", ["expires_at"])


def downgrade() -> None:
    for table in ("revoked_token", "burnt_assertion", "officer", "client", "party"):
        op.drop_table(f"identity_{table}")
