"""How long a search of a large log takes, and how much memory taking rows away needs. Figures for decision 0032."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench.traffic import City, write
from gateway import db
from gateway.audit import index
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.extract import Extractor
from gateway.audit.filter import CHINA, Filter
from gateway.audit.limits import Limits
from gateway.audit.log import Log
from gateway.audit.policy import NO_WITNESSES
from gateway.audit.search import Search
from gateway.audit.watch import Watch
from gateway.lib.clock import SystemClock

DAYS = 90
PER_QUERY = 2.17  # entries of the city for one query: permit, outcome, some consents
QUESTIONS = (
    "",
    "result:refused",
    "officer:off_street-09_5",
    "since:7d -result:released",
    "party:police hour:22-5",
    "field:phone risk:no_case purpose:dibao.initial",
    "type:exchange.released since:3d",
)


class Timed(NamedTuple):
    question: str
    found: int
    find_ms: float
    facets_ms: float
    histogram_ms: float

    @property
    def whole_ms(self) -> float:
        return self.find_ms + self.facets_ms + self.histogram_ms


def city(url: str, folder: Path, entries: int, say: Callable[[str], None]) -> tuple[Log, Search]:
    """A log of about so many entries, with somebody who walked 300 ids at night; made anew if the database is empty."""
    database = db.Database(url)
    db.upgrade(database)
    key = CheckpointKey.from_seed("bench.test/log", bytes(32))
    log = Log(database, clock=SystemClock(), key=key, folder=folder / "log")
    search = Search(database, SystemClock(), folder / "search")
    with log.transaction() as tx:
        size = tx.size
    if size <= 1:
        now = datetime.now(UTC)
        made = City(1)
        night = now.astimezone(CHINA).replace(hour=23, minute=0) - timedelta(days=4)
        events = [*made.history(DAYS, now, int(entries / PER_QUERY)), *made.walk(made.officers[77], night)]
        say(f"writing {len(events)} entries")
        write(database, key, None, sorted(events, key=lambda event: event[0]))
        began = time.perf_counter()
        done = index.catch_up(database, group=8192)
        say(f"indexed {done} entries in {time.perf_counter() - began:.0f} s")
    return log, search


def questions(search: Search, *, rounds: int = 2) -> Iterator[Timed]:
    """The first round reads the segments from the database, the later ones have them."""
    for _ in range(rounds):
        for question in QUESTIONS:
            wanted = Filter.parse(question)
            times = [time.perf_counter()]
            search.find(wanted)
            times.append(time.perf_counter())
            found = search.facets(wanted).total
            times.append(time.perf_counter())
            search.histogram(wanted)
            times.append(time.perf_counter())
            steps = [1000 * (b - a) for a, b in pairwise(times)]
            yield Timed(question, found, *steps)


def first(log: Log, folder: Path, *, prepared: bool) -> tuple[float, Timed]:
    """The first search of a process; ``prepared``: as a gateway is soon after its start, and how long that took."""
    search = Search(log.database, SystemClock(), folder / "search")
    began = time.perf_counter()
    if prepared:
        search.prepare(lambda _: True)
    took = time.perf_counter() - began
    return took, next(questions(search, rounds=1))


def anomalies(search: Search) -> tuple[float, int, str]:
    """Seconds, how many findings, and who comes first."""
    began = time.perf_counter()
    found = Watch(search, Limits()).anomalies()
    return time.perf_counter() - began, len(found), found[0].officer if found else "–"


def taken(log: Log, search: Search, format: str, question: str) -> tuple[int, float, float]:
    """Rows, seconds, and by how many MB memory grew."""
    extractor = Extractor(log, search, NO_WITNESSES, dict)
    search.count(Filter.parse(question))  # the segments are there
    before, began = _resident_mb(), time.perf_counter()
    nobody = {"party": None, "client": None, "officer": None}
    file = extractor.extract(Filter.parse(question), format, reach=None, actor=nobody)
    for _ in file.pieces():
        pass
    return file.rows, time.perf_counter() - began, _resident_mb() - before


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
