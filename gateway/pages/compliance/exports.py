"""What a search found, as a file: streamed, so that memory does not grow. Formulas are disarmed (threat T20)."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator

import orjson
import xlsxwriter
from flask import Response

from gateway.audit import tabular
from gateway.audit.filter import Filter
from gateway.audit.search import Found
from gateway.audit.store import Rows
from gateway.audit.tabular import shown
from gateway.lib.spreadsheet import cell
from gateway.pages.compliance.desk import Desk

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST_ROWS = 1_000_000  # what a sheet holds is a little more
CHUNK = 64 * 1024


def stream(desk: Desk, wanted: Filter, form: str) -> Response:
    """All that match now, in this form. The entry that says so is durable before the first byte leaves."""
    count = desk.search.count(wanted)
    desk.looked({"q": wanted.text(), "export": form}, count)
    with desk.log.database.read() as conn:
        below = Rows(conn).head().size
    found = desk.search.every(wanted, below=below)
    body = {"csv": _csv, "json": _json, "jsonl": _jsonl, "xlsx": _xlsx}[form](found)
    headers = {"Content-Disposition": f'attachment; filename="log.{form}"', "X-Accel-Buffering": "no"}
    return Response(body, content_type=TYPES[form], headers=headers)


def _csv(found: Iterator[Found]) -> Iterator[bytes]:
    yield "\ufeff".encode()
    for row in _rows(found):
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerow([cell(value) for value in row])
        yield text.getvalue().encode()


def _jsonl(found: Iterator[Found]) -> Iterator[bytes]:
    for item in found:
        yield orjson.dumps(shown(item)) + b"\n"


def _json(found: Iterator[Found]) -> Iterator[bytes]:
    yield b'{"rows":['
    for number, item in enumerate(found):
        yield (b"," if number else b"") + orjson.dumps(shown(item))
    yield b"]}\n"


def _xlsx(found: Iterator[Found]) -> Iterator[bytes]:
    """Every cell a text: nothing in it is ever a formula, a number or a link."""
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(file, {"constant_memory": True})
        sheet = book.add_worksheet("log")
        for number, row in enumerate(_rows(found)):
            if number > MOST_ROWS:
                break
            for column, value in enumerate(row):
                sheet.write_string(number, column, "" if value is None else str(value))
        book.close()
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def _rows(found: Iterator[Found]) -> Iterator[tuple[object, ...] | list[object]]:
    yield tabular.COLUMNS
    for item in found:
        yield tabular.row(item)
