"""The index of the log answers for queries with their outcomes, and counts. Derived: filled anew after the upgrade.

Revision ID: 0015_search
Revises: 0011_accounts
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_search"
down_revision = "0011_accounts"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
OLD = ("type", "query", "agreement", "subject", "party", "other_party")
TEXTS = (
    *("query", "party", "other_party", "officer", "standard", "purpose", "fields", "agreement", "consent", "service"),
    *("subject", "case_ref", "result", "code", "rules", "risk"),
)


def upgrade() -> None:
    op.drop_table("log_index")
    op.create_table(
        "log_index",
        sa.Column("number", BIG, nullable=False, autoincrement=False),
        sa.Column("t", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("of_number", BIG),
        sa.Column("outcome", BIG),
        *(sa.Column(name, sa.Text) for name in TEXTS),
        sa.PrimaryKeyConstraint("number", name="pk_log_index"),
    )
    for column in ("query", "subject", "case_ref", "consent", "officer"):
        _index(column, f"{column} IS NOT NULL")
    _index("service", "type = 'service.registered'")
    _index("agreement", "type = 'agreement.signed'")
    _index("consent", "type = 'consent.given'", "given")
    op.create_table(
        "log_segment",
        sa.Column("number", BIG, nullable=False, autoincrement=False),
        sa.Column("made", BIG, nullable=False),
        sa.Column("first_t", sa.Text, nullable=False),
        sa.Column("last_t", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_log_segment"),
    )
    op.create_table(
        "log_indexed",
        sa.Column("id", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("touched", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_indexed"),
        sa.CheckConstraint("id = 1", name="ck_log_indexed_one_row"),
    )


def downgrade() -> None:
    for table in ("log_indexed", "log_segment", "log_index"):
        op.drop_table(table)
    op.create_table(
        "log_index",
        sa.Column("number", BIG, nullable=False, autoincrement=False),
        sa.Column("t", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in OLD[1:]),
        sa.PrimaryKeyConstraint("number", name="pk_log_index"),
    )
    op.create_index("ix_log_index_t", "log_index", ["t"])
    for column in OLD:
        _index(column, f"{column} IS NOT NULL", more=())


def _index(column: str, where: str, name: str | None = None, more: tuple[str, ...] = ("of_number",)) -> None:
    op.create_index(
        f"ix_log_index_{name or column}",
        "log_index",
        [column, "number", *more],
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
