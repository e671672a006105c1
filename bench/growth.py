"""Does a query cost the same when everything has grown? ``python -m bench growth``.

Beside the city that grows stands one that stays as small as it was founded; they are measured in turns, so that
whatever else the machine does meets both. A cost is the least of the rounds: disturbance only ever adds to it.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench import city, proofs, records
from bench.city import City, Founding, More, Question
from bench.filling import fill
from bench.load import Load, run
from bench.machine import Running, used
from bench.measure import Target, measure
from bench.scene import Scene, database, postgresql, scene
from gateway.audit.files import Folder
from gateway.wiring import Store

CONNECTIONS = 16
ROUNDS = 4
SECONDS = 1.5
STARTS = 2
ASKING = 4  # threads that ask for tokens
PERSON = (records.PERSON, records.PERSON_FIELDS)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Point:
    """One size. ``base_…``: the small city, measured in the same minutes. Costs are CPU of the gateway per query."""

    what: str  # entries, agreements or services
    store: str
    number: int
    cpu_us: float
    base_cpu_us: float
    p50_ms: float
    base_p50_ms: float
    start_s: float
    start_cpu_s: float
    disk_mb: float

    @property
    def ratio(self) -> float:
        return self.cpu_us / self.base_cpu_us


# ── the log ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def of_entries(sizes: Sequence[int], say: Say, server: Path | None = None) -> Iterator[Point]:
    """``server``: the folder of a PostgreSQL server; without it, on SQLite."""
    store = "postgresql" if server else "sqlite"
    with scene({name: database(server, name) if server else "" for name in ("base", "grown")}) as stage:
        grown = stage.cities["grown"]
        with grown.served() as running:  # a released query that the others are like
            measure(stage.tongqu("grown", running, "1k-plain"), CONNECTIONS, 0.5)
        for size in sizes:
            say(f"{store}: {size:,} entries")
            began = time.perf_counter()
            _fill(grown, size)
            say(f"{store}: filled in {time.perf_counter() - began:.0f} s")
            yield _point(stage, "entries", store, size, functools.partial(_plain, stage))


def _plain(stage: Scene, name: str, running: Running) -> Target:
    return stage.tongqu(name, running, "1k-plain")


def _fill(grown: City, size: int) -> None:
    store = Store(grown.settings)
    try:
        fill(store.database, store.log.key, Folder(store.log.folder), size)
    finally:
        store.close()


# ── agreements and services ───────────────────────────────────────────────────────────────────────────────────────────
def of_agreements(numbers: Sequence[int], say: Say) -> Iterator[Point]:
    """Queries under all of them in turn."""

    def founded(number: int) -> More:
        provider = city.DEPARTMENTS["person"]
        return lambda founding: {
            f"many-{each}": Question(founding.agree(provider, *PERSON, "none"), *PERSON, records.ids())
            for each in range(number)
        }

    return _of_many("agreements", numbers, founded, say)


def of_services(numbers: Sequence[int], say: Say) -> Iterator[Point]:
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

    return _of_many("services", numbers, founded, say)


def _of_many(what: str, numbers: Sequence[int], founded: Callable[[int], More], say: Say) -> Iterator[Point]:
    for number in numbers:
        say(f"{number:,} {what}")
        with scene({"base": "", "grown": ""}, {"base": founded(numbers[0]), "grown": founded(number)}) as stage:
            target = functools.partial(_spread, stage)
            yield _point(stage, what, "sqlite", number, target)


def _spread(stage: Scene, name: str, running: Running) -> Target:
    """Queries that go through all agreements evenly, after each was used once."""
    place = stage.cities[name]
    questions = [each for name, each in place.questions.items() if name.startswith("many-")]
    with ThreadPoolExecutor(ASKING) as asking:
        given = list(asking.map(lambda question: proofs.token(place, question), questions))
    spread = Spread(place, list(zip(questions, given, strict=True)), stage.makers)
    port = urlsplit(place.url).port or 0
    outcome = run(Load(port, spread.requests(len(questions)), CONNECTIONS, 120.0, b'"receipt"'))
    if len(outcome.latencies) != len(questions):
        raise RuntimeError(f"warming answered {len(outcome.latencies)} of {len(questions)}: {outcome.errors}")
    return Target("tongqu", name, 1, port, [running.pid], [], spread.requests, b'"receipt"', False, "1k-plain")


@dataclass(slots=True)
class Spread:
    """Makes requests that take all agreements in turn, shuffled."""

    place: City
    questions: Sequence[tuple[Question, tuple[str, str]]]
    makers: Executor
    at: int = 0  # whose turn it is

    def requests(self, count: int) -> list[bytes]:
        each, more = divmod(count, len(self.questions))
        nonce = self.questions[-1][1][1]  # the newest
        parts = []
        for number in range(len(self.questions) if each else more):
            question, (token, _) = self.questions[(self.at + number) % len(self.questions)]
            parts.append(proofs.part(self.place, question, (token, nonce), self.at, each + (number < more)))
        self.at += more
        made = [request for share in self.makers.map(proofs.make_part, parts, chunksize=8) for request in share]
        random.Random(count).shuffle(made)  # noqa: S311  # an order, no secret
        return made


# ── one point ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _point(stage: Scene, what: str, store: str, number: int, target: Callable[[str, Running], Target]) -> Point:
    starts = [_start(stage.cities["grown"]) for _ in range(STARTS)]
    with stage.cities["base"].served() as base_run, stage.cities["grown"].served() as grown_run:
        targets = target("base", base_run), target("grown", grown_run)
        rows = [[measure(each, CONNECTIONS, SECONDS)[0] for each in targets] for _ in range(ROUNDS)]
        single = [[measure(each, 1, SECONDS)[0] for each in targets] for _ in range(2)]
    if errors := sum(row.errors for pair in (*rows, *single) for row in pair):
        raise RuntimeError(f"{errors} wrong answers at {number} {what}")
    base, grown = ([pair[place] for pair in rows] for place in (0, 1))
    return Point(
        what,
        store,
        number,
        min(row.cpu_us for row in grown),
        min(row.cpu_us for row in base),
        min(pair[1].p50_ms for pair in single),
        min(pair[0].p50_ms for pair in single),
        min(seconds for seconds, _ in starts),
        min(cpu for _, cpu in starts),
        sum(file.stat().st_size for file in stage.cities["grown"].folder.rglob("*.sqlite*")) / 1e6,
    )


def _start(place: City) -> tuple[float, float]:
    """Wall and CPU seconds from the command to the first ``/readyz`` that says yes."""
    began = time.perf_counter()
    with place.served() as running:
        return time.perf_counter() - began, used(running.pid).cpu_s


def everything(sizes: Sequence[int], numbers: Sequence[int], services: Sequence[int], say: Say) -> Iterator[Point]:
    """On SQLite all of it; on PostgreSQL the log up to a tenth of the largest size."""
    yield from of_entries(sizes, say)
    yield from of_agreements(numbers, say)
    yield from of_services(services, say)
    settings = ("max_connections=100", "shared_buffers=256MB", "max_wal_size=4GB")
    with postgresql(settings) as (folder, _):
        yield from of_entries([size for size in sizes if size * 10 <= sizes[-1]], say, folder)
