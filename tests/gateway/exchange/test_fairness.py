"""Who is served when there is not room for all: rules that hold for any clients in any order, without a clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import errors
from gateway.exchange import fairness
from gateway.exchange.fairness import (
    CROWD,
    FEW,
    RECENT_S,
    UNKNOWN,
    Admission,
    Full,
    Line,
    Pace,
    Pressed,
    Rate,
    Room,
    Shares,
    Turn,
)

CLIENTS = ("a", "b", "c", "d")
client = st.sampled_from(CLIENTS)
T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def admission(**terms: Any) -> Admission:
    given_terms: dict[str, Any] = {"per_second": 0.0, "burst": 1, "max_under_way": 100, "places": 4, "patience_s": 30.0}
    return Admission(**(given_terms | terms))


# ── how fast ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@given(
    per_second=st.integers(1, 1000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 2, allow_nan=False), min_size=1, max_size=200),
)
def test_in_no_stretch_of_time_does_a_client_get_more_than_its_burst_and_its_rate(
    per_second: int, burst: int, pauses: list[float]
) -> None:
    rate, now, taken = Rate(per_second, burst), 1000.0, []
    for pause in pauses:
        now += pause
        if rate.take("a", now) == 0.0:
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            allowed = burst + per_second * (taken[last] - taken[first])
            assert last - first + 1 <= allowed + 1e-3


@given(per_second=st.integers(1, 1000), burst=st.integers(1, 50), asked=st.integers(1, 300))
def test_who_keeps_to_its_rate_is_never_refused_and_others_do_not_count(
    per_second: int, burst: int, asked: int
) -> None:
    rate = Rate(per_second, burst)
    for number in range(asked):
        now = number * (1 / per_second) * (1 + 1e-9)
        assert rate.take("calm", now) == 0.0
        for _ in range(3):
            rate.take("flood", now)


@given(per_second=st.floats(0.5, 1000), burst=st.integers(1, 50), tries=st.integers(0, 20))
def test_who_waits_as_long_as_it_was_told_is_served_however_often_it_asked_in_vain(
    per_second: float, burst: int, tries: int
) -> None:
    rate = Rate(per_second, burst)
    assert [rate.take("a", 0.0) for _ in range(burst)] == [0.0] * burst
    wait_s = rate.take("a", 0.0)
    assert wait_s > 0
    for _ in range(tries):
        rate.take("a", 0.0)
    assert rate.take("a", wait_s + 1e-6) == 0.0


def test_a_rate_of_nought_is_no_limit() -> None:
    rate = Rate(0.0, 1)
    assert {rate.take("a", 0.0) for _ in range(10_000)} == {0.0}


# ── how much at once ──────────────────────────────────────────────────────────────────────────────────────────────────
@given(size=st.integers(1, 40), steps=st.lists(st.tuples(client, st.booleans()), max_size=300))
def test_no_share_is_given_twice_and_whoever_comes_new_finds_room_while_there_is_any(
    size: int, steps: list[tuple[str, bool]]
) -> None:
    shares, held = Shares(size), Counter[str]()
    for who, takes in steps:
        if takes:
            free = size - held.total()
            got = shares.take(who)
            assert got == (held[who] < free)
            held[who] += got
        elif held[who]:
            shares.give_back(who)
            held[who] -= 1
        assert shares.free == size - held.total() >= 0


def test_one_alone_may_hold_half_and_two_a_third_each() -> None:
    alone, both = Shares(300), Shares(300)
    assert sum(alone.take("a") for _ in range(1000)) == 150
    taken = Counter(who for _ in range(1000) for who in "ab" if both.take(who))
    assert taken == {"a": 100, "b": 100}


# ── whose turn ────────────────────────────────────────────────────────────────────────────────────────────────────────
@given(st.lists(client, max_size=200))
def test_all_are_served_once_each_client_in_the_order_in_which_it_came(came: list[str]) -> None:
    line: Line[tuple[str, int]] = Line()
    for number, who in enumerate(came):
        line.join(who, (who, number))
    served = [line.next() for _ in came]
    assert len(line) == 0 and sorted(number for _, number in served) == list(range(len(came)))
    for who in CLIENTS:
        own = [number for name, number in served if name == who]
        assert own == sorted(own)


@given(st.lists(client, min_size=1, max_size=200))
def test_between_two_turns_of_a_client_each_other_that_waits_has_one(came: list[str]) -> None:
    line: Line[tuple[str, int]] = Line()
    for number, who in enumerate(came):
        line.join(who, (who, number))
    waiting, turns = Counter(came), Counter[str]()
    for _ in came:
        who, _ = line.next()
        turns[who] += 1
        waiting[who] -= 1
        still = [turns[each] for each in waiting if waiting[each]]
        assert not still or max(turns.values()) - min(still) <= 1


def test_one_query_passes_a_thousand_of_another_client() -> None:
    line: Line[str] = Line()
    for number in range(1000):
        line.join("flood", f"flood {number}")
    line.join("office", "office")
    assert [line.next(), line.next()] == ["flood 0", "office"]


@given(st.lists(st.tuples(client, st.sampled_from(["join", "leave", "next"])), max_size=200))
def test_who_leaves_the_line_is_not_served(steps: list[tuple[str, str]]) -> None:
    line: Line[int] = Line()
    waiting: dict[int, str] = {}
    for number, (who, step) in enumerate(steps):
        if step == "join":
            line.join(who, number)
            waiting[number] = who
        elif step == "leave":
            eldest = next((each for each, of in waiting.items() if of == who), -1)
            line.leave(who, eldest)
            waiting.pop(eldest, None)
        elif waiting:
            waiting.pop(line.next())
        assert len(line) == len(waiting)


# ── a room of coroutines ──────────────────────────────────────────────────────────────────────────────────────────────
async def settle() -> None:
    """Let everybody who can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_with_a_thousand_of_another_waiting_a_client_is_served_within_two_turns() -> None:
    async def story() -> list[str]:
        room, served = Room(1, 10_000), []
        first = room.enter_now()
        assert isinstance(first, Turn)

        async def ask(who: str) -> None:
            turn = await room.enter(who, 60.0)
            served.append(who)
            turn.end()

        asking = [asyncio.create_task(ask("flood")) for _ in range(1000)]
        await settle()
        asking.append(asyncio.create_task(ask("office")))
        await settle()
        first.end()
        await asyncio.gather(*asking)
        return served

    served = run(story())
    assert served.index("office") <= 1 and len(served) == 1001


