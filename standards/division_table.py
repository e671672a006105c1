"""The table of administrative divisions since 1981, as data: ``divisions.csv``, described in ``divisions.json``."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

HERE = Path(__file__).parent
TABLE = HERE / "divisions.csv"
DESCRIPTION = HERE / "divisions.json"


@dataclass(frozen=True, slots=True)
class Division:
    """What one code meant from one year to another.

    ``since``: the first 31 December that lists it (1981: then or earlier). ``until``: the first that does not, None
    while in force. ``begun`` and ``ended``: the day of the decision that did it, where it was found, within that year;
    before it the change had certainly not happened. ``successors``: what took its place. ``moved``: (code, year) of
    territory that left it otherwise. ``basis``: "" from the yearly lists, "derived" from its members, "announced" but
    not yet in a yearly list.
    """

    code: str
    zh: str
    since: int
    until: int | None
    begun: date | None
    ended: date | None
    successors: tuple[str, ...]
    moved: tuple[tuple[str, int], ...]
    basis: str

    @property
    def level(self) -> str:
        """``province``, ``prefecture`` or ``county``."""
        return "province" if self.code.endswith("0000") else "prefecture" if self.code.endswith("00") else "county"

    def surely_on(self, day: date) -> bool:
        """Whether it was certainly in use on a day: all through that year, or before the decision that ended it."""
        if self.until == day.year:
            return self.ended is not None and day < self.ended and self.since < day.year
        return self.listed_in(day.year) and (self.since < day.year or self.since == first_year())

    def perhaps_on(self, day: date) -> bool:
        """Whether it may have been in use on a day within the year of its beginning or end."""
        if self.since == day.year:
            return self.begun is None or day >= self.begun
        return self.until == day.year

    def listed_in(self, year: int) -> bool:
        """Whether the list of 31 December of that year has it."""
        return self.since <= year and (self.until is None or year < self.until)


def history(code: str) -> tuple[Division, ...]:
    """Everything six digits have meant, oldest first; nothing for an unknown code."""
    return table().get(code, ())


def in_force(year: int) -> Iterator[Division]:
    """The divisions that the list of 31 December of a year has, by code."""
    return (one for rows in table().values() for one in rows if one.listed_in(year))


@cache
def table() -> Mapping[str, tuple[Division, ...]]:
    """The whole table: code → what it has meant, oldest first."""
    rows: dict[str, tuple[Division, ...]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["code"]] = (*rows.get(row["code"], ()), _division(row))
    return MappingProxyType(rows)


@cache
def description() -> Mapping[str, Any]:
    """Source, extent and honesty of the table, as published."""
    return MappingProxyType(json.loads(DESCRIPTION.read_text(encoding="utf-8")))


def first_year() -> int:
    """The year of the oldest list."""
    return int(description()["first_year"])


def last_year() -> int:
    """The year of the newest list; what is in force then counts as in force ever since."""
    return int(description()["last_year"])


def _division(row: Mapping[str, str]) -> Division:
    moved = (one.split("@") for one in row["moved"].split())
    return Division(
        row["code"],
        row["zh"],
        int(row["from"]),
        int(row["to"]) if row["to"] else None,
        _day(row["begun"]),
        _day(row["ended"]),
        tuple(row["successors"].split()),
        tuple((code, int(year)) for code, year in moved),
        row["basis"],
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
