"""Charts as SVG, drawn on the server: no script, sharp at every size, and a table of the same figures beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

WIDTH, HEIGHT, FOOT, SIDE, RIGHT = 960, 200, 26, 44, 16
STACK = ("released", "open", "unknown", "failed", "withheld", "refused")  # from the bottom up


class Bar(NamedTuple):
    start: datetime
    counts: dict[str, int]  # by result; "" for what has none
    href: str
    label: str  # of the axis, shown where there is room
    title: str  # said aloud, and shown on hover

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def bars(found: Sequence[Bar], name: str, *, height: int = HEIGHT) -> Markup:
    """One column for each bar, stacked by result, each a link to what it counts."""
    if not found:
        return Markup("")
    most = max(1, *(bar.total for bar in found))
    top, scale = _nice(most), (height - FOOT - 12) / _nice(most)
    step = (WIDTH - SIDE - RIGHT) / len(found)
    gap = min(6.0, step * 0.18)
    every = max(1, round(len(found) * 62 / (WIDTH - SIDE)))
    parts = [_grid(top, scale, height)]
    for number, bar in enumerate(found):
        x = SIDE + number * step + gap / 2
        parts.append(_column(bar, x, step - gap, scale, height))
        if number % every == 0:
            parts.append(
                Markup('<text class="tick-label" x="{:.1f}" y="{}">{}</text>').format(
                    x + (step - gap) / 2, height - 6, bar.label
                )
            )
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>').format(
        WIDTH, height, name, Markup("").join(parts)
    )


def _column(bar: Bar, x: float, width: float, scale: float, height: int) -> Markup:
    base = height - FOOT
    pieces = [Markup('<rect class="touch" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>').format(x, width, base)]
    y = float(base)
    for result in (*STACK, ""):
        if count := bar.counts.get(result, 0):
            tall = max(1.5, count * scale)
            y -= tall
            pieces.append(
                Markup('<rect class="bar-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                    result or "plain", x, y, width, tall
                )
            )
    return Markup('<a href="{}" aria-label="{}"><title>{}</title>{}</a>').format(
        bar.href, bar.title, bar.title, Markup("").join(pieces)
    )


def _grid(top: int, scale: float, height: int) -> Markup:
    base, lines = height - FOOT, []
    for value in dict.fromkeys((0, top // 2, top)):
        y = base - value * scale
        lines.append(
            Markup('<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="{}" y="{:.1f}">{:,}</text>').format(
                SIDE, WIDTH, y, y, SIDE - 6, y + 4, value
            )
        )
    return Markup('<g class="grid" aria-hidden="true">{}</g>').format(Markup("").join(lines))


def _nice(most: int) -> int:
    """The next of 2, 4, 10, 20, 40, 100 …: a scale whose half is a whole number."""
    unit = 1
    while True:
        for factor in (2, 4, 10):
            if most <= factor * unit:
                return factor * unit
        unit *= 10


def meter(part: int, whole: int, label: Callable[[], str]) -> Markup:
    """How much of something is done."""
    share = 100 if whole == 0 else part * 100 / whole
    return Markup(
        '<svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="meter-all" width="100" height="6"/><rect class="meter-done" width="{:.1f}" height="6"/></svg>'
    ).format(label(), share)
