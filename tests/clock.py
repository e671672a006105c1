"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 1, 0, 0, tzinfo=UTC)  # a Monday, 09:00 in Beijing


class FixedClock:
    """The instant of the test: ``clock.advance(seconds=90)`` moves it, nothing else does."""

    def __init__(self, instant: datetime = START) -> None:
        self._instant = instant

    def now(self) -> datetime:
        return self._instant

    def advance(self, *, seconds: float) -> None:
        self._instant += timedelta(seconds=seconds)
