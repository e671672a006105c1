"""The figures of a month: each party's queries by how they ended, and of the month before (plain counting)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.audit.filter import NONE, RESULTS, Filter
from gateway.audit.search import Search
from gateway.errors import InvalidRequest

QUERIES = ("exchange.authorized", "exchange.refused")
SIDES = ("consumer", "provider")  # who asked, and who was asked
MANY = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A party's queries of one month, by result; ``before``: all of the month before."""

    side: str
    party: str
    counts: dict[str, int]
    total: int
    before: int
    officers: int


def lines(search: Search, month: date, *, reach: str | None = None) -> Iterator[Line]:
    """``month``: its first day. ``reach``: a party learns of the queries that it was part of."""
    for side in SIDES:
        earlier, now = (_by(search, side, each, reach) for each in (before(month), month))
        for party in dict.fromkeys([*now, *earlier]):
            told = search.facets(_of(month).also(side, party), reach=reach, names=("result", "officer"), top=MANY)
            counts = {each.value: each.count for each in told.by_name["result"].values}
            officers = [each for each in told.by_name["officer"].values if each.value != NONE]
            named = len(officers) + told.by_name["officer"].more
            yield Line(side, party, counts, told.total, earlier.get(party, 0), named)


def first_of(text: str) -> date:
    """``2026-11`` → its first day. Raises InvalidRequest."""
    try:
        if len(text) != 7:
            raise ValueError
        first = date.fromisoformat(f"{text}-01")
        if not 1970 <= first.year < 9999:  # beside it there are months that have none before or after them
            raise ValueError
        return first
    except ValueError:
        raise InvalidRequest("月份应写成 2026-11。", "Write the month as in 2026-11.") from None


def after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def plain(line: Line) -> dict[str, object]:
    """A line as programs read it."""
    results = {name: line.counts.get(name, 0) for name in RESULTS}
    return {
        "side": line.side,
        "party": line.party,
        "total": line.total,
        "results": results,
        "month_before": line.before,
        "officers": line.officers,
    }


def _by(search: Search, side: str, month: date, reach: str | None) -> dict[str, int]:
    values = search.facets(_of(month), reach=reach, names=(side,), top=MANY).by_name[side].values
    return {each.value: each.count for each in values if each.value != NONE}


def _of(month: date) -> Filter:
    last = after(month) - timedelta(days=1)
    return Filter.of(type=QUERIES, since=month.isoformat(), until=last.isoformat())
