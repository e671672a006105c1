"""Dates and times as RFC 3339 writes them, and nothing that merely looks like one."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.moments import is_date, is_date_time
from standards.validate import Validator

NO_DATES = [
    "2010-01-0-", "-024-03-01", "+024-03-01", "2024-3-01", "2024-03-1", "20240301", "2024-W10-1", "2024-060",
    "2024/03/01", "2024-02-30", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-00", "0000-01-01", " 2024-03-01",
    "2024-03-01 ", "2024-03-01\n", "２０２４-０３-０１", "٢٠٢٤-٠٣-٠١", "2024-03-01T00:00:00Z", "02024-03-01",
    "2024—03—01", "",
]  # fmt: skip
NO_TIMES = [
    "2026-01-01", "2026-01-01T12:00:00", "2026-01-01T12:00Z", "2026-01-01 12:00:00Z", "2026-01-01T24:00:00Z",
    "2026-01-01T12:60:00Z", "2026-01-01T12:00:61Z", "2026-01-01T12:00:60Z", "2026-01-01T12:00:00+24:00",
    "2026-01-01T12:00:00+0800", "2026-01-01T12:00:00.Z", "2026-02-30T12:00:00Z", "2026-01-01T12:00:00Z\n",
    "2026-01-0-T12:00:00Z", "+026-01-01T12:00:00Z", "2026-01-01T1٢:00:00Z", "1990-12-31T23:59:60+01:00", "",
]  # fmt: skip
TIMES = [
    "2026-01-01T12:00:00Z", "2026-01-01t12:00:00z", "2026-01-01T12:00:00.123456+08:00", "1990-12-31T23:59:60Z",
    "1990-12-31T15:59:60-08:00", "1991-01-01T07:59:60+08:00", "2000-02-29T00:00:00-23:59",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert not is_date(text)
    assert not Validator.of({"format": "date"}).ok(text)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_is_refused(text: str) -> None:
    assert not is_date_time(text)
    assert not Validator.of({"format": "date-time"}).ok(text)


@pytest.mark.parametrize("text", TIMES)
def test_a_time_with_its_offset_is_taken(text: str) -> None:
    assert is_date_time(text)
    assert Validator.of({"format": "date-time"}).ok(text)


@given(st.dates())
def test_every_day_is_a_date(day: date) -> None:
    assert is_date(day.isoformat())


@given(st.datetimes(), st.integers(-23 * 60, 23 * 60))
def test_every_moment_with_an_offset_is_a_time(moment: datetime, minutes: int) -> None:
    assert is_date_time(moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat())


@given(st.dates(), st.integers(0, 9), st.sampled_from("0123456789-+ /.TZ٠０"))
def test_one_other_character_makes_it_a_date_only_if_it_is_one(day: date, place: int, other: str) -> None:
    text = day.isoformat()
    text = text[:place] + other + text[place + 1 :]
    wanted = re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) is not None
    try:
        date(*(int(part) for part in text.split("-")))
    except (ValueError, TypeError):
        wanted = False
    assert is_date(text) == wanted


def test_the_library_still_takes_what_is_no_date() -> None:
    """The reason why these two formats are ours. When this fails, theirs may be used again: measure."""
    theirs = jsonschema_rs.Draft202012Validator({"format": "date"}, validate_formats=True)
    assert theirs.is_valid("2010-01-0-")
