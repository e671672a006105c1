"""From rows to what people read: medians of the rounds, ratios with their spread, a table, and the JSON beside it.

A ratio is not one median over another: each slice is divided by what the reference reached just before and after it,
and the median of these quotients is taken. So what slows the machine for a minute slows both sides of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.table import Table

from bench.measure import Row

_MEASURED = ("qps", "p50_ms", "p99_ms", "cpu_us", "rss_mb", "store_cpu_us", "taken", "idle")
BESIDE = ("direct", "nginx proxy_pass")


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the rounds' quotients, and half of the width in which the middle half of them lies, as a share."""

    middle: float
    spread: float


def middle(rounds: Sequence[Row]) -> Row:
    """One row for one case: the median of each figure, and all errors."""
    medians = {name: median(getattr(row, name) for row in rounds) for name in _MEASURED}
    return replace(rounds[0], errors=sum(row.errors for row in rounds), **medians)


def spread(rounds: Sequence[Row]) -> float:
    """How far the rounds lie apart: the widest distance from their median throughput, as a share of it."""
    rates = [row.qps for row in rounds]
    return max(abs(rate - median(rates)) for rate in rates) / median(rates) if median(rates) else 0.0


def ratio(rounds: Sequence[Row], to: str) -> Ratio | None:
    """The throughput of one case as a share of what ``to`` reached beside it; None where it was not measured."""
    if rounds[0].system == to:
        return Ratio(1.0, 0.0)
    shares = [row.fair_qps / row.beside[to] for row in rounds if row.beside.get(to)]
    if not shares:
        return None
    low, middle, high = quantiles(shares, n=4, method="inclusive") if len(shares) > 1 else shares * 3
    return Ratio(middle, (high - low) / 2 / middle if middle else 0.0)


def added_ms(row: Row, rows: Sequence[Row]) -> dict[str, float] | None:
    """What the way through this system costs at one connection: its percentiles less those of the direct call."""
    for other in rows:
        if (other.system, other.connections, other.payload) == ("direct", 1, row.payload) and row.connections == 1:
            return {"p50_ms": round(row.p50_ms - other.p50_ms, 3), "p99_ms": round(row.p99_ms - other.p99_ms, 3)}
    return None


def printed(cases: Sequence[Sequence[Row]]) -> Table:
    """Fastest first within each case. Bold: the gateway. ±: the spread of the ratio, see Ratio."""
    table = Table(title="Throughput as ratios; medians of the rounds · 吞吐量比值（各轮中位数）")
    headings = ("system", "÷ direct", "÷ nginx", "q/s", "p50 ms", "p99 ms", "CPU µs", "MB", "taken", "errors")
    for heading in headings:
        first = heading == "system"  # on a narrow screen it is broken, the figures never are
        table.add_column(heading, justify="left" if first else "right", no_wrap=not first)
    case = None
    middles = [(middle(each), each) for each in cases]
    for row, rounds in sorted(middles, key=lambda each: (each[0].payload, each[0].connections, -each[0].qps)):
        if case != (case := (row.payload, row.connections)):
            table.add_section()
            table.add_row(f"{row.payload}, {row.connections} connections", style="italic")
        table.add_row(
            f"  {label(row)}", *(_share(ratio(rounds, to)) for to in BESIDE),
            f"{row.qps:,.0f}", f"{row.p50_ms:.2f}", f"{row.p99_ms:.2f}", f"{row.cpu_us:,.0f}", f"{row.rss_mb:,.0f}",
            f"{row.taken:.0%}", str(row.errors), style="bold" if row.system == "tongqu" else None,
        )  # fmt: skip
    return table


def label(row: Row) -> str:
    """The system, and for the gateway on what it stores and in how many processes."""
    return row.system if row.store == "-" else f"{row.system} · {row.store} ×{row.processes}"


def _share(found: Ratio | None) -> str:
    if found is None:
        return "–"
    shown = f"{found.middle:.4f}" if found.middle < 0.01 else f"{found.middle:.3f}"
    return f"{shown} ±{found.spread:.0%}" if found.spread else shown


def write(
    file: Path,
    rounds: Sequence[Sequence[Row]],
    machine: Mapping[str, Any],
    left_out: Sequence[str],
    notes: Sequence[str],
) -> None:
    """results/latest.json: ``results`` as interface.md has them, each with its ratios and the spread of its rounds."""
    rows = [middle(each) for each in rounds]
    results = [
        row.to_dict()
        | {"rounds": len(each), "spread": round(spread(each), 3)}
        | {"ratio": {to: round(found.middle, 5) for to, found in _ratios(each)}}
        | {"ratio_spread": {to: round(found.spread, 3) for to, found in _ratios(each)}}
        | ({"added": added} if (added := added_ms(row, rows)) and row.system != "direct" else {})
        for row, each in zip(rows, rounds, strict=True)
    ]
    document = {"results": results, "machine": dict(machine), "left_out": list(left_out), "notes": list(notes)}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _ratios(rounds: Sequence[Row]) -> list[tuple[str, Ratio]]:
    return [(to, found) for to in BESIDE if (found := ratio(rounds, to)) is not None]
