"""A circuit breaker: stop asking a service that keeps failing, try one query after a pause (plain Python).

closed → (FAILURES in a row) → open → (PAUSE_S later) → half-open: one query may try → closed or open again.
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 5  # in a row
PAUSE_S = 15.0


@dataclass(slots=True)
class Breaker:
    """The state of one service. Times are seconds of a monotonic clock, passed in."""

    failures: int = 0
    opened_at: float | None = None
    trying: bool = False

    def state(self, now: float) -> str:
        if self.opened_at is None:
            return "closed"
        return "half-open" if now - self.opened_at >= PAUSE_S else "open"

    def wait(self, now: float) -> float | None:
        """None when this query may go; else in how many seconds it is worth another try."""
        state = self.state(now)
        if state == "closed":
            return None
        if state == "half-open" and not self.trying:
            self.trying = True
            return None
        return max(1.0, PAUSE_S - (now - (self.opened_at or now)))

    def succeeded(self) -> None:
        self.failures, self.opened_at, self.trying = 0, None, False

    def failed(self, now: float) -> None:
        self.failures += 1
        if self.trying or self.failures >= FAILURES:
            self.opened_at, self.trying = now, False

    def abandoned(self) -> None:
        """The query that was to try never reached the service: let the next one try."""
        self.trying = False