@given(
    places=st.integers(1, 4),
    max_waiting=st.integers(0, 20),
    steps=st.lists(st.tuples(client, st.sampled_from(["enter", "end", "cancel"])), max_size=60),
)
def test_no_place_is_lost_or_given_twice_whoever_gives_up(
    places: int, max_waiting: int, steps: list[tuple[str, str]]
) -> None:
    async def story() -> None:
        room, inside, asking = Room(places, max_waiting), list[Turn](), list[asyncio.Task[Turn]]()
        for who, step in steps:
            if step == "enter":
                asking.append(asyncio.create_task(room.enter(who, 60.0)))
            elif step == "end" and inside:
                inside.pop(0).end()
                if len(steps) % 2:  # somebody gives up in the very moment in which a place is handed over
                    for task in asking[:1]:
                        task.cancel()
            elif step == "cancel" and asking:
                asking.pop().cancel()
            await settle()
            entered = [task for task in asking if task.done() and not task.cancelled() and not task.exception()]
            inside += [task.result() for task in entered]
            asking = [task for task in asking if not task.done()]
            assert len(inside) <= places and room.waiting == len(asking) <= max_waiting
            assert not asking or len(inside) == places  # nobody waits beside a free place
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for turn in inside:
            turn.end()
            turn.end()  # a second time does nothing
        assert all(room.enter_now() for _ in range(places)) and room.enter_now() is None

    run(story())


