"""Which cells of a table must stay hidden so that no small one is known, alone or from sums and differences.

A cell is small if one of its *parts* is: a count has one part, a rate has two (those it counts and the others), since
the rate and the whole give both. Hiding the small cells is not enough where totals are shown: 40 of 45 leaves 5. So
further cells are hidden until the totals that are shown tell no more of a small part than that it is small.

What totals tell is exact here, not a rule of thumb: in a table of up to two dimensions with its margins, the hidden
cells are edges between the lines they stand in, and how far one of them could be larger or smaller is the most that can
flow round through the others (the network form of the cell suppression problem; docs/decisions/0025-indicators.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

ALL = "\0"  # in a key: the total over this dimension; no code contains it
LIMIT = 10  # a part of fewer is small; threat T17

Key = tuple[str, ...]
Parts = tuple[int, ...]
End = tuple[str, str]

UNBOUNDED = 1 << 60
A_TOTAL = 1 << 40  # what hiding a total costs: more than any number of inner cells


def hidden(cells: Mapping[Key, Parts], least: int = 0) -> frozenset[Key]:
    """The keys to hide. ``cells`` holds every cell that has anybody and all totals; at most two dimensions.

    ``least``: what everybody knows to be in a cell that is listed: 1 for a count, 0 for the parts of a rate.
    """
    out = {key for key, parts in cells.items() if any(part < LIMIT for part in parts)}
    if not all(cells):
        return frozenset(out)  # a figure without cells has no totals that could tell anything
    for key in sorted(out):
        # hiding more can only widen what is possible for the others, so no cell is looked at twice
        for index, value in enumerate(cells[key]):
            if value < LIMIT:
                table = {other: parts[index] for other, parts in cells.items()}
                _blur(table, out, key, least)
    return frozenset(out)


def small(counts: Iterable[int]) -> bool:
    """Whether one of these counts is small but not nothing: a difference of 0 tells of nobody."""
    return any(0 < count < LIMIT for count in counts)


def _blur(table: Mapping[Key, int], out: set[Key], key: Key, least: int) -> None:
    """Hide the cheapest further cells until the totals allow ``key`` every value that is small."""
    value, floor = table[key], 0 if ALL in key else least
    for sign, wanted in ((+1, LIMIT - 1 - value), (-1, value - floor)):
        network = _Network.of(table, key, least)
        start, goal = _ends(key) if (sign < 0) == _counted_in(key) else _ends(key)[::-1]
        while wanted > 0:
            path = network.cheapest(start, goal, table, out)
            if path is None:
                break  # the whole table is hidden, and nothing of it is told
            pushed = min(wanted, *(arc.room for arc in path))
            for arc in path:
                arc.push(pushed)
                out.add(arc.key)
            wanted -= pushed


# ── how far a hidden cell could differ ────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class _Arc:
    """A cell walked in one direction; ``room`` is how much it may still change that way."""

    key: Key
    to: End
    room: int
    back: _Arc | None = field(default=None, repr=False)

    def push(self, amount: int) -> None:
        self.room -= amount
        if self.back is not None:
            self.back.room += amount


@dataclass(slots=True)
class _Network:
    """Every cell but one as an arc between its two lines, in both directions."""

    arcs: dict[End, list[_Arc]]

    @classmethod
    def of(cls, table: Mapping[Key, int], without: Key, least: int) -> _Network:
        arcs: dict[End, list[_Arc]] = {}
        for key, value in table.items():
            if key != without:
                forward, backward = _ends(key)
                more, less = UNBOUNDED, value - (0 if ALL in key else least)
                up, down = (more, less) if _counted_in(key) else (less, more)
                there, back = _Arc(key, backward, up), _Arc(key, forward, down)
                there.back, back.back = back, there
                arcs.setdefault(forward, []).append(there)
                arcs.setdefault(backward, []).append(back)
        return cls(arcs)

    def cheapest(self, start: End, goal: End, table: Mapping[Key, int], out: set[Key]) -> list[_Arc] | None:
        """The way with room that hides least: nothing for a hidden cell, its size for a shown one (Dijkstra)."""
        best: dict[End, int] = {start: 0}
        came: dict[End, tuple[End, _Arc]] = {}
        waiting = [(0, start)]
        while waiting:
            cost, here = heappop(waiting)
            if here == goal:
                return _back(came, start, goal)
            if cost > best[here]:
                continue
            for arc in self.arcs.get(here, ()):
                price = cost + (0 if arc.key in out else 1 + table[arc.key] + A_TOTAL * (ALL in arc.key))
                if arc.room > 0 and price < best.get(arc.to, UNBOUNDED):
                    best[arc.to] = price
                    came[arc.to] = (here, arc)
                    heappush(waiting, (price, arc.to))
        return None


def _back(came: Mapping[End, tuple[End, _Arc]], start: End, goal: End) -> list[_Arc]:
    path = []
    while goal != start:
        goal, arc = came[goal]
        path.append(arc)
    return path


def _ends(key: Key) -> tuple[End, End]:
    """The two lines a cell stands in; a table of one dimension has one line, and a place that nobody sums up."""
    return (("row", key[0]), ("column", key[1])) if len(key) == 2 else (("free", ""), ("line", ""))


def _counted_in(key: Key) -> bool:
    """Whether the cell is summed (an inner cell, the grand total of both) or what the sum must give."""
    return key.count(ALL) % 2 == 0
