"""Do two runs of the benchmark agree? Their ratios are compared, case by case.

They agree when every ratio of the one lies within 15 % of the same ratio in the other: the figures themselves, however
wide their intervals. The intervals tell something else: a ratio that its own run did not claim is marked; and where two
lie further apart than chance explains, something changed between the runs that no turn could see.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.estimate import CLAIMED, Ratio

WITHIN = 0.15


@dataclass(frozen=True, slots=True)
class Pair:
    """One ratio in both runs. ``apart``: by how much the larger one exceeds the smaller, as a share of it."""

    case: str
    to: str
    first: Ratio
    second: Ratio

    @property
    def apart(self) -> float:
        return max(self.first.middle, self.second.middle) / min(self.first.middle, self.second.middle) - 1

    @property
    def claimed(self) -> bool:
        """Both runs said that they were sure of it."""
        return self.first.claimed and self.second.claimed

    @property
    def by_chance(self) -> bool:
        """Whether the two intervals explain that they lie so far apart."""
        return math.log1p(self.apart) <= math.hypot(math.log1p(self.first.within), math.log1p(self.second.within))


@dataclass(frozen=True, slots=True)
class Comparison:
    """``pairs``: the ratios that both runs have, the furthest apart first. ``alone``: those that one of them lacks."""

    pairs: Sequence[Pair]
    alone: Sequence[str]

    def apart(self, within: float) -> list[Pair]:
        return [pair for pair in self.pairs if pair.apart > within]

    def agree(self, within: float) -> bool:
        return bool(self.pairs) and not self.apart(within) and not self.alone


def compared(first: Path, second: Path) -> Comparison:
    one, other = _ratios(first), _ratios(second)
    both = [Pair(*key, one[key], other[key]) for key in one.keys() & other.keys()]
    alone = sorted(f"{case} ÷ {to}" for case, to in one.keys() ^ other.keys())
    return Comparison(sorted(both, key=lambda pair: (-pair.apart, pair.case, pair.to)), alone)


def _ratios(file: Path) -> dict[tuple[str, str], Ratio]:
    results: Sequence[Mapping[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["results"]
    return {
        (_case(each), to): Ratio(float(value), _within(each, to))
        for each in results
        for to, value in each["ratio"].items()
        if to != each["system"] and value
    }


def _within(each: Mapping[str, Any], to: str) -> float:
    """Infinite where the run could not tell, and in files of before it was told."""
    within = each.get("ratio_within", {}).get(to)
    return math.inf if within is None else float(within)


def _case(each: Mapping[str, Any]) -> str:
    kind = "" if each["store"] == "-" else f" · {each['store']} ×{each['processes']}"
    return f"{each['system']}{kind}, {each['payload']}, {each['connections']} connections"


def printed(found: Comparison, within: float) -> Table:
    table = Table(title=f"Ratios of two runs; bold: more than {within:.0%} apart · 两次运行的比值")
    for heading in ("case", "÷", "first", "second", "apart", ""):
        table.add_column(heading, justify="left" if heading in ("case", "÷", "") else "right")
    for pair in found.pairs:
        style = "bold" if pair.apart > within else None
        table.add_row(
            pair.case, pair.to, _told(pair.first), _told(pair.second), f"{pair.apart:.1%}", _words(pair), style=style
        )
    return table


def summary(found: Comparison, within: float) -> list[str]:
    """In sentences: how many agree; of those the runs were sure of; what is in one run only."""
    near = [pair for pair in found.pairs if pair.apart <= within]
    sure = [pair for pair in found.pairs if pair.claimed]
    said = [
        f"{len(near)} of {len(found.pairs)} ratios lie within {within:.0%} of each other",
        f"{sum(pair.claimed for pair in near)} of {len(sure)} of those that both runs claim (± {CLAIMED:.0%} or less)",
    ]
    return said + [f"in one run only: {case}" for case in found.alone]


def _told(ratio: Ratio) -> str:
    return f"{ratio.middle:.4f}" + (f" ±{ratio.within:.0%}" if math.isfinite(ratio.within) else " ±?")


def _words(pair: Pair) -> str:
    return ", ".join((["not claimed"] * (not pair.claimed)) + (["more than chance"] * (not pair.by_chance)))
