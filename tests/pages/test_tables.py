"""A table that people open in a spreadsheet calculates nothing."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pages.public import tables

CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "  =", "＝", "＋", "－", "＠"])
def test_what_a_spreadsheet_would_calculate_is_text(start: str) -> None:
    attack = start + "cmd|' /C calc'!A1"
    row = next(csv.reader(io.StringIO(tables.to_csv([[attack]]).decode("utf-8-sig"), newline="")))
    assert row == ["'" + attack]
    with zipfile.ZipFile(io.BytesIO(tables.to_xlsx([["head"], [attack]], "sheet"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet and b't="s"' in sheet


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_any_text_makes_a_workbook_of_texts(rows: list[list[str]]) -> None:
    with zipfile.ZipFile(io.BytesIO(tables.to_xlsx(rows, "sheet"))) as book:
        assert book.testzip() is None
        sheet = book.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet and b"hyperlink" not in sheet


def test_the_same_table_gives_the_same_bytes() -> None:
    table = [["a", "b"], ["01", "1"]]
    assert tables.to_xlsx(table, "sheet") == tables.to_xlsx(table, "sheet")