def test_who_waits_in_vain_is_told_so() -> None:
    async def story() -> int:
        room = Room(1, 10)
        taken = room.enter_now()
        with pytest.raises(Full):
            await room.enter("a", 0.0)
        assert taken is not None
        return room.waiting

    assert run(story()) == 0


# ── in front of a query ───────────────────────────────────────────────────────────────────────────────────────────────
def test_a_client_beyond_its_rate_is_told_when_to_come_back_and_the_next_one_is_served() -> None:
    own = admission(per_second=2.0, burst=3, monotonic=lambda: 1000.0)
    for _ in range(3):
        own.begin("a")
    with pytest.raises(errors.RateLimited) as refused:
        own.begin("a")
    assert refused.value.members == {"retry_after": 1} and refused.value.fix_zh and refused.value.fix_en
    own.begin("b")
    assert own.under_way == 4


def test_a_client_with_half_of_all_under_way_gets_no_more_until_one_ends() -> None:
    own = admission(max_under_way=10)
    for _ in range(5):
        own.begin("a")
    with pytest.raises(errors.RateLimited):
        own.begin("a")
    own.begin("b")
    own.end("a")
    own.end("a")
    own.begin("a")
    assert own.under_way == 5


def test_when_nothing_is_free_the_gateway_says_that_it_is_busy() -> None:
    own = admission(max_under_way=3)
    for who in CLIENTS[:3]:
        own.begin(who)
    with pytest.raises(errors.Busy) as refused:
        own.begin("d")
    assert refused.value.members == {"retry_after": 1}


def test_tokens_that_nobody_has_seen_share_one_turn_and_no_rate() -> None:
    own = admission(per_second=1.0, burst=1, max_under_way=100)
    for _ in range(50):
        own.begin(UNKNOWN)
    own.begin("a")
    assert own.under_way == 51


def test_waiting_too_long_for_a_turn_is_busy() -> None:
    async def story() -> None:
        own = admission(places=1, patience_s=0.0)
        assert own.turn_now("a") is not None and own.turn_now("a") is None
        with pytest.raises(errors.Busy):
            await own.turn("a")

    run(story())


def test_a_client_that_is_not_alone_has_few_turns_at_once_and_loses_none() -> None:
    async def story() -> None:
        now = 1000.0
        own = admission(places=64, max_under_way=1000, monotonic=lambda: now)
        own.begin("calm")
        for _ in range(20):
            own.begin("burst")
        asking = [asyncio.create_task(own.turn("burst")) for _ in range(20)]
        served: list[Turn] = []
        while len(served) < 20:
            await asyncio.sleep(0)
            have = [task.result() for task in asking if task.done()]
            assert len(have) - len(served) <= FEW
            beside = await own.turn("calm")  # not one of the others is in its way
            beside.end()
            for turn in have[len(served) :]:
                turn.end()
            served = have
        assert own.waiting == 0
        now += 1.5 * RECENT_S
        own.begin("burst")
        assert all(own.turn_now("burst") for _ in range(64)) and own.turn_now("burst") is None

    run(story())


def test_who_gives_up_while_others_are_served_keeps_no_place() -> None:
    async def story() -> None:
        own = admission(places=1, max_under_way=1000, monotonic=lambda: 0.0)
        own.begin("a")
        own.begin("b")
        held = await own.turn("a")
        waiting = [asyncio.create_task(own.turn(who)) for who in "ababab"]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        held.end()
        for _ in range(2 * FEW):
            for who in "ab":
                (await asyncio.wait_for(own.turn(who), 30)).end()

    run(story())


def test_who_presses_is_served_at_even_distances_when_it_is_not_alone() -> None:
    pace = Pace(0.01)
    waits = [pace.wait_s("flood", 5.0) for _ in range(4)]
    assert waits == pytest.approx([0.0, 0.01, 0.02, 0.03])
    assert pace.wait_s("calm", 5.0) == 0.0
    assert pace.wait_s("flood", 6.0) == 0.0  # what it did not use meanwhile is not kept for it


