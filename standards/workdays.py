"""Working days (工作日) as the State Council's notices have them, and the deadlines counted in them.

Civil Code 201: the day of receipt does not count; 203: a term ends when its last day does. Days are those of Beijing.
A year whose notice is not in ``standards/calendars`` yet counts Monday to Friday, and ``is_provisional`` says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from pathlib import Path

BEIJING = timezone(timedelta(hours=8))
_FOLDER = Path(__file__).parent / "calendars"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Year:
    off: frozenset[date]
    make_up: frozenset[date]


@cache
def years() -> dict[int, Year]:
    """The years whose notice is known."""
    found = {}
    for path in sorted(_FOLDER.glob("*.json")):
        members = json.loads(path.read_bytes())
        off, make_up = (frozenset(map(date.fromisoformat, members[name])) for name in ("off", "make_up"))
        found[int(members["year"])] = Year(off, make_up)
    return found


def is_workday(day: date) -> bool:
    year = years().get(day.year)
    if year is not None and day in year.make_up:
        return True
    return day.weekday() < 5 and not (year is not None and day in year.off)


def is_provisional(day: date) -> bool:
    """Whether holidays of that year are not known yet, so that the day may still move."""
    return day.year not in years()


def day_of(instant: datetime) -> date:
    """The day in Beijing."""
    return instant.astimezone(BEIJING).date()


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), BEIJING)


def last_day(received: date, workdays: int) -> date:
    """The day on which a term of so many working days ends; the first is the working day after ``received``."""
    day = received
    for _ in range(workdays):
        day += _DAY
        while not is_workday(day):
            day += _DAY
    return day


def deadline(received: datetime, workdays: int) -> datetime:
    """The first instant at which it is too late."""
    return start_of(last_day(day_of(received), workdays) + _DAY)


def left_after_today(now: datetime, deadline: datetime) -> int:
    """Working days of the term that are still to come when today is over; 0: it ends today, or before the next one.

    Below zero: how many it is overdue. On the day that a term of ten begins, ten are left.
    """
    found = left(now, deadline)
    return found if found <= 0 else found - is_workday(day_of(now))


def left(now: datetime, deadline: datetime) -> int:
    """Working days that still begin before the deadline, today included; below zero: how many it is overdue."""
    first, end = day_of(now), day_of(deadline)
    low, high = min(first, end), max(first, end)
    count = sum(is_workday(low + _DAY * number) for number in range((high - low).days))
    return count if first < end else -max(1, count) if now >= deadline else 0
