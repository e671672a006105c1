"""From slices to cases: what was measured of one system at one number of connections, and its ratios to the others.

A ratio is not one average over another: each slice is divided by what the other reached just before and after it, in
the same round, and of these quotients a robust mean is taken (estimate.py). So what slows the machine slows both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from bench import estimate
from bench.estimate import Ratio
from bench.measure import SLOW, Row

BESIDE = ("direct", "nginx proxy_pass")  # what everything is compared with; they are measured more often
GATEWAY = "tongqu"
_MEASURED = ("qps", "p50_ms", "p99_ms", "cpu_us", "rss_mb", "store_cpu_us", "taken", "idle", "pulse_us", "slower")


@dataclass(frozen=True)
class Case:
    """All slices of one system at one number of connections, and its ratio to each other system beside it."""

    rows: Sequence[Row]
    ratios: Mapping[str, Ratio]

    @cached_property
    def middle(self) -> Row:
        """The median of each figure, and all errors."""
        medians = {name: median(getattr(row, name) for row in self.rows) for name in _MEASURED}
        return replace(self.rows[0], errors=sum(row.errors for row in self.rows), **medians)

    @property
    def spread(self) -> float:
        """How far the slices lie apart: the widest distance from their median throughput, as a share of it."""
        rates, middle = [row.qps for row in self.rows], self.middle.qps
        return max(abs(rate - middle) for rate in rates) / middle if middle else 0.0


def judged(rounds: Iterable[Sequence[Row]], best_us: float = 0.0) -> list[Case]:
    """``rounds``: the slices of each round in the order in which they were measured. ``best_us``: see Pulse."""
    rows: dict[object, list[Row]] = {}
    department: dict[tuple[str, int], list[Row]] = {}  # asked directly, once: its pace does not depend on the machine
    for each in rounds:
        slow = each[0].payload in SLOW if each else False
        known = department.get((each[0].payload, each[0].connections), []) if slow else []
        for row in _beside(each, best_us, known):
            rows.setdefault(row.case, []).append(row)
            if slow and row.system in BESIDE:
                department.setdefault((row.payload, row.connections), []).append(row)
    quotients = {(case, to): _quotients(found, to) for case, found in rows.items() for to in _compared(found[0], rows)}
    usual = estimate.usual_spread([math.log(share) for share in shares] for shares in quotients.values())
    return [
        Case(found, {
            to: estimate.ratio(shares, usual) for (of, to), shares in quotients.items() if of == case and shares
        } | ({found[0].system: Ratio(1.0, 0.0)} if found[0].system in BESIDE else {}))
        for case, found in rows.items()
    ]  # fmt: skip


def _compared(row: Row, rows: Mapping[object, object]) -> list[str]:
    """Whom this one is compared with: the references, and the gateway with everybody."""
    of = dict.fromkeys(case[2] for case in rows if isinstance(case, tuple)) if row.system == GATEWAY else BESIDE
    return [system for system in of if system not in (row.system, GATEWAY)]


def _quotients(rows: Sequence[Row], to: str) -> list[float]:
    """Nobody gets more from a department that lets one wait than it gives."""
    most = 1.0 if rows[0].payload in SLOW else math.inf
    return [min(most, row.fair_qps / row.beside[to]) for row in rows if row.qps and row.beside.get(to)]


def _beside(rows: Sequence[Row], best_us: float, known: Sequence[Row]) -> list[Row]:
    """The slices of one round, each with what the others reached nearest to it. ``known``: of earlier rounds."""
    rows = [replace(row, slower=row.pulse_us / best_us) if best_us and row.pulse_us else row for row in rows]
    systems = {row.system for row in (*known, *rows)} - {GATEWAY}
    every = [*known, *rows]
    return [replace(row, beside=nearest(every, place, systems)) for place, row in enumerate(every)][len(known) :]


def nearest(rows: Sequence[Row], place: int, systems: Iterable[str] = BESIDE) -> dict[str, float]:
    """What each of these systems reached in its slices just before and just after this one, on (geometric) average."""
    found: dict[str, float] = {}
    for system in systems:
        before = next((row.fair_qps for row in reversed(rows[:place]) if row.system == system and row.qps), None)
        after = next((row.fair_qps for row in rows[place + 1 :] if row.system == system and row.qps), None)
        if both := [rate for rate in (before, after) if rate is not None]:
            found[system] = math.prod(both) ** (1 / len(both))
    return found
