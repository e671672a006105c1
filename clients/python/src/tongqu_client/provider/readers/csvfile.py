"""CSV as departments export it: GB18030 or UTF-8, comma, tab or semicolon, with titles, totals and stray quotes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from tongqu_client.provider.errors import SourceUnavailable, Unreadable
from tongqu_client.provider.readers.headings import Layout, find_layout, flatten, read_rows
from tongqu_client.provider.readers.table import MAX_CELL, MAX_ROWS, Note, Table

MAX_BYTES = 512 << 20  # a larger file belongs in a database
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16")
SEPARATORS = (",", "\t", ";", "|")


def detect_encoding(data: bytes) -> tuple[str, str, str]:
    """(encoding, zh, en): what these bytes are and by which sign. To be declared afterwards, not guessed each time.

    GB2312 and GBK are read as GB18030, which contains them. Raises Unreadable if they are none of ours.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        return ("utf-8-sig", "UTF-8（带 BOM）", "UTF-8 with a byte order mark")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16", "UTF-16（带 BOM）", "UTF-16 with a byte order mark")
    if data.isascii():
        return ("utf-8", "只有 ASCII 字符，按 UTF-8 读取", "only ASCII characters, read as UTF-8")
    if _decodes(data, "utf-8"):
        return ("utf-8", "UTF-8（无 BOM）", "UTF-8 without a byte order mark")
    if _decodes(data, "gbk"):
        return ("gb18030", "GBK，按其超集 GB18030 读取", "GBK, read as GB18030, which contains it")
    if _decodes(data, "gb18030"):
        return ("gb18030", "GB18030（含四字节字符）", "GB18030 with four-byte characters")
    raise Unreadable(
        "文件既不是 UTF-8 也不是 GB18030；请另存为“CSV UTF-8”，或用 --encoding 声明编码（个别坏行会逐行报告）",
        "the file is neither UTF-8 nor GB18030; save it as CSV UTF-8, or declare --encoding (bad rows are then listed)",
    )


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def read_csv(path: Path, declared: Mapping[str, Any]) -> Table:
    """Read a CSV file.

    ``declared`` may hold ``encoding``, ``separator``, ``header_row`` (1 is the first line) and ``header_rows``; what
    is absent is detected, and ``Table.declared`` says what was taken. With a declared encoding a cell that is not in it
    becomes a flaw of its row. Raises Unreadable, SourceUnavailable.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Unreadable(
                f"文件超过 {MAX_BYTES >> 20} MiB，请改用数据库表",
                f"the file exceeds {MAX_BYTES >> 20} MiB; use a database table",
            )
        data = path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(
            f"读不到文件 {path.name}：{error.strerror}", f"cannot read {path.name}: {error.strerror}"
        ) from None
    encoding, zh, en = (declared["encoding"], "", "") if declared.get("encoding") else detect_encoding(data)
    text = _decode(data, encoding)
    separator = declared.get("separator") or separator_of(text)
    grid, numbers, notes = _parse(text, separator)
    layout = layout_of(declared, numbers) or find_layout(grid, ())
    names = flatten(grid, layout, ())
    table = read_rows(grid, layout, names, (), ragged=True, numbers=numbers)
    if zh:
        notes.insert(0, Note("info", "encoding", None, None, f"编码：{zh}", f"encoding: {en}"))
    taken = {
        "encoding": encoding,
        "separator": separator,
        "header_row": numbers[layout.first],
        "header_rows": layout.depth,
    }
    return Table(table.columns, table.rows, (*notes, *table.notes), taken, table.titles)


def layout_of(declared: Mapping[str, Any], numbers: Sequence[int]) -> Layout | None:
    """The headings as the configuration states them; None if it does not. ``numbers``: row number of each grid row."""
    row = declared.get("header_row")
    if row is None:
        return None
    depth = int(declared.get("header_rows", 1))
    if int(row) not in numbers or numbers.index(int(row)) + depth > len(numbers):
        raise Unreadable(
            f"声明的表头在第 {row} 行，但文件里没有这一行",
            f"the headings are declared to be in row {row}, which the file does not have",
        )
    return Layout(numbers.index(int(row)), depth)


def _decode(data: bytes, encoding: str) -> str:
    try:
        # surrogateescape keeps a bad byte visible as a lone surrogate, so it is found in its own cell (table.flaw_of)
        text = data.decode(encoding, errors="surrogateescape" if encoding != "utf-16" else "strict")
    except (LookupError, UnicodeDecodeError):
        raise Unreadable(
            f"不能按 {encoding} 读取；可用的编码：{'、'.join(ENCODINGS)}",
            f"cannot be read as {encoding}; encodings that can be declared: {', '.join(ENCODINGS)}",
        ) from None
    return text.removeprefix("\ufeff")


def separator_of(text: str) -> str:
    """The character that occurs most in the first line that has any of the four."""
    for line in text.splitlines()[:10]:
        best = max(SEPARATORS, key=line.count)
        if line.count(best):
            return best
    return ","


def _parse(text: str, separator: str) -> tuple[list[list[str | None]], list[int], list[Note]]:
    """Cells of every line, the line number on which each row begins, and notes on rows that no reader can split."""
    grid: list[list[str | None]] = []
    numbers: list[int] = []
    notes: list[Note] = []
    for number, cells in split(io.StringIO(text, newline=""), separator):
        if isinstance(cells, Note):
            notes.append(cells)
            continue
        if len(grid) >= MAX_ROWS:
            raise Unreadable(f"超过 {MAX_ROWS} 行，请改用数据库表", f"more than {MAX_ROWS} rows; use a database table")
        grid.append(cells)
        numbers.append(number)
    while grid and not any(grid[-1]):
        grid.pop()
        numbers.pop()
    return grid, numbers, notes


def split(file: TextIO, separator: str) -> Iterator[tuple[int, list[str | None] | Note]]:
    """(number of the line on which it begins, cells) for each row; a note for a row that no reader can split."""
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(file, delimiter=separator)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            zh, en = (
                f"单元格超过 {MAX_CELL} 字，或引号不成对",
                f"a cell of more than {MAX_CELL} characters, or an open quote",
            )
            yield number, Note("bad", "unreadable_row", number, None, zh, en)
            continue
        yield number, [cell.strip() or None for cell in cells]
