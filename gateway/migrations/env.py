"""Alembic runs this for ``gateway.db.upgrade`` and ``check``, which hand it the database."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from alembic import context
from sqlalchemy import Connection

import gateway
from gateway import db

# Tables hang on the one MetaData once the file that defines them is imported; most are a concept's store.
for _file in sorted(Path(gateway.__file__).parent.glob("*/*.py")):
    if re.search(r"^from gateway\.db import .*\bmetadata\b", _file.read_text(encoding="utf-8"), re.M):
        import_module(f"gateway.{_file.parent.name}.{_file.stem}")


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,  # SQLite alters a table by making it anew
        compare_type=True,
        transactional_ddl=True,  # SQLite too: we say BEGIN ourselves, see gateway.db
    )
    with context.begin_transaction():
        context.run_migrations()


_database: db.Database = context.config.attributes["database"]
with _database.engine.connect() as _connection:
    if _database.dialect == "sqlite":
        _connection.exec_driver_sql("BEGIN IMMEDIATE")
    _migrate(_connection)
    _connection.commit()
