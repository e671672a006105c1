"""Appending to the log: order, group commit, compare-and-append, guards, outcomes. On both databases."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from gateway.audit import entry
from gateway.audit.entry import EntryInvalid
from gateway.audit.log import Appended, Changed, Log, NotOpen, Rejected
from gateway.audit.merkle import leaf_hash, root_of
from gateway.audit.publisher import INDEX_SECONDS, RUSH_SECONDS, index_seconds
from gateway.audit.store import ENTRY, OPEN, Rows
from gateway.audit.transaction import Transaction
from tests.gateway.audit.examples import authorized, event, failed, released


def stored(log: Log) -> list[dict[str, Any]]:
    """Every entry of the log, in order."""
    with log.database.read() as conn:
        return [entry.check(data) for data in Rows(conn).entries(0, 1 << 40)]


def open_queries(log: Log) -> set[str]:
    with log.database.read() as conn:
        return set(conn.execute(OPEN.select().with_only_columns(OPEN.c.query)).scalars())


async def together(log: Log, *contents: dict[str, Any]) -> list[Appended | BaseException]:
    return await asyncio.gather(*map(log.append, contents), return_exceptions=True)


# ── order and bytes ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_first_entry_opens_the_log(log: Log) -> None:
    asyncio.run(log.append(event()))
    assert [item["type"] for item in stored(log)] == ["log.opened", "audit.exported"]
    assert stored(log)[0]["origin"] == log.key.origin


def test_entries_are_numbered_in_the_order_of_their_appending(log: Log) -> None:
    async def story() -> list[int]:
        return [(await log.append(event(size))).index for size in range(3)]

    assert asyncio.run(story()) == [1, 2, 3]


def test_many_at_once_are_all_written_each_once(log: Log) -> None:
    answers = asyncio.run(together(log, *map(event, range(700))))
    assert sorted(answer.index for answer in answers) == list(range(1, 701))
    written = stored(log)  # in groups; of those that nobody waits for, a later one may come first
    assert sorted(item["size"] for item in written[1:]) == list(range(700))
    assert all(written[answer.index]["size"] == size for size, answer in enumerate(answers))


def test_the_log_tells_how_many_entries_wait_for_one_another(log: Log) -> None:
    """What the index goes by; see publisher.py."""

    async def one_by_one() -> None:
        for size in range(3):
            await log.append(event(size))

    asyncio.run(one_by_one())
    assert log.written == (3, 3)
    asyncio.run(together(log, *map(event, range(64))))
    groups, entries = log.written
    assert entries == 67 and 3 < groups <= 67


@pytest.mark.parametrize(
    ("grown", "groups", "entries", "behind", "seconds"),
    [
        (0, 0, 0, 0, INDEX_SECONDS),
        (900, 450, 900, 900, INDEX_SECONDS),  # one query after the other
        (400, 50, 400, 400, RUSH_SECONDS),  # few, and yet they wait for one another: a slow machine
        (400, 51, 400, 400, INDEX_SECONDS),
        (1001, 900, 900, 1001, RUSH_SECONDS),
        (1001, 0, 0, 1001, RUSH_SECONDS),  # by other processes
        (400, 50, 400, 100_001, INDEX_SECONDS),  # who searches must not wait for all of an afternoon
    ],
)
def test_the_index_waits_while_queries_wait_for_one_another(
    grown: int, groups: int, entries: int, behind: int, seconds: float
) -> None:
    assert index_seconds(grown, groups, entries, behind) == seconds


def test_what_is_answered_is_what_is_stored(log: Log) -> None:
    appended = asyncio.run(log.append(event(7)))
    with log.database.read() as conn:
        row = conn.execute(ENTRY.select().where(ENTRY.c.number == appended.index)).one()
        head = Rows(conn).head()
        leaves = conn.execute(ENTRY.select().with_only_columns(ENTRY.c.leaf_hash).order_by(ENTRY.c.number)).scalars()
        assert head.size == 2 and log.root(conn, 2) == root_of(leaves)
    assert (row.entry, row.leaf_hash) == (appended.entry, appended.leaf_hash)
    assert leaf_hash(appended.entry) == appended.leaf_hash


def test_an_event_outside_the_closed_list_is_refused_and_nothing_is_written(log: Log) -> None:
    with pytest.raises(EntryInvalid):
        asyncio.run(log.append({"type": "exchange.peeked"}))
    with pytest.raises(EntryInvalid), log.transaction() as tx:
        tx.append({"type": "exchange.peeked"})
    assert len(stored(log)) == 1


def test_the_event_loop_goes_on_while_somebody_else_writes(log: Log) -> None:
    """And what was asked meanwhile is written when the other has finished."""

    async def story() -> tuple[int, int]:
        held, leave = threading.Event(), threading.Event()

        def other() -> None:
            with log.transaction() as tx:
                tx.append(event(1))
                held.set()
                leave.wait(10)

        writing = asyncio.create_task(asyncio.to_thread(other))
        await asyncio.to_thread(held.wait)
        appending = [asyncio.create_task(log.append(event(number))) for number in (2, 3)]
        turns = 0
        for _ in range(50):
            await asyncio.sleep(0.001)
            turns += not any(task.done() for task in appending)
        leave.set()
        await writing
        return turns, min([(await task).index for task in appending])

    assert asyncio.run(story()) == (50, 2)
    assert [item.get("size") for item in stored(log)][1:] == [1, 2, 3]


def test_a_slow_disk_keeps_the_event_loop_waiting_for_a_small_part_of_the_time(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One commit in about twenty finds out whether it is quick again; the others are for the thread to wait for."""
    writing, threads = log.database.write, list[str]()

    @contextmanager
    def slowly(*, at_once: bool = False) -> Iterator[Connection]:
        with writing(at_once=at_once) as conn:
            yield conn
            time.sleep(0.02)
        threads.append(threading.current_thread().name)

    async def one_by_one() -> None:
        for size in range(60):
            await log.append(event(size))

    monkeypatch.setattr(log.database, "write", slowly)
    asyncio.run(one_by_one())
    here = threads.count(threading.current_thread().name)
    assert here + threads.count("log-writer") == 60
    if log.database.local:
        assert 2 <= here <= 6
    else:
        assert here == 0, "a server elsewhere is never waited for"


