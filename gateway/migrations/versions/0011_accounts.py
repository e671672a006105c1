"""Accounts for the pages: people, their passkeys and codes, their sessions.

Revision ID: 0011_accounts
Revises: 0010_officers
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_accounts"
down_revision = "0010_officers"
branch_labels = None
depends_on = None


def _account_id(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["account"], ["account.id"], name=f"fk_{table}_account_account")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("party", sa.Text),
        sa.Column("officer", sa.Text),
        sa.Column("resident", sa.LargeBinary),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("totp", sa.LargeBinary),
        sa.Column("totp_step", sa.BigInteger),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("username", name="uq_account_username"),
        sa.ForeignKeyConstraint(["party"], ["identity_party.id"], name="fk_account_party_identity_party"),
        sa.ForeignKeyConstraint(["officer"], ["identity_officer.id"], name="fk_account_officer_identity_officer"),
    )
    op.create_index("ix_account_party", "account", ["party"])
    op.create_table(
        "account_session",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("began_at", sa.Text, nullable=False),
        sa.Column("used_at", sa.Text, nullable=False),
        sa.Column("stepped_up_at", sa.Text),
        sa.Column("device", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account_session"),
        _account_id("account_session"),
    )
    op.create_table(
        "account_passkey",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("added_at", sa.Text, nullable=False),
        sa.Column("used_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_account_passkey"),
        _account_id("account_passkey"),
    )
    op.create_table(
        "account_recovery",
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "digest", name="pk_account_recovery"),
        _account_id("account_recovery"),
    )
    op.create_table(
        "account_failure",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_account_failure"),
    )
    op.create_table(
        "account_ceremony",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account_ceremony"),
    )
    op.create_table(
        "account_link",
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_account_link"),
        _account_id("account_link"),
    )
    for table, column in (
        *(("account_session", "account"), ("account_session", "began_at"), ("account_passkey", "account")),
        *(("account_failure", "last_at"), ("account_ceremony", "expires_at"), ("account_link", "account")),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for name in ("link", "ceremony", "failure", "recovery", "passkey", "session"):
        op.drop_table(f"account_{name}")
    op.drop_table("account")
