"""How much each element was really asked for and released, counted from the log. Reads two kinds of entries only."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.audit import entry
from gateway.audit.filter import Filter
from gateway.audit.search import MAX_PAGE, Found, Search
from gateway.impact.model import Usage, touches

MAX_ENTRIES = 50_000  # read for one report, newest first; about a second
RELEASED = "exchange.released"


@dataclass(slots=True)
class _Tally:
    asked: int = 0
    delivered: int = 0
    last: str = ""


@dataclass(slots=True)
class Count:
    """``complete``: every entry since then was read; else only the newest MAX_ENTRIES."""

    read: int = 0
    complete: bool = True
    _tallies: dict[tuple[str, str], _Tally] = field(default_factory=dict)

    def of(self, element: str) -> tuple[Usage, ...]:
        """By consumer, the greatest first."""
        found = [
            Usage(consumer, tally.asked, tally.delivered, tally.last)
            for (counted, consumer), tally in self._tallies.items()
            if counted == element
        ]
        return tuple(sorted(found, key=lambda usage: (-usage.asked, usage.consumer)))

    def tally(self, element: str, consumer: str) -> _Tally:
        return self._tallies.setdefault((element, consumer), _Tally())


def count(
    search: Search, standard_id: str, elements: Collection[str], agreements: Collection[str], since: str
) -> Count:
    """Count over the entries of these agreements from ``since`` (RFC 3339 UTC) on."""
    result = Count()
    for agreement in sorted(agreements):
        consumers: dict[str, str] = {}  # query → who asked, of the queries for this standard
        for found in _entries(search, result, Filter.of(type=entry.AUTHORIZED, agreement=agreement, since=since)):
            item = found.entry
            if item["standard"] == standard_id:
                consumers[item["query"]] = item["actor"]["party"]
                for tally in _tallies(result, elements, item["fields"], item["actor"]["party"]):
                    tally.asked += 1
                    tally.last = max(tally.last, item["t"])
        for found in _entries(search, result, Filter.of(type=RELEASED, agreement=agreement, since=since)):
            item = found.entry
            if item["query"] in consumers:
                for tally in _tallies(result, elements, item["fields"], consumers[item["query"]]):
                    tally.delivered += 1
    return result


def _tallies(result: Count, elements: Collection[str], fields: list[Any], consumer: str) -> Iterator[_Tally]:
    for element in elements:
        if any(touches(element, name) for name in fields):
            yield result.tally(element, consumer)


def _entries(search: Search, result: Count, wanted: Filter) -> Iterator[Found]:
    before: int | None = None
    while True:
        limit = min(MAX_PAGE, MAX_ENTRIES - result.read)
        if limit <= 0:
            result.complete = False
            return
        page = search.find(wanted, before=before, limit=limit, each="entry")
        result.read += len(page.found)
        yield from page.found
        if page.next is None:
            return
        before = page.next
