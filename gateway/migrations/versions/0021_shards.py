"""The log of each year.

Revision ID: 0021_shards
Revises: 0020_orders
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from gateway.audit.shard import first_until

revision = "0021_shards"
down_revision = "0020_orders"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "log_shard",
        sa.Column("first", _BIG, primary_key=True, autoincrement=False),
        sa.Column("origin", sa.Text, nullable=False, unique=True),
        sa.Column("until", sa.Text, nullable=False),
        sa.Column("ended", _BIG),
        sa.Column("root", sa.LargeBinary),
    )
    op.add_column("log_head", sa.Column("first", _BIG, nullable=False, server_default="0"))
    op.add_column("log_head", sa.Column("until", sa.Text, nullable=False, server_default=""))
    conn = op.get_bind()
    origin = conn.execute(sa.text("SELECT origin FROM log_head WHERE size > 0")).scalar()
    if origin is None:
        return
    opened = conn.execute(sa.text("SELECT entry FROM log_entry WHERE number = 0")).scalar_one()
    until = first_until(origin, json.loads(bytes(opened))["t"])
    conn.execute(
        sa.text("INSERT INTO log_shard (first, origin, until) VALUES (0, :origin, :until)"),
        {"origin": origin, "until": until},
    )
    conn.execute(sa.text("UPDATE log_head SET until = :until"), {"until": until})


def downgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM log_shard")).scalar_one() > 1:
        raise RuntimeError("the log has a second year, which the earlier release cannot read")
    op.drop_column("log_head", "until")
    op.drop_column("log_head", "first")
    op.drop_table("log_shard")
