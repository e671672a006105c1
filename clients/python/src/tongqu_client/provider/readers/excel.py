"""Excel ledgers: merged headings, dates that are dates, numbers that are numbers, and the sheet that was meant."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from tongqu_client.provider.errors import SourceUnavailable, Unreadable
from tongqu_client.provider.readers.csvfile import layout_of
from tongqu_client.provider.readers.headings import Layout, Merged, find_layout, flatten, read_rows
from tongqu_client.provider.readers.table import Note, Table

MAX_UNPACKED = 1 << 30  # bytes; an .xlsx is a zip file, and a small one can unpack to terabytes
HEAD = struct.Struct(">II")  # rows and bytes of a block, as excel_grid writes it
SECONDS = 180  # for opening a workbook, which happens beside the serving of requests

Block = tuple[int, bytes]  # how many rows, and they as a JSON array, a row a line


def read_excel(path: Path, declared: Mapping[str, Any]) -> Table:
    """Read one sheet of an .xlsx, .xls or .ods file.

    ``declared`` may hold ``sheet``, ``header_row`` and ``header_rows``. Without ``sheet`` the visible sheet with most
    cells is taken. Formulas give the value Excel last computed; they are not run. Raises Unreadable, SourceUnavailable.
    """
    with opened(path, str(declared.get("sheet", ""))) as (head, blocks):
        grid: list[list[str | None]] = [row for _, block in blocks for row in orjson.loads(block)]
    while grid and not any(grid[-1]):
        grid.pop()
    merged = merged_of(head)
    layout = layout_of(declared, range(1, len(grid) + 1)) or find_layout(grid, merged)
    table = read_rows(grid, layout, flatten(grid, layout, merged), merged, ragged=False)
    notes = (*sheet_notes(head), *table.notes)
    return Table(table.columns, table.rows, notes, taken(head, layout), table.titles)


def merged_of(head: Mapping[str, Any]) -> list[Merged]:
    return [(top, left, bottom, right) for top, left, bottom, right in head["merged"]]


def sheet_notes(head: Mapping[str, Any]) -> list[Note]:
    """Which sheet was read, and which were not."""
    chosen = head["sheet"]
    notes = [Note("info", "sheet", None, None, f"工作表：{chosen}", f"sheet: {chosen}")]
    return notes + [
        Note("skipped", "other_sheet", None, None, f"未读工作表：{name}", f"sheet not read: {name}")
        for name in head["others"]
    ]


def taken(head: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    return {"sheet": head["sheet"], "header_row": layout.first + 1, "header_rows": layout.depth}


def _guard(path: Path) -> None:
    """Refuse what would fill disk or memory before anything opens it."""
    try:
        if not zipfile.is_zipfile(path):
            path.stat()
            return
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except OSError as error:
        raise SourceUnavailable(
            f"读不到文件 {path.name}：{error.strerror}", f"cannot read {path.name}: {error.strerror}"
        ) from None
    except zipfile.BadZipFile:
        raise Unreadable("文件已损坏（不是完整的压缩包）", "the file is damaged: no whole zip archive") from None
    if size > MAX_UNPACKED:
        raise Unreadable(
            f"解压后超过 {MAX_UNPACKED >> 30} GiB，拒绝打开",
            f"unpacks to more than {MAX_UNPACKED >> 30} GiB; not opened",
        )


@contextlib.contextmanager
def opened(path: Path, sheet: str) -> Iterator[tuple[dict[str, Any], Iterator[Block]]]:
    """What is known of the sheet, and its rows some at a time, by way of excel_grid in a process of its own.

    Raises Unreadable, also in the middle of the rows if that process ends before the last.
    """
    _guard(path)
    command = [sys.executable, "-m", "tongqu_client.provider.readers.excel_grid", str(path), sheet]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    assert process.stdout is not None
    watch = threading.Timer(SECONDS, process.kill)
    watch.start()
    try:
        head = _line(process.stdout.readline())
        if "problem" in head:
            raise _refusal(head["problem"], sheet, "、".join(head["names"]))
        yield head, _blocks(process.stdout, head["rows"])
    finally:
        watch.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def _line(line: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(line)
    except ValueError:
        return {"problem": "aborted", "names": []}
    return found


def _blocks(stream: IO[bytes], rows: int) -> Iterator[Block]:
    seen = 0
    while seen < rows:
        head = stream.read(HEAD.size)
        count, length = HEAD.unpack(head) if len(head) == HEAD.size else (0, 0)
        block = stream.read(length)
        if not count or len(block) < length:
            raise _refusal("aborted", "", "")
        seen += count
        yield count, block


def last_of(block: bytes) -> list[str | None]:
    """The last row of a block, without a look at the others."""
    row: list[str | None] = orjson.loads(block[max(block.rfind(b"\n"), 0) + 1 : -1])
    return row


def _refusal(problem: str, sheet: str, names: str) -> Unreadable:
    if problem == "no_sheet" and names:
        return Unreadable(f"没有工作表“{sheet}”；有：{names}", f"no sheet {sheet!r}; there are: {names}")
    if problem == "no_sheet":
        return Unreadable("文件里没有可见且有内容的工作表", "the file has no visible sheet with anything in it")
    if problem in ("too_large", "aborted"):
        return Unreadable(
            "工作表太大，无法读取；请删去空白区域的格式后另存，或改用 CSV、数据库表",
            "the sheet is too large to read; delete the formatting of empty areas, or use CSV or a database table",
        )
    return Unreadable(
        f"不是可读的 Excel 文件（{problem}）；加密的文件请先去掉密码",
        f"no readable Excel file ({problem}); remove a password first",
    )
