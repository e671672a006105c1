"""Uses are counted in the transaction of the entry that uses them: never one too many, given back when nothing left."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.log import Log, Rejected
from gateway.db import Database
from gateway.exchange import quota
from gateway.exchange.quota import Exhausted, Refund, Reserve

AGREEMENT, DAY = "agr_1", "2026-11-23"
VIEWED = {
    "type": "audit.viewed",
    "actor": {"party": None, "client": None, "officer": None},
    "filter_digest": "sha-256:" + "0" * 64,
    "rows": 0,
}
_numbers = itertools.count()


def append(log: Log, *guards: Any) -> list[object | None]:
    """Append entries all at once, one for each guard; None where it was written, else why it was not."""

    async def one(guard: Any) -> object | None:
        try:
            await log.append(VIEWED, guards=[guard])
        except Rejected as rejected:
            return rejected.why
        return None

    async def all_at_once() -> list[object | None]:
        return list(await asyncio.gather(*(one(guard) for guard in guards)))

    return asyncio.run(all_at_once())


def used(database: Database, window: str = DAY, agreement: str = AGREEMENT) -> int:
    with database.read() as conn:
        return quota.used(conn, agreement, window)


def test_of_fifty_at_once_at_a_limit_of_two_exactly_two_pass(log: Log, database: Database) -> None:
    outcomes = append(log, *[Reserve(AGREEMENT, DAY, 2)] * 50)
    assert outcomes.count(None) == 2
    assert [why for why in outcomes if why is not None] == [Exhausted(2)] * 48
    assert used(database) == 2


def test_each_window_and_each_agreement_counts_for_itself(log: Log, database: Database) -> None:
    guards = [Reserve(AGREEMENT, DAY, 1), Reserve(AGREEMENT, "2026-11-24", 1), Reserve("agr_2", DAY, 1)]
    assert append(log, *guards) == [None] * 3
    assert append(log, *guards) == [Exhausted(1)] * 3
    assert used(database, agreement="agr_3") == 0


def test_of_many_agreements_at_once_each_counts_for_itself(log: Log, database: Database) -> None:
    """Counts of a whole group are read and written together: none is taken for that of another agreement or window."""
    append(log, Reserve("agr_0", "2026-11-24", 9))  # of the same agreements and windows, but of no guard below
    guards = [Reserve(f"agr_{number}", DAY if number % 2 == 0 else "2026-11-24", 2) for number in range(150)]
    assert append(log, *guards, *guards, *guards) == [None] * 300 + [Exhausted(2)] * 150
    assert [used(database, guard.window, guard.agreement) for guard in guards] == [2] * 150
    others = [used(database, DAY if guard.window != DAY else "2026-11-24", guard.agreement) for guard in guards]
    assert others == [1, *[0] * 149]
    append(log, *(Refund(guard.agreement, guard.window) for guard in guards[1:]))
    assert [used(database, guard.window, guard.agreement) for guard in guards] == [2, *[1] * 149]


def test_a_use_given_back_can_be_used_again(log: Log, database: Database) -> None:
    append(log, Reserve(AGREEMENT, DAY, 1))
    append(log, Refund(AGREEMENT, DAY))
    assert used(database) == 0
    assert append(log, Reserve(AGREEMENT, DAY, 1)) == [None]


def test_giving_back_what_was_never_used_gives_nothing(log: Log, database: Database) -> None:
    append(log, Refund(AGREEMENT, DAY), Refund(AGREEMENT, DAY))
    assert used(database) == 0
    append(log, Reserve(AGREEMENT, DAY, 5), Refund(AGREEMENT, DAY))
    append(log, Refund(AGREEMENT, DAY))
    assert used(database) == 0


def test_a_use_is_undone_when_a_later_guard_of_the_same_entry_says_no(log: Log, database: Database) -> None:
    async def both() -> None:
        await log.append(VIEWED, guards=[Reserve(AGREEMENT, DAY, 5), Reserve("agr_full", DAY, 0)])

    with pytest.raises(Rejected) as caught:
        asyncio.run(both())
    assert caught.value.why == Exhausted(0)
    assert used(database) == 0


def test_the_count_outlives_the_process(log: Log, database: Database) -> None:
    append(log, Reserve(AGREEMENT, DAY, 1))
    again = Database(database.url.render_as_string(hide_password=False))
    assert used(again) == 1
    again.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["reserve", "refund"]), max_size=12), st.integers(0, 4))
def test_the_count_is_what_arithmetic_says(log: Log, database: Database, acts: list[str], limit: int) -> None:
    agreement, expected = f"agr_{next(_numbers)}", 0
    for act in acts:
        if act == "reserve":
            (outcome,) = append(log, Reserve(agreement, DAY, limit))
            assert (outcome is None) == (expected < limit)
            expected += outcome is None
        else:
            append(log, Refund(agreement, DAY))
            expected = max(0, expected - 1)
        assert used(database, agreement=agreement) == expected <= limit
