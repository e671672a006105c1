"""A row of the index: what an entry is about (plain Python)."""

from __future__ import annotations

from typing import NamedTuple

NIGHT = frozenset((22, 23, 0, 1, 2, 3, 4, 5))  # hours of China's clocks
_HOURS_AHEAD = 8  # China's civil time


class Row(NamedTuple):
    """Lists are written with spaces between; an empty list is null."""

    number: int
    t: str
    type: str
    of_number: int | None = None  # of an outcome: the entry that authorized its query
    outcome: int | None = None  # of an authorized query: the entry of its outcome
    query: str | None = None
    party: str | None = None  # who acted
    other_party: str | None = None  # whom it concerns
    officer: str | None = None
    standard: str | None = None
    purpose: str | None = None
    fields: str | None = None
    agreement: str | None = None
    consent: str | None = None
    service: str | None = None
    subject: str | None = None
    case_ref: str | None = None
    result: str | None = None  # of queries: how they ended
    code: str | None = None
    rules: str | None = None
    risk: str | None = None


def hour_of_day(t: str) -> int:
    """In China's civil time."""
    return (int(t[11:13]) + _HOURS_AHEAD) % 24


def hour_number(t: str) -> int:
    """Whole hours since 1970 in China's civil time: days and hours of the day follow by division."""
    return _day_number(int(t[:4]), int(t[5:7]), int(t[8:10])) * 24 + int(t[11:13]) + _HOURS_AHEAD


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, with March as the first month so that leap days come last."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719468
