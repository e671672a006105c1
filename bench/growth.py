"""Does a query cost the same when everything has grown? ``python -m bench growth``.

Beside the city that has grown stands one that was founded a minute ago; they take turns of half a second, so that
whatever else the machine does meets both. Each run is one quotient: other processes, since memory is laid out anew in
each, and another small city, since it would not stay small. A large log is filled once and kept.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench import city, compare, estimate, proofs, records
from bench.city import City, Founding, More, Question
from bench.estimate import Ratio
from bench.filling import fill
from bench.load import Load, run
from bench.machine import Running, cpu_s, used
from bench.measure import Target
from bench.plan import EVERYBODY, Group
from bench.scene import Ground, database, ground, postgresql, stub
from bench.turns import Turn
from gateway.audit import index
from gateway.audit.files import Folder
from gateway.audit.store import Rows
from gateway.db import Database
from gateway.identity.tokens import LIFETIME_S
from gateway.wiring import Store

PAYLOAD = "1k-plain"
BUSY = Group(PAYLOAD, 64, EVERYBODY, 1, 10)
STAYS_SMALL = 100_000  # entries; a run adds about 20,000
STARTS = 3
REST_WITHIN_S, AT_REST = 300, 0.1  # of a core, both together
ASKING = 4  # threads that ask for tokens
TOKENS_S = LIFETIME_S - 75  # a run begun by then ends before the first of them has expired
AT_ONCE = 2000  # requests that are made for the warm-up, before the first of them is too old
SMALLEST = 10  # agreements and services of the small city
PERSON = (records.PERSON, records.PERSON_FIELDS)
POSTGRES_SETTINGS = ("max_connections=100", "shared_buffers=256MB", "max_wal_size=4GB")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Point:
    """One size, as the runs found it. CPU is the gateway's per query, and the database server's if there is one: the
    medians of the grown and of the small city (base), and the mean of the quotients with its interval (estimate.py)."""

    what: str  # entries, agreements or services
    store: str
    number: int
    runs: int
    cpu_us: float
    base_cpu_us: float
    ratio: Ratio
    start_s: float  # from the command to the first ``/readyz`` that says yes
    start_cpu_s: float
    disk_mb: float


@dataclass(slots=True)
class Measuring:
    """How the points of one curve are measured. ``server``: the folder of a PostgreSQL server and its process."""

    ground: Ground
    runs: int
    say: Say
    server: tuple[Path, int] | None = None
    founded: int = field(default=0, init=False)
    tokens: dict[Path, tuple[float, list[str]]] = field(default_factory=dict, init=False)  # of a city, asked for when

    @property
    def store(self) -> str:
        return "postgresql" if self.server else "sqlite"

    def found(self, more: More | None = None) -> City:
        """A new city with a database of its own."""
        self.founded += 1
        name = f"city{self.founded}"
        url = database(self.server[0], name) if self.server else ""
        return city.build(self.ground.folder / name, self.ground.stub_port, url, more)

    def stub(self) -> AbstractContextManager[Running]:
        """To be had while nothing is founded: the departments that are admitted stand at its place."""
        return stub(self.ground.folder, self.ground.stub_port)

    def point(self, what: str, number: int, base: Callable[[], City], grown: Callable[[], City]) -> Point:
        pairs, starts = [], []
        for each in range(self.runs):
            self.say(f"{number:,} {what} · {self.store} · {each + 1}/{self.runs}")
            places = base(), grown()
            if each < STARTS:
                starts.append(_start(places[1]))
            with self.stub(), places[0].served() as one, places[1].served() as other:
                pairs.append(self._pair(places, [self._target(places[0], one), self._target(places[1], other)]))
        small, large = ([pair[place] for pair in pairs] for place in (0, 1))
        return Point(
            what, self.store, number, self.runs,
            cpu_us=statistics.median(large), base_cpu_us=statistics.median(small),
            ratio=estimate.ratio([one / other for one, other in zip(large, small, strict=True)]),
            start_s=min(seconds for seconds, _ in starts), start_cpu_s=min(cpu for _, cpu in starts),
            disk_mb=sum(file.stat().st_size for file in places[1].folder.rglob("*.sqlite*")) / 1e6,
        )  # fmt: skip

    def _pair(self, places: Sequence[City], targets: Sequence[Target]) -> list[float]:
        """CPU per query of each, when what a gateway does once after its start (prepare.py) is over. What it puts off,
        the index of the search, is done before and after, so that nobody is charged with another's part of it."""
        before = _at_rest(places, targets)
        visits = compare.blocks(BUSY, targets)
        after = _at_rest(places, targets)
        turns = [turn for visit in visits for turn in visit.block.turns]
        if errors := sum(sum(turn.errors.values()) for turn in turns):
            raise RuntimeError(f"{errors} wrong answers")
        return [_cpu_us(*sides, turns, place) for place, sides in enumerate(zip(before, after, strict=True))]

    def _target(self, place: City, running: Running) -> Target:
        """Queries that go through all its agreements evenly, after each was used once."""
        questions = [each for name, each in place.questions.items() if name.startswith("many-")]
        questions = questions or [place.questions[PAYLOAD]]
        spread = Spread(place, list(zip(questions, self._tokens(place, questions), strict=True)), self.ground.makers)
        port = urlsplit(place.url).port or 0
        for first in range(0, len(questions), AT_ONCE):
            count = min(AT_ONCE, len(questions) - first)
            outcome = run(Load(port, spread.requests(count), BUSY.connections, 60.0, b'"receipt"'))
            if len(outcome.latencies) != count:
                raise RuntimeError(f"warming answered {len(outcome.latencies)} of {count}: {outcome.errors}")
        servers = [self.server[1]] if self.server else []
        return Target(
            "tongqu", place.folder.name, 1, port, [running.pid], servers, spread.requests, b'"receipt"', False, PAYLOAD
        )

    def _tokens(self, place: City, questions: Sequence[Question]) -> list[str]:
        """One for each. Ten thousand take longer to ask for than a run: they are good for several."""
        asked, given = self.tokens.get(place.folder, (-math.inf, []))
        if time.monotonic() - asked > TOKENS_S:
            asked, nonce = time.monotonic(), proofs.nonce(place)
            with ThreadPoolExecutor(ASKING) as asking:
                given = list(asking.map(lambda question: proofs.token(place, question, nonce)[0], questions))
            self.tokens[place.folder] = asked, given
        return given


