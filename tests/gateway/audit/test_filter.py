"""One line of qualifiers is an address, a saved search and a value; a mistake is told without what was typed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.filter import QUALIFIERS, RESULTS, Filter, hours
from gateway.errors import InvalidRequest

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)  # nine in the morning in China


def test_a_line_is_read_and_written_again() -> None:
    line = "officer:off_li standard:person-basic result:refused result:failed -provider:police hour:22-5 since:7d"
    wanted = Filter.parse(line)
    assert wanted.wanted["result"] == ("refused", "failed") and wanted.unwanted == {"provider": ("police",)}
    assert Filter.parse(wanted.text()) == wanted


def test_chinese_words_and_signs_mean_the_same() -> None:
    chinese = Filter.parse("经办人：off_li\u3000－结果：放行　风险:无案件号 自:7d")
    assert chinese == Filter.parse("officer:off_li -result:released risk:no_case since:7d")


_TERMS = {name: st.just(one.example) for name, one in QUALIFIERS.items() if name not in ("since", "until")}
_TERMS["result"] = st.sampled_from(RESULTS)


@given(
    st.lists(
        st.sampled_from(sorted(_TERMS)).flatmap(
            lambda name: st.tuples(st.sampled_from(["", "-"]), st.just(name), _TERMS[name])
        ),
        max_size=8,
    )
)
def test_whatever_can_be_asked_survives_the_address(terms: list[tuple[str, str, str]]) -> None:
    wanted = Filter.parse(" ".join(f"{sign}{name}:{value}".removeprefix("+") for sign, name, value in terms))
    assert Filter.parse(wanted.text()) == wanted


SPANS = [
    ("since:7d", ("2026-11-19T01:00:00.000Z", None)),
    ("since:24h until:1h", ("2026-11-25T01:00:00.000Z", "2026-11-26T00:00:00.000Z")),
    ("since:2026-11-01 until:2026-11-30", ("2026-10-31T16:00:00.000Z", "2026-11-30T16:00:00.000Z")),
    ("since:2026-11-01T08:00:00+08:00", ("2026-11-01T00:00:00.000Z", None)),
]


@pytest.mark.parametrize(("line", "span"), SPANS)
def test_dates_are_chinas_and_a_last_day_is_included(line: str, span: tuple[str | None, str | None]) -> None:
    assert Filter.parse(line).span(NOW) == span


def test_hours_go_past_midnight() -> None:
    assert hours("22-5") == {22, 23, 0, 1, 2, 3, 4, 5} and hours("9") == {9}


NUMBER = "110105194912310021"
MISTAKES = {
    "ofcer:off_li": "officer:",
    "经办:off_li": "经办人:",
    "type:exchange.refusd": "type:exchange.refused",
    "result:denied": "released",
    "Wang": "name:value",
    "since:yesterday": "RFC 3339",
    "since:0001-01-01": "RFC 3339",
    "until:9999-12-31": "RFC 3339",
    "-since:7d": "minus",
    "since:1d since:2d": "once",
    "result:none": "released",
    "hour:25": "hour",
    f"subject:{NUMBER}": "body",
    f"officer:off_{NUMBER}": "body",
    NUMBER: "body",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_with_what_to_write_instead(line: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Filter.parse(line)
    told = f"{caught.value.detail_zh} {caught.value.detail_en}"
    assert MISTAKES[line] in told and NUMBER not in told
    assert caught.value.detail_zh != caught.value.detail_en
