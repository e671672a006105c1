"""Cases of supervision, unmasking by two people, and the queue of what is to be reviewed.

Revision ID: 0016_cases
Revises: 0015_search
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016_cases"
down_revision = "0015_search"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _of_case(table: str, *columns: sa.Column[Any]) -> None:
    """A part of a case, numbered within it."""
    op.create_table(
        table,
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        *columns,
        sa.PrimaryKeyConstraint("case_id", "number", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name=f"fk_{table}_case_id_case_file"),
    )


def upgrade() -> None:
    op.create_table(
        "case_file",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Text, nullable=False),
        sa.Column("party", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("source", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_case_file"),
    )
    op.create_index("ix_case_file_party", "case_file", ["party"])
    op.create_index("ix_case_file_subject", "case_file", ["subject"])
    _of_case(
        "case_event",
        sa.Column("move", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("log_index", BIG, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("by", "party", "code", "to")),
    )
    op.create_index("ix_case_event_party", "case_event", ["party"])
    _of_case(
        "case_note",
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("by", sa.Text),
        sa.Column("party", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("shared", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
    )
    _of_case("case_link", sa.Column("entry", BIG), sa.Column("search", sa.Text))
    op.create_index("ix_case_link_entry", "case_link", ["entry"])
    op.create_table(
        "case_unmasking",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("entry", BIG, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("subject", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("reason", "asked_by", "asked_at", "state")),
        sa.Column("asked_kind", sa.Text),
        sa.Column("settled_by", sa.Text),
        sa.Column("settled_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_case_unmasking"),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_case_unmasking_case_id_case_file"),
    )
    op.create_index("ix_case_unmasking_case_id", "case_unmasking", ["case_id"])
    op.create_table(
        "case_search",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "person", "name", "text")),
        sa.PrimaryKeyConstraint("id", name="pk_case_search"),
    )
    op.create_index("ix_case_search_person", "case_search", ["person"])
    op.create_table(
        "review_sample",
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("percent", sa.Integer, nullable=False),
        sa.Column("commitment", BIG, nullable=False),
        sa.Column("drawn_by", BIG),
        sa.PrimaryKeyConstraint("day", name="pk_review_sample"),
    )
    op.create_table(
        "review_item",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("entry", BIG),
        sa.Column("search", sa.Text),
        sa.Column("party", sa.Text),
        sa.Column("found", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("outcome", "reviewed_at", "reviewed_by", "case_id")),
        sa.PrimaryKeyConstraint("id", name="pk_review_item"),
    )
    op.create_index("ix_review_item_outcome_day", "review_item", ["outcome", "day"])
    op.create_index("uq_review_item_entry_reason", "review_item", ["entry", "reason"], unique=True)
    op.create_index("uq_review_item_search_reason_day", "review_item", ["search", "reason", "day"], unique=True)


def downgrade() -> None:
    for table in (
        "review_item",
        "review_sample",
        "case_search",
        "case_unmasking",
        "case_link",
        "case_note",
        "case_event",
        "case_file",
    ):
        op.drop_table(table)
