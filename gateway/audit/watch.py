"""Look through the log for what is unlike ordinary work: first counts of everybody, then the single queries of few."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from gateway.audit import anomalies
from gateway.audit.anomalies import Finding, Profile
from gateway.audit.filter import Filter
from gateway.audit.limits import Limits
from gateway.audit.search import Look, Search
from gateway.audit.segment import Segment

DEAR_S = 0.25  # a large log: what took longer is told again for AGAIN times as long
AGAIN = 30
STALE_S = 900  # and what overseers see, for so long at least: it is looked for anew beside them (see prepare.py)
LASTING = 2  # and for so many times as long as until it is looked for anew
MOST = 200  # residents or cases looked at one by one; more of them would be no exception


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at a moment, and how long that took; ``until`` (monotonic) it may be told again."""

    at: datetime
    took_s: float
    until: float
    found: list[Finding]


class Watch:
    """One per process: where looking takes long, it tells for a while what it found last."""

    def __init__(self, search: Search, limits: Limits, *, dear_s: float = DEAR_S) -> None:
        self.search, self.limits = search, limits
        self._dear_s = dear_s
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._last: dict[str | None, Seen] = {}

    def anomalies(self, *, reach: str | None = None) -> list[Finding]:
        """The worst first. ``reach``: a party sees what its own officers did."""
        return self.seen(reach=reach).found

    def seen(self, *, reach: str | None = None) -> Seen:
        """The same, and when it was looked for."""
        if (kept := self._kept(reach)) is not None:
            return kept
        with self._looking:  # whoever waited has what was found meanwhile
            return self._kept(reach) or self._look(reach)

    def renew(self) -> float:
        """Look anew for what overseers see, so that none of them waits for it. Returns for how many seconds that is
        to do: what takes long, in a large log, is done so much less often, and costs the queries no more."""
        with self._looking:
            return AGAIN * self._look(None).took_s

    def _kept(self, reach: str | None) -> Seen | None:
        with self._lock:
            kept = self._last.get(reach)
        return kept if kept is not None and time.monotonic() < kept.until else None

    def _look(self, reach: str | None) -> Seen:
        at, began = self.search.clock.now(), time.monotonic()
        with self.search.look(Filter.of(since=f"{self.limits.days}d"), reach) as look:
            found = sorted(self._all(look, reach), key=lambda each: (-each.score, each.officer, each.rule, each.q))
        now = time.monotonic()
        took = now - began
        patience = 0.0 if took <= self._dear_s else AGAIN * took
        if patience and reach is None:
            patience = max(STALE_S, LASTING * patience)
        seen = Seen(at, took, now + patience, found)
        with self._lock:
            self._last = {key: value for key, value in self._last.items() if value.until > now}
            if patience:
                self._last[reach] = seen
            else:
                self._last.pop(reach, None)
        return seen

    def _all(self, look: Look, reach: str | None) -> Iterator[Finding]:
        limits = self.limits
        profiles, low = _profiles(look, reach)
        yield from anomalies.of_profiles(profiles, limits, limits.days)
        rows, high = look.rows, look.state.size
        for officer in anomalies.suspects(profiles, limits):
            yield from anomalies.of_rows(officer, rows.of_officer(officer, low, high), limits)
        known = {each.officer for each in profiles}
        if not known:
            return
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
    told = bits & columns["type"].rows(("alarm.raised",).__eq__)
    for (officer, code), number in segment.pairs("officer", "code", told).items():
        if officer and code and officer[0] in found and code[0] in anomalies.ALIKE:
            found[officer[0]].alike[code[0]] += number
    given = bits & columns["type"].rows(("consent.given",).__eq__) & columns["officer"].rows(bool)
    for (officer, clock), number in segment.pairs("officer", "clock", given).items():
        if officer[0] in found:
            found[officer[0]].consents[int(clock[0])] += number
