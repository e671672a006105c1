"""What is due is found by an index, however much there is that is not.

Revision ID: 0008_due
Revises: 0007_checkpoint
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0008_due"
down_revision = "0007_checkpoint"
branch_labels = None
depends_on = None

LIVE = ("proposed", "active", "suspended")


def upgrade() -> None:
    op.add_column("agreement", sa.Column("due_at", sa.Text))
    _fill(op.get_bind())
    op.create_index("ix_agreement_due_at", "agreement", ["due_at"])
    op.create_index("ix_consent_valid_until", "consent", ["valid_until"])
    unanswered = sa.text("answer IS NULL")
    op.create_index(
        "ix_idempotency_unanswered",
        "idempotency",
        ["query"],
        sqlite_where=unanswered,
        postgresql_where=unanswered,
    )


def _fill(connection: sa.Connection) -> None:
    table = sa.table("agreement", *map(sa.column, ("id", "version", "state", "document", "resumed_at", "due_at")))
    for row in connection.execute(sa.select(table).where(table.c.state.in_(LIVE))).all():
        validity = json.loads(row.document)["validity"]
        due, review = _instant(validity["until"]), validity["review_by"] and _instant(validity["review_by"])
        if review and row.state == "active" and (row.resumed_at is None or row.resumed_at < review):
            due = min(due, review)
        this = (table.c.id == row.id) & (table.c.version == row.version)
        connection.execute(sa.update(table).where(this).values(due_at=due))


def _instant(text: str) -> str:
    """As the gateway writes instants, so that they compare as texts."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def downgrade() -> None:
    op.drop_index("ix_idempotency_unanswered", "idempotency")
    op.drop_index("ix_consent_valid_until", "consent")
    op.drop_index("ix_agreement_due_at", "agreement")
    op.drop_column("agreement", "due_at")