def test_only_who_presses_and_is_not_alone_lets_its_entries_wait_for_others() -> None:
    now = 1000.0
    own = admission(per_second=100, burst=1, max_under_way=1000, monotonic=lambda: now)
    own.begin("flood")
    assert own.linger_s("flood") == 0.0, "it has not asked too fast"
    with pytest.raises(errors.RateLimited):
        own.begin("flood")
    assert own.linger_s("flood") == 0.0, "nobody is there whom it could keep waiting"
    own.begin("calm")
    assert own.linger_s("flood") == pytest.approx(0.01)
    assert own.linger_s("calm") == 0.0
    now += 1.5 * RECENT_S
    own.begin("calm")
    assert own.linger_s("flood") == 0.0


def test_the_more_refusals_of_a_client_are_held_the_longer_they_are_and_of_all_no_more_than_there_may_be() -> None:
    pressed = Pressed(held_s=(1.0, 1.0), per_second=2, max_held=9)
    with ExitStack() as stack:
        held = [stack.enter_context(pressed.holding("flood")) for _ in range(9)]
        assert held == [1.0, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
        assert stack.enter_context(pressed.holding("flood")) == 0.0
    with pressed.holding("flood") as again:
        assert again == 1.0


# ── standing aside ────────────────────────────────────────────────────────────────────────────────────────────────────
def _pressing(**settings: Any) -> Admission:
    """A gateway at which ``flood`` has one query under way and has been refused another."""
    own = admission(per_second=1, burst=1, max_under_way=100, **settings)
    _press(own, "flood")
    return own


def _press(own: Admission, client: str) -> None:
    own.begin(client)
    with pytest.raises(errors.RateLimited):
        own.begin(client)


async def _step(own: Admission, client: str, taken: list[str]) -> None:
    await own.in_step(client)
    taken.append(client)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BEGUN_AFTER", "GONE_ON_AFTER", "TOLD_AFTER_S"):
        monkeypatch.setattr(fairness, name, 600)


@pytest.mark.usefixtures("patient")
def test_each_step_of_who_presses_waits_until_nobody_elses_query_is_under_way() -> None:
    async def story() -> None:
        own, taken = _pressing(), list[str]()
        await _step(own, "flood", taken)  # nobody else is there
        own.begin("calm")
        standing = [asyncio.create_task(_step(own, "flood", taken)) for _ in range(2)]
        await _step(own, "calm", taken)
        await asyncio.sleep(0.01)
        assert taken == ["flood", "calm"]
        own.end("calm")
        await asyncio.gather(*standing)

    run(story())


@pytest.mark.usefixtures("patient")
def test_so_does_its_turn() -> None:
    async def story() -> None:
        own = _pressing()
        own.begin("calm")
        assert own.turn_now("flood") is None
        begun = asyncio.create_task(own.turn("flood"))
        await asyncio.sleep(0.01)
        assert not begun.done()
        own.end("calm")
        (await begun).end()

    run(story())


@pytest.mark.usefixtures("patient")
def test_and_a_refusal_that_was_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "HELD_S", (0.001, 0.001))

    async def story() -> None:
        own = _pressing()
        own.begin("calm")
        refused = asyncio.create_task(own.held_back("flood"))
        await asyncio.sleep(0.05)
        assert not refused.done()
        own.end("calm")
        await refused

    run(story())


@pytest.mark.usefixtures("patient")
def test_who_comes_meanwhile_finds_one_step_ahead_of_its_own() -> None:
    async def story() -> None:
        own, taken = _pressing(), list[str]()
        own.begin("calm")
        standing = [asyncio.create_task(_step(own, "flood", taken)) for _ in range(5)]
        await asyncio.sleep(0.01)
        own.end("calm")
        while not taken:
            await asyncio.sleep(0)
        own.begin("late")
        for _ in range(9):
            await asyncio.sleep(0)
        assert len(taken) <= 2, "one was called already"
        await _step(own, "late", taken)
        own.end("late")
        await asyncio.gather(*standing)
        assert taken.count("flood") == 5

    run(story())


