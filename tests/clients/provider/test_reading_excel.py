"""A street's ledger in Excel: merged headings, ditto marks, dates and numbers, totals and signatures."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from tongqu_client.provider.errors import SourceUnavailable, Unreadable
from tongqu_client.provider.readers.excel import read_excel
from tongqu_client.provider.readers.table import text_of

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def book(tmp_path: Path) -> Any:
    return xlsxwriter.Workbook(tmp_path / "ledger.xlsx")


def finish(workbook: Any) -> Path:
    workbook.close()
    return Path(workbook.filename)


def test_the_civil_affairs_ledger_is_flattened_and_its_frame_is_reported() -> None:
    table = read_excel(SAMPLES / "minzheng_dibao.xlsx", {})
    assert table.columns == (
        "序号", "户主信息/姓名", "户主信息/身份证号", "户主信息/性别", "家庭住址", "保障情况/类别", "保障情况/保障人数",
        "保障情况/月保障金(元)", "保障情况/起始年月", "银行卡号", "经办人", "备注",
    )  # fmt: skip
    assert [row.number for row in table.rows] == list(range(4, 94))
    skipped = [(note.rule, note.row) for note in table.notes if note.kind == "skipped"]
    assert skipped == [("title", 1), ("total", 94), ("signature", 95)]
    assert table.declared == {"sheet": "低保台账", "header_row": 2, "header_rows": 2}


def test_ditto_takes_the_cell_above_and_without_one_it_is_a_flaw() -> None:
    table = read_excel(SAMPLES / "minzheng_dibao.xlsx", {})
    dittos = {note.row: note.rule for note in table.notes if note.rule.startswith("ditto")}
    assert dittos.pop(4) == "ditto_without_source"
    assert set(dittos) == {13, 22, 31, 40, 49, 58, 67, 76, 85}
    by_number = {row.number: row for row in table.rows}
    assert by_number[13].cells["家庭住址"] == by_number[12].cells["家庭住址"]
    assert set(by_number[4].flaws) == {"家庭住址"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None), ("", None), ("  ", None), (" 甲 ", "甲"), (202304.0, "202304"), (2048.5, "2048.5"),
        (45296.0, "45296"),
        (True, "true"), (date(2025, 9, 28), "2025-09-28"), (datetime(2025, 9, 28), "2025-09-28"),
        (datetime(2025, 9, 28, 8, 30), "2025-09-28 08:30:00"), (b"\x00", None),
    ],
)  # fmt: skip
def test_cells_become_texts(value: object, text: str | None) -> None:
    assert text_of(value) == text


def test_an_identifier_that_excel_made_a_number_of_stays_visibly_broken() -> None:
    assert text_of(4.40399199005301e17) == "4.40399E+17"


def test_three_rows_of_headings_and_a_sheet_by_name(book: Any) -> None:
    book.add_worksheet("说明").write("A1", "填表说明")
    sheet = book.add_worksheet("名册")
    sheet.merge_range("A1:E1", "某街道名册")
    sheet.merge_range("A2:A4", "号码")
    sheet.merge_range("B2:E2", "家庭")
    sheet.merge_range("B3:C3", "户主")
    sheet.merge_range("D3:E3", "配偶")
    for column, text in zip("BCDE", ("姓名", "性别", "姓名", "性别"), strict=True):
        sheet.write(f"{column}4", text)
    for column, text in zip("ABCDE", ("1", "甲", "男", "乙", "女"), strict=True):
        sheet.write(f"{column}5", text)
    path = finish(book)
    table = read_excel(path, {"sheet": "名册"})
    assert table.columns == ("号码", "家庭/户主/姓名", "家庭/户主/性别", "家庭/配偶/姓名", "家庭/配偶/性别")
    assert read_excel(path, {}).declared["sheet"] == "名册"
    with pytest.raises(Unreadable, match="说明"):
        read_excel(path, {"sheet": "没有"})


def test_cells_merged_downwards_count_for_each_row(book: Any) -> None:
    sheet = book.add_worksheet()
    sheet.write_row("A1", ("姓名", "住址"))
    sheet.write_column("A2", ("甲", "乙", "丙"))
    sheet.merge_range("B2:B3", "一里 1 号")
    sheet.write("B4", "二里 2 号")
    table = read_excel(finish(book), {})
    assert [row.cells["住址"] for row in table.rows] == ["一里 1 号", "一里 1 号", "二里 2 号"]


def test_a_formula_gives_its_last_value_and_is_not_run(book: Any) -> None:
    sheet = book.add_worksheet()
    sheet.write_row("A1", ("姓名", "金额"))
    sheet.write("A2", "甲")
    sheet.write_formula("B2", "=1+1", None, 2)
    sheet.write("A3", "乙")
    sheet.write_formula("B3", '=WEBSERVICE("http://x")', None, "")
    assert [row.cells["金额"] for row in read_excel(finish(book), {}).rows] == ["2", None]


def test_hidden_sheets_are_not_read(book: Any) -> None:
    book.add_worksheet("公开").write_row("A1", ("姓名", "性别"))
    hidden = book.add_worksheet("隐藏")
    hidden.write_row("A1", ("姓名", "性别", "备注"))
    hidden.hide()
    path = finish(book)
    assert read_excel(path, {}).declared["sheet"] == "公开"


@pytest.mark.parametrize("data", [b"", b"not excel", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0broken"])
def test_what_is_no_workbook_is_refused_in_words(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        read_excel(path, {})


def test_a_file_that_is_not_there_can_be_tried_again_later(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        read_excel(tmp_path / "absent.xlsx", {})


@pytest.mark.parametrize("parts", [257, pytest.param(1, marks=pytest.mark.torture)])
def test_a_zip_bomb_is_not_opened(tmp_path: Path, parts: int) -> None:
    """A little more than a gibibyte of nothing: in one part, or in many, which are all the same bytes of the file."""
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            for _ in range(257 // parts):
                member.write(b"\0" * (1 << 22))
        archive.filelist *= parts
    assert path.stat().st_size < 8 << 20
    with pytest.raises(Unreadable, match="GiB"):
        read_excel(path, {})


def test_a_sheet_stretched_by_one_stray_cell_is_refused(book: Any) -> None:
    sheet = book.add_worksheet()
    sheet.write_row("A1", ("姓名", "性别"))
    sheet.write(1_048_575, 16_383, "x")
    with pytest.raises(Unreadable):
        read_excel(finish(book), {})
