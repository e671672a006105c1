"""The rows of a source, some at a time, in memory that does not grow with the file: for converting whole extracts."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import orjson

from tongqu_client.provider import sources
from tongqu_client.provider.config import Config
from tongqu_client.provider.errors import SourceUnavailable, Unreadable
from tongqu_client.provider.pieces import STEP, Grid, Ledger, Piece
from tongqu_client.provider.readers.csvfile import detect_encoding, layout_of, separator_of, split
from tongqu_client.provider.readers.excel import Block, last_of, merged_of, opened, sheet_notes
from tongqu_client.provider.readers.headings import (
    HEADING_ROWS,
    TITLE_ROWS,
    about_headings,
    find_layout,
    flatten,
    merged_down,
)
from tongqu_client.provider.readers.jsonlines import columns_of, each_line
from tongqu_client.provider.readers.table import Note, Row

HEAD = TITLE_ROWS + HEADING_ROWS  # rows in which headings are looked for


@dataclass
class Stream:
    """``pieces``: all of the source in order; ``ledger`` finds the records in each, in whatever process.

    ``headings``: rows of headings; ``notes``: on them and on what is above. ``done()`` tells how much of the source has
    been read, 0 to 1.
    """

    pieces: Iterator[Piece]
    done: Callable[[], float]
    ledger: Ledger = field(default_factory=Ledger)
    headings: int = 0
    notes: Sequence[Note] = ()


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
    ledger = Ledger(flatten(grid, layout, ()), ragged)
    last = numbers[layout.first + layout.depth - 1]
    below = (line for line in lines if isinstance(line[1], Note) or line[0] > last)
    notes = about_headings(grid, layout, ledger.names, numbers)
    return Stream(ledger.grids(below), done, ledger, layout.depth, notes)


def _excel(config: Config, stack: ExitStack) -> Stream:
    declared = config.source.declared
    head, blocks = stack.enter_context(opened(config.source_path, str(declared.get("sheet", ""))))
    first: list[Block] = []
    grid: list[list[str | None]] = []
    while len(grid) < HEAD and (block := next(blocks, None)) is not None:
        first.append(block)
        grid += orjson.loads(block[1])
    merged, numbers = merged_of(head), list(range(1, len(grid) + 1))
    layout = layout_of(declared, numbers[:HEAD]) or find_layout(grid[:HEAD], merged)
    ledger = Ledger(flatten(grid, layout, merged), ragged=False)
    seen = [0]

    def count() -> Iterator[Block]:
        for rows, block in itertools.chain(first, blocks):
            seen[0] += rows
            yield rows, block

    notes = [*sheet_notes(head), *about_headings(grid, layout, ledger.names, None)]
    below = merged_down(merged, layout.first + layout.depth)
    pieces = _of_sheet(count(), ledger, below, layout.first + layout.depth)
    return Stream(pieces, lambda: seen[0] / max(head["rows"], 1), ledger, layout.depth, notes)


def _of_sheet(
    blocks: Iterable[Block], ledger: Ledger, below: Mapping[int, Sequence[tuple[int, int]]], start: int
) -> Iterator[Grid]:
    """The rows from ``start`` on, 0-based, mostly as they came. ``below``: cells merged downwards, by row."""
    above: Mapping[str, str | None] = {}
    values: dict[tuple[int, int], str | None] = {}
    first = 0
    for rows, block in blocks:
        here = range(first, first + rows)
        numbers = range(first + 1, first + rows + 1)
        first += rows
        if start <= here.start and below.keys().isdisjoint(here):
            yield Grid(above, numbers, block)
            alone = ledger.alone(numbers[-1], last_of(block))
            above = alone or ledger.above_next(list(zip(numbers, orjson.loads(block), strict=True)), above)
            continue
        grid: list[list[str | None]] = orjson.loads(block)
        for index, cells in zip(here, grid, strict=True):
            _fill_down(index, cells, below.get(index, ()), values)
        kept = [(number, cells) for number, cells in zip(numbers, grid, strict=True) if number > start]
        yield Grid(above, [number for number, _ in kept], [cells for _, cells in kept])
        above = ledger.above_next(kept, above)


def _fill_down(
    index: int,
    cells: list[str | None],
    areas: Sequence[tuple[int, int]],
    values: dict[tuple[int, int], str | None],
) -> None:
    """Give merged cells the value of the first row of their area; ``values``: those of the areas so far."""
    for column, top in areas:
        if index == top:
            values[top, column] = cells[column] if column < len(cells) else None
        elif column < len(cells):
            cells[column] = values.get((top, column))


def _jsonl(config: Config, stack: ExitStack) -> Stream:
    path = config.source_path
    columns, total, seen = columns_of(path), max(path.stat().st_size, 1), [0]

    def rows() -> Iterator[Row | Note]:
        for found in each_line(path, columns):
            seen[0] += 1
            yield found

    return Stream(_by_steps(rows()), lambda: min(1.0, seen[0] * 200 / total))


def _sql(config: Config, stack: ExitStack) -> Stream:
    table = stack.enter_context(closing(sources.sql_table(config, (), sources.SCAN_SECONDS)))
    total, seen = max(table.count(), 1), [0]

    def rows() -> Iterator[Row | Note]:
        for row in table.scan():
            seen[0] += 1
            yield row

    return Stream(_by_steps(rows()), lambda: min(1.0, seen[0] / total))


def _by_steps(rows: Iterator[Row | Note]) -> Iterator[Piece]:
    while piece := list(itertools.islice(rows, STEP)):
        yield piece