@dataclass(slots=True)
class Spread:
    """Makes requests that take all agreements in turn, shuffled."""

    place: City
    questions: Sequence[tuple[Question, str]]  # each with a token
    makers: Executor
    at: int = 0  # whose turn it is

    def requests(self, count: int) -> list[bytes]:
        each, more = divmod(count, len(self.questions))
        nonce = proofs.nonce(self.place)
        parts = []
        for number in range(len(self.questions) if each else more):
            question, token = self.questions[(self.at + number) % len(self.questions)]
            parts.append(proofs.part(self.place, question, (token, nonce), self.at, each + (number < more)))
        self.at += more
        made = [request for share in self.makers.map(proofs.make_part, parts, chunksize=8) for request in share]
        random.Random(count).shuffle(made)  # noqa: S311  # an order, no secret
        return made


class Rested(NamedTuple):
    """A gateway that has nothing to do: its CPU seconds, and the entries of its log."""

    cpu_s: float
    entries: int


def _at_rest(places: Sequence[City], targets: Sequence[Target]) -> list[Rested]:
    """As soon as all of them are: nothing is left to be indexed, and hardly any CPU is taken."""
    pids = [pid for target in targets for pid in target.pids]
    with ExitStack() as stack:
        databases = [Database(place.settings.database) for place in places]
        for each in databases:
            stack.callback(each.close)
        for _ in range(REST_WITHIN_S):
            began = cpu_s(pids)
            time.sleep(1)
            if cpu_s(pids) - began < AT_REST and not any(map(index.behind, databases)):
                return [
                    Rested(cpu_s(target.pids), _entries(each)) for target, each in zip(targets, databases, strict=True)
                ]
    raise RuntimeError(f"the gateways are busy though nobody has asked anything for {REST_WITHIN_S} s")


