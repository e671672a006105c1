"""A time is read in one spelling only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lib.clock import parse_rfc3339, rfc3339


def test_what_is_written_is_read_again() -> None:
    at = datetime(2026, 11, 23, 8, 58, 1, 123000, tzinfo=timezone(timedelta(hours=8)))
    assert rfc3339(at) == "2026-11-23T00:58:01.123Z"
    assert parse_rfc3339(rfc3339(at)) == parse_rfc3339("2026-11-23T08:58:01.123+08:00") == at
    assert parse_rfc3339(rfc3339(at)).tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)))
def test_it_is_written_as_isoformat_writes_it(at: datetime) -> None:
    assert rfc3339(at) == at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T00:58:01",  # no zone
        "2026-W48-1T00:58:01Z",
        "20261123T005801Z",
        "2026-11-23T00:58Z",
        "2026-11-23 00:58:01Z",
        "0001-01-01T00:00:00+23:59",  # before the first year in UTC
        "9999-12-31T23:59:59-23:59",  # after the last
        "yesterday",
    ],
)
def test_what_is_no_such_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"nvalid|expected"):
        parse_rfc3339(text)
