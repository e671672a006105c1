"""A source read in pieces by several processes gives the very rows that it gives when it is read as a whole."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from pathlib import Path

import pytest
import xlsxwriter
from tongqu_client.provider import sources
from tongqu_client.provider.config import Config, Source
from tongqu_client.provider.pieces import STEP
from tongqu_client.provider.readers.table import Note, Row
from tongqu_client.provider.stream import stream

from tests.clients.provider.kit import ALL, Sample

HEADINGS = ["编号", "住址", "金额"]


def in_pieces(config: Config) -> tuple[list[Row], list[Note]]:
    """All rows and notes of the pieces, each read by itself, the last first: none may need what another left behind."""
    with ExitStack() as stack:
        source = stream(config, stack)
        pieces = list(source.pieces)
        found = [list(source.ledger.found(piece)) for piece in reversed(pieces)]
        every = [one for piece in reversed(found) for one in piece]
        return [one for one in every if isinstance(one, Row)], [
            *source.notes,
            *(one for one in every if isinstance(one, Note)),
        ]


def rows_of(count: int) -> list[list[str]]:
    """Ditto marks in every place that matters: at the border of pieces, after totals, blanks, and further dittos."""
    rows = [[f"A{index}", f"示例路{index}号", f"{index}.5"] for index in range(count)]
    for index in (0, 1, STEP, STEP + 1, 2 * STEP + 3):
        rows[index][1] = "同上"
    for index in range(2 * STEP - 40, 2 * STEP + 2):
        rows[index][1] = "同上"
    rows[STEP - 1] = ["小计", "", "99"]
    rows[STEP - 2] = ["", "", ""]
    rows[STEP - 3] = HEADINGS
    rows[7][2] = "4.40399E+17"
    return rows


def the_same(config: Config) -> None:
    table = sources.read_table(config)
    rows, notes = in_pieces(config)
    assert rows == list(table.rows)
    skipped = [(note.rule, note.row) for note in table.notes if note.kind == "skipped"]
    assert sorted((note.rule, note.row) for note in notes if note.kind == "skipped") == sorted(skipped)


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
def test_the_samples(sample: Sample, tmp_path: Path) -> None:
    the_same(sample.config(tmp_path))


def test_a_csv_file_with_dittos_at_every_border_a_spoilt_byte_and_a_row_too_wide(tmp_path: Path) -> None:
    rows = rows_of(2 * STEP + 20)
    rows[STEP + 5].append("多一格")
    with (tmp_path / "a.csv").open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows([HEADINGS, *rows])
    data = (tmp_path / "a.csv").read_bytes().replace("示例路11号".encode("gb18030"), b"\xff\xff")
    (tmp_path / "a.csv").write_bytes(data)
    the_same(Config(tmp_path, "x/1.0.0", Source("csv", path="a.csv", encoding="gb18030")))


def test_a_workbook_with_cells_merged_over_a_border(tmp_path: Path) -> None:
    rows = rows_of(2 * STEP + 20)
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        for index, row in enumerate([HEADINGS, *rows]):
            sheet.write_row(index, 0, row)
        sheet.merge_range(STEP - 20, 1, STEP - 10, 1, "合并的住址")
        sheet.merge_range(2 * STEP - 3, 2, 2 * STEP + 4, 2, "12.50")
    the_same(Config(tmp_path, "x/1.0.0", Source("excel", path="a.xlsx")))


def test_an_empty_piece_and_a_file_of_headings_only(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("编号,住址,金额\n", "utf-8")
    assert in_pieces(Config(tmp_path, "x/1.0.0", Source("csv", path="a.csv")))[0] == []
