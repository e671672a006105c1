"""A workbook (ECMA-376) of one sheet with any number of rows, written line by line: for tables too large to be built.

The frame is xlsxwriter's, made with the head alone; the rows are put into its sheet as it would write them itself, at a
quarter of the cost. A cell is a number or an inline text, never a formula, a link or a date.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO

_SHEET = "xl/worksheets/sheet1.xml"
_END = b"</sheetData>"
_TOGETHER = 200  # rows
_SPECIAL = re.compile("[&<>\0-\x1f\ufffe\uffff]|^ | $|_x")  # few cells have any
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_NOT_XML = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9a-fA-F]{4}_)")


def write(out: IO[bytes], name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """``rows`` below ``head``, whose line stays in sight; None and empty texts are empty cells."""
    from xlsxwriter.utility import xl_col_to_name  # here: 2 MB that few gateways need before somebody takes rows away

    with (
        zipfile.ZipFile(_frame(name, head)) as frame,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book,
    ):
        for info in frame.infolist():
            if info.filename != _SHEET:
                book.writestr(info, frame.read(info), zipfile.ZIP_DEFLATED)
        before, end, after = frame.read(_SHEET).partition(_END)
        before = re.sub(rb"<dimension [^>]*/>", b"", before)  # it would be that of the head
        with book.open(_SHEET, "w", force_zip64=True) as sheet:
            sheet.write(before)
            lines: list[str] = []
            letters = [xl_col_to_name(column) for column in range(len(head))]
            for number, row in enumerate(rows, 2):
                lines.append(_line(number, letters, row))
                if len(lines) == _TOGETHER:
                    sheet.write("".join(lines).encode())
                    lines.clear()
            sheet.write("".join(lines).encode() + end + after)


def _frame(name: str, head: Sequence[str]) -> IO[bytes]:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for column, text in enumerate(head):
            sheet.write_string(0, column, text)
    return out


def _line(number: int, letters: Sequence[str], row: Sequence[object]) -> str:
    cells = [f'<row r="{number}">']
    for letter, value in zip(letters, row, strict=True):
        if type(value) is int:
            cells.append(f'<c r="{letter}{number}"><v>{value}</v></c>')
        elif value is not None and value != "":
            cells.append(f'<c r="{letter}{number}" t="inlineStr"><is>{_text(str(value))}</is></c>')
    cells.append("</row>")
    return "".join(cells)


def _text(text: str) -> str:
    if not _SPECIAL.search(text):
        return f"<t>{text}</t>"
    text = _NOT_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text.translate(_ESCAPED))  # ISO 29500, ST_Xstring
    return f'<t xml:space="preserve">{text}</t>'
