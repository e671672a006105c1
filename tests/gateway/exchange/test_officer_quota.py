"""An officer's uses and the questions asked are counted in the transaction of the entry: never one too many."""

from __future__ import annotations

from gateway.audit.log import Log
from gateway.db import Database
from gateway.exchange.officer_quota import Count, Exhausted, GiveBack
from gateway.exchange.questions import BY_OFFICER_A_DAY, BY_PARTY, SAME_A_DAY, Ask, Asker, Spent
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


def by(name: str, *, agreement: str = AGREEMENT, party: str = "street-linden", **more: str) -> Ask:
    """One question of one of fifty agreements of an office, each of which allows it."""
    asker = Asker(party, more.get("officer"), "person-basic", more.get("day", DAY))
    return Ask(agreement, more.get("subject", SUBJECT), MONTH, (name,), 3, asker)


def test_a_second_agreement_is_no_second_budget(log: Log, database: Database) -> None:
    """Thresholds of 50 agreements, each with its own budget, still tell no more than BY_PARTY bits."""
    wanted = [by(f"q{number}", agreement=f"agr_{number}") for number in range(50)]
    assert append(log, *wanted) == [None] * BY_PARTY + [Spent(BY_PARTY)] * (50 - BY_PARTY)
    other = [by("q49", party="street-maple"), by("q49", subject="s:1:BBBBBBBBBBBBBBBBBBBBBB"), by("q0")]
    assert append(log, *other) == [None] * 3, "each office and resident counts alone; what was asked may be asked again"


def test_who_asks_the_same_all_day_is_stopped_until_tomorrow(log: Log, database: Database) -> None:
    assert append(log, *[by("a")] * 20) == [None] * SAME_A_DAY + [Spent(SAME_A_DAY)] * (20 - SAME_A_DAY)
    assert append(log, by("a", agreement="agr_2"), by("b"), by("a", day="2026-11-24")) == [
        Spent(SAME_A_DAY),
        None,
        None,
    ]
    assert append(log, by("a", party="street-maple")) == [None]


def test_an_officer_walks_through_no_more_residents_by_yes_or_no(log: Log, database: Database) -> None:
    walk = [by("a", subject=f"s:1:{number:022d}", officer=OFFICER) for number in range(BY_OFFICER_A_DAY + 5)]
    assert append(log, *walk) == [None] * BY_OFFICER_A_DAY + [Spent(BY_OFFICER_A_DAY)] * 5
    colleague, tomorrow = by("a", officer="off_2"), by("a", officer=OFFICER, day="2026-11-24")
    assert append(log, colleague, tomorrow) == [None, None]
