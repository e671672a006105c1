"""Growth as a table, as JSON, and as one picture: the cost of a query beside the small city's, over a log axis."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.growth import Point

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 380, 70, 30, 70, 60
LOWEST, HIGHEST = 0.7, 1.3  # of the ratio axis
SIZES = 7  # powers of ten on the other one
COLOURS = {"entries sqlite": "#b3261e", "entries postgresql": "#3e6c9f", "agreements sqlite": "#4c8c4a", "services sqlite": "#a06a00"}  # fmt: skip  # noqa: E501
WORDS = {"entries": "日志条数 log entries", "agreements": "协议 agreements", "services": "服务 services"}


def printed(points: Sequence[Point]) -> Table:
    table = Table("", "store", "number", "CPU µs", "small city's", "ratio", "start s", "its CPU s", "disk MB")
    for each in points:
        costs = (f"{each.cpu_us:,.0f}", f"{each.base_cpu_us:,.0f}", f"{each.ratio.middle:.2f} ±{each.ratio.within:.0%}")
        starts = (f"{each.start_s:.2f}", f"{each.start_cpu_s:.2f}", f"{each.disk_mb:,.0f}")
        table.add_row(each.what, each.store, f"{each.number:,}", *costs, *starts)
    return table


def write(folder: Path, points: Sequence[Point], machine: dict[str, Any], notes: Sequence[str]) -> None:
    """``growth.json`` and ``growth.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine, "notes": list(notes), "points": [_rounded(asdict(each)) for each in points]}
    (folder / "growth.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "growth.svg").write_text(_picture(points), encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None  # JSON knows no infinity
    return value


def _picture(points: Sequence[Point]) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(20, 28, "每次查询的 CPU 开销，与小城市之比（越平越好）", 17),
        _text(20, 50, "CPU per query, as a ratio to a small city measured at the same time (flat is good)", 14),
    ]
    for ratio in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3):
        y = _y(ratio)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#d9e2ec"/>')
        parts.append(_text(LEFT - 8, y + 5, f"{ratio:.1f}", 13, "end"))
    for power in range(1, SIZES + 1):
        parts.append(_text(_x(10**power), HEIGHT - BOTTOM + 20, f"10{'⁰¹²³⁴⁵⁶⁷⁸⁹'[power]}", 13, "middle"))
    for number, (name, colour) in enumerate(COLOURS.items()):
        what, store = name.split()
        mine = sorted((p for p in points if (p.what, p.store) == (what, store)), key=lambda p: p.number)
        if mine:
            parts += _curve(mine, colour)
            parts.append(_text(LEFT + 200 * number, HEIGHT - 14, f"● {WORDS[what]} ({store})", 12, colour=colour))
    return "\n".join([*parts, "</svg>", ""])


def _curve(points: Sequence[Point], colour: str) -> list[str]:
    """With an upright line at each point: the interval of its ratio."""
    places = [(_x(each.number), _y(each.ratio.middle)) for each in points]
    line = " ".join(f"{x},{y}" for x, y in places)
    dots = [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in places]
    uprights = []
    for each in points:
        x, most, least = (
            _x(each.number),
            each.ratio.middle * (1 + each.ratio.within),
            each.ratio.middle / (1 + each.ratio.within),
        )
        uprights.append(f'<line x1="{x}" y1="{_y(least)}" x2="{x}" y2="{_y(most)}" stroke="{colour}" opacity="0.6"/>')
    return [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>', *uprights, *dots]


def _x(number: int) -> int:
    return LEFT + round((math.log10(number) - 1) / (SIZES - 1) * (WIDTH - LEFT - RIGHT))


def _y(ratio: float) -> int:
    share = (min(max(ratio, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
    return HEIGHT - BOTTOM - round(share * (HEIGHT - TOP - BOTTOM))


def _text(x: int, y: int, said: str, size: int, anchor: str = "start", colour: str = "#1f2933") -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{escape(said)}</text>'
