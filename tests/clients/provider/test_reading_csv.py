"""A department's CSV becomes rows that know their line, and nothing is dropped without a note."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tongqu_client.provider.errors import SourceUnavailable, Unreadable
from tongqu_client.provider.readers.csvfile import detect_encoding, read_csv
from tongqu_client.provider.readers.table import MAX_CELL, Table

from tests.examples import examples

SAMPLES = Path(__file__).parents[2] / "samples"


def read(tmp_path: Path, data: bytes, **declared: object) -> Table:
    path = tmp_path / "extract.csv"
    path.write_bytes(data)
    return read_csv(path, declared)


def rules(table: Table, kind: str) -> list[tuple[str, int | None, str | None]]:
    return [(note.rule, note.row, note.column) for note in table.notes if note.kind == kind]


def test_the_police_extract_is_recognised_as_gb18030_with_its_rare_characters() -> None:
    table = read_csv(SAMPLES / "gongan_changzhu.gb18030.csv", {})
    assert table.declared == {"encoding": "gb18030", "separator": ",", "header_row": 1, "header_rows": 1}
    assert len(table.rows) == 302
    assert table.columns[:5] == ("GMSFHM", "XM", "XB", "MZ", "CSRQ")
    assert (table.rows[0].number, table.rows[-1].number) == (2, 303)
    assert {"测试㛃", "司马䶮"} <= {row.cells["XM"] for row in table.rows}
    assert "四字节" in table.notes[0].zh


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"\xef\xbb\xbf" + "姓名".encode(), "utf-8-sig"),
        ("姓名".encode(), "utf-8"),
        ("姓名".encode("gbk"), "gb18030"),
        ("㛃".encode("gb18030"), "gb18030"),
        ("姓名".encode("utf-16"), "utf-16"),
        (b"GMSFHM,XM", "utf-8"),
    ],
)
def test_the_encoding_is_told_by_its_signs(data: bytes, encoding: str) -> None:
    assert detect_encoding(data)[0] == encoding


def test_bytes_in_no_known_encoding_are_refused_with_a_way_out() -> None:
    with pytest.raises(Unreadable, match="--encoding"):
        detect_encoding(b"XM\n\xff\xff\xff")


def test_with_a_declared_encoding_a_bad_cell_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    data = "号码,姓名\n1,甲\n2,".encode("gb18030") + b"\xff\xff\n" + "3,丙\n".encode("gb18030")
    table = read(tmp_path, data, encoding="gb18030")
    assert rules(table, "bad") == [("wrong_encoding", 3, "姓名")]
    assert [(row.number, row.cells["姓名"]) for row in table.rows] == [(2, "甲"), (3, None), (4, "丙")]
    assert set(table.rows[1].flaws) == {"姓名"}


def test_a_row_with_a_stray_separator_is_bad_as_a_whole(tmp_path: Path) -> None:
    table = read(tmp_path, "号码,姓名,住址\n1,甲,乙里\n2,丙,丁里,3栋\n3,戊\n".encode())
    assert rules(table, "bad") == [("ragged", 3, None), ("ragged", 4, None)]
    assert set(table.rows[1].flaws) == {"号码", "姓名", "住址"}


def test_rows_after_a_cell_with_line_breaks_keep_their_line_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, '号码,住址\n1,"甲里\n2号\n3栋"\n2,乙里\n'.encode())
    assert [row.number for row in table.rows] == [2, 5]


def test_a_cell_of_ten_megabytes_spoils_its_own_row_only(tmp_path: Path) -> None:
    data = b"HM,XM\n1,a\n2," + b"x" * (10 << 20) + b"\n3,c\n"
    table = read(tmp_path, data)
    assert rules(table, "bad") == [("unreadable_row", 3, None)]
    assert [row.cells["XM"] for row in table.rows] == ["a", "c"]
    assert MAX_CELL < 10 << 20


def test_nul_bytes_are_named_by_row_and_column(tmp_path: Path) -> None:
    table = read(tmp_path, b"HM,XM\n1,a\0b\n2,c\n")
    assert rules(table, "bad") == [("control_character", 2, "XM")]


def test_formulas_are_text_like_any_other(tmp_path: Path) -> None:
    table = read(tmp_path, b'HM,XM\n1,"=HYPERLINK(""http://x"")"\n')
    assert table.rows[0].cells["XM"] == '=HYPERLINK("http://x")'


def test_a_character_of_the_private_use_area_is_pointed_out(tmp_path: Path) -> None:
    table = read(tmp_path, "号码,姓名\n1,王\ue863\n".encode())
    assert rules(table, "info")[-1] == ("private_use", 2, "姓名")


def test_totals_signatures_and_blank_rows_are_skipped_and_said_to_be(tmp_path: Path) -> None:
    text = "某区台账\n号码,姓名,金额\n1,甲,10\n,,\n小计,,10\n2,乙,20\n合 计：,,30\n制表人：丙,审核人：丁,\n"
    table = read(tmp_path, text.encode())
    assert rules(table, "skipped") == [
        ("title", 1, None), ("blank", 4, None), ("total", 5, None), ("total", 7, None), ("signature", 8, None),
    ]  # fmt: skip
    assert [row.number for row in table.rows] == [3, 6]


def test_a_row_with_an_identifier_is_a_record_even_if_it_begins_like_a_total(tmp_path: Path) -> None:
    table = read(tmp_path, "姓名,身份证号\n合计,440399199005301226\n".encode())
    assert len(table.rows) == 1


def test_columns_without_or_with_the_same_heading_stay_apart(tmp_path: Path) -> None:
    table = read(tmp_path, "号码,姓名,,姓名\n1,甲,x,乙\n".encode())
    assert table.columns == ("号码", "姓名", "列3", "姓名#2")


def test_declared_headings_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="第 9 行"):
        read(tmp_path, "号码,姓名\n1,甲\n".encode(), header_row=9)


def test_a_file_that_is_not_there_can_be_tried_again_later(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        read_csv(tmp_path / "absent.csv", {})


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_words(tmp_path: Path, data: bytes) -> None:
    try:
        table = read(tmp_path, data)
    except Unreadable as error:
        assert error.zh and error.en
        return
    assert len({row.number for row in table.rows}) == len(table.rows)


_CELL = st.text(st.characters(codec="gb18030", exclude_categories=["Cc", "Cs", "Co"]), max_size=12)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.integers(10**16, 10**17), _CELL), min_size=1, max_size=8))
def test_what_was_written_in_gb18030_is_read_back(tmp_path: Path, rows: list[tuple[int, str]]) -> None:
    quoted = "".join(f'{number},"{cell.replace(chr(34), chr(34) * 2)}"\r\n' for number, cell in rows)
    table = read(tmp_path, ("号码,内容\r\n" + quoted).encode("gb18030"), encoding="gb18030")
    ditto = {"同上", "〃", "″", '"', "''", "〞"}
    for row, (number, cell) in zip(table.rows, rows, strict=True):
        assert row.cells["号码"] == str(number)
        if cell.strip() not in ditto:
            assert row.cells["内容"] == (cell.strip() or None)
