"""Do two runs of the benchmark agree? Their ratios are compared, case by case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

WITHIN = 0.15


@dataclass(frozen=True, slots=True)
class Pair:
    """One ratio in both runs. ``apart``: by how much the larger one exceeds the smaller, as a share of it."""

    case: str
    to: str
    first: float
    second: float

    @property
    def apart(self) -> float:
        return max(self.first, self.second) / min(self.first, self.second) - 1


def pairs(first: Path, second: Path) -> list[Pair]:
    """The ratios that both results have, the furthest apart first."""
    one, other = _ratios(first), _ratios(second)
    both = [Pair(*key, one[key], other[key]) for key in one.keys() & other.keys()]
    return sorted(both, key=lambda pair: (-pair.apart, pair.case))


def _ratios(file: Path) -> dict[tuple[str, str], float]:
    results: Sequence[Mapping[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["results"]
    return {
        (_case(each), to): float(value)
        for each in results
        for to, value in each["ratio"].items()
        if to != each["system"] and value
    }


def _case(each: Mapping[str, Any]) -> str:
    kind = "" if each["store"] == "-" else f" · {each['store']} ×{each['processes']}"
    return f"{each['system']}{kind}, {each['payload']}, {each['connections']} connections"


def printed(found: Sequence[Pair], within: float) -> Table:
    table = Table(title=f"Ratios of two runs; bold: more than {within:.0%} apart · 两次运行的比值")
    for heading in ("case", "÷", "first", "second", "apart"):
        table.add_column(heading, justify="left" if heading in ("case", "÷") else "right")
    for pair in found:
        style = "bold" if pair.apart > within else None
        table.add_row(pair.case, pair.to, f"{pair.first:.4f}", f"{pair.second:.4f}", f"{pair.apart:.1%}", style=style)
    return table
