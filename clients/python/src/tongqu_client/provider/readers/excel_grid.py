"""Open a workbook in a process of its own, under limits, and hand its cells over as JSON, some rows at a time.

Why apart: one stray cell in the last corner, or a string repeated a million times, makes a small file demand more
memory than the machine has, and the reader then aborts its whole process. It must not be the one that serves.
"""

from __future__ import annotations

import gc
import struct
import sys
from collections.abc import Iterator
from typing import Any

import orjson
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from tongqu_client.provider.readers.table import text_of

HEAD = struct.Struct(">II")  # rows and bytes of a block
MEMORY = 2 << 30  # bytes of address space; a sheet of 5 million cells needs half of it
CPU_SECONDS = 120
STEP, STEP_BYTES = 500, 1 << 20  # rows, or bytes of JSON, after which a block is handed over
MAX_CELLS = 5_000_000  # 250,000 rows of 20 columns; more belongs in a database


def main(path: str, wanted: str) -> Iterator[Any]:
    """First ``{"sheet", "others", "merged", "rows"}``, then each row as a list; or ``{"problem", "names"}``."""
    try:
        with CalamineWorkbook.from_path(path) as book:
            sheets = _visible(book)
            if not sheets or (wanted and wanted not in sheets):
                yield {"problem": "no_sheet", "names": list(sheets)}
                return
            chosen = wanted or max(sheets, key=lambda name: _size(sheets[name]))
            sheet = sheets[chosen]
            if _size(sheet) > MAX_CELLS:
                yield {"problem": "too_large", "names": [chosen]}
                return
            merged = [(top, left, bottom, right) for (top, left), (bottom, right) in sheet.merged_cell_ranges or []]
            others = [name for name in sheets if name != chosen]
            yield {"sheet": chosen, "others": others, "merged": merged, "rows": sheet.end[0] + 1 if sheet.end else 0}
            for row in sheet.iter_rows():  # one by one: the first is handed over before the last is made
                yield [cell.strip() or None if type(cell) is str else text_of(cell) for cell in row]
    except CalamineError as error:
        yield {"problem": type(error).__name__, "names": []}


def _visible(book: CalamineWorkbook) -> dict[str, CalamineSheet]:
    """Visible work sheets with something in them."""
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    sheets = {name: book.get_sheet_by_name(name) for name in names}
    return {name: sheet for name, sheet in sheets.items() if _size(sheet)}


def _size(sheet: CalamineSheet) -> int:
    """Cells from A1 to the last one used; 0 for an empty sheet."""
    return 0 if sheet.end is None else (sheet.end[0] + 1) * (sheet.end[1] + 1)


def _limit() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def blocks(rows: Iterator[list[str | None]]) -> Iterator[bytes]:
    """Some rows each, a row a line, as a JSON array; before it how many rows and bytes it has, each in four bytes."""
    lines: list[bytes] = []
    size = 0
    for row in rows:
        lines.append(orjson.dumps(row))
        size += len(lines[-1])
        if len(lines) >= STEP or size >= STEP_BYTES:
            yield _block(lines)
            lines, size = [], 0
    if lines:
        yield _block(lines)


def _block(lines: list[bytes]) -> bytes:
    text = b"[" + b",\n".join(lines) + b"]"
    return HEAD.pack(len(lines), len(text)) + text


if __name__ == "__main__":
    _limit()
    gc.disable()  # what is made here holds no circles
    found = main(sys.argv[1], sys.argv[2])
    sys.stdout.buffer.write(orjson.dumps(next(found)) + b"\n")
    for block in blocks(found):
        sys.stdout.buffer.write(block)
