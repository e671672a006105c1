"""The database: its tables as the code expects them, its transactions, the way there and back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from gateway import db
from tests.conftest import fresh_url


def test_the_tables_are_those_that_the_code_expects(database: db.Database) -> None:
    db.check(database)


def test_every_revision_can_be_undone(database: db.Database) -> None:
    db.downgrade(database, "base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    db.upgrade(database)
    db.check(database)


def test_the_newest_revision_is_the_one_that_alembic_would_go_to(database: db.Database) -> None:
    with database.read() as conn:
        assert MigrationContext.configure(conn).get_current_revision() == db.newest_revision()
    db.require_current(database)


@pytest.mark.parametrize("found", ["0005_exchange", "9999_of_a_later_version", "none"])
def test_tables_of_another_version_are_refused_with_what_to_run(database: db.Database, found: str) -> None:
    with database.write() as conn:
        conn.execute(text(f"UPDATE alembic_version SET version_num = '{found}'"))
        if found == "none":
            conn.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(db.Outdated, match=rf"{found}.*{db.newest_revision()}.*gateway db upgrade"):
        db.require_current(database)


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


@pytest.mark.timeout(30)
@pytest.mark.parametrize("holder", ["one of us", "another program"])
def test_who_will_not_wait_for_others_that_write_is_told_at_once(
    tmp_path: Path, sqlite_template: Path, holder: str
) -> None:
    with fresh_url("sqlite", tmp_path, sqlite_template) as url, closing(db.Database(url, patience_s=60)) as database:
        if holder == "one of us":
            held: AbstractContextManager[object] = closing_of(url)
        else:
            held = closing(sqlite3.connect(str(database.path), isolation_level=None))
        with held as other:
            if isinstance(other, sqlite3.Connection):
                other.execute("BEGIN IMMEDIATE")
            with pytest.raises(db.Occupied), database.write(at_once=True):
                pass
        with database.write(at_once=True) as conn:
            conn.execute(text("INSERT INTO log_revision (key, number) VALUES ('a', 1)"))


@contextmanager
def closing_of(url: str) -> Iterator[None]:
    """Another process of the gateway, in the middle of a transaction."""
    with closing(db.Database(url)) as other, other.write():
        yield


def test_the_journal_is_copied_into_the_file_and_begins_anew(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "FULL_PAGES", 50)
    with fresh_url("sqlite", tmp_path, sqlite_template) as url, closing(db.Database(url)) as database:
        assert database.path is not None
        journal = database.path.with_name(database.path.name + "-wal")
        sizes = []
        for number in range(300):
            with database.write() as conn:
                conn.execute(text("INSERT INTO log_revision (key, number) VALUES (:key, 1)"), {"key": f"{number:0500}"})
            if number % 50 == 49:
                database.copy_journal()
                sizes.append(journal.stat().st_size)
        assert sizes[-1] < 2 * sizes[0]  # six times as much without beginning anew
        with closing(sqlite3.connect(f"file:{database.path}?immutable=1", uri=True)) as file:  # the file by itself
            assert file.execute("SELECT count(*) FROM log_revision").fetchone() == (300,)


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
