"""The figures as one picture for the docs: an SVG of horizontal bars, written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from bench.measure import Row
from bench.table import label

WIDTH, LEFT, BAR, STEP, TOP = 940, 330, 22, 34, 78
DOES = {
    "direct": "无网关 no gateway",
    "nginx proxy_pass": "只转发 passes on",
    "tongqu": "全部功能 everything on",
}
COLOURS = {"tongqu": "#b3261e", "direct": "#9aa5b1"}


def write(file: Path, rows: Sequence[Row], connections: int = 64, payload: str = "1k") -> None:
    """Throughput of each system at this many connections, on a logarithmic scale, fastest first."""
    shown = sorted((r for r in rows if (r.connections, r.payload) == (connections, payload)), key=lambda r: -r.qps)
    if not shown:
        return
    most = max(math.log10(max(row.qps, 10)) for row in shown)
    height = TOP + STEP * len(shown) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" role="img">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(20, 30, "每秒查询数，64 个连接，1 KB 记录（对数刻度）", 17, "#1f2933"),
        _text(20, 52, "Queries per second, 64 connections, records of 1 KB (logarithmic scale)", 14, "#52606d"),
    ]
    for number, row in enumerate(shown):
        parts += _bar(row, TOP + STEP * number, most)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


def _bar(row: Row, top: int, most: float) -> list[str]:
    """From 10 queries a second at the left to the fastest system at the right."""
    share = max(0.01, (math.log10(max(row.qps, 10)) - 1) / max(most - 1, 0.1))
    width = round(share * (WIDTH - LEFT - 220))
    colour = COLOURS.get(row.system, "#3e6c9f")
    said = f"{row.qps:,.0f}" + (f" · {DOES[row.system]}" if row.system in DOES else "")
    return [
        _text(LEFT - 10, top + 16, label(row), 14, "#1f2933", anchor="end"),
        f'<rect x="{LEFT}" y="{top}" width="{width}" height="{BAR}" rx="3" fill="{colour}"/>',
        _text(LEFT + width + 8, top + 16, said, 13, "#52606d"),
    ]


def _text(x: int, y: int, said: str, size: int, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{escape(said)}</text>'
