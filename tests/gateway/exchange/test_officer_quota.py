"""An officer's uses and the questions asked are counted in the transaction of the entry: never one too many."""

from __future__ import annotations

from gateway.audit.log import Log
from gateway.db import Database
from gateway.exchange.officer_quota import Count, Exhausted, GiveBack
from gateway.exchange.questions import Ask, Spent
from tests.gateway.exchange.test_quota import append

AGREEMENT, OFFICER, HOUR, DAY = "agr_1", "off_1", "2026-11-23T10", "2026-11-23"
SUBJECT, MONTH = "s:1:AAAAAAAAAAAAAAAAAAAAAA", "2026-11"


def count(hour: int, day: int, officer: str = OFFICER) -> Count:
    return Count(AGREEMENT, officer, ((HOUR, hour), (DAY, day)))


def ask(*names: str, limit: int = 2, subject: str = SUBJECT) -> Ask:
    return Ask(AGREEMENT, subject, MONTH, names, limit)


def test_of_fifty_at_once_the_limit_passes_and_no_more(log: Log, database: Database) -> None:
    outcomes = append(log, *[count(3, 100)] * 50)
    assert outcomes.count(None) == 3
    assert {repr(why) for why in outcomes if why} == {repr(Exhausted({HOUR: 3, DAY: 3}))}
    assert append(log, count(100, 4), count(100, 4)) == [None, Exhausted({HOUR: 4, DAY: 4})]  # the day counts too
    assert append(log, count(3, 3, officer="off_2")) == [None]  # a colleague


def test_what_is_given_back_can_be_used_again_and_never_below_nothing(log: Log, database: Database) -> None:
    append(log, GiveBack(count(1, 1)), count(1, 1))
    append(log, GiveBack(count(1, 1)), GiveBack(count(1, 1)))
    assert append(log, count(1, 1), count(1, 1)) == [None, Exhausted({HOUR: 1, DAY: 1})]


def test_different_questions_are_counted_and_the_same_one_is_free(log: Log, database: Database) -> None:
    assert append(log, ask("a"), ask("a"), ask("a", "b"), ask("c"), ask("b", "a")) == [None, None, None, Spent(2), None]
    assert append(log, ask("c", subject="s:1:BBBBBBBBBBBBBBBBBBBBBB"), ask("c", limit=3)) == [None, None]


def test_more_questions_at_once_than_may_be_asked_are_none(log: Log, database: Database) -> None:
    assert append(log, ask("a", "b", "c"), ask("a", "b")) == [Spent(0), None]
