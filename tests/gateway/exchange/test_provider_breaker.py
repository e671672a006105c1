"""A service that keeps failing is left alone, tried by one query after a pause, and used again when it works."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.providers.breaker import FAILURES, MAX_PAUSE_S, PAUSE_S, Breaker, Outcome


def settle(breaker: Breaker, outcome: Outcome, now: float = 0.0) -> bool:
    """One query from start to end; False if it was not let through."""
    admission = breaker.admit(now)
    if admission.allowed:
        breaker.settle(admission, outcome, now)
    return admission.allowed


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        settle(breaker, "failed", now)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        assert settle(breaker, "failed")
    assert breaker.state(0.0) == "closed"
    settle(breaker, "failed")
    assert breaker.state(0.0) == "open"


def test_one_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        for outcome in [*["failed"] * (FAILURES - 1), "worked"]:
            assert settle(breaker, outcome)  # type: ignore[arg-type]  # a list of literals is a list of str
    assert breaker.state(0.0) == "closed"


def test_queries_whose_callers_went_away_say_nothing() -> None:
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        settle(breaker, "unknown")
    assert breaker.state(0.0) == "closed"


def test_an_open_one_refuses_and_says_for_how_long() -> None:
    breaker = opened(now=100.0)
    admission = breaker.admit(103.0)
    assert not admission.allowed
    assert admission.retry_after_s == PAUSE_S - 3


def test_after_the_pause_exactly_one_query_tries() -> None:
    breaker = opened()
    first, second = breaker.admit(PAUSE_S), breaker.admit(PAUSE_S)
    assert (first.allowed, first.trial) == (True, True)
    assert not second.allowed
    assert second.retry_after_s > 0


def test_a_try_that_works_closes_it() -> None:
    breaker = opened()
    assert settle(breaker, "worked", PAUSE_S)
    assert breaker.state(PAUSE_S) == "closed"
    assert settle(breaker, "failed", PAUSE_S), "and the count begins anew"
    assert breaker.state(PAUSE_S) == "closed"


def test_each_try_that_fails_doubles_the_pause_up_to_a_limit() -> None:
    breaker, now, pauses = opened(), PAUSE_S, []
    for _ in range(8):
        assert settle(breaker, "failed", now)
        assert breaker.open_until is not None
        pauses.append(breaker.open_until - now)
        now = breaker.open_until
    assert pauses[:3] == [PAUSE_S * 2, PAUSE_S * 4, PAUSE_S * 8]
    assert pauses[-1] == MAX_PAUSE_S


def test_a_try_that_was_given_up_lets_the_next_query_try() -> None:
    breaker = opened()
    assert settle(breaker, "unknown", PAUSE_S)
    assert breaker.admit(PAUSE_S).trial


def test_stragglers_admitted_before_it_opened_change_nothing() -> None:
    breaker = Breaker()
    straggler = breaker.admit(0.0)
    for _ in range(FAILURES):
        settle(breaker, "failed", 0.0)
    until = breaker.open_until
    breaker.settle(straggler, "failed", 5.0)
    breaker.settle(straggler, "worked", 6.0)
    assert breaker.open_until == until
    assert breaker.state(6.0) == "open"


@given(st.lists(st.tuples(st.sampled_from(["worked", "failed", "unknown"]), st.floats(0, 400)), max_size=60))
def test_whatever_happens_a_query_is_let_through_again_within_the_longest_pause(
    events: list[tuple[Outcome, float]],
) -> None:
    breaker, now = Breaker(), 0.0
    for outcome, later in events:
        now += later
        settle(breaker, outcome, now)
    assert breaker.admit(now + MAX_PAUSE_S).allowed
