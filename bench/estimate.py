"""From many slices to one figure and how sure it is. Pure arithmetic.

The figure is the mean without the slices that lie far from the median, during which the host did something else:
further than two and a half times the spread that is usual in the run. Its interval is Student's, on the winsorised
spread of a trimmed mean (Yuen, Biometrika 61, 1974).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

TRIM = 0.2
FAR = 2.5  # slices further than so many usual spreads from the median are left out
LIKE_OTHERS = 3  # a spread is judged as if so many further slices had shown what is usual among the other ratios
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


def trimmed(values: Sequence[float]) -> float:
    """The mean of all but the fifth part at each end."""
    cut = int(TRIM * len(values))
    kept = sorted(values)[cut : len(values) - cut]
    return sum(kept) / len(kept)


def spread(values: Sequence[float]) -> float:
    """The standard deviation that belongs to a trimmed mean: what would be cut off counts as the last that is not."""
    cut, ordered = int(TRIM * len(values)), sorted(values)
    low, high = ordered[cut], ordered[len(values) - 1 - cut]
    held = [min(max(value, low), high) for value in values]
    mean = sum(held) / len(held)
    squares = sum((value - mean) ** 2 for value in held)
    return math.sqrt(squares / (len(held) - 1)) / (1 - 2 * cut / len(values)) if len(held) > 1 else 0.0


def usual_spread(every: Iterable[Sequence[float]]) -> float:
    """What is usual among those with slices enough to tell; 0.0 when none has."""
    spreads = [spread(values) for values in every if len(values) > LIKE_OTHERS]
    return median(spreads) if spreads else 0.0


def ratio(quotients: Sequence[float], usual: float = 0.0) -> Ratio:
    """Of the quotients of single slices. ``usual``: the spread (of logarithms) of other ratios in the same run; of few
    slices the own spread says little, and of one it says nothing."""
    logs = [math.log(quotient) for quotient in quotients]
    centre, reach = median(logs), FAR * (usual or spread(logs))
    held = [value for value in logs if abs(value - centre) <= reach] or [centre]  # of two, both may be far
    free, others = len(held) - 1, LIKE_OTHERS if usual else 0
    if not free + others:
        return Ratio(math.exp(held[0]), math.inf)
    mean = sum(held) / len(held)
    deviation = math.sqrt((free * spread(logs) ** 2 + others * usual**2) / (free + others))
    half = student(free + others) * deviation / math.sqrt(len(held))
    return Ratio(math.exp(mean), math.expm1(min(half, 10.0)))


def student(free: int) -> float:
    return _T[free - 1] if free <= len(_T) else 1.96 + 2.5 / free


def gain(withins: Iterable[float], rounds: int, seconds: float) -> float:
    """By how much the squares of these intervals, together, are likely to shrink for each second of one more round."""
    return sum(min(within, 1.0) ** 2 for within in withins) / rounds / seconds
