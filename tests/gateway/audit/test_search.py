"""Finding entries again: by whom, about whom, when; over HTTP as JSON, lines and a table."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.audit import index, lookup, tabular
from gateway.audit.filter import Filter
from gateway.audit.index_store import INDEX
from gateway.audit.log import Log
from gateway.audit.merkle import leaf_hash
from gateway.audit.search import Found, Page, Search
from gateway.db import Database
from tests.clock import FixedClock
from tests.gateway.audit.conftest import AUDITOR, CLERK, LINDEN, TAX, Door
from tests.gateway.audit.examples import DIGEST, NOBODY, SUBJECT, authorized, event, failed, released

OTHER = "s:2026:" + "B" * 22


@pytest.fixture
def history(log: Log, clock: FixedClock) -> Log:
    """0 opened · 1 Linden asks (released 3) · 2 Tax asks about another (failed 4) · 5 party added, a day later."""

    async def story() -> None:
        first = await log.append(authorized("qry_1"))
        second = await log.append(
            authorized("qry_2", agreement="agr_2", subject=OTHER)
            | {"actor": {"party": "tax", "client": "cli_tax", "officer": None}}
        )
        await log.append(released("qry_1", first.index))
        await log.append(failed("qry_2", second.index))
        clock.advance(seconds=86_400)
        await log.append({"type": "party.added", "actor": NOBODY, "party": "civil-affairs"})

    asyncio.run(story())
    return log


def entries(log: Log, wanted: Filter, **paging: int) -> Page:
    return Search(log.database, log.clock).find(wanted, each="entry", **paging)


FILTERS: list[tuple[dict[str, str], list[int]]] = [
    ({}, [5, 4, 3, 2, 1, 0]),
    ({"type": "exchange.authorized"}, [2, 1]),
    ({"query": "qry_1"}, [3, 1]),
    ({"agreement": "agr_2"}, [4, 2]),
    ({"subject": SUBJECT}, [3, 1]),
    ({"subject": OTHER, "type": "exchange.failed"}, [4]),
    ({"party": "street-linden"}, [3, 1]),
    ({"party": "police"}, [3, 1]),
    ({"party": "civil-affairs"}, [5]),
    ({"since": "2026-11-24T00:00:00.000Z"}, [5]),
    ({"until": "2026-11-24T00:00:00.000Z", "party": "tax"}, [4, 2]),
    ({"subject": "s:2026:" + "C" * 22}, []),
]


def test_entries_are_found_by_what_they_are_about(history: Log) -> None:
    for wanted, indexes in FILTERS:
        page = entries(history, Filter.of(**wanted))
        assert ([found.index for found in page.found], page.next) == (indexes, None), wanted


def test_an_outcome_is_found_like_its_query_wherever_the_index_was_cut(history: Log) -> None:
    """Also when the outcome is indexed in a later turn than its authorization."""
    granted = asyncio.run(history.append(authorized("qry_9", subject=OTHER)))
    index.catch_up(history.database)
    asyncio.run(history.append(released("qry_9", granted.index)))
    page = entries(history, Filter.of(subject=OTHER, type="exchange.released"))
    assert [found.entry["query"] for found in page.found] == ["qry_9"]


def test_a_query_concerns_whose_service_it_asked_or_else_who_signed(log: Log) -> None:
    """Also when no service is named, or when none was registered; wherever the index was cut."""

    async def story() -> int:
        for party in ("street-linden", "tax"):
            signed = {"officer": f"off_{party}", "jws_digest": DIGEST}
            actor = {"party": party, "client": f"cli_{party}", "officer": None}
            paper = {"id": "agr_1", "digest": DIGEST, "version": 1}
            await log.append({"type": "agreement.signed", "actor": actor, "agreement": paper, "signature": signed})
            index.catch_up(log.database)
        unregistered = await log.append(authorized("qry_1"))
        registered = {"type": "service.registered", "actor": NOBODY, "service": {"id": "svc_1", "digest": DIGEST}}
        await log.append(registered | {"party": "police", "standard": "person-basic/1.0.0"})
        await log.append(authorized("qry_2"))
        index.catch_up(log.database)
        await log.append(authorized("qry_3"))
        await log.append(authorized("qry_4") | {"service": None})
        return unregistered.index

    first = asyncio.run(story())
    index.catch_up(log.database)
    with log.database.read() as conn:
        rows = conn.execute(select(INDEX.c.query, INDEX.c.other_party).where(INDEX.c.number >= first)).all()
    assert {query: party for query, party in rows if query} == {
        "qry_1": "tax", "qry_2": "police", "qry_3": "police", "qry_4": "tax",
    }  # fmt: skip


def test_the_index_can_be_thrown_away(history: Log) -> None:
    def rows() -> list[Any]:
        with history.database.read() as conn:
            return list(conn.execute(INDEX.select().order_by(INDEX.c.number)))

    index.catch_up(history.database)
    before = rows()
    assert index.rebuild(history.database) == len(before) == 6
    assert rows() == before


def test_more_than_one_turn_of_entries_is_indexed(log: Log) -> None:
    asyncio.run(_many(log, 1000 + index.CATCH_UP))
    assert len(entries(log, Filter.of(type="audit.exported"), limit=1000).found) == 1000
    assert index.catch_up(log.database) == 0


async def _many(log: Log, entries: int) -> None:
    await asyncio.gather(*(log.append(event(n)) for n in range(entries)))


def test_pages_follow_one_another_in_both_directions(log: Log) -> None:
    asyncio.run(_many(log, 25))
    seen, before = [], None
    while True:
        page = entries(log, Filter.of(type="audit.exported"), before=before, limit=10)
        seen.append([found.index for found in page.found])
        if (before := page.next) is None:
            break
    assert seen == [list(range(25, 15, -1)), list(range(15, 5, -1)), list(range(5, 0, -1))]
    page = entries(log, Filter.of(), after=20, limit=3)
    assert ([found.index for found in page.found], page.next) == ([21, 22, 23], 23)


def test_the_outcome_of_a_query_is_looked_up(history: Log) -> None:
    found = lookup.outcome(history.database, 1)
    assert found is not None and (found.index, found.leaf_hash) == (3, leaf_hash(found.entry))
    granted = asyncio.run(history.append(authorized("qry_9")))
    assert lookup.outcome(history.database, granted.index) is None
    with history.database.read() as conn:
        assert conn.execute(lookup.under_way()).scalars().all() == ["qry_9"]


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_auditor_finds_who_asked_about_a_resident(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = AUDITOR
    answer = web.get("/v1/log/entries", query_string={"subject": SUBJECT}).json
    assert answer is not None and answer["next"] is None
    assert [(item["index"], item["entry"]["type"]) for item in answer["entries"]] == [
        (3, "exchange.released"),
        (1, "exchange.authorized"),
    ]


def test_reading_the_log_is_an_entry_of_the_log(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = AUDITOR
    web.get("/v1/log/entries", query_string={"subject": SUBJECT})
    [viewed] = entries(history, Filter.of(type="audit.viewed")).found
    assert viewed.entry["actor"] == AUDITOR.actor() and viewed.entry["rows"] == 2


@pytest.mark.daily_on_one
@pytest.mark.parametrize(("visitor", "status"), [(None, 401), (CLERK, 403), (LINDEN, 200), (AUDITOR, 200)])
def test_only_those_who_may_read_the_log_search_it(
    web: FlaskClient, door: Door, history: Log, visitor: Any, status: int
) -> None:
    door.visitor = visitor
    for suffix in ("", ".json", ".jsonl", ".csv"):
        assert web.get(f"/v1/log/entries{suffix}").status_code == status


@pytest.mark.daily_on_one
def test_a_department_sees_what_concerns_it_and_its_neighbours_do_not(
    web: FlaskClient, door: Door, history: Log
) -> None:
    def seen(visitor: Any) -> list[int]:
        door.visitor = visitor
        answer = web.get("/v1/log/entries", query_string={"until": "2026-11-23T23:00:00Z"}).json
        assert answer is not None
        return [item["index"] for item in answer["entries"]]

    assert (seen(LINDEN), seen(TAX)) == ([3, 1], [4, 2])
    door.visitor = TAX
    answer = web.get("/v1/log/entries?party=street-linden").json
    assert answer is not None and answer["entries"] == []


UNANSWERABLE = [
    "type=exchange.peeked", "since=yesterday", "since=2026-11-23T01:00:00", "limit=0", "limit=5000", "before=-1", "x=1",
]  # fmt: skip


@pytest.mark.daily_on_one
def test_a_question_that_cannot_be_answered_is_refused(web: FlaskClient, door: Door) -> None:
    door.visitor = AUDITOR
    answers = {asked: web.get(f"/v1/log/entries?{asked}").status_code for asked in UNANSWERABLE}
    assert answers == dict.fromkeys(UNANSWERABLE, 422)


@pytest.mark.daily_on_one
def test_lines_hold_one_entry_each(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = AUDITOR
    response = web.get("/v1/log/entries.jsonl?limit=2&after=0")
    assert [json.loads(line)["index"] for line in response.text.splitlines()] == [1, 2]
    assert response.headers["Tongqu-Next"] == "2"


@pytest.mark.daily_on_one
def test_the_table_opens_in_a_spreadsheet(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = AUDITOR
    response = web.get("/v1/log/entries.csv?query=qry_1&after=-1")
    assert response.content_type == "text/csv; charset=utf-8" and response.data.startswith("\ufeff".encode())
    header, first, second = csv.reader(io.StringIO(response.text.removeprefix("\ufeff"), newline=""))
    assert tuple(header) == tabular.COLUMNS
    row = dict(zip(header, first, strict=True))
    assert (row["index"], row["party"], row["effect"], row["rules"]) == ("1", "street-linden", "permit", "R1 R2")
    assert dict(zip(header, second, strict=True))["source"] == "police"


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "＋1", "－1", "＠x", "\0=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    found = Found(1, {"t": "t", "type": "x", "purpose": text, "code": 'a,b\n"c"'})
    _, row = csv.reader(io.StringIO(tabular.to_csv([found]).removeprefix("\ufeff"), newline=""))
    cells = dict(zip(tabular.COLUMNS, row, strict=True))
    assert cells["purpose"].startswith("'") and cells["code"] == 'a,b\n"c"'


def test_many_who_index_an_empty_log_at_once_agree(log: Log, database_url: str) -> None:
    """Each as a process of its own would: whoever comes second finds the row that says how far the index is."""

    async def some() -> None:
        await asyncio.gather(*(log.append(event(number)) for number in range(300)))

    asyncio.run(some())
    start = threading.Barrier(6)

    def one(_: int) -> int:
        with closing(Database(database_url)) as own:
            start.wait()
            return index.catch_up(own, group=16)

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(one, range(6)))
    assert sum(done) <= 301  # the log's own upkeep may have made a part of it
    with log.database.read() as conn:
        assert [number for (number,) in conn.execute(select(INDEX.c.number).order_by(INDEX.c.number))] == [*range(301)]
