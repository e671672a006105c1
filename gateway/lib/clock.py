"""What time it is. Code receives a clock and never asks the machine itself, so tests can fix the instant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

_SIGNS = "--T::"  # what stands between the numbers of 2026-11-23T00:58:01


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, time zone UTC."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def rfc3339(instant: datetime) -> str:
    """Write an aware datetime as RFC 3339 in UTC with milliseconds: ``2026-11-23T00:58:01.123Z``.

    Always the same length, so that texts of this form sort as their instants do.
    """
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    year = utc.year
    return (  # by look-up: several are written for each query, and isoformat takes five times as long
        f"{_TWO[year // 100]}{_TWO[year % 100]}-{_TWO[utc.month]}-{_TWO[utc.day]}T"
        f"{_TWO[utc.hour]}:{_TWO[utc.minute]}:{_TWO[utc.second]}.{_THREE[utc.microsecond // 1000]}Z"
    )


_TWO = tuple(f"{number:02}" for number in range(100))
_THREE = tuple(f"{number:03}" for number in range(1000))


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 date-time with a zone into an aware datetime in UTC.

    Raises ValueError for anything else, among it a time without a zone, the other spellings of ISO 8601 (weeks, no
    hyphens, no seconds), and an instant that UTC pushes out of the calendar.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None or text[4:17:3] != _SIGNS:
        raise ValueError("expected an RFC 3339 time with its zone (…Z or +08:00)")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected an instant of the years 1 to 9999") from None
