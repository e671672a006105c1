"""Counting by what entries are about and by time: as if somebody had gone through them one by one."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.traffic import City, Event, write
from gateway.audit import index, segment
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.filter import CHINA, Filter
from gateway.audit.index_store import INDEX, SEGMENTS, IndexRows
from gateway.audit.limits import Limits
from gateway.audit.prepare import Preparation
from gateway.audit.search import FACETS, Search
from gateway.audit.watch import Watch
from tests.clock import FixedClock
from tests.conftest import DATABASES
from tests.gateway.audit.conftest import Standing
from tests.gateway.audit.examples import authorized, released

OFFICE, OTHER = "street-01", "street-02"


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """Some 9,500 entries of twelve days, ended a while ago: more than one segment."""
    city = City(7, offices=6, officers=5)
    return list(city.history(12, FixedClock().now() - timedelta(minutes=1), 4_450))


@dataclass(frozen=True)
class Written:
    """A log that stands for all tests. Its first query was open when its segment was made, and has ended since."""

    search: Search
    late: int
    open_then: list[int]


@pytest.fixture(scope="module", params=DATABASES)
def written(
    request: pytest.FixtureRequest, standing: Standing, events: list[Event], checkpoint_key: CheckpointKey
) -> Iterator[Written]:
    with standing(request.param) as log:
        late = asyncio.run(log.append(authorized("qry_late"))).index
        write(log.database, checkpoint_key, None, [(t, dict(content)) for t, content in events])
        index.catch_up(log.database, group=segment.SIZE)
        search = Search(log.database, log.clock)
        open_then = [found.index for found in search.find(Filter.of(result="open")).found]
        asyncio.run(log.append(released("qry_late", late)))
        yield Written(search, late, open_then)


@pytest.fixture
def search(written: Written) -> Search:
    return written.search


LATE = authorized("qry_late")
NOTHING = {"result": None, "consumer": None, "provider": None, "officer": None, "fields": [], "no_case": False}


def matters(events: list[Event]) -> Iterator[dict[str, Any]]:
    """Every entry with its outcome, gone through by hand."""
    outcome = {content["query"]: content for _, content in events if "of" in content}
    owner = {c["service"]["id"]: c["party"] for _, c in events if c["type"] == "service.registered"}
    yield NOTHING | {"t": FixedClock().now(), "type": "log.opened"}
    late = {"t": FixedClock().now(), "type": "exchange.authorized", "consumer": "street-linden", "provider": "police"}
    yield NOTHING | late | {"result": "released", "fields": LATE["fields"], "purpose": LATE["purpose"], "no_case": True}
    for t, content in events:
        if "of" in content:
            continue
        end = outcome.get(content.get("query", ""), {})
        asked = content["type"].startswith("exchange.")
        yield {
            "t": t,
            "type": content["type"],
            "consumer": content["actor"]["party"] if asked else None,
            "provider": owner[content["service"]] if asked else None,
            "officer": content["actor"]["officer"],
            "result": end.get("type", content["type"]).removeprefix("exchange.") if asked else None,
            "fields": content.get("fields", []),
            "purpose": content.get("purpose"),
            "no_case": asked and content["case"] is None,
        }


Test = Callable[[dict[str, Any]], bool]
QUESTIONS: dict[str, Test] = {
    "": lambda m: True,
    "result:refused": lambda m: m["result"] == "refused",
    "-result:released": lambda m: m["result"] not in (None, "released"),
    f"consumer:{OFFICE} hour:9-11": lambda m: m["consumer"] == OFFICE and 9 <= m["t"].astimezone(CHINA).hour <= 11,
    "officer:off_street-01_2 officer:off_street-02_1": lambda m: m["officer"] in ("off_street-01_2", "off_street-02_1"),
    "provider:police field:phone": lambda m: m["provider"] == "police" and "phone" in m["fields"],
    "risk:no_case -officer:none": lambda m: m["no_case"] and m["officer"] is not None,
    "since:3d type:exchange.released": lambda m: (
        m["result"] == "released" and m["t"] >= FixedClock().now() - timedelta(days=3)
    ),
}


def test_counts_are_those_of_going_through_one_by_one(search: Search, events: list[Event]) -> None:
    everything = list(matters(events))
    for line, test in QUESTIONS.items():
        wanted = Filter.parse(line)
        found = [
            {"result": None, "consumer": None, "fields": [], "officer": None, "provider": None, "no_case": False} | m
            for m in everything
        ]
        found = [m for m in found if test(m)]
        facets = search.facets(wanted, top=1000)
        assert facets.total == len(found) == search.count(wanted) > 0, line
        told = {name: {v.value: v.count for v in facet.values} for name, facet in facets.by_name.items()}
        results = Counter(m["result"] for m in found)
        assert told["result"] == {name: n for name, n in results.items() if name}, line
        for name in ("consumer", "provider", "officer"):
            assert told[name] == Counter(m[name] or "none" for m in found), (line, name)
        assert told["field"] == Counter(field for m in found for field in m["fields"]), line
        days = Counter(m["t"].astimezone(CHINA).date() for m in found)
        buckets = search.histogram(wanted, by="day")
        assert {b.start.date(): b.count for b in buckets if b.count} == days, line
        assert sum((Counter(b.results) for b in buckets), Counter()) == told["result"], line


def test_weeks_begin_on_mondays_and_empty_ones_are_told(search: Search) -> None:
    weeks = search.histogram(Filter.of(since="2026-11-01T00:00:00.000Z"), by="week")
    assert all(bucket.start.weekday() == 0 and bucket.start.hour == 0 for bucket in weeks)
    assert search.histogram(Filter.of(officer="off_nobody")) == []


def test_pages_hold_what_was_counted(search: Search) -> None:
    wanted = Filter.parse("result:refused result:failed")
    numbers: list[int] = []
    before: int | None = None
    while True:
        page = search.find(wanted, before=before, limit=50)
        numbers += [found.index for found in page.found]
        if (before := page.next) is None:
            break
    assert numbers == sorted(set(numbers), reverse=True) and len(numbers) == search.count(wanted)
    assert [found.index for found in search.every(wanted, below=10**9)] == numbers


# ── segments that stand on disk, for all processes of a machine ─────────────────────────────────────────────────────
def test_answers_are_the_same_from_files_from_the_database_and_from_a_folder_that_takes_none(
    search: Search, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("no folder")
    for folder in (tmp_path / "search", tmp_path / "search", tmp_path / "taken"):
        other = Search(search.database, search.clock, folder)
        for line in QUESTIONS:
            wanted = Filter.parse(line)
            assert other.facets(wanted) == search.facets(wanted), line
            assert other.find(wanted, limit=5) == search.find(wanted, limit=5), line
            assert other.histogram(wanted) == search.histogram(wanted), line
    assert len(list((tmp_path / "search").iterdir())) == 1


def test_a_file_that_was_altered_or_cut_off_is_not_believed(search: Search, tmp_path: Path) -> None:
    told = Search(search.database, search.clock, tmp_path).facets(Filter())
    [file] = tmp_path.iterdir()
    whole = file.read_bytes()
    for wrong in (b"", whole[:-1000], whole.replace(b"street-01", b"street-02")):
        file.write_bytes(wrong)
        assert Search(search.database, search.clock, tmp_path).facets(Filter()) == told
        assert file.read_bytes() == whole  # made again


def test_segments_of_an_earlier_version_serve_until_they_are_made_anew(search: Search, tmp_path: Path) -> None:
    with search.database.write() as conn:
        conn.execute(SEGMENTS.update().values(made=3))
    other = Search(search.database, search.clock, tmp_path / "search")
    assert other.facets(Filter()) == search.facets(Filter()) and not (tmp_path / "search").exists()
    index.catch_up(search.database, restraint=0.001)  # as the log's upkeep does
    with search.database.read() as conn:
        [row] = IndexRows(conn).segments()
    assert row.mark > segment.MARKED and other.facets(Filter()) == search.facets(Filter())


def test_what_is_prepared_waits_for_nobody_and_goes_with_its_segment(search: Search, tmp_path: Path) -> None:
    other = Search(search.database, search.clock, tmp_path)
    paused: list[float] = []
    assert other.prepare(lambda took: paused.append(took) or True) == len(paused) == len(list(tmp_path.iterdir())) == 1
    with search.database.write() as conn:
        [row] = IndexRows(conn).segments()
        IndexRows(conn).drop_segments([row.number])
    other.tidy()
    assert list(tmp_path.iterdir()) == []
    assert other.facets(Filter()) == search.facets(Filter())  # and it was sealed anew


def test_a_process_prepares_itself_beside_its_work_and_ends_when_told(search: Search, tmp_path: Path) -> None:
    other = Search(search.database, search.clock, tmp_path / "search")
    preparation = Preparation(other, Watch(other, Limits()))
    preparation.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "search").is_dir() and time.monotonic() < deadline:
        time.sleep(0.01)
    preparation.stop()
    assert (tmp_path / "search").is_dir()


# ── what a party may learn (threat T18) ───────────────────────────────────────────────────────────────────────────────
def test_a_party_learns_of_nothing_that_does_not_concern_it(search: Search, events: list[Event]) -> None:
    own = [m for m in matters(events) if OFFICE in (m.get("consumer"), m.get("provider"))]
    queries = Filter.parse("type:exchange.authorized type:exchange.refused")
    facets = search.facets(queries, reach=OFFICE, top=1000)
    assert facets.total == len(own) == sum(b.count for b in search.histogram(queries, reach=OFFICE))
    assert {v.value for v in facets.by_name["consumer"].values} == {OFFICE}
    assert {v.value for v in facets.by_name["officer"].values} <= {m["officer"] or "none" for m in own}
    for found in search.every(Filter(), reach=OFFICE, below=10**9):
        assert found.row is not None and OFFICE in (found.row.party, found.row.other_party)


def test_what_exists_elsewhere_looks_like_what_does_not_exist(search: Search) -> None:
    """By every qualifier: of another office's things nothing is found, counted or named."""
    theirs = search.find(Filter.of(consumer=OTHER, result="released"), limit=1).found[0]
    assert theirs.row is not None
    row = theirs.row
    for line in (
        f"query:{row.query}",
        f"subject:{row.subject}",
        f"officer:{row.officer}",
        f"agreement:{row.agreement}",
    ):
        wanted, nothing = Filter.parse(line), Filter.parse("query:qry_nothing")
        assert search.count(wanted) > 0
        assert search.find(wanted, reach=OFFICE) == search.find(nothing, reach=OFFICE)
        assert search.facets(wanted, reach=OFFICE) == search.facets(nothing, reach=OFFICE)
        assert search.histogram(wanted, reach=OFFICE) == []
    assert set(FACETS) == set(search.facets(Filter(), reach=OFFICE).by_name)


