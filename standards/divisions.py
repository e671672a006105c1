"""Administrative divisions with their history: what a code meant on a day, and where its people and places are now.

>>> from standards import divisions
>>> divisions.resolve("110228", date(2014, 3, 1)).divisions[0].zh
'密云县'
>>> [one.code for one in divisions.now("110228").successors]
['110118']

A code is never guessed: what several codes may stand for is answered with all of them, and what is not in the table is
unknown. Nothing here judges identity numbers: their first six digits say where a number was issued, often long ago, and
some of those codes were assigned twice (GB 11643; GB/T 2260), so no number is refused for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from standards.division_table import Division, description, first_year, history, in_force, last_year, table

__all__ = [
    "Division",
    "DivisionInvalid",
    "Now",
    "Resolution",
    "Successor",
    "description",
    "history",
    "in_force",
    "now",
    "resolve",
    "table",
]

# Headings of statistical lists (市辖区, 县, 省直辖县级行政区划): in departments' tables, but no divisions of their own.
HEADING = re.compile(r"(11|12|31|50)0[12]00|[1-8][0-9]9000|[1-8][0-9]{3}01")
WRITTEN = re.compile(r"[1-9][0-9]{5}([0-9]{3}([0-9]{3})?)?", re.ASCII)


class DivisionInvalid(ValueError):
    """Not written as a division code. ``zh`` and ``en`` say what was expected; the value is not repeated."""

    def __init__(self) -> None:
        self.zh = "行政区划代码应为 6、9 或 12 位数字，首位不为 0"
        self.en = "a division code has 6, 9 or 12 digits and does not begin with 0"
        super().__init__(self.en)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a code meant on a day.

    ``status``: ``in_force`` (one division) · ``year_of_change`` (it began or ended within that year, and the day of use
    is not in the table: one or two divisions) · ``not_in_force`` (known, but at another time) · ``before_the_table`` ·
    ``heading`` (a heading of statistical lists) · ``unknown``.
    """

    code: str
    on: date
    status: str
    divisions: tuple[Division, ...]
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Successor:
    """A division in force. ``since``: the year in which it took the place (or the territory) of the one asked for.

    ``path``: the codes passed through, first the one asked for, last this one.
    """

    code: str
    zh: str
    since: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Now:
    """The present of a code.

    ``status``: ``same`` · ``renamed`` (same digits) · ``replaced`` (one successor) · ``divided`` (several) ·
    ``unknown``, ``heading``, ``not_in_force``, ``before_the_table`` (as in Resolution; no successors).
    ``as_of``: the last year the table knows.
    """

    code: str
    status: str
    successors: tuple[Successor, ...]
    parts: tuple[Successor, ...]
    as_of: int
    zh: str
    en: str


def resolve(code: str, on: date) -> Resolution:
    """What a code of 6, 9 or 12 digits meant on a day; only the first six are looked up. Raises DivisionInvalid."""
    six = _six(code)
    status, those = _meant(six, on)
    return Resolution(six, on, status, those, *_SENTENCES[status])


def _meant(six: str, on: date) -> tuple[str, tuple[Division, ...]]:
    found = history(six)
    if not found:
        return ("heading" if HEADING.fullmatch(six) else "unknown"), ()
    if on.year < first_year():
        return "before_the_table", ()
    if sure := tuple(one for one in found if one.surely_on(on)):
        return "in_force", sure
    perhaps = tuple(one for one in found if one.perhaps_on(on))
    return ("year_of_change" if perhaps else "not_in_force"), perhaps


def now(code: str, on: date | None = None) -> Now:
    """What a code of 6, 9 or 12 digits is today, as far as the table knows.

    ``on``: the day of the record. Without it, everything the code has ever meant is followed. Street and community
    digits are not translated: only the first six are looked up. Raises DivisionInvalid.
    """
    six, start, status = _start(code, on)
    successors = _once(step for division in start for step in _line(division, (six,), division.since))
    earliest = on.year if on else first_year()
    direct = {one.code for one in successors}
    parts = _once(one for division in start for one in _parts(division, earliest) if one.code not in direct)
    if start:
        status = _status(six, start, successors)
    return Now(six, status, successors, parts, last_year(), *_sentence(status, bool(parts)))


