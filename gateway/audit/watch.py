"""Look through the log for what is unlike ordinary work: first counts of everybody, then the single queries of few."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

from gateway.audit import anomalies
from gateway.audit.anomalies import Finding, Profile
from gateway.audit.filter import Filter
from gateway.audit.limits import Limits
from gateway.audit.search import Look, Search
from gateway.audit.segment import Segment

MOST = 200  # residents or cases looked at one by one; more of them would be no exception


class Watch:
    """One per process: it remembers what it found last."""

    def __init__(self, search: Search, limits: Limits) -> None:
        self.search, self.limits = search, limits
        self._lock = threading.Lock()
        self._last: dict[str | None, tuple[Any, list[Finding]]] = {}

    def anomalies(self, *, reach: str | None = None) -> list[Finding]:
        """The worst first. ``reach``: a party sees what its own officers did."""
        limits = self.limits
        wanted = Filter.of(since=f"{limits.days}d")
        with self.search.look(wanted, reach) as look:
            key = (look.state, look.since[:13])  # the hour
            with self._lock:
                kept = self._last.get(reach)
            if kept is not None and kept[0] == key:
                return kept[1]
            found = sorted(self._all(look, reach), key=lambda each: (-each.score, each.officer, each.rule, each.q))
        with self._lock:
            self._last = {**self._last, reach: (key, found)} if len(self._last) < MOST else {reach: (key, found)}
        return found

    def _all(self, look: Look, reach: str | None) -> Iterator[Finding]:
        limits = self.limits
        profiles, low = _profiles(look, reach)
        yield from anomalies.of_profiles(profiles, limits, limits.days)
        rows, high = look.rows, look.state.size
        for officer in anomalies.suspects(profiles, limits):
            yield from anomalies.of_rows(officer, rows.of_officer(officer, low, high), limits)
        known = {each.officer for each in profiles}
        for column, least, rule in (
            ("case_ref", limits.case_subjects, anomalies.of_case),
            ("subject", limits.repeat_days, anomalies.of_subject),
        ):
            often = rows.often(column, low, least, MOST)
            of_these = rows.of_these(column, often, low)
            for value, same in groupby(of_these, key=attrgetter(column)):
                yield from rule(value, [row for row in same if row.officer in known], limits)


def _profiles(look: Look, reach: str | None) -> tuple[list[Profile], int]:
    """Everybody's numbers, and the first entry that was looked at."""
    found: dict[str, Profile] = {}
    low = look.state.size
    for start, segment, bits in look.numbered(newest_first=True):
        low = start
        _count(segment, bits, reach, found)
    return sorted(found.values(), key=lambda each: each.officer), low


def _count(segment: Segment, bits: int, reach: str | None, found: dict[str, Profile]) -> None:
    columns = segment.columns
    asked = bits & columns["officer"].rows(bool)
    asked &= columns["consumer"].rows(bool if reach is None else (reach,).__eq__)
    for (officer, party), _ in segment.pairs("officer", "consumer", asked).items():
        if officer[0] not in found:
            found[officer[0]] = Profile(officer[0], party[0])
    for (officer, clock), number in segment.pairs("officer", "clock", asked).items():
        found[officer[0]].queries[int(clock[0])] += number
    refused = asked & columns["result"].rows(("refused",).__eq__)
    for (officer, clock), number in segment.pairs("officer", "clock", refused).items():
        found[officer[0]].refused[int(clock[0])] += number
    for (officer, risk), number in segment.pairs("officer", "risk", asked & columns["risk"].rows(bool)).items():
        for mark in risk:
            found[officer[0]].marks[mark] += number
    given = bits & columns["type"].rows(("consent.given",).__eq__) & columns["officer"].rows(bool)
    for (officer, clock), number in segment.pairs("officer", "clock", given).items():
        if officer[0] in found:
            found[officer[0]].consents[int(clock[0])] += number
