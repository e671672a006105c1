"""From rows to what people read: medians of the rounds, ratios, a table, and the JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from bench.measure import Row

_MEASURED = ("qps", "p50_ms", "p99_ms", "cpu_us", "rss_mb", "store_cpu_us")
BESIDE = ("direct", "nginx proxy_pass")


def middle(rounds: Sequence[Row]) -> Row:
    """One row for one case: the median of each figure, and all errors."""
    medians = {name: median(getattr(row, name) for row in rounds) for name in _MEASURED}
    return replace(rounds[0], errors=sum(row.errors for row in rounds), **medians)


def spread(rounds: Sequence[Row]) -> float:
    """How far the rounds lie apart: the widest distance from their median throughput, as a share of it."""
    rates = [row.qps for row in rounds]
    return max(abs(rate - median(rates)) for rate in rates) / median(rates) if median(rates) else 0.0


def ratio(row: Row, rows: Sequence[Row], to: str) -> float | None:
    """This row's throughput as a share of what ``to`` reached with as many connections and the same payload."""
    payload = row.payload.partition("-")[0]
    for other in rows:
        if (other.system, other.connections, other.payload) == (to, row.connections, payload) and other.qps:
            return row.qps / other.qps
    return None


def added_ms(row: Row, rows: Sequence[Row]) -> dict[str, float] | None:
    """What the way through this system costs at one connection: its percentiles less those of the direct call."""
    for other in rows:
        if (other.system, other.connections, other.payload) == ("direct", 1, row.payload) and row.connections == 1:
            return {"p50_ms": round(row.p50_ms - other.p50_ms, 3), "p99_ms": round(row.p99_ms - other.p99_ms, 3)}
    return None


def printed(rows: Sequence[Row]) -> Table:
    """Fastest first within each case. Bold: the gateway."""
    table = Table(title="Throughput as ratios; medians of the rounds · 吞吐量比值（各轮中位数）")
    for heading in ("system", "÷ direct", "÷ nginx", "q/s", "p50 ms", "p99 ms", "CPU µs", "MB", "errors"):
        first = heading == "system"  # on a narrow screen it is broken, the figures never are
        table.add_column(heading, justify="left" if first else "right", no_wrap=not first)
    case = None
    for row in sorted(rows, key=lambda each: (each.payload, each.connections, -each.qps)):
        if case != (case := (row.payload, row.connections)):
            table.add_section()
            table.add_row(f"{row.payload}, {row.connections} connections", style="italic")
        table.add_row(
            f"  {label(row)}", *(_share(ratio(row, rows, to)) for to in BESIDE),
            f"{row.qps:,.0f}", f"{row.p50_ms:.2f}", f"{row.p99_ms:.2f}", f"{row.cpu_us:,.0f}", f"{row.rss_mb:,.0f}",
            str(row.errors), style="bold" if row.system == "tongqu" else None,
        )  # fmt: skip
    return table


def label(row: Row) -> str:
    """The system, and for the gateway on what it stores and in how many processes."""
    return row.system if row.store == "-" else f"{row.system} · {row.store} ×{row.processes}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}" if value < 0.01 else f"{value:.3f}"


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
        | {"ratio": {to: round(value, 4) for to in BESIDE if (value := ratio(row, rows, to)) is not None}}
        | ({"added": added} if (added := added_ms(row, rows)) and row.system != "direct" else {})
        for row, each in zip(rows, rounds, strict=True)
    ]
    document = {"results": results, "machine": dict(machine), "left_out": list(left_out), "notes": list(notes)}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
