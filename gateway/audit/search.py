"""Find entries again, count them by what they are about, and by time.

A query is found as one thing: its first entry (permitted or refused) with its outcome. ``reach`` is the party on whose
behalf is searched: entries that do not concern it are not found, not counted and not told of in any other way.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.audit import entry, filter, index
from gateway.audit.filter import CHINA, NONE, Filter
from gateway.audit.index_store import KEYED, IndexRows, SegmentRow
from gateway.audit.row import Row
from gateway.audit.segment import SIZE, Picked, Segment, Values, bits_of, positions
from gateway.audit.segment_files import SegmentFiles
from gateway.db import Database
from gateway.lib.clock import Clock

MAX_PAGE = 1000
TOGETHER = 500  # entries read at a time of many
OVERSEERS = ("audit_office", "data_bureau")  # party kinds that see everybody's entries
KEPT_BYTES = 64 << 20  # of segments in memory: 1.3 million entries, or 50 million where they are mapped
MAPPED_BYTES = 10_000  # what a mapped segment takes of this process's own memory
MOST_VALUES = 200_000  # that segments share; then sharing begins anew
FACETS = (
    "result", "type", "consumer", "provider", "officer", "standard", "purpose", "field", "agreement", "rule", "code",
    "risk", "hour",
)  # fmt: skip
TOP = 20  # values told of each facet
BUCKETS = ("hour", "day", "week")
MAX_BUCKETS = 2000
_STEP = {"hour": 1, "day": 24, "week": 168}
_FIRST_MONDAY = 96  # hours from 1970-01-01, a Thursday
_FOREVER = "9999"
_TYPE_OF = {"released": "exchange.released", "failed": "exchange.failed", "withheld": "exchange.withheld"}
_TYPE_OF |= {"unknown": entry.OUTCOME_UNKNOWN}


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, what it is about, and for a permitted query the entry of its outcome, once there is one."""

    index: int
    entry: dict[str, Any]
    row: Row | None = None
    outcome: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """``next`` is the ``before`` (or ``after``) of the following page, None on the last."""

    found: tuple[Found, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Value:
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """``more``: how many further values there are."""

    name: str
    values: tuple[Value, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Facets:
    total: int
    by_name: Mapping[str, Facet]


@dataclass(frozen=True, slots=True)
class Bucket:
    """``start`` in China's civil time. ``results``: of the queries in it, by how they ended."""

    start: datetime
    count: int
    results: Mapping[str, int] = field(default_factory=dict)


class Search:
    """One per process: it keeps the segments that were read last. ``folder``: where they are mapped from."""

    def __init__(self, database: Database, clock: Clock, folder: Path | None = None) -> None:
        self.database = database
        self.clock = clock
        self._kept = _Kept(SegmentFiles(folder))

    def find(
        self,
        wanted: Filter,
        *,
        reach: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
        each: str = "query",
    ) -> Page:
        """The newest first that match, numbered below ``before``; with ``after``, the oldest first, above it.

        ``each="entry"`` finds every entry by itself, outcomes too: in the order of the log, for who follows it.
        """
        limit = max(1, min(limit, MAX_PAGE))
        with self.look(wanted, reach, each) as look:
            numbers = look.numbers(before, after, limit + 1)
            found = _found(look.rows, numbers[:limit], join=each == "query")
        return Page(found, numbers[limit - 1] if len(numbers) > limit else None)

    def every(
        self,
        wanted: Filter,
        *,
        reach: str | None = None,
        each: str = "query",
        below: int,
        oldest_first: bool = False,
    ) -> Iterator[Found]:
        """All that match and are numbered below ``below``, without ever holding many of them; the newest first.

        No transaction stays open between two of them, however long whoever reads them takes.
        """
        for numbers in self._numbers(wanted, reach, each, below, oldest_first):
            with self.database.read() as conn:
                found = _found(IndexRows(conn), numbers, join=each == "query")
            yield from found

    def rows(
        self, wanted: Filter, *, reach: str | None = None, below: int, oldest_first: bool = False
    ) -> Iterator[Row]:
        """As ``every``, for who does not need the entries."""
        for numbers in self._numbers(wanted, reach, "query", below, oldest_first):
            with self.database.read() as conn:
                found = IndexRows(conn).by_number(numbers)
            yield from (found[number] for number in numbers if number in found)

    def _numbers(
        self, wanted: Filter, reach: str | None, each: str, below: int, oldest_first: bool
    ) -> Iterator[list[int]]:
        index.catch_up(self.database)
        meaning = _Meaning(wanted, reach, each, self.clock.now())  # "7d" means the same all the way
        at: int | None = -1 if oldest_first else below
        while at is not None:
            before, after = (below, at) if oldest_first else (at, None)
            with Look(self.database, self._kept, meaning) as look:
                numbers = look.numbers(before, after, SIZE)
            yield from (numbers[low : low + TOGETHER] for low in range(0, len(numbers), TOGETHER))
            at = numbers[-1] if len(numbers) == SIZE else None

    def count(self, wanted: Filter, *, reach: str | None = None, each: str = "query") -> int:
        with self.look(wanted, reach, each) as look:
            return sum(bits.bit_count() for _, bits in look.matching())

    def facets(
        self, wanted: Filter, *, reach: str | None = None, names: Sequence[str] = FACETS, top: int = TOP
    ) -> Facets:
        """How many match, and of these how many have each value. ``none`` is for those that have none."""
        counters: dict[str, dict[Values, int]] = {name: {} for name in names}
        total = 0
        with self.look(wanted, reach, "query") as look:
            for segment, bits in look.matching():
                picked = segment.picked(bits)
                total += bits.bit_count()
                for name, counter in counters.items():
                    segment.columns["clock" if name == "hour" else name].count(picked, counter)
        return Facets(total, {name: _facet(name, counter, top) for name, counter in counters.items()})

    def histogram(self, wanted: Filter, *, reach: str | None = None, by: str = "day") -> list[Bucket]:
        """How many match in each hour, day or week (from Monday) of China's civil time; empty ones between are told."""
        counters: dict[str, dict[Values, int]] = {}
        with self.look(wanted, reach, "query") as look:
            for segment, bits in look.matching():
                clock, results = segment.columns["clock"], segment.columns["result"]
                left = bits
                for values in results.combos:
                    if values and (here := results.rows(values.__eq__) & bits):
                        clock.count(Picked(here), counters.setdefault(values[0], {}))
                        left &= ~here
                if left:
                    clock.count(Picked(left), counters.setdefault("", {}))
        return _buckets(counters, by)

    def size(self) -> int:
        """How many entries are indexed."""
        with self.database.read() as conn:
            return IndexRows(conn).state().size

    def prepare(self, rest: Callable[[float], bool]) -> int:
        """Have the segments at hand, the newest first, as far as memory goes, so that nobody's search waits for them.

        ``rest`` is called after each with the seconds that it took; it may sleep, and says whether to go on. Returns
        how many segments there are.
        """
        sealed = self.tidy()
        for row in reversed(sealed):
            began = time.monotonic()
            if self._kept.full:
                break
            with self.database.read() as conn, contextlib.suppress(Gone):
                self._kept.sealed(row, IndexRows(conn))
            if not rest(time.monotonic() - began):
                break
        return len(sealed)

    def tidy(self) -> list[SegmentRow]:
        """Remove the files of segments that are no more, such as those of pruned entries. Returns those that are."""
        with self.database.read() as conn:
            sealed = IndexRows(conn).segments()
        self._kept.files.tidy((row.number, row.mark) for row in sealed)
        return sealed

    def look(self, wanted: Filter, reach: str | None = None, each: str = "query") -> Look:
        """To be used in a ``with`` block."""
        index.catch_up(self.database)
        return Look(self.database, self._kept, _Meaning(wanted, reach, each, self.clock.now()))


# ── what a filter means for a segment ─────────────────────────────────────────────────────────────────────────────────
class _Meaning:
    def __init__(self, wanted: Filter, reach: str | None, each: str, now: datetime) -> None:
        self.filter, self.reach, self.each = wanted, reach, each
        since, until = wanted.span(now)
        self.since, self.until = since or "", until or _FOREVER
        self.keyed = [
            (name, values, positive)
            for positive, side in ((True, wanted.wanted), (False, wanted.unwanted))
            for name, values in side.items()
            if name in KEYED
        ]

    def bits(self, segment: Segment) -> int:
        """The rows that match, but for time and for what is not in segments."""
        found = segment.all if self.each == "entry" else segment.firsts
        if self.reach is not None:
            found &= segment.columns["party"].rows(lambda values: self.reach in values)
        for name, values in self.filter.wanted.items():
            if name not in KEYED:
                found &= self._rows(segment, name, values)
        for name, values in self.filter.unwanted.items():
            if name not in KEYED:
                found &= ~self._rows(segment, name, values)
                if name == "result":  # "not released" is said of queries
                    found &= segment.columns["result"].rows(bool)
        return found

    def _rows(self, segment: Segment, name: str, values: Sequence[str]) -> int:
        if name == "hour":
            wanted = frozenset(str(hour) for value in values for hour in filter.hours(value))
            return segment.columns["clock"].rows(lambda found: str(int(found[0]) % 24) in wanted)
        column = segment.columns[name]
        bits = column.rows(_wants(name, frozenset(values)))
        if name == "type" and self.each == "query":  # a query is also what its outcome is
            ended = {result for result, event in _TYPE_OF.items() if event in values}
            bits |= segment.columns["result"].rows(lambda found: bool(ended.intersection(found)))
        return bits


def _wants(name: str, values: frozenset[str]) -> Callable[[Values], bool]:
    if name == "type":  # or a family of them
        return lambda found: found[0] in values or found[0].partition(".")[0] in values
    if name == "standard":  # with or without its version
        return lambda found: any(one in values or one.partition("/")[0] in values for one in found or (NONE,))
    if NONE in values:
        return lambda found: not found or not values.isdisjoint(found)
    return lambda found: not values.isdisjoint(found)


class Look:
    """One search, all of it at one moment of the database."""

    def __init__(self, database: Database, kept: _Kept, meaning: _Meaning) -> None:
        self._reading = database.read()
        self._kept, self._meaning = kept, meaning

    def __enter__(self) -> Look:
        self._conn = self._reading.__enter__()
        try:
            self.rows = IndexRows(self._conn)
            self.state = self.rows.state()
            self._sealed = {row.number: row for row in self.rows.segments()}
            self._keyed = [(self._named(name, values), positive) for name, values, positive in self._meaning.keyed]
        except BaseException:
            self._reading.__exit__(None, None, None)
            raise
        return self

    @property
    def since(self) -> str:
        """RFC 3339 UTC; empty for ever."""
        return self._meaning.since

    def __exit__(self, *_: object) -> None:
        self._reading.__exit__(None, None, None)

    def matching(self) -> Iterator[tuple[Segment, int]]:
        for _, segment, bits in self.numbered():
            yield segment, bits

    def numbered(
        self, *, newest_first: bool = True, low: int = 0, high: int | None = None
    ) -> Iterator[tuple[int, Segment, int]]:
        """Segments with rows in [low, high) that match: number of the first row, segment, and which rows."""
        high = self.state.size if high is None else min(high, self.state.size)
        wanted: Iterable[int] = range(low // SIZE, -(-high // SIZE))
        for numbers, positive in self._keyed:
            if positive:
                wanted = [number for number in wanted if number in numbers]
        for number in sorted(wanted, reverse=newest_first):
            row = self._sealed.get(number)
            if row and (row.last_t < self._meaning.since or row.first_t >= self._meaning.until):
                continue
            segment, first_t, last_t = self._segment(number)
            bits = self._meaning.bits(segment)
            for numbers, positive in self._keyed:
                here = numbers.get(number, 0)
                bits &= here if positive else ~here
            start = number * SIZE
            if start < low:
                bits &= -1 << (low - start)
            if start + segment.rows > high:
                bits &= (1 << (high - start)) - 1
            if bits and (first_t < self._meaning.since or last_t >= self._meaning.until):
                within = self.rows.within(start, start + SIZE, self._meaning.since, self._meaning.until)
                bits &= bits_of([found - start for found in within])
            if bits:
                yield start, segment, bits

    def numbers(self, before: int | None, after: int | None, limit: int) -> list[int]:
        """Of the first that match: the newest first below ``before``, or with ``after`` the oldest first above it."""
        newest_first = after is None
        numbers: list[int] = []
        low = 0 if after is None else max(0, after + 1)
        for start, _, bits in self.numbered(newest_first=newest_first, low=low, high=before):
            here = [start + row for row in positions(bits)]
            numbers += reversed(here) if newest_first else here
            if len(numbers) >= limit:
                break
        return numbers[:limit]

    def _named(self, name: str, values: Sequence[str]) -> dict[int, int]:
        found: dict[int, list[int]] = {}
        for number in self.rows.numbers(name, values):
            found.setdefault(number // SIZE, []).append(number % SIZE)
        return {number: bits_of(rows) for number, rows in found.items()}

    def _segment(self, number: int) -> tuple[Segment, str, str]:
        row = self._sealed.get(number)
        if row is not None:
            return self._kept.sealed(row, self.rows), row.first_t, row.last_t
        end = min((number + 1) * SIZE, self.state.size)
        return self._kept.fresh((number, end, self.state.touched), lambda: _fresh(self.rows, number * SIZE, end))


def _fresh(rows: IndexRows, low: int, high: int) -> tuple[Segment, str, str]:
    found = rows.between(low, high)
    times = [row.t for row in found]
    return Segment.of(found), min(times), max(times)


def _found(rows: IndexRows, numbers: Sequence[int], *, join: bool) -> tuple[Found, ...]:
    """Their entries, and with ``join`` those of the outcomes, in the order of ``numbers``."""
    about = rows.by_number(numbers)
    outcomes = [row.outcome for row in about.values() if row.outcome is not None] if join else []
    texts = {number: entry.read(data) for number, data in rows.entries_at([*about, *outcomes])}
    return tuple(
        Found(number, texts[number], row, texts.get(row.outcome) if join and row.outcome is not None else None)
        for number in numbers
        if (row := about.get(number)) is not None
    )


class Gone(Exception):
    """A segment that another one has taken the place of."""


class _Kept:
    """The segments used last, of any thread. Two threads may read the same one: no harm is done."""

    def __init__(self, files: SegmentFiles) -> None:
        self.files = files
        self._kept: OrderedDict[Any, tuple[int, Any]] = OrderedDict()
        self._bytes = 0
        self._values: dict[Values, Values] = {}  # that segments have in common
        self._lock = threading.Lock()

    @property
    def full(self) -> bool:
        return self._bytes > KEPT_BYTES - 2 * MAPPED_BYTES

    def sealed(self, row: SegmentRow, rows: IndexRows) -> Segment:
        """Raises Gone."""

        def read() -> tuple[int, Segment]:
            data = self.files.get(row.number, row.mark, lambda: _stored(rows, row))
            size = len(data) + MAPPED_BYTES if isinstance(data, bytes) else MAPPED_BYTES
            if len(self._values) > MOST_VALUES:
                self._values = {}
            return size, Segment(data, self._values)

        segment: Segment = self._get((row.number, row.mark), read)
        return segment

    def fresh(self, key: Any, make: Callable[[], tuple[Segment, str, str]]) -> tuple[Segment, str, str]:
        found: tuple[Segment, str, str] = self._get(key, lambda: (40 * MAPPED_BYTES, make()))
        return found

    def _get(self, key: Any, read: Callable[[], tuple[int, Any]]) -> Any:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        size, value = read()
        with self._lock:
            self._bytes += size - self._kept.pop(key, (0, None))[0]
            self._kept[key] = (size, value)
            while self._bytes > KEPT_BYTES and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1][0]
        return value


def _stored(rows: IndexRows, row: SegmentRow) -> bytes:
    found = rows.segment(row)
    if found is None:
        raise Gone
    return found


# ── counts as people read them ────────────────────────────────────────────────────────────────────────────────────────
def _facet(name: str, counter: Mapping[Values, int], top: int) -> Facet:
    counts: Counter[str] = Counter()
    for values, number in counter.items():
        for value in values:
            counts[str(int(value) % 24) if name == "hour" else value] += number
        if not values and name not in ("risk", "rule", "field", "result", "code"):
            counts[NONE] += number
    if name == "hour":
        return Facet(name, tuple(Value(str(hour), counts[str(hour)]) for hour in range(24)), 0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Facet(name, tuple(Value(*item) for item in ordered[:top]), max(0, len(ordered) - top))


def _buckets(counters: Mapping[str, Mapping[Values, int]], by: str) -> list[Bucket]:
    step = _STEP[by]
    shift = _FIRST_MONDAY if by == "week" else 0
    results: dict[int, Counter[str]] = {}
    for result, counter in counters.items():
        for (hour,), number in counter.items():
            start = (int(hour) - shift) // step * step + shift
            results.setdefault(start, Counter())[result] += number
    if not results:
        return []
    low, high = min(results), max(results)
    low = max(low, high - (MAX_BUCKETS - 1) * step)
    return [_bucket(start, results.get(start, Counter())) for start in range(low, high + 1, step)]


def _bucket(start: int, results: Counter[str]) -> Bucket:
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=start - 8)
    told = {result: number for result, number in sorted(results.items()) if result}
    return Bucket(local.astimezone(CHINA), results.total(), told)
