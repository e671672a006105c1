"""A code of the past is understood today, and nothing is guessed."""

from __future__ import annotations

import csv
import hashlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards import division_table, divisions
from standards.division_table import TABLE, description
from standards.divisions import DivisionInvalid, now, resolve

CODES = st.sampled_from(sorted(divisions.table()))
DAYS = st.dates(date(1981, 1, 1), date(2026, 12, 31))


def test_the_table_is_the_one_its_description_names() -> None:
    assert hashlib.sha256(TABLE.read_bytes()).hexdigest() == description()["sha256"]
    with TABLE.open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == description()["rows"]
    assert len(divisions.table()) == description()["codes"]


def test_what_is_in_force_has_the_size_that_is_published() -> None:
    levels = [one.level for one in divisions.in_force(2025)]
    assert {level: levels.count(level) for level in set(levels)} == description()["in_force"]


# The code of a record of 2015 (or before) and what has become of it; each is a published decision.
KNOWN = {
    "a county became a district (Miyun, 2015)": ("110228", date(2014, 6, 1), "replaced", ["110118"]),
    "a county-level city became a district (Tongzhou, 2009)": ("320683", date(2005, 1, 1), "replaced", ["320612"]),
    "two districts became one (Gangzha, 2020)": ("320611", date(2015, 6, 1), "replaced", ["320613"]),
    "a district was divided (Jianggan, 2021)": ("330104", date(2015, 6, 1), "divided", ["330102", "330114"]),
    "a district was divided (Yubei, 2025)": ("500112", date(2015, 6, 1), "divided", ["500109", "500157"]),
    "a prefecture was merged (Laiwu, 2018)": ("371200", date(2015, 6, 1), "replaced", ["370100"]),
    "a prefecture was divided (Chaohu, 2011)": ("341400", date(2010, 1, 1), "divided", ["340100", "340200", "340500"]),
    "a city rose to a prefecture (Danzhou, 2015)": ("469003", date(2014, 1, 1), "replaced", ["460400"]),
    "a city left its province (Chongqing, 1997)": ("510200", date(1990, 1, 1), "replaced", ["500000"]),
    "a name changed, the digits did not": ("120113", date(1985, 1, 1), "renamed", ["120113"]),
    "nothing happened": ("110105", date(2015, 6, 1), "same", ["110105"]),
}


@pytest.mark.parametrize("case", KNOWN)
def test_a_code_of_the_past_is_understood(case: str) -> None:
    code, on, status, successors = KNOWN[case]
    found = now(code, on)
    assert (found.status, [one.code for one in found.successors]) == (status, successors)
    assert found.zh and found.en and found.as_of == 2025


def test_the_way_from_old_to_new_is_shown_step_by_step() -> None:
    (found,) = now("460037", date(1995, 1, 1)).successors
    assert found.path == ("460037", "469031", "460300")
    assert (found.zh, found.since) == ("三沙市", 2012)


def test_territory_that_left_a_division_is_told_and_not_mixed_with_what_took_its_place() -> None:
    found = now("330109", date(2015, 6, 1))
    assert [one.code for one in found.successors] == ["330109"]
    assert [(one.code, one.since) for one in found.parts] == [("330114", 2021)]
    assert "parts" in found.en and "parts" in found.zh
    assert now("330109", date(2023, 1, 1)).parts == ()  # a record from after the change needs no warning


def test_a_code_that_was_given_twice_needs_a_day() -> None:
    """422101 was the city of Echeng until 1983 and that of Macheng from 1986."""
    assert [one.code for one in now("422101", date(1982, 6, 1)).successors] == ["420700"]
    assert [one.code for one in now("422101", date(1990, 6, 1)).successors] == ["421181"]
    assert now("422101", date(1984, 6, 1)).status == "not_in_force"
    undated = now("422101")
    assert (undated.status, [one.code for one in undated.successors]) == ("divided", ["420700", "421181"])


def test_in_the_year_of_a_change_both_meanings_are_given() -> None:
    found = resolve("320602", date(1991, 5, 1))
    assert (found.status, [one.zh for one in found.divisions]) == ("year_of_change", ["城区", "崇川区"])
    assert resolve("320602", date(1990, 5, 1)).divisions[0].zh == "城区"
    assert resolve("320602", date(2015, 5, 1)).divisions[0].zh == "崇川区"


