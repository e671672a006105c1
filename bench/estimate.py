"""From many quotients to one figure and how sure it is. Pure arithmetic.

The figure is the trimmed mean of their logarithms; its interval is Student's, on the winsorised spread (Yuen,
Biometrika 61, 1974): turns during which the host did something else count, but not by how much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TRIM = 0.1
CLAIMED = 0.15  # a ratio whose interval is wider than this is printed, and not claimed
# Student's t, 97.5 %, for 1, 2, … degrees of freedom
_T = (
    12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient, and by what share the true one may well (95 %) be larger; infinite when nothing is known of it."""

    middle: float
    within: float

    @property
    def claimed(self) -> bool:
        return self.within <= CLAIMED


def ratio(quotients: Sequence[float], factor: float = 1.0) -> Ratio:
    """Of the quotients of single turns, times ``factor``."""
    logs = sorted(math.log(quotient) for quotient in quotients)
    cut = int(TRIM * len(logs))
    kept = logs[cut : len(logs) - cut]
    middle = factor * math.exp(sum(kept) / len(kept))
    if len(logs) < 2:
        return Ratio(middle, math.inf)
    half = student(len(kept) - 1) * _spread(logs, cut) / math.sqrt(len(logs))
    return Ratio(middle, math.expm1(min(half, 10.0)))


def _spread(ordered: Sequence[float], cut: int) -> float:
    """The standard deviation that belongs to a trimmed mean: what is cut off counts as the last that is not."""
    low, high = ordered[cut], ordered[len(ordered) - 1 - cut]
    held = [min(max(value, low), high) for value in ordered]
    mean = sum(held) / len(held)
    return math.sqrt(sum((value - mean) ** 2 for value in held) / (len(held) - 1)) / (1 - 2 * cut / len(held))


def student(free: int) -> float:
    return _T[free - 1] if free <= len(_T) else 1.96 + 2.5 / free
