"""Rows of a source, some at a time, in a form that travels cheaply to the process that makes records of them.

The process that reads the source looks at as little as it can: a row becomes a record, a total or a blank where it is
converted. Only what a ditto mark (同上) in the first row of a piece would mean has to be known before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import orjson

from tongqu_client.provider.readers.headings import DITTO, Cells, Line, each_row, last_record
from tongqu_client.provider.readers.table import Note, Row

STEP = 500  # rows in one piece


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows as they stand in the source. ``rows``: a JSON array of them, or themselves where JSON cannot hold them."""

    above: Mapping[str, str | None]  # the record before them
    numbers: Sequence[int]
    rows: bytes | Sequence[Cells]
    notes: Sequence[Note] = ()  # on rows that are not among ``rows``, because no reader can split them

    def lines(self) -> Iterator[Line]:
        rows = orjson.loads(self.rows) if isinstance(self.rows, bytes) else self.rows
        return zip(self.numbers, rows, strict=True)


Piece = Grid | Sequence[Row | Note]


@dataclass(frozen=True, slots=True)
class Ledger:
    """How the rows of a grid become records: the names of its columns, and whether a row must have as many cells."""

    names: tuple[str, ...] = ()
    ragged: bool = False

    def found(self, piece: Piece) -> Iterator[Row | Note]:
        """A Row for each record and a Note for each row that is none, in order."""
        if not isinstance(piece, Grid):
            yield from piece
            return
        waiting = deque(piece.notes)
        for one in each_row(piece.lines(), self.names, ragged=self.ragged, above=piece.above):
            while waiting and (waiting[0].row or 0) < (_number(one)):
                yield waiting.popleft()
            yield one
        yield from waiting

    def grids(self, lines: Iterable[tuple[int, list[str | None] | Note]]) -> Iterator[Grid]:
        """Numbered rows, and notes among them, as grids."""
        above: Mapping[str, str | None] = {}
        source = iter(lines)
        while some := list(islice(source, STEP)):
            notes = [row for _, row in some if isinstance(row, Note)]
            body = [(number, row) for number, row in some if not isinstance(row, Note)]
            numbers, rows = [number for number, _ in body], [row for _, row in body]
            yield Grid(above, numbers, _packed(rows), notes)
            above = self.above_next(body, above)

    def above_next(self, body: Sequence[Line], above: Mapping[str, str | None]) -> Mapping[str, str | None]:
        """The record that a ditto mark in the row after these means; ``above``: in the first of these."""
        found = last_record(body, self.names, ragged=self.ragged, above=above)
        return above if found is None else found

    def alone(self, number: int, cells: Cells) -> Mapping[str, str | None] | None:
        """This row as the record that a ditto mark below it means; None if it is none, or says no more than that."""
        if not DITTO.isdisjoint(cells):
            return None
        return last_record([(number, cells)], self.names, ragged=self.ragged, above={})


def _packed(rows: Sequence[Cells]) -> bytes | Sequence[Cells]:
    try:
        return orjson.dumps(rows)
    except TypeError:  # a byte that is not in the encoding stands in a cell as a lone surrogate
        return rows


def _number(found: Row | Note) -> int:
    return found.number if isinstance(found, Row) else found.row or 0