def _entries(database: Database) -> int:
    with database.read() as conn:
        return Rows(conn).head().size


def _cpu_us(before: Rested, after: Rested, turns: Sequence[Turn], place: int) -> float:
    """Two entries are a query. What a database server did for whom is told by their turns alone."""
    own = (after.cpu_s - before.cpu_s) / ((after.entries - before.entries) / 2)
    mine = [turn for turn in turns if turn.system == place]
    return (own + sum(turn.store_cpu_s for turn in mine) / sum(turn.answers for turn in mine)) * 1e6


def _start(place: City) -> tuple[float, float]:
    """Wall and CPU seconds."""
    began = time.perf_counter()
    with place.served() as running:
        return time.perf_counter() - began, used(running.pid).cpu_s


# ── what grows ────────────────────────────────────────────────────────────────────────────────────────────────────────
def of_entries(sizes: Sequence[int], measuring: Measuring) -> Iterator[Point]:
    kept: list[City] = []

    def grown(size: int) -> City:
        if size <= STAYS_SMALL or not kept:
            place = measuring.found()
            _ask_once(measuring, place)
            if size > STAYS_SMALL:
                kept.append(place)
        else:
            place = kept[0]
        began = time.perf_counter()
        _fill(place, size)
        if (took := time.perf_counter() - began) > 10:
            measuring.say(f"{size:,} entries filled in {took:.0f} s")
        return place

    for size in sizes:
        yield measuring.point("entries", size, measuring.found, functools.partial(grown, size))


def _ask_once(measuring: Measuring, place: City) -> None:
    """For a released query that the others will be like."""
    with measuring.stub(), place.served():
        question = place.questions[PAYLOAD]
        request = proofs.make(place, question, 1, measuring.ground.makers)
        run(Load(urlsplit(place.url).port or 0, request, 1, 10.0, b'"receipt"'))


def _fill(place: City, size: int) -> None:
    store = Store(place.settings)
    try:
        fill(store.database, store.log.key, Folder(store.log.folder), size)
    finally:
        store.close()


def of_agreements(numbers: Sequence[int], measuring: Measuring) -> Iterator[Point]:
    """Queries under all of them in turn."""

    def founded(number: int) -> More:
        provider = city.DEPARTMENTS["person"]
        return lambda founding: {
            f"many-{each}": Question(founding.agree(provider, *PERSON, "none"), *PERSON, records.ids())
            for each in range(number)
        }

    return _of_many("agreements", numbers, founded, measuring)


def of_services(numbers: Sequence[int], measuring: Measuring) -> Iterator[Point]:
    """As many departments, each with its service and its agreement."""

    def founded(number: int) -> More:
        parties = [f"department-{each}" for each in range(number)]

        def more(founding: Founding) -> dict[str, Question]:
            for party in parties:
                founding.admit(party, "department")
            founding.open_each(parties, "person")
            return {
                f"many-{party}": Question(founding.agree(party, *PERSON, "none"), *PERSON, records.ids())
                for party in parties
            }

        return more

    return _of_many("services", numbers, founded, measuring)


def _of_many(
    what: str, numbers: Sequence[int], founded: Callable[[int], More], measuring: Measuring
) -> Iterator[Point]:
    def small() -> City:
        return measuring.found(founded(SMALLEST))

    for number in numbers:
        began = time.perf_counter()
        grown = measuring.found(founded(number))
        measuring.say(f"{number:,} {what} founded in {time.perf_counter() - began:.0f} s")
        yield measuring.point(what, number, small, itertools.repeat(grown).__next__)


def everything(
    sizes: Sequence[int], numbers: Sequence[int], services: Sequence[int], runs: int, say: Say
) -> Iterator[Point]:
    """On SQLite all of it; on PostgreSQL the log up to a tenth of the largest size."""
    with ground() as own:
        here = Measuring(own, runs, say)
        yield from of_entries(sizes, here)
        yield from of_agreements(numbers, here)
        yield from of_services(services, here)
    with ground() as own, postgresql(POSTGRES_SETTINGS) as server:
        yield from of_entries([size for size in sizes if size * 10 <= sizes[-1]], Measuring(own, runs, say, server))
