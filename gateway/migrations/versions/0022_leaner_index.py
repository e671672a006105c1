"""The index of the log finds outcomes by their queries: only the first rows of queries are looked up by what they name.

Revision ID: 0022_leaner_index
Revises: 0021_shards
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_leaner_index"
down_revision = "0021_shards"
branch_labels = None
depends_on = None

COLUMNS = ("query", "subject", "case_ref", "consent", "officer")
PAPERS = (("service", "type = 'service.registered'"), ("agreement", "type = 'agreement.signed'"))
GIVEN = "type = 'consent.given'"


def upgrade() -> None:
    for column in COLUMNS:
        _anew(column, f"{column} IS NOT NULL AND of_number IS NULL")
    for column, where in PAPERS:
        _anew(column, where)
    _anew("consent", GIVEN, "given")


def downgrade() -> None:
    for column in COLUMNS:
        _anew(column, f"{column} IS NOT NULL", more=("of_number",))
    for column, where in PAPERS:
        _anew(column, where, more=("of_number",))
    _anew("consent", GIVEN, "given", more=("of_number",))


def _anew(column: str, where: str, name: str | None = None, more: tuple[str, ...] = ()) -> None:
    name = f"ix_log_index_{name or column}"
    op.drop_index(name, "log_index")
    op.create_index(
        name, "log_index", [column, "number", *more], sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
