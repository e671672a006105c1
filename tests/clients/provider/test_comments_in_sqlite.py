"""The comments that people write into CREATE TABLE say what a column of a SQLite file is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tongqu_client.provider.readers.sqlitecomments import comments_in
from tongqu_client.provider.readers.sqltable import SqlTable

WRITTEN = """CREATE TABLE t ( -- a table of people
  "A01" TEXT PRIMARY KEY, -- 身份证号
  [A 02] VARCHAR(30) NOT NULL /* 姓名 */,
  -- 出生日期
  a03 DECIMAL(10, 2) DEFAULT '--,(', -- 金额
  a04 TEXT CHECK (a04 IN ('x', 'y')), a05 TEXT, -- 学历
  a06 TEXT
)"""


def test_the_comment_behind_a_column_or_above_it_is_the_columns() -> None:
    found = comments_in(WRITTEN)
    assert found == {"A01": "身份证号", "A 02": "姓名", "a03": "出生日期", "a05": "学历"}


@pytest.mark.parametrize(
    "statement", ["", "CREATE TABLE t (a TEXT)", "CREATE TABLE t (a TEXT -- ", "CREATE VIEW v AS SELECT 1"]
)
def test_no_comment_no_word(statement: str) -> None:
    assert comments_in(statement) == {}


def test_a_table_tells_its_comments(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as base:
        base.execute(WRITTEN)
    with closing(SqlTable(f"sqlite:///{tmp_path / 'a.sqlite'}", "t")) as table:
        assert table.comments["A01"] == "身份证号"
