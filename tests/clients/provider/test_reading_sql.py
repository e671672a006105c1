"""A department's table is read and never written: named columns, bound parameters, a cap and a time-out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from tongqu_client.provider.errors import ConfigInvalid, SourceUnavailable, Unreadable
from tongqu_client.provider.readers.sqltable import ROW_CAP, SqlTable


@pytest.fixture
def table(tmp_path: Path) -> SqlTable:
    path = tmp_path / "office.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, hm TEXT, xm TEXT, je NUMERIC, geheim TEXT)")
        connection.execute("CREATE VIEW v AS SELECT hm, xm FROM t")
        rows = [(3, "c", "丙", 1.5, "x"), (1, "a", "甲", 10, "x"), (2, "b", "乙\0", None, "x")]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    return SqlTable(f"sqlite:///{path}", "t", ("hm", "xm", "je"))


def test_rows_come_as_texts_in_the_order_of_the_primary_key_with_named_columns_only(table: SqlTable) -> None:
    rows = list(table.scan())
    assert [row.number for row in rows] == [1, 2, 3]
    assert dict(rows[0].cells) == {"hm": "a", "xm": "甲", "je": "10"}
    assert dict(rows[2].cells) == {"hm": "c", "xm": "丙", "je": "1.5"}


def test_an_identifier_kept_as_a_number_keeps_all_its_digits(tmp_path: Path) -> None:
    path = tmp_path / "numbers.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (hm NUMERIC(18, 0), gh NUMERIC, dz REAL)")
        connection.execute("INSERT INTO t VALUES (440399199005301226, 440399199005301226, 440399199005301226.0)")
    connection.close()
    with closing(SqlTable(f"sqlite:///{path}", "t")) as numbers:
        (row,) = numbers.find("hm", ["440399199005301226"], normalised=False)
    assert (row.cells["hm"], row.cells["gh"]) == ("440399199005301226",) * 2
    assert row.flaws["dz"].rule == "digits_lost"


def test_a_cell_that_cannot_be_used_is_a_flaw_of_its_row(table: SqlTable) -> None:
    row = list(table.scan())[1]
    assert row.cells["xm"] is None
    assert row.flaws["xm"].rule == "control_character"


@pytest.mark.parametrize("identifier", ["a' OR '1'='1", "%", "a; DELETE FROM t", '"a"'])
def test_an_identifier_is_a_parameter_and_never_part_of_the_statement(table: SqlTable, identifier: str) -> None:
    assert table.find("hm", [identifier], normalised=False) == []
    assert len(list(table.scan())) == 3


def test_nothing_can_be_written_through_the_connection(table: SqlTable) -> None:
    with table.engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM t")


def test_a_statement_that_runs_too_long_is_stopped(table: SqlTable) -> None:
    slow = SqlTable(table.url, "t", ("hm",), seconds=0.2)
    long = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100000000) SELECT count(*) FROM n"
    with slow.engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="interrupted"):
        connection.exec_driver_sql(long)


def test_no_more_rows_than_the_contract_allows_are_answered(tmp_path: Path) -> None:
    path = tmp_path / "many.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (hm TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("a",)] * (ROW_CAP + 50))
    connection.close()
    assert len(SqlTable(f"sqlite:///{path}", "t").find("hm", ["a"], normalised=False)) == ROW_CAP


def test_normalised_comparison_finds_what_is_written_with_blanks_and_small_letters(tmp_path: Path) -> None:
    path = tmp_path / "blanks.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (hm TEXT)")
        connection.execute("INSERT INTO t VALUES (' 9901 0119x ')")
    connection.close()
    table = SqlTable(f"sqlite:///{path}", "t")
    assert table.find("hm", ["99010119X"], normalised=False) == []
    assert len(table.find("hm", ["99010119X"], normalised=True)) == 1


def test_a_view_can_be_served(table: SqlTable) -> None:
    assert SqlTable(table.url, "v").names == ("hm", "xm")


def test_a_missing_table_is_told_with_those_there_are(table: SqlTable) -> None:
    with pytest.raises(Unreadable, match="t、v"):
        list(SqlTable(table.url, "absent").scan())


def test_a_missing_column_is_told(table: SqlTable) -> None:
    with pytest.raises(Unreadable, match="absent"):
        list(SqlTable(table.url, "t", ("absent",)).scan())


def test_a_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        SqlTable(f"sqlite:///{tmp_path}/absent.sqlite", "t").check()
    assert list(tmp_path.iterdir()) == []


def test_a_password_comes_from_the_environment_and_enters_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://ro:${TONGQU_TEST_SECRET}@127.0.0.1:1/hr"
    with pytest.raises(ConfigInvalid, match="TONGQU_TEST_SECRET"):
        SqlTable(url, "t").check()
    monkeypatch.setenv("TONGQU_TEST_SECRET", "s3cret-word")
    with pytest.raises(SourceUnavailable) as caught:
        SqlTable(url, "t").check()
    assert "s3cret-word" not in str(caught.value)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_is_read_only_and_stops_slow_statements(database_url: str) -> None:
    owner = sa.create_engine(database_url)
    with owner.begin() as connection:
        for statement in (
            "CREATE TABLE people (hm varchar(18) PRIMARY KEY, je numeric(10, 2), tp date)",
            "COMMENT ON COLUMN people.hm IS '身份证号'",
            "INSERT INTO people VALUES ('a', 1365.00, '2026-11-01')",
            "CREATE FUNCTION sneaks() RETURNS text LANGUAGE sql AS $$ DELETE FROM people RETURNING hm $$",
            "CREATE VIEW sneaky AS SELECT sneaks() AS hm",
            "CREATE VIEW slow AS SELECT pg_sleep(20)::text AS hm",
        ):
            connection.exec_driver_sql(statement)
    owner.dispose()
    table = SqlTable(database_url, "people", seconds=0.3)
    assert table.comments == {"hm": "身份证号"}
    (row,) = table.find("hm", ["a"], normalised=False)
    assert dict(row.cells) == {"hm": "a", "je": "1365", "tp": "2026-11-01"}
    for view, why in (("sneaky", "ReadOnlySqlTransaction"), ("slow", "QueryCanceled")):
        with closing(SqlTable(database_url, view, seconds=0.3)) as bad, pytest.raises(SourceUnavailable, match=why):
            bad.check()
    assert len(table.find("hm", ["a"], normalised=False)) == 1
    table.close()
