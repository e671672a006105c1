"""What time it is. Code receives a clock and never asks the machine itself, so tests can fix the instant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


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
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 date-time with a zone into an aware datetime in UTC.

    Raises ValueError for anything else, among it a time without a zone.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"expected a time with a zone (…Z or +08:00), got {text!r}")
    return instant.astimezone(UTC)
