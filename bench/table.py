"""From cases to what people read: a table, and the JSON beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.cases import GATEWAY, Case, Visit
from bench.estimate import Ratio
from bench.measure import Row

NOT_CLAIMED = "?"  # after a ratio whose interval is wider than what two runs may lie apart


def added_ms(row: Row, rows: Sequence[Row]) -> dict[str, float] | None:
    """What the way through this system costs at one connection: its percentiles less those of the direct call."""
    for other in rows:
        if (other.system, other.connections, other.payload) == ("direct", 1, row.payload) and row.connections == 1:
            return {"p50_ms": round(row.p50_ms - other.p50_ms, 3), "p99_ms": round(row.p99_ms - other.p99_ms, 3)}
    return None


def printed(cases: Sequence[Case]) -> Table:
    """Fastest first within each case. Bold: the gateway. ±: the 95 % interval of the ratio."""
    table = Table(
        title=f"Throughput as ratios; {NOT_CLAIMED}: too unsure to be claimed · 吞吐量比值（{NOT_CLAIMED} 为未定）"
    )
    headings = ("system", "ratio", "q/s", "p50 ms", "p99 ms", "CPU µs", "MB", "taken", "errors")
    for heading in headings:
        first = heading == "system"  # on a narrow screen it is broken, the figures never are
        table.add_column(heading, justify="left" if first else "right", no_wrap=not first)
    place = None
    for case in sorted(cases, key=lambda each: (each.row.payload, each.row.connections, -each.row.qps)):
        row = case.row
        if place != (place := (row.payload, row.connections)):
            table.add_section()
            to = next(
                (next(iter(c.ratios)) for c in cases if place == (c.row.payload, c.row.connections) and c.ratios), ""
            )
            table.add_row(f"{row.payload}, {row.connections} connections", f"÷ {to}" if to else "", style="italic")
        table.add_row(
            f"  {label(row)}", _share(next(iter(case.ratios.values()), None)),
            f"{row.qps:,.0f}", f"{row.p50_ms:.2f}", f"{row.p99_ms:.2f}", f"{row.cpu_us:,.0f}", f"{row.rss_mb:,.0f}",
            f"{row.taken:.0%}", str(row.errors), style="bold" if row.system == GATEWAY else None,
        )  # fmt: skip
    return table


def beside_peers(cases: Sequence[Case]) -> Table | None:
    """The gateway as a share of each peer, where they were measured together. None: nowhere."""
    ours = [case for case in cases if case.row.system == GATEWAY and len(case.ratios) > 1]
    peers = list(dict.fromkeys(to for case in ours for to in list(case.ratios)[1:]))
    if not peers:
        return None
    table = Table(title="Tongqu beside its peers · 与同类相比")
    table.add_column("system")
    for peer in peers:
        table.add_column(f"÷ {peer}", justify="right")
    for case in sorted(ours, key=lambda each: (each.row.payload, each.row.connections, -each.row.qps)):
        where = f"{label(case.row)}, {case.row.payload}, {case.row.connections}"
        table.add_row(where, *(_share(case.ratios.get(peer)) for peer in peers))
    return table


def label(row: Row) -> str:
    """The system, and for the gateway on what it stores and in how many processes."""
    return row.system if row.store == "-" else f"{row.system} · {row.store} ×{row.processes}"


def _share(found: Ratio | None) -> str:
    if found is None:
        return "–"
    shown = f"{found.middle:.4f}" if found.middle < 0.01 else f"{found.middle:.3f}"
    if not found.within:
        return shown
    within = f"{found.within:.0%}" if math.isfinite(found.within) else ""
    return f"{shown} ±{within}" + ("" if found.claimed else NOT_CLAIMED)


def write(
    file: Path,
    cases: Sequence[Case],
    machine: Mapping[str, Any],
    left_out: Sequence[str],
    notes: Sequence[str],
) -> None:
    """results/latest.json: ``results`` as interface.md has them, each with its ratios and how sure they are."""
    rows = [case.row for case in cases]
    results = [
        row.to_dict()
        | {"rounds": case.rounds}
        | {"ratio": {to: round(found.middle, 5) for to, found in case.ratios.items()}}
        | {"ratio_within": {to: _told(found.within) for to, found in case.ratios.items()}}
        | ({"added": added} if (added := added_ms(row, rows)) and row.system != "direct" else {})
        for row, case in zip(rows, cases, strict=True)
    ]
    document = {"results": results, "machine": dict(machine), "left_out": list(left_out), "notes": list(notes)}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _told(within: float) -> float | None:
    return round(within, 3) if math.isfinite(within) else None


def write_turns(file: Path, visits: Sequence[Visit]) -> None:
    """results/turns.json: each turn by itself, so that everybody can judge by another rule than ours."""
    document = [
        {
            "payload": visit.group.payload,
            "connections": visit.group.connections,
            "players": [f"{target.system} {target.store} {target.processes}" for target in visit.targets],
            "cpu_s": visit.cpu_s,
            "turns": [
                {k: v for k, v in asdict(turn).items() if k not in ("latencies", "each_second")}
                for turn in visit.block.turns
            ],
        }
        for visit in visits
    ]
    file.write_text(json.dumps(document) + "\n", encoding="utf-8")
