"""Agreements, and the consents of residents with their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_agreements"
down_revision = "0003_catalogue"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "agreement",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("drafted_by", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("signatures", sa.Text, nullable=False),
        sa.Column("suspended_by", sa.Text, nullable=False),
        sa.Column("resumption", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("effective_from", sa.Text),
        sa.Column("resumed_at", sa.Text),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name="pk_agreement"),
    )
    for name in ("digest", "provider", "consumer", "state"):
        op.create_index(f"ix_agreement_{name}", "agreement", [name])
    op.create_table(
        "consent",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("agreement_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("valid_until", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
    )
    op.create_index("ix_consent_agreement_id_subject", "consent", ["agreement_id", "subject"])
    op.create_index("ix_consent_provider", "consent", ["provider"])
    op.create_index("ix_consent_consumer", "consent", ["consumer"])
    op.create_table(
        "consent_event",
        sa.Column("consent_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("log_index", BIG, nullable=False),
        sa.Column("party", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("proof", sa.Text),
        sa.Column("code_hash", sa.Text),
        sa.PrimaryKeyConstraint("consent_id", "number", name="pk_consent_event"),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name="fk_consent_event_consent_id_consent"),
    )


def downgrade() -> None:
    for table in ("consent_event", "consent", "agreement"):
        op.drop_table(table)