def test_callers_in_several_event_loops_each_get_their_answer(log: Log) -> None:
    got: list[int] = []
    threads = [
        threading.Thread(target=lambda: got.extend(a.index for a in asyncio.run(together(log, *map(event, range(50))))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(1, 201))


# ── the control plane ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_transaction_that_raises_leaves_nothing(log: Log) -> None:
    with pytest.raises(ZeroDivisionError), log.transaction() as tx:
        tx.append(event())
        tx.changed("agreement:agr_1")
        raise ZeroDivisionError
    with log.database.read() as conn:
        assert log.revisions(conn, ["agreement:agr_1"]) == {"agreement:agr_1": 0}
    assert len(stored(log)) == 1 and log.broken is None


def test_entries_of_a_transaction_stay_together_while_others_append(log: Log) -> None:
    def control() -> None:
        for _ in range(20):
            with log.transaction() as tx:
                first = tx.append(event(1_000_001))
                assert tx.append(event(1_000_002)).index == first.index + 1

    thread = threading.Thread(target=control)
    thread.start()
    asyncio.run(together(log, *map(event, range(600))))
    thread.join()
    sizes = [item["size"] for item in stored(log)[1:]]
    assert len(sizes) == 640
    assert all(sizes[place + 1] == 1_000_002 for place, size in enumerate(sizes) if size == 1_000_001)
    assert [size for size in sizes if size < 1_000_000] == list(range(600))


def test_the_time_of_an_entry_is_the_clocks(log: Log, clock: Any) -> None:
    clock.advance(seconds=61.5)
    asyncio.run(log.append(event()))
    assert stored(log)[1]["t"] == "2026-11-23T01:01:01.500Z"


# ── compare-and-append ────────────────────────────────────────────────────────────────────────────────────────────────
def test_each_change_raises_the_revision(log: Log) -> None:
    for _ in range(2):
        with log.transaction() as tx:
            tx.changed("agreement:agr_1", "party:tax")
    with log.database.read() as conn:
        assert log.revisions(conn, ["agreement:agr_1", "party:tax", "party:police"]) == {
            "agreement:agr_1": 2, "party:tax": 2, "party:police": 0,
        }  # fmt: skip


def test_what_rests_on_an_old_revision_is_refused(log: Log) -> None:
    async def story() -> None:
        await log.append(event(), unless_changed={"agreement:agr_1": 0, "party:tax": 0})
        with log.transaction() as tx:
            tx.changed("agreement:agr_1")
        with pytest.raises(Changed) as refusal:
            await log.append(event(), unless_changed={"agreement:agr_1": 0, "party:tax": 0})
        assert refusal.value.keys == ("agreement:agr_1",)
        await log.append(event(), unless_changed={"agreement:agr_1": 1})

    asyncio.run(story())
    assert len(stored(log)) == 3


def test_one_that_is_refused_does_not_harm_its_group(log: Log) -> None:
    async def story() -> list[Appended | BaseException]:
        return await asyncio.gather(
            *(log.append(event(n), unless_changed={"agreement:agr_1": n % 2}) for n in range(40)),
            return_exceptions=True,
        )

    answers = asyncio.run(story())
    assert [isinstance(answer, Changed) for answer in answers] == [bool(n % 2) for n in range(40)]


def test_another_gateways_change_is_seen(log: Log) -> None:
    """A second Log over the same database stands for another process: nothing is remembered past a change."""
    other = Log(log.database, clock=log.clock, key=log.key, folder=log.folder)

    async def story() -> None:
        await log.append(event(), unless_changed={"client:cli_1": 0})
        with other.transaction() as tx:
            tx.changed("client:cli_1")
        with pytest.raises(Changed):
            await log.append(event(), unless_changed={"client:cli_1": 0})

    asyncio.run(story())


def test_no_release_stands_after_the_withdrawal_it_should_have_seen(log: Log) -> None:
    """Released entries race with a withdrawal; those before it in the log are fine, after it there is none."""

    def withdraw() -> None:
        with log.transaction() as tx:
            tx.append(event(1_000_000))
            tx.changed("consent:agr_1:s")

    async def query(number: int) -> None:
        granted = await log.append(authorized(f"qry_{number}"))
        try:
            await log.append(released(f"qry_{number}", granted.index), unless_changed={"consent:agr_1:s": 0})
        except Changed:
            await log.append(failed(f"qry_{number}", granted.index))

    async def story() -> None:
        queries = [asyncio.create_task(query(number)) for number in range(120)]
        await asyncio.sleep(0.005)
        await asyncio.to_thread(withdraw)
        await asyncio.gather(*queries)

    asyncio.run(story())
    kinds = [(item["type"], item.get("size")) for item in stored(log)]
    withdrawn = kinds.index(("audit.exported", 1_000_000))
    assert ("exchange.released", None) not in kinds[withdrawn:]
    assert sum(kind in ("exchange.released", "exchange.failed") for kind, _ in kinds) == 120


# ── outcomes ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_authorized_query_is_open_until_its_outcome(log: Log) -> None:
    granted = asyncio.run(log.append(authorized("qry_1")))
    assert open_queries(log) == {"qry_1"}
    asyncio.run(log.append(released("qry_1", granted.index)))
    assert open_queries(log) == set()


@pytest.mark.parametrize("second", [released, failed])
def test_a_query_has_one_outcome(log: Log, second: Any) -> None:
    granted = asyncio.run(log.append(authorized("qry_1")))
    asyncio.run(log.append(failed("qry_1", granted.index)))
    with pytest.raises(NotOpen):
        asyncio.run(log.append(second("qry_1", granted.index)))
    with pytest.raises(NotOpen), log.transaction() as tx:
        tx.append(second("qry_1", granted.index))
    assert log.broken is None and len(stored(log)) == 3


def test_of_two_outcomes_at_the_same_moment_one_wins(log: Log) -> None:
    async def story() -> list[Appended | BaseException]:
        granted = await log.append(authorized("qry_1"))
        return await together(log, *[released("qry_1", granted.index)] * 10)

    answers = asyncio.run(story())
    assert [type(answer) for answer in answers] == [Appended] + [NotOpen] * 9


@pytest.mark.parametrize(("query", "of"), [("qry_2", 1), ("qry_1", 0), ("qry_1", 99)])
def test_an_outcome_names_its_own_authorization(log: Log, query: str, of: int) -> None:
    asyncio.run(log.append(authorized("qry_1")))
    with pytest.raises(NotOpen):
        asyncio.run(log.append(released(query, of)))


def test_the_database_itself_refuses_a_second_outcome(log: Log) -> None:
    with pytest.raises(IntegrityError), log.database.write() as conn:
        for number in (50, 51):
            conn.execute(ENTRY.insert().values(number=number, entry=b"{}", leaf_hash=b"0" * 32, outcome_of=1))


# ── guards ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class Seats:
    """A guard for these tests: so many seats under one revision key, counted in the log's own revision table."""

    key: str
    seats: int
    calls: ClassVar[list[int]] = []

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Self]) -> list[object | None]:
        cls.calls.append(len(guards))
        answers: list[object | None] = []
        for guard in guards:
            taken = tx.rows.revisions([guard.key])[guard.key]
            if taken < guard.seats:
                tx.rows.change(guard.key)
            answers.append(None if taken < guard.seats else f"all {guard.seats} seats are taken")
        return answers

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Self]) -> None:
        for guard in guards:
            tx.conn.execute(text("UPDATE log_revision SET number = number - 1 WHERE key = :key"), {"key": guard.key})


