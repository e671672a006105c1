"""The log: head, entries, hashes, revisions, open queries, index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_log"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MARKS = ("type", "query", "agreement", "subject", "party", "other_party")


def upgrade() -> None:
    head = op.create_table(
        "log_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("compact", sa.LargeBinary, nullable=False),
        sa.Column("origin", sa.Text),
        sa.Column("last_t", sa.Text),
        sa.Column("changes", BIG, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_one_row")),
    )
    op.bulk_insert(head, [{"id": 1, "size": 0, "compact": b"", "changes": 0}])  # the row that orders all writers
    op.create_table(
        "log_entry",
        sa.Column("number", BIG, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("outcome_of", BIG),
        sa.UniqueConstraint("outcome_of", name=op.f("uq_log_entry_outcome_of")),
    )
    op.create_table(
        "log_node",
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("number", BIG, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "log_revision",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("number", BIG, nullable=False),
    )
    op.create_table(
        "log_open",
        sa.Column("of_number", BIG, primary_key=True, autoincrement=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
    )
    op.create_table(
        "log_index",
        sa.Column("number", BIG, primary_key=True, autoincrement=False),
        sa.Column("t", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in MARKS[1:]),
    )
    op.create_index("ix_log_index_t", "log_index", ["t"])
    for name in MARKS:
        where = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_log_index_{name}", "log_index", [name, "number"], sqlite_where=where, postgresql_where=where
        )


def downgrade() -> None:
    for table in ("log_index", "log_open", "log_revision", "log_node", "log_entry", "log_head"):
        op.drop_table(table)
