"""A circuit breaker: stop asking a service that keeps failing; after a pause let one query try (plain Python).

closed → (FAILURES in a row) → open → (the pause is over) → half-open: one query tries → closed, or open for longer.

So a department that is down costs its callers a quick refusal instead of a time-out each, and is not asked by
hundreds at once while it gets up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

FAILURES: Final = 5  # in a row
PAUSE_S: Final = 10.0  # the first pause; each failed try doubles it
MAX_PAUSE_S: Final = 120.0

Outcome = Literal["worked", "failed", "unknown"]
State = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class Admission:
    """May this query go? Whoever was admitted must ``settle``. ``trial``: the one by which it is decided."""

    allowed: bool
    trial: bool = False
    retry_after_s: float = 0.0


_GO: Final = Admission(True)


@dataclass(slots=True)
class Breaker:
    """The state of one service. ``now``: seconds of a clock that never goes back, passed in."""

    failures: int = 0
    pause_s: float = PAUSE_S
    open_until: float | None = None
    trying: bool = False

    def state(self, now: float) -> State:
        if self.open_until is None:
            return "closed"
        return "half-open" if now >= self.open_until else "open"

    def admit(self, now: float) -> Admission:
        """Let a query go, let it try, or say in how many seconds another try is worth while."""
        if self.open_until is None:
            return _GO
        if now < self.open_until:
            return Admission(False, retry_after_s=self.open_until - now)
        if self.trying:
            return Admission(False, retry_after_s=1.0)
        self.trying = True
        return Admission(True, trial=True)

    def settle(self, admission: Admission, outcome: Outcome, now: float) -> None:
        """What became of an admitted query. ``unknown``: it ended before the service could show anything."""
        if admission.trial:
            self.trying = False
            if outcome == "worked":
                self.failures, self.pause_s, self.open_until = 0, PAUSE_S, None
            elif outcome == "failed":
                self.pause_s = min(self.pause_s * 2, MAX_PAUSE_S)
                self.open_until = now + self.pause_s
        elif self.open_until is None:  # one that was admitted before it opened says nothing new
            if outcome == "worked":
                self.failures = 0
            elif outcome == "failed":
                self.failures += 1
                if self.failures >= FAILURES:
                    self.open_until = now + self.pause_s
