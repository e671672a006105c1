"""Counting: records go by once, figures come out. Exact: sums are decimals without rounding, rates are rounded once.

Memory does not grow with the rows but for ``distinct``, which keeps the different values of each cell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from itertools import product
from typing import Any

from standards.small_cells import ALL, LIMIT, Key, Parts

MISSING = ""  # the label of records that do not have the element they are grouped by
MAX_CELLS = 2000  # with their totals; a finer table tells of single people, and nobody reads it
_EXACT = Context(prec=200, traps=[Inexact])


class TooManyCells(Exception):
    """The grouping gives more cells than a table may have."""


@dataclass(slots=True)
class Cell:
    """What one cell has seen. ``people`` stops growing at LIMIT: it only has to tell few from many."""

    records: int = 0
    part: int = 0
    total: Decimal = Decimal(0)
    values: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    people_in_part: set[str] = field(default_factory=set)
    people_outside: set[str] = field(default_factory=set)

    def add(self, value: Any, in_part: bool, subject: str | None) -> None:
        """One record: the value to sum or to tell apart, whether it is of the numerator, and whom it is about."""
        self.records += 1
        self.part += in_part
        if isinstance(value, Decimal):
            self.total = _EXACT.add(self.total, value)
        elif value is not None:
            self.values.add(value)
        if subject is not None:
            for people in (self.people, self.people_in_part if in_part else self.people_outside):
                if len(people) < LIMIT:
                    people.add(subject)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """How the figure of a cell is made of what it has seen. ``fn`` as in indicator.schema.json."""

    fn: str
    per: int = 1
    decimals: int = 0

    def parts(self, cell: Cell, personal: bool) -> Parts:
        """The disjoint counts that the published numbers give away, each of which must not be small."""
        if self.fn == "ratio":
            return (
                _size(cell.part, cell.people_in_part, personal),
                _size(cell.records - cell.part, cell.people_outside, personal),
            )
        count = _size(cell.records, cell.people, personal)
        return (min(count, len(cell.values)),) if self.fn == "distinct" else (count,)

    @property
    def least(self) -> int:
        """What is known to be in a part of any cell that is listed."""
        return 0 if self.fn == "ratio" else 1

    def value(self, cell: Cell) -> str:
        """The figure as text: whole numbers without a point, sums as precise as their amounts, rates half up."""
        if self.fn == "count":
            return str(cell.records)
        if self.fn == "distinct":
            return str(len(cell.values))
        if self.fn == "sum":
            return format(cell.total, "f")
        if self.fn == "average":
            return half_up(Fraction(cell.total) / cell.records, self.decimals)
        return half_up(Fraction(cell.part * self.per, cell.records), self.decimals)


@dataclass(slots=True)
class Table:
    """Cells by label, with every total over one or both dimensions."""

    dimensions: int
    cells: dict[Key, Cell] = field(default_factory=dict)

    def add(self, labels: tuple[str, ...], value: Any, in_part: bool, subject: str | None) -> None:
        """One record into its cell and into each total it belongs to. Raises TooManyCells."""
        for key in product(*((label, ALL) for label in labels)):
            cell = self.cells.get(key)
            if cell is None:
                if len(self.cells) >= MAX_CELLS:
                    raise TooManyCells
                cell = self.cells[key] = Cell()
            cell.add(value, in_part, subject)

    @property
    def whole(self) -> Cell:
        """The total over everything; an empty cell if nobody came."""
        return self.cells.get((ALL,) * self.dimensions, Cell())


def half_up(value: Fraction, decimals: int) -> str:
    """Rounded to this many decimals, a half away from zero, exactly (no binary fractions on the way)."""
    scaled = abs(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = str(whole).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{text}" if value < 0 and whole else text


def _size(count: int, people: Iterable[str], personal: bool) -> int:
    """How many a cell has: records, or people if they are fewer than LIMIT, whose many records hide nobody."""
    different = len(set(people))
    return count if not personal or different >= LIMIT else min(count, different)


def labels_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Truth values as in JSON, whole numbers as digits, an absent element as MISSING."""
    return tuple(_label(value) for value in values)


def _label(value: Any) -> str:
    if value is None:
        return MISSING
    return str(value).lower() if isinstance(value, bool) else str(value)