def _start(code: str, on: date | None) -> tuple[str, tuple[Division, ...], str]:
    if on is not None:
        found = resolve(code, on)
        return found.code, found.divisions, found.status
    six = _six(code)
    return six, history(six), _meant(six, date(last_year(), 12, 31))[0]


def _line(division: Division, path: tuple[str, ...], since: int) -> Iterator[Successor]:
    """Follow what took the whole place. It ends: each step is in force later than the one before."""
    if division.until is None:
        yield Successor(division.code, division.zh, since, path)
        return
    for following in _following(division):
        yield from _line(following, (*path, following.code), division.until)


def _parts(division: Division, earliest: int) -> Iterator[Successor]:
    """Territory that left in or after a year, from the division itself or from what took its place."""
    for code, year in division.moved:
        target = _at(code, year)
        if year >= earliest and target is not None:
            yield from _line(target, (division.code, code), year)
    for following in _following(division):
        yield from _parts(following, max(earliest, division.until or earliest))


def _following(division: Division) -> Iterator[Division]:
    for code in division.successors:
        if division.until is not None and (found := _at(code, division.until)) is not None:
            yield found


def _at(code: str, year: int) -> Division | None:
    return next((one for one in history(code) if one.listed_in(year)), None)


def _once(found: Iterator[Successor]) -> tuple[Successor, ...]:
    """Each code once, by the shortest path."""
    best: dict[str, Successor] = {}
    for one in sorted(found, key=lambda each: (each.code, len(each.path), each.since)):
        best.setdefault(one.code, one)
    return tuple(best.values())


def _status(six: str, start: tuple[Division, ...], successors: tuple[Successor, ...]) -> str:
    if len(successors) > 1:
        return "divided"
    (only,) = successors
    if only.code != six:
        return "replaced"
    return "same" if all(one.zh == only.zh for one in start) else "renamed"


def _six(code: str) -> str:
    if not WRITTEN.fullmatch(code):
        raise DivisionInvalid
    return code[:6]


def _sentence(status: str, parts: bool) -> tuple[str, str]:
    zh, en = _SENTENCES[status]
    if parts:
        return f"{zh}；另有部分地域划出，见 parts", f"{en}; some territory has gone elsewhere, see parts"
    return zh, en


_SENTENCES: Mapping[str, tuple[str, str]] = {
    "in_force": ("该日使用的区划", "in use on that day"),
    "year_of_change": (
        "该代码当年启用、更名或撤销，启用的日子不在表内；所列各项都可能是",
        "the code began, was renamed or ended within that year, on a day not in the table; each of these may be meant",
    ),
    "not_in_force": (
        "该代码在名单中，但不是这一天；请核对日期，或查它的沿革",
        "the code is in the table, but not on that day; check the date, or look at its history",
    ),
    "before_the_table": ("早于本表的第一份名单（1981 年）", "before the first list of this table (1981)"),
    "heading": (
        "统计名单中的汇总项（如“市辖区”），不是行政区划；请用下辖区县的代码",
        "a heading of statistical lists (such as 市辖区), no division; use the code of the district below it",
    ),
    "unknown": (
        "1981 年以来的名单中没有这个代码；请在源头核对",
        "no list since 1981 has this code; check it at its source",
    ),
    "same": ("代码和名称都没有变", "code and name are unchanged"),
    "renamed": ("代码未变，名称已改", "the same code under another name"),
    "replaced": ("已改用下列代码", "replaced by the code given"),
    "divided": (
        "原地域现属几个区划，须凭地址判断",
        "its territory now belongs to several divisions; only an address tells",
    ),
}