class Never(Seats):
    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Self]) -> list[object | None]:
        return ["never"] * len(guards)


class Faulty(Seats):
    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Self]) -> list[object | None]:
        if any(guard.seats < 0 for guard in guards):
            tx.conn.execute(text("INSERT INTO log_head (id, size, compact, changes) VALUES (1, 0, '', 0)"))
        return super().settle(tx, guards)


def taken(log: Log, key: str) -> int:
    with log.database.read() as conn:
        return log.revisions(conn, [key])[key]


def guarded(log: Log, count: int, *guards: Seats) -> list[Appended | BaseException]:
    async def story() -> list[Appended | BaseException]:
        return await asyncio.gather(
            *(log.append(event(n), guards=guards) for n in range(count)), return_exceptions=True
        )

    return asyncio.run(story())


def test_fifty_at_once_for_two_seats_seat_two(log: Log) -> None:
    Seats.calls.clear()
    answers = guarded(log, 50, Seats("quota:agr_1", 2))
    assert [type(answer) for answer in answers] == [Appended] * 2 + [Rejected] * 48
    assert str(answers[2].why) == "all 2 seats are taken"
    assert taken(log, "quota:agr_1") == 2 and len(stored(log)) == 3
    assert len(Seats.calls) < 10  # settled in bulk


