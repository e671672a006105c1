"""Reading a department's answer without a socket: the instant it names, and what no answer can smuggle in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalogue.outbound import Fetched
from gateway.errors import ProviderError, ProviderNonconformant
from gateway.exchange.providers.base import Reply
from gateway.exchange.providers.reading import read
from gateway.lib.clock import parse_rfc3339, rfc3339


def answered(document: Any, **headers: str) -> Reply:
    fields = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return read(Fetched(200, fields, json.dumps(document).encode()))


SAME_INSTANT = {
    "2026-11-23T01:00:00Z": "2026-11-23T01:00:00.000Z",
    "2026-11-23T09:00:00+08:00": "2026-11-23T01:00:00.000Z",
    "2026-11-22T19:30:00.123456-05:30": "2026-11-23T01:00:00.123Z",
    "2026-11-23T01:00:00.1Z": "2026-11-23T01:00:00.100Z",
}


@pytest.mark.parametrize("written", SAME_INSTANT)
def test_the_time_of_the_data_comes_out_in_one_spelling(written: str) -> None:
    assert answered({"records": [], "as_of": written}).as_of == SAME_INSTANT[written]


NO_INSTANT = [
    "2026-11-23",
    "20261123T010000Z",
    "2026-W48-1T01:00:00Z",
    "2026-11-23 01:00:00Z",
    "2026-11-23T01:00Z",
    "2026-11-23T01:00:00",
    "2026-11-23T01:00:00Z 示例人",
    "2026-02-30T01:00:00Z",
    "2026-11-23T25:00:00Z",
    "0001-01-01T00:00:00+08:00",
    "9999-12-31T23:59:59-08:00",
    "２０２６-11-23T01:00:00Z",
    "2026-11-23T01:00:00Z\n",
    "",
    True,
    [],
    {"at": "2026-11-23T01:00:00Z"},
]


@pytest.mark.parametrize("written", NO_INSTANT)
def test_what_is_no_time_is_refused_for_it_would_enter_the_log(written: Any) -> None:
    """``as_of`` is written to the log and the receipt; free text there could hold a name."""
    with pytest.raises(ProviderNonconformant, match="as_of"):
        answered({"records": [], "as_of": written})


@pytest.mark.parametrize(
    "type_of_body", ["application/json", "Application/JSON; charset=utf-8", "application/json ;q=1"]
)
def test_json_may_be_announced_in_any_spelling(type_of_body: str) -> None:
    assert answered({"records": []}, content_type=type_of_body).records == []


@pytest.mark.parametrize(
    "type_of_body", ["", "text/json", "application/jsonx", "application/problem+json", "text/html"]
)
def test_anything_else_is_not_read_as_json(type_of_body: str) -> None:
    with pytest.raises(ProviderNonconformant, match="application/json"):
        answered({"records": []}, content_type=type_of_body)


@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=5)
                | st.dictionaries(st.sampled_from(["records", "as_of", "report", "lost"]), inner, max_size=4)
            ),
            max_leaves=20,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    status=st.integers(100, 999),
)
def test_whatever_comes_is_a_reply_or_an_error_that_has_a_name(body: bytes, status: int) -> None:
    try:
        reply = read(Fetched(200 if status % 2 else status, {"content-type": "application/json"}, body))
    except ProviderError as error:
        assert error.detail_zh
        assert error.__cause__ is None
        return
    assert all(isinstance(record, dict) for record in reply.records)
    assert reply.as_of is None or rfc3339(parse_rfc3339(reply.as_of)) == reply.as_of
    assert reply.report is None or set(reply.report) == {"defaulted", "lost"}