def test_until_the_decision_the_old_meaning_is_certain() -> None:
    """Miyun was made a district by the decision of 2015-10-13; nobody could use the new code before."""
    assert [one.zh for one in resolve("110228", date(2015, 10, 12)).divisions] == ["密云县"]
    assert resolve("110228", date(2015, 10, 12)).status == "in_force"
    assert resolve("110228", date(2015, 10, 13)).status == "year_of_change"
    assert resolve("110228", date(2016, 1, 1)).status == "not_in_force"
    assert resolve("110118", date(2015, 10, 12)).status == "not_in_force"
    assert resolve("110118", date(2015, 10, 13)).status == "year_of_change"
    assert resolve("110118", date(2016, 1, 1)).status == "in_force"


def test_the_decision_lies_in_the_year_of_the_change() -> None:
    for rows in divisions.table().values():
        for one in rows:
            assert one.begun is None or one.begun.year == one.since
            assert one.ended is None or one.ended.year == one.until


UNKNOWN = {
    "the impossible range of synthetic people": ("990100", "unknown"),
    "an unassigned county": ("440399", "unknown"),
    "a heading of statistical lists": ("110100", "heading"),
    "the heading of counties under the province": ("469000", "heading"),
    "before it existed": ("110118", "not_in_force"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_known_is_said_and_not_guessed(case: str) -> None:
    code, status = UNKNOWN[case]
    found = now(code, date(2010, 1, 1))
    assert (found.status, found.successors, found.parts) == (status, (), ())
    assert resolve(code, date(2010, 1, 1)).divisions == ()


def test_before_the_first_list_nothing_is_claimed() -> None:
    assert resolve("110105", date(1979, 1, 1)).status == "before_the_table"
    assert now("110105", date(1979, 1, 1)).successors == ()


@pytest.mark.parametrize("digits", ["110228001", "110228001002", "110228000000"])
def test_the_code_of_a_street_or_community_is_looked_up_by_its_district(digits: str) -> None:
    assert [one.code for one in now(digits).successors] == ["110118"]


@pytest.mark.parametrize(
    "text", ["", "1102", "0110228", "11022a", "１１０２２８", "110228 ", "11022800", "1102280010020"]
)
def test_what_is_no_code_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(DivisionInvalid) as refused:
        now(text)
    assert "6" in refused.value.zh and (not text or text not in refused.value.en)


@given(CODES, DAYS)
def test_successors_are_in_force_and_reached_by_known_codes(code: str, on: date) -> None:
    found = now(code, on)
    for one in (*found.successors, *found.parts):
        assert any(row.until is None and row.zh == one.zh for row in divisions.history(one.code))
        assert one.path[-1] == one.code and all(divisions.history(step) for step in one.path)
    assert not {one.code for one in found.successors} & {one.code for one in found.parts}


@given(CODES, DAYS)
def test_what_is_in_force_stays_what_it_is(code: str, on: date) -> None:
    for one in now(code, on).successors:
        assert [again.code for again in now(one.code, date(2026, 1, 1)).successors] == [one.code]


@given(CODES, DAYS)
def test_a_resolved_division_was_listed_around_that_day(code: str, on: date) -> None:
    for one in resolve(code, on).divisions:
        assert one.listed_in(on.year) or one.listed_in(on.year - 1)


def test_every_division_that_ended_has_a_successor_that_was_listed_then() -> None:
    for rows in divisions.table().values():
        for one in rows:
            if one.until is not None:
                assert one.successors
                for code in one.successors:
                    assert any(row.listed_in(one.until) for row in divisions.history(code)), (one.code, code)


def test_how_sure_each_row_is_can_be_read() -> None:
    rows = [one for rows in division_table.table().values() for one in rows]
    counts = {basis: sum(one.basis == basis for one in rows) for basis in ("derived", "announced")}
    assert counts == {"derived": 187, "announced": 4}
    assert "187" in description()["notes_en"][2] and "4 rows" in description()["notes_en"][3]
