"""Which cells of a table must stay hidden so that no small one is known, alone or from sums and differences.

A cell is small if one of its *parts* is: a count has one part, a rate has two (those it counts and the others), since
the rate and the whole give both. Hiding the small cells is not enough where totals are shown: 40 of 45 leaves 5. So
further cells are hidden until the totals that are shown tell no more of a small part than that it is small.

What totals tell is exact here, not a rule of thumb: in a table of up to two dimensions with its margins, the hidden
cells are edges between the lines they stand in, and how far one of them could be larger or smaller is the most that can
flow round through the others (the network form of the cell suppression problem; docs/decisions/0022-indicators.md).
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

UNBOUNDED = 1 << 80
A_TOTAL = 1 << 40  # what hiding a total costs: more than any number of inner cells
A_STEP = 1 << 20  # a longer way is dearer by one; hiding somebody is dearer than any way is long


def hidden(cells: Mapping[Key, Parts], least: int = 0) -> frozenset[Key]:
    """The keys to hide. ``cells`` holds every cell that has anybody and all totals; at most two dimensions.

    ``least``: what everybody knows to be in a cell that is listed: 1 for a count, 0 for the parts of a rate.
    """
    out = {key for key, parts in cells.items() if any(part < LIMIT for part in parts)}
    if not all(cells):
        return frozenset(out)  # a figure without cells has no totals that could tell anything
    small_ones = sorted(out)
    for index in range(len(next(iter(cells.values())))):
        network = _Network.of({key: parts[index] for key, parts in cells.items()}, least)
        for key in small_ones:
            # hiding more can only widen what is possible for the others, so no cell is looked at twice
            if cells[key][index] < LIMIT:
                _blur(network, out, key, least)
    return frozenset(out)


def small(counts: Iterable[int]) -> bool:
    """Whether one of these counts is small but not nothing: a difference of 0 tells of nobody."""
    return any(0 < count < LIMIT for count in counts)


def _blur(network: _Network, out: set[Key], key: Key, least: int) -> None:
    """Hide the cheapest further cells until the totals allow ``key`` every value that is small."""
    value, floor = network.table[key], 0 if ALL in key else least
    for sign, wanted in ((+1, LIMIT - 1 - value), (-1, value - floor)):
        moved: list[tuple[_Arc, int]] = []
        start, goal = _ends(key) if (sign < 0) == _counted_in(key) else _ends(key)[::-1]
        while wanted > 0:
            path = network.cheapest(start, goal, key, out)
            if path is None:
                break  # the whole table is hidden, and nothing of it is told
            pushed = min(wanted, *(arc.room for arc in path))
            for arc in path:
                arc.push(pushed)
                moved.append((arc, pushed))
                out.add(arc.key)
            wanted -= pushed
        for arc, pushed in moved:  # the next question starts from the table as it is
            arc.push(-pushed)


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
    """Every cell as an arc between its two lines, in both directions."""

    table: Mapping[Key, int]
    arcs: dict[End, list[_Arc]]

    @classmethod
    def of(cls, table: Mapping[Key, int], least: int) -> _Network:
        arcs: dict[End, list[_Arc]] = {}
        for key, value in table.items():
            forward, backward = _ends(key)
            more, less = UNBOUNDED, value - (0 if ALL in key else least)
            up, down = (more, less) if _counted_in(key) else (less, more)
            there, back = _Arc(key, backward, up), _Arc(key, forward, down)
            there.back, back.back = back, there
            arcs.setdefault(forward, []).append(there)
            arcs.setdefault(backward, []).append(back)
        return cls(table, arcs)

    def cheapest(self, start: End, goal: End, without: Key, out: set[Key]) -> list[_Arc] | None:
        """The way with room, not over ``without``, that hides least: nothing for a hidden cell, its size for another.

        Dijkstra, nearest first; among ways that hide nothing, the shortest.
        """
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
                if arc.room <= 0 or arc.key == without:
                    continue
                shown = 0 if arc.key in out else 1 + self.table[arc.key] + A_TOTAL * (ALL in arc.key)
                price = cost + 1 + A_STEP * shown
                if price < best.get(arc.to, UNBOUNDED):
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
