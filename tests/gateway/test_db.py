"""The database: its tables as the code expects them, its transactions, the way there and back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from gateway import db


def test_the_tables_are_those_that_the_code_expects(database: db.Database) -> None:
    db.check(database)


def test_every_revision_can_be_undone(database: db.Database) -> None:
    db.downgrade(database, "base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    db.upgrade(database)
    db.check(database)


def test_upgrading_again_changes_nothing(database: db.Database) -> None:
    db.upgrade(database)
    db.check(database)


def test_what_raises_is_undone(database: db.Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as conn:
        conn.execute(text("INSERT INTO log_revision (key, number) VALUES ('a', 1)"))
        raise ZeroDivisionError
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM log_revision")).scalar() == 0


def test_what_is_written_is_there_after_reopening(database: db.Database) -> None:
    with database.write() as conn:
        conn.execute(text("INSERT INTO log_revision (key, number) VALUES ('a', 1)"))
    database.close()
    with database.read() as conn:
        assert conn.execute(text("SELECT number FROM log_revision")).scalar() == 1


def test_what_only_the_bare_driver_wrote_is_kept_too(database: db.Database) -> None:
    with database.write() as conn:
        conn.connection.cursor().execute("INSERT INTO log_revision (key, number) VALUES ('a', 1)")
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM log_revision")).scalar() == 1


def test_a_reader_sees_one_moment(database: db.Database) -> None:
    count = text("SELECT count(*) FROM log_revision")
    with database.read() as reader:
        before = reader.execute(count).scalar()
        with database.write() as writer:
            writer.execute(text("INSERT INTO log_revision (key, number) VALUES ('a', 1)"))
        assert reader.execute(count).scalar() == before == 0


def test_nothing_is_written_through_a_reader(database: db.Database) -> None:
    with database.read() as conn:
        conn.execute(text("INSERT INTO log_revision (key, number) VALUES ('a', 1)"))
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM log_revision")).scalar() == 0


def test_writers_in_many_threads_lose_nothing(database: db.Database) -> None:
    with database.write() as conn:
        conn.execute(text("INSERT INTO log_revision (key, number) VALUES ('a', 0)"))

    def count_up() -> None:
        for _ in range(20):
            with database.write() as conn:
                conn.execute(text("UPDATE log_revision SET number = number + 1"))

    threads = [threading.Thread(target=count_up) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as conn:
        assert conn.execute(text("SELECT number FROM log_revision")).scalar() == 100


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_syncs_every_commit(database: db.Database) -> None:
    with database.read() as conn:
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert conn.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="database_url"):
        db.Database(f"mysql:///{tmp_path}/x")