def test_who_presses_stands_aside_for_a_while_only_and_loses_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BEGUN_AFTER", "GONE_ON_AFTER"):
        monkeypatch.setattr(fairness, name, 0.01)

    async def story() -> None:
        own, taken = _pressing(), list[str]()
        own.begin("calm")
        (await own.turn("flood")).end()
        await asyncio.gather(*(_step(own, "flood", taken) for _ in range(3)))
        assert taken == ["flood"] * 3
        assert own.under_way == 2

    run(story())


@pytest.mark.usefixtures("patient")
def test_two_that_press_do_not_stand_in_each_others_way() -> None:
    async def story() -> None:
        own, taken = _pressing(), list[str]()
        _press(own, "other flood")
        for client in ("flood", "other flood"):
            await _step(own, client, taken)
        assert own.turn_now("flood") is None, "but neither has all turns"

    run(story())


def test_who_presses_takes_no_turns_away_from_others() -> None:
    own = _pressing()
    own.begin("calm")
    assert own.turn_now("calm") is None, "a second ago it did not press"
    now = 1000.0
    own = _pressing(monotonic=lambda: now)
    now += 0.9 * RECENT_S
    with pytest.raises(errors.RateLimited):
        own.begin("flood")
    now += 0.5 * RECENT_S
    own.begin("calm")
    assert own.turn_now("calm") is not None


@pytest.mark.usefixtures("patient")
def test_who_stands_aside_and_leaves_keeps_nobody_waiting() -> None:
    async def story() -> None:
        own, taken = _pressing(), list[str]()
        own.begin("calm")
        leaving, staying = (asyncio.create_task(_step(own, "flood", taken)) for _ in range(2))
        await asyncio.sleep(0.01)
        leaving.cancel()
        own.end("calm")
        await staying
        assert leaving.cancelled() and taken == ["flood"]

    run(story())


@pytest.mark.usefixtures("patient")
def test_who_does_not_press_any_more_stands_aside_no_more() -> None:
    now = 1000.0
    own = _pressing(monotonic=lambda: now)
    own.begin("calm")
    assert _is_held_up(own, "flood")
    assert not _is_held_up(own, "calm")
    now += 1.5 * RECENT_S
    assert not _is_held_up(own, "flood")


def _is_held_up(own: Admission, client: str) -> bool:
    async def story() -> bool:
        step = asyncio.create_task(_step(own, client, []))
        await asyncio.sleep(0)
        held_up = not step.done()
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)
        return held_up

    return asyncio.run(story())


def test_held_refusals_leave_room_for_everybody_else() -> None:
    own = admission(per_second=1, burst=1, max_under_way=10)
    with ExitStack() as held:
        waits = [held.enter_context(own.pressed.holding("flood")) for _ in range(8)]
    assert [wait > 0 for wait in waits] == [True] * 5 + [False] * 3


# ── in step ───────────────────────────────────────────────────────────────────────────────────────────────────────────
async def _walk(admitting: Admission, who: int, taken: list[tuple[int, int]]) -> None:
    for step in range(3):
        await admitting.in_step()
        taken.append((step, who))


@pytest.mark.parametrize("others", [0, CROWD - 1])
def test_where_few_are_under_way_nobody_is_held_up(others: int) -> None:
    admitting = admission(max_under_way=100)
    for _ in range(others):
        admitting.begin("a")
    with pytest.raises(StopIteration):
        _walk(admitting, 0, []).send(None)


def test_where_many_are_under_way_each_step_is_taken_by_all_before_the_next() -> None:
    admitting, taken = admission(max_under_way=100), list[tuple[int, int]]()
    for _ in range(CROWD):
        admitting.begin("a")

    async def together() -> None:
        await asyncio.gather(*(_walk(admitting, who, taken) for who in range(CROWD)))

    run(together())
    assert taken == [(step, who) for step in range(3) for who in range(CROWD)]
