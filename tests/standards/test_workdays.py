"""Terms in working days, as the State Council's notices move holidays and Saturdays about."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from standards import workdays

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/calendar/deadlines.json").read_bytes())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: f"{each['received']}+{each['workdays']}")
def test_deadlines(vector: dict[str, Any]) -> None:
    received = date.fromisoformat(vector["received"])
    due = workdays.last_day(received, vector["workdays"])
    assert due == date.fromisoformat(vector["due"])
    at = workdays.start_of(received) + timedelta(hours=20)
    assert workdays.deadline(at, vector["workdays"]) == workdays.start_of(due + timedelta(days=1))


def test_a_day_is_one_of_beijing() -> None:
    assert workdays.day_of(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == date(2026, 11, 24)


def test_what_is_left_and_how_long_overdue() -> None:
    now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    due = workdays.deadline(now, 5)
    assert workdays.left(now, due) == 6  # today and five more
    assert workdays.left(due - timedelta(seconds=1), due) == 1
    assert workdays.left(due, due) == -1
    assert workdays.left(due + timedelta(days=6), due) < -1


def test_a_year_without_notice_counts_plainly_and_says_so() -> None:
    assert workdays.is_provisional(date(2031, 1, 1))
    assert not workdays.is_provisional(date(2026, 1, 1))
    assert workdays.is_workday(date(2031, 1, 1))
    assert not workdays.is_workday(date(2026, 2, 17))  # the first day of the year of the horse
    assert workdays.is_workday(date(2026, 2, 14))  # a Saturday that is worked