def test_a_later_guards_no_undoes_the_earlier_ones(log: Log) -> None:
    answers = guarded(log, 5, Seats("quota:agr_1", 100), Seats("quota:agr_2", 100), Never("quota:agr_3", 1))
    assert {type(answer) for answer in answers} == {Rejected}
    assert (taken(log, "quota:agr_1"), taken(log, "quota:agr_2")) == (0, 0)


def test_one_faulty_guard_does_not_harm_its_group(log: Log) -> None:
    async def story() -> list[Appended | BaseException]:
        return await asyncio.gather(
            *(log.append(event(n), guards=[Faulty("quota:agr_1", -1 if n == 7 else 100)]) for n in range(20)),
            return_exceptions=True,
        )

    answers = asyncio.run(story())
    assert [type(answer) for answer in answers] == [Appended] * 7 + [IntegrityError] + [Appended] * 12
    assert taken(log, "quota:agr_1") == 19 and log.broken is None


# ── recovery ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_queries_that_an_ended_run_left_open_become_unknown(log: Log) -> None:
    asyncio.run(together(log, *(authorized(f"qry_{n}") for n in range(300))))
    log.stop()
    with Log(log.database, clock=log.clock, key=log.key, folder=log.folder) as again:
        assert open_queries(again) == set()
        unknown = [item for item in stored(again) if item["type"] == "exchange.outcome_unknown"]
        assert [(item["query"], item["of"]) for item in unknown] == [(f"qry_{n}", n + 1) for n in range(300)]
        with pytest.raises(NotOpen):
            asyncio.run(again.append(released("qry_5", 6)))


def test_a_caller_that_gave_up_leaves_no_query_open(log: Log) -> None:
    async def story() -> None:
        waiting = asyncio.create_task(log.append(authorized("qry_1")))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        while open_queries(log) or len(stored(log)) < 3:
            await asyncio.sleep(0.01)

    asyncio.run(story())
    assert [item["type"] for item in stored(log)[1:]] == ["exchange.authorized", "exchange.failed"]
    assert stored(log)[2]["code"] == "abandoned"
