"""The rows of a source one by one, in memory that does not grow with the file: for converting whole extracts."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from tongqu_client.provider import sources
from tongqu_client.provider.config import Config
from tongqu_client.provider.errors import SourceUnavailable, Unreadable
from tongqu_client.provider.readers.csvfile import detect_encoding, layout_of, separator_of, split
from tongqu_client.provider.readers.excel import merged_of, opened, sheet_notes
from tongqu_client.provider.readers.headings import (
    HEADING_ROWS,
    TITLE_ROWS,
    about_headings,
    each_row,
    find_layout,
    flatten,
    merged_down,
)
from tongqu_client.provider.readers.jsonlines import columns_of, each_line
from tongqu_client.provider.readers.table import Note, Row

HEAD = TITLE_ROWS + HEADING_ROWS  # rows in which headings are looked for


@dataclass
class Stream:
    """``rows`` yields a Row for each record and a Note for each row that is none. ``headings``: rows of headings.

    ``done()`` tells how much of the source has been read, 0 to 1.
    """

    rows: Iterator[Row | Note]
    headings: int
    done: Callable[[], float]


def stream(config: Config, stack: ExitStack) -> Stream:
    """Open the source of a configuration; ``stack`` closes it. Raises KitError, also while the rows are read."""
    opener = {"csv": _csv, "excel": _excel, "jsonl": _jsonl, "sql": _sql}[config.source.kind]
    return opener(config, stack)


def _csv(config: Config, stack: ExitStack) -> Stream:
    path, declared = config.source_path, config.source.declared
    try:
        size = path.stat().st_size or 1
        encoding = declared.get("encoding") or detect_encoding(path.read_bytes())[0]
        errors = "strict" if encoding == "utf-16" else "surrogateescape"
        binary = stack.enter_context(path.open("rb"))
        file = stack.enter_context(open(os.dup(binary.fileno()), encoding=encoding, errors=errors, newline=""))  # noqa: PTH123, SIM115
        head = file.read(1 << 16).removeprefix("\ufeff")
        file.seek(0)
    except OSError as error:
        raise SourceUnavailable(
            f"读不到文件 {path.name}：{error.strerror}", f"cannot read {path.name}: {error.strerror}"
        ) from None
    except (LookupError, UnicodeError):
        raise Unreadable(f"不能按 {encoding} 读取", f"cannot be read as {encoding}") from None
    lines = split(file, declared.get("separator") or separator_of(head))
    first = list(itertools.islice(lines, HEAD))
    grid = [cells for _, cells in first if not isinstance(cells, Note)]
    numbers = [number for number, cells in first if not isinstance(cells, Note)]
    if grid and grid[0] and grid[0][0]:
        grid[0][0] = grid[0][0].removeprefix("\ufeff") or None
    return _laid_out(declared, grid, numbers, itertools.chain(first, lines), lambda: _position(file, size), ragged=True)


def _position(file: Any, size: int) -> float:
    return min(1.0, float(file.buffer.tell()) / size)


def _laid_out(
    declared: Mapping[str, Any],
    grid: list[list[str | None]],
    numbers: list[int],
    lines: Iterator[tuple[int, list[str | None] | Note]],
    done: Callable[[], float],
    *,
    ragged: bool,
) -> Stream:
    """Headings found in the first rows; what is above them is title, what is below are the records."""
    layout = layout_of(declared, numbers) or find_layout(grid, ())
    names = flatten(grid, layout, ())
    last = numbers[layout.first + layout.depth - 1]

    bad: list[Note] = []

    def body() -> Iterator[tuple[int, list[str | None]]]:
        for number, cells in lines:
            if isinstance(cells, Note):
                bad.append(cells)
            elif number > last:
                yield number, cells

    def rows() -> Iterator[Row | Note]:
        yield from about_headings(grid, layout, names, numbers)
        for found in each_row(body(), names, ragged=ragged):  # one call for all: a ditto mark needs the row above
            while bad:
                yield bad.pop(0)
            yield found
        yield from bad

    return Stream(rows(), layout.depth, done)


def _excel(config: Config, stack: ExitStack) -> Stream:
    declared = config.source.declared
    head, lines = stack.enter_context(opened(config.source_path, str(declared.get("sheet", ""))))
    grid = list(itertools.islice(lines, HEAD))
    merged, numbers = merged_of(head), list(range(1, len(grid) + 1))
    layout = layout_of(declared, numbers) or find_layout(grid, merged)
    names = flatten(grid, layout, merged)
    start, total = layout.first + layout.depth, head["rows"]
    seen = [0]

    def body() -> Iterator[tuple[int, list[str | None]]]:
        below = merged_down(merged, start)
        values: dict[tuple[int, int], str | None] = {}
        for index, cells in enumerate(itertools.chain(grid, lines)):
            seen[0] = index + 1
            for column, top in below.get(index, ()):
                if index == top:
                    values[top, column] = cells[column] if column < len(cells) else None
                elif column < len(cells):
                    cells[column] = values.get((top, column))
            if index >= start:
                yield index + 1, cells

    def rows() -> Iterator[Row | Note]:
        yield from sheet_notes(head)
        yield from about_headings(grid, layout, names, None)
        yield from each_row(body(), names, ragged=False)

    return Stream(rows(), layout.depth, lambda: seen[0] / max(total, 1))


def _jsonl(config: Config, stack: ExitStack) -> Stream:
    path = config.source_path
    columns, total, seen = columns_of(path), max(path.stat().st_size, 1), [0]

    def rows() -> Iterator[Row | Note]:
        for found in each_line(path, columns):
            seen[0] += 1
            yield found

    return Stream(rows(), 0, lambda: min(1.0, seen[0] * 200 / total))


def _sql(config: Config, stack: ExitStack) -> Stream:
    table = stack.enter_context(closing(sources.sql_table(config, (), sources.SCAN_SECONDS)))
    total, seen = max(table.count(), 1), [0]

    def rows() -> Iterator[Row | Note]:
        for row in table.scan():
            seen[0] += 1
            yield row

    return Stream(rows(), 0, lambda: min(1.0, seen[0] / total))
