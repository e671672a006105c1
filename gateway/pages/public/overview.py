"""The map of the home page: domains as lines, standards as stations on them, departments as termini. Made of numbers
only; the template draws it. Lengths are units of the view box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.pages.public.library import Department, Group, Library
from standards import Standard

WIDTH: Final = 1600
ROW: Final = 44  # from station to station
GAP: Final = 16  # more between two lines
TOP: Final = 30
LINE_X: Final = 322  # where a line leaves the name of its domain
STATION_X: Final = 482
LABEL_END_X: Final = 1046
TERMINUS_X: Final = 1226
BEND: Final = 16  # radius of a corner


@dataclass(frozen=True, slots=True)
class Stop:
    standard: Standard
    y: float
    track: str  # path from the domain


@dataclass(frozen=True, slots=True)
class Line:
    number: int  # chooses the colour
    domain: Group
    y: float
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Terminus:
    department: Department
    y: float
    tracks: tuple[tuple[int, str], ...]  # (number of the line, path from the station)


@dataclass(frozen=True, slots=True)
class Overview:
    height: float
    lines: tuple[Line, ...]
    termini: tuple[Terminus, ...]


def draw(library: Library) -> Overview:
    """Lines from top to bottom in the order of the domains; departments where their lines cross least."""
    lines: list[Line] = []
    y = float(TOP)
    for number, domain in enumerate(library.domains):
        rows = [(standard, y + ROW * position) for position, standard in enumerate(domain.standards)]
        middle = (rows[0][1] + rows[-1][1]) / 2
        number_x = LINE_X + 44 + 12 * (number % 3)
        stops = tuple(Stop(standard, at, _track(middle, at, number_x)) for standard, at in rows)
        lines.append(Line(number, domain, middle, stops))
        y = rows[-1][1] + ROW + GAP
    height = y - GAP
    return Overview(height, tuple(lines), _termini(library, lines, height))


def _termini(library: Library, lines: list[Line], height: float) -> tuple[Terminus, ...]:
    served: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for stop in line.stops:
            for department in library.offices_of(stop.standard):
                served.setdefault(department.id, []).append((line.number, stop.y))
    order = sorted(served, key=lambda key: (sum(y for _, y in served[key]) / len(served[key]), key))
    step = height / max(len(order), 1)
    return tuple(
        Terminus(
            library.departments[key],
            step * (position + 0.5),
            tuple((number, _curve(y, step * (position + 0.5))) for number, y in served[key]),
        )
        for position, key in enumerate(order)
    )


def _track(start: float, end: float, bend_x: float) -> str:
    """Along the line, round two corners, to the station; straight on if it lies on the same height."""
    if abs(end - start) < 2 * BEND:
        curve = f"C{bend_x + 30:g} {start:g} {bend_x + 20:g} {end:g} {bend_x + 50:g} {end:g}"
        return f"M{LINE_X} {start:g}H{bend_x:g}{curve}H{STATION_X}"
    turn = BEND if end > start else -BEND
    return (
        f"M{LINE_X} {start:g}H{bend_x - BEND:g}Q{bend_x:g} {start:g} {bend_x:g} {start + turn:g}"
        f"V{end - turn:g}Q{bend_x:g} {end:g} {bend_x + BEND:g} {end:g}H{STATION_X}"
    )


def _curve(start: float, end: float) -> str:
    half = (LABEL_END_X + TERMINUS_X) / 2
    return f"M{LABEL_END_X} {start:g}C{half:g} {start:g} {half:g} {end:.4g} {TERMINUS_X} {end:.4g}"
