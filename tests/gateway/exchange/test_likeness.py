"""One surname, or numbers beside one another, in one officer's day: noticed as it happens, and nothing of it kept."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import pytest

from gateway.exchange.likeness import MAX_OFFICERS, NUMBERS, SURNAMES, Likeness, surname
from gateway.exchange.model import Query
from tests.clock import FixedClock
from tests.gateway.exchange.facts import facts

QUERY = facts().query
FAMILIES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"


@pytest.fixture
def likeness(clock: FixedClock) -> Likeness:
    return Likeness(clock)


def about(number: int, *, officer: str | None = "off_1", **more: Any) -> Query:
    """A look-up of one of many residents who live and were born apart."""
    born = f"99{number % 90 + 10}0119{number % 40 + 50}0101{number % 1000:03d}X"
    asked = {"subject_id": born, "subject": f"s:1:{number}", **more}
    return replace(QUERY, caller=replace(QUERY.caller, officer=officer), **asked)


def ask(likeness: Likeness, number: int, name: str | None = None, **more: Any) -> list[str]:
    return likeness.seen(about(number, **more), [{} if name is None else {"name": name}])


def beside(number: int) -> str:
    return f"99010119900101{number:03d}X"


def test_many_of_one_surname_are_told_once_in_a_day(likeness: Likeness, clock: FixedClock) -> None:
    told = [ask(likeness, n, f"欧阳{'甲乙丙丁'[n % 4]}") for n in range(3 * SURNAMES)]
    assert told == [["same_surname"] if n == SURNAMES - 1 else [] for n in range(3 * SURNAMES)]
    assert ask(likeness, 1000, "欧阳甲", officer="off_2") == []  # a colleague's day is another
    clock.advance(seconds=86_400)
    assert [ask(likeness, n, "欧阳甲") for n in range(SURNAMES)][-1] == ["same_surname"]


def test_a_busy_counter_sees_many_of_the_common_names(likeness: Likeness) -> None:
    for n in range(200):
        assert ask(likeness, n, ("王" if n % 3 == 0 else FAMILIES[n % 20]) + "一") == []


def test_the_same_resident_again_counts_once(likeness: Likeness) -> None:
    assert all(ask(likeness, 1, "王一", subject_id=beside(1)) == [] for _ in range(50))


def test_numbers_beside_one_another_are_told(likeness: Likeness) -> None:
    told = [ask(likeness, n, subject_id=beside(n)) for n in range(NUMBERS + 2)]
    assert told == [["sequence"] if n == NUMBERS - 1 else [] for n in range(NUMBERS + 2)]


@pytest.mark.parametrize(
    "more",
    [
        {"officer": None},  # a system asks for itself
        {"subject_scheme": "cn.organisation-code"},
        {"born": "20260901"},  # children of one day are registered together
        {"born": "20261399"},  # no date
    ],
    ids=["system", "organisations", "newborn", "no date"],
)
def test_what_is_no_walk_is_not_told(likeness: Likeness, more: dict[str, Any]) -> None:
    born = more.pop("born", "19900101")
    for n in range(3 * NUMBERS):
        assert ask(likeness, n, subject_id=f"990101{born}{n:03d}X", **more) == []


def test_nobody_found_is_nobody_seen(likeness: Likeness) -> None:
    assert all(likeness.seen(about(n, subject_id=beside(n)), []) == [] for n in range(3 * NUMBERS))


def test_neither_names_nor_numbers_stay_in_memory(likeness: Likeness) -> None:
    for n in range(NUMBERS):
        ask(likeness, n, "欧阳乙", subject_id=beside(n))
    held = [likeness]
    for each in held:  # everything that can be reached from it, and is its own
        held += [
            one for one in gc.get_referents(each) if isinstance(one, dict | set | list) or "_Day" in repr(type(one))
        ]
    assert "欧阳" not in repr(held) and beside(1)[:14] not in repr(held)


def test_more_officers_than_can_be_remembered_push_out_the_oldest(likeness: Likeness) -> None:
    for n in range(MAX_OFFICERS + 5):
        ask(likeness, n, officer=f"off_{n}")
    assert len(likeness._days) == MAX_OFFICERS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("王小明", "王"),
        ("欧阳修", "欧阳"),
        ("欧阳", "欧"),
        ("Li Wei", None),
        ("阿依古丽·买买提", None),
        ("王", None),
        (None, None),
        (7, None),
    ],
)
def test_the_family_name_is_read_where_there_is_one(name: object, expected: str | None) -> None:
    assert surname(name) == expected


def test_no_more_is_kept_than_there_may_be_and_nothing_of_yesterday(clock: FixedClock) -> None:
    likeness = Likeness(clock, max_counted=3 * SURNAMES)

    def kept() -> int:
        (days,) = (value for value in vars(likeness).values() if isinstance(value, dict))
        return sum(len(day.residents) for day in days.values())

    for officer in range(10):
        told = [ask(likeness, n, "欧阳甲", officer=f"off_{officer}") for n in range(SURNAMES)]
        assert told[-1] == ["same_surname"] and kept() <= 3 * SURNAMES
    clock.advance(seconds=86_400)
    ask(likeness, 1, "欧阳甲", officer="off_0")
    assert kept() == 1