# ── what changes ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_outcome_that_comes_late_changes_what_was_sealed(written: Written) -> None:
    """A query of long ago ends now: its segment was made while it was open, and is made anew."""
    search = written.search
    assert written.open_then == [written.late] and search.count(Filter.of(result="open")) == 0
    [found] = search.find(Filter.of(query="qry_late", result="released")).found
    assert found.index == written.late and found.outcome is not None and found.outcome["records"] == 1


def test_what_was_pruned_is_forgotten_here_too_and_the_index_made_anew_is_the_same(search: Search) -> None:
    """Whatever the size of its turns, and whatever was sealed when. (The entries themselves were not pruned.)"""

    def rows() -> list[Any]:
        with search.database.read() as conn:
            return [tuple(row) for row in conn.execute(INDEX.select().order_by(INDEX.c.number))]

    before, facets = rows(), search.facets(Filter())
    with search.database.read() as conn:
        assert len(IndexRows(conn).segments()) == (len(before) - index.LAG) // segment.SIZE >= 1
    first = next(search.rows(Filter.of(type="exchange.authorized"), below=10**6, oldest_first=True))
    about = Filter.of(subject=first.subject)
    assert search.count(about) > 0
    with search.database.write() as conn:
        index.forget(conn, {row[0]: row[1] for row in before[: first.number + 600]})
    assert search.count(about) == 0 and search.count(Filter.of(type="log.pruned")) == first.number + 600
    index.rebuild(search.database, group=1000)
    assert rows() == before and search.facets(Filter()) == facets
