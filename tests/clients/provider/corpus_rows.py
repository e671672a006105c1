"""Rows of made-up circumstances, and a short way to write an extract's columns over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from tests.clients.provider.corpus import Column, Extract, column
from tests.clients.provider.corpus_people import Home, Person, firm, home, person, some_day, uscc

WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
SEX = {"1": "男", "2": "女"}


@dataclass(frozen=True)
class Case:
    """One row: ``i`` counts, ``p`` and ``q`` are two people, ``man`` and ``wife`` two others, ``x`` decides."""

    i: int
    p: Person
    q: Person
    man: Person
    wife: Person
    child: Person
    h: Home
    day: date
    later: date
    code: str
    firm: str
    x: Random

    def pick(self, *of: str) -> str:
        return self.x.choice(of)

    def number(self, least: int, most: int) -> str:
        return str(self.x.randrange(least, most))


Cell = Callable[[Case], str] | str


def cases(seed: int, count: int = 32) -> list[Case]:
    """So many rows, always the same."""
    random, found = Random(seed), []
    for index in range(count):
        day = some_day(random, 2014, 2024)
        later = date(2025 + index % 2, 1 + index % 9, 1 + index % 28)
        people = (
            person(random, 1945, 2000),
            person(random, 1950, 2002),
            person(random, 1960, 1998, "1"),
            person(random, 1960, 1998, "2"),
            person(random, 2015, 2026),
        )
        place, code, name = home(random), uscc(random), firm(random)
        found.append(Case(index, *people, place, day, later, code, name, Random(seed * 1000 + index)))
    return found


def c(heading: str, target: str | None, cell: Cell, comment: str = "") -> tuple[str, str | None, Cell, str]:
    """A column: its heading, what it truly is, how a cell is written."""
    return heading, target, cell, comment


def extract(
    seed: int,
    name: str,
    standard: str,
    form: str,
    columns: Sequence[tuple[str, str | None, Cell, str]],
    title: str = "",
    footer: bool = False,
    parts: dict[str, Sequence[str]] | None = None,
) -> Extract:
    """The extract, its cells filled in."""
    rows = cases(seed)
    written: list[Column] = [
        column(heading, target, [cell if isinstance(cell, str) else cell(row) for row in rows], comment)
        for heading, target, cell, comment in columns
    ]
    return Extract(name, standard, form, written, title, footer, parts or {})
