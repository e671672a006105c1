"""The review sample can be drawn again by anybody who has the log, and chosen by nobody."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.audit.log import Log
from gateway.audit.search import Search
from gateway.cases import sampling
from gateway.cases.model import Link
from gateway.cases.review import Reviews, Risk
from gateway.errors import Forbidden, InvalidRequest, NotFound, WrongState
from tests.clock import FixedClock
from tests.gateway.agreements.people import STREET
from tests.gateway.cases.people import CLERK, QIN, WEI, Desk

DAY = 24 * 3600
TODAY = date(2026, 11, 23)


def a_day_over(desk: Desk, queries: int = 40) -> list[int]:
    """Look-ups of one day, and the next day reached. Returns the released entries."""
    desk.reviews.tidy()
    released = [desk.query() + 1 for _ in range(queries)]
    desk.clock.advance(seconds=DAY)
    desk.reviews.tidy()
    return released


def test_a_stranger_draws_the_same_from_the_log_alone(desk: Desk) -> None:
    released = a_day_over(desk)
    entries = desk.entries()
    told = next(each for each in entries if each["type"] == "review.sampled")
    promised = entries[told["commitment"]]
    seed = bytes.fromhex(told["seed"])
    assert promised["commitment"] == sampling.commitment(seed, TODAY, told["percent"])
    assert told["commitment"] < min(released)
    first_of_next_day = next(n for n, each in enumerate(entries) if each["t"] >= "2026-11-23T16:00:00.000Z")
    assert told["size"] == first_of_next_day
    with desk.database.read() as conn:
        root = desk.log.root(conn, told["size"])
    population = [n for n, each in enumerate(entries) if each["type"] == "exchange.released"]
    assert population == released
    drawn = sampling.draw(seed, root, told["percent"], population)
    assert 0 < len(drawn) == told["drawn"] < told["population"] == len(released)
    assert [each.entry for each in desk.reviews.queue(WEI)] == drawn
    assert {each.party for each in desk.reviews.queue(WEI)} == {STREET}


@pytest.mark.daily_on_one
def test_the_next_days_seed_stands_in_the_log_before_the_day(desk: Desk) -> None:
    a_day_over(desk, 1)
    promised = {each["day"]: each["t"] for each in desk.entries("review.sample_committed")}
    assert promised["2026-11-24"] < "2026-11-23T16:00:00.000Z"
    assert promised["2026-11-25"] < "2026-11-24T16:00:00.000Z"


def test_what_was_done_stays_done(desk: Desk) -> None:
    a_day_over(desk)
    before = desk.reviews.queue(WEI)
    desk.reviews.tidy()
    other = Reviews(desk.database, desk.log, desk.clock, Search(desk.database, desk.clock), b"s" * 32, percent=50)
    other.tidy()
    assert desk.reviews.queue(WEI) == before
    assert len(desk.entries("review.sampled")) == 1


def test_a_seed_that_was_told_says_nothing_of_another_day() -> None:
    seeds = {sampling.seed_of(b"k" * 32, TODAY + timedelta(days=n)) for n in range(10)}
    assert len(seeds) == 10
    assert sampling.seed_of(b"k" * 32, TODAY) != sampling.seed_of(b"l" * 32, TODAY)


@pytest.mark.parametrize(("percent", "least", "most"), [(0, 0, 0), (10, 70, 130), (100, 1000, 1000)])
def test_about_as_many_are_drawn_as_were_promised(percent: int, least: int, most: int) -> None:
    assert least <= len(sampling.draw(b"s" * 32, b"r" * 32, percent, range(1000))) <= most


def test_reviewed_in_order_or_made_a_case(desk: Desk) -> None:
    a_day_over(desk)
    first, second, *_ = desk.reviews.queue(WEI)
    total = desk.reviews.progress(WEI, TODAY, TODAY + timedelta(days=1)).total
    done, none = desk.reviews.review(WEI, first.id, "in_order")
    assert (done.outcome, none) == ("in_order", None)
    done, case = desk.reviews.review(QIN, second.id, "case")
    assert case is not None
    assert (case.party, case.source, case.links) == (STREET, "sample", (Link(entry=second.entry),))
    assert desk.reviews.get(WEI, second.id).case == case.id
    progress = desk.reviews.progress(WEI, TODAY, TODAY + timedelta(days=1))
    assert (progress.total, progress.reviewed, progress.overdue) == (total, 2, 0)
    with pytest.raises(WrongState):
        desk.reviews.review(QIN, first.id, "case")
    with pytest.raises(InvalidRequest):
        desk.reviews.review(QIN, second.id, "perhaps")
    with pytest.raises(NotFound):
        desk.reviews.review(QIN, "rev_none", "case")
    assert [each["outcome"] for each in desk.entries("review.reviewed")] == ["in_order", "case"]
    assert len(desk.reviews.queue(WEI, reviewed=True)) == 2


@pytest.mark.daily_on_one
def test_what_waits_too_long_is_overdue(desk: Desk) -> None:
    a_day_over(desk)
    desk.clock.advance(seconds=16 * DAY)
    progress = desk.reviews.progress(WEI, TODAY, TODAY + timedelta(days=1))
    assert progress.overdue == progress.total > 0
    assert all(each.overdue(desk.clock.now()) for each in desk.reviews.queue(WEI))


@pytest.mark.daily_on_one
def test_offices_know_nothing_of_the_queue(desk: Desk) -> None:
    a_day_over(desk)
    item = desk.reviews.queue(WEI)[0]
    acts: list[Any] = [
        lambda: desk.reviews.queue(CLERK),
        lambda: desk.reviews.get(CLERK, item.id),
        lambda: desk.reviews.review(CLERK, item.id, "in_order"),
        lambda: desk.reviews.progress(CLERK, TODAY, TODAY),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act()


@pytest.mark.daily_on_one
def test_what_the_risk_rules_find_stands_in_the_queue(desk: Desk, log: Log, clock: FixedClock) -> None:
    desk.reviews = Reviews(
        desk.database,
        log,
        clock,
        Search(desk.database, clock),
        b"s" * 32,
        percent=0,
        risks=lambda day: [Risk("night", day, f"officer:off_1 since:{day}", 300, STREET)],
    )
    a_day_over(desk)
    (item,) = desk.reviews.queue(WEI)
    assert (item.reason, item.count, item.search) == ("night", 300, "officer:off_1 since:2026-11-23")
    _, case = desk.reviews.review(WEI, item.id, "case")
    assert case is not None
    assert (case.source, case.links) == ("night", (Link(search="officer:off_1 since:2026-11-23"),))
