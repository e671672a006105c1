"""Anybody reads code lists, asks what a code is in another list, and what has become of a division."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from standards import codelists, divisions
from tests.gateway.catalogue.city import shared_city
from tests.running import City

LISTS = "/v1/codelists"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[City]:
    with shared_city(tmp_path_factory.mktemp("lists"), sqlite_template) as running:
        yield running


def get(city: City, path: str, status: int = 200, **query: str) -> Any:
    answer = requests.get(city.gateway.url + LISTS + path, params=query, headers={"Accept-Language": "en"}, timeout=10)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_every_list_is_there_and_says_since_when_it_holds(city: City) -> None:
    listed = {each["id"].split("/")[0]: each for each in get(city, "")}
    assert listed.keys() == set(codelists.names())
    education = listed["gbt-4658-2006-education"]
    assert (education["valid_from"], education["valid_to"], education["codes"]) == ("2007-03-01", None, 40)
    assert listed["gat-517-2004-certificate-type"]["valid_from"] is None
    assert all(each["validity_source"] for each in listed.values() if each["valid_from"])


def test_a_list_comes_with_source_validity_and_the_time_of_single_codes(city: City) -> None:
    found = get(city, "/gbt-2260-province/1.0.0")
    assert found["source"] and found["confidence"] and found["valid_from"] == "2008-02-01"
    codes = {each["code"]: each for each in found["codes"]}
    assert codes["500000"]["valid_from"] == "1997-03-14" and "valid_from" not in codes["110000"]


def test_a_list_never_changes_and_says_so(city: City) -> None:
    url = city.gateway.url + LISTS + "/gbt-2261.1-2003-sex/1.0.0"
    first = requests.get(url, timeout=10)
    assert "immutable" in first.headers["Cache-Control"]
    assert requests.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=10).status_code == 304


def test_every_table_between_lists_is_there(city: City) -> None:
    listed = get(city, "/crosswalks")
    assert [(each["from"], each["to"]) for each in listed] == codelists.published()
    assert all(each["title_zh"] and each["title_en"] and each["origin"] and each["published"] for each in listed)


def test_a_table_tells_of_each_code_what_is_lost(city: City) -> None:
    table = get(city, "/crosswalks/gbt-2261.2-2003-marital-status/legacy-marital-status-1digit")
    rows = {row["from"]: row for row in table["rows"]}
    assert table["lossy"] and set(rows) == set(codelists.get("gbt-2261.2-2003-marital-status").codes)
    assert (rows["10"]["to"], rows["10"]["match"], rows["10"]["lost_en"]) == ("1", "exact", "")
    assert (rows["22"]["to"], rows["22"]["match"]) == ("2", "broader")
    assert "再婚" in rows["22"]["lost_zh"] and "further marriage" in rows["22"]["lost_en"]


def test_one_code_is_translated_by_itself(city: City) -> None:
    table = get(city, "/crosswalks/legacy-marital-status-word/gbt-2261.2-2003-marital-status", code="离异")
    assert [(row["from"], row["to"], row["match"]) for row in table["rows"]] == [("离婚", "40", "exact")]


def test_a_table_read_backwards_says_so_and_names_what_it_may_be(city: City) -> None:
    table = get(city, "/crosswalks/gbt-30428.2-event-class/grid-event-kind", code="04")
    assert not table["published"]
    assert table["rows"][0]["to"] is None and table["rows"][0]["candidates"] == ["0401", "0402"]


def test_a_division_of_2015_is_understood_today(city: City) -> None:
    found = get(city, "/divisions/330104", on="2015-06-30")
    assert (found["then"]["status"], found["then"]["divisions"][0]["zh"]) == ("in_force", "江干区")
    assert found["now"]["status"] == "divided"
    assert [each["code"] for each in found["now"]["successors"]] == ["330102", "330114"]
    assert found["history"][0]["until"] == 2021 and found["now"]["zh"] and found["now"]["en"]


def test_without_a_day_the_whole_history_counts(city: City) -> None:
    found = get(city, "/divisions/422101")
    assert "then" not in found
    assert [each["zh"] for each in found["history"]] == ["鄂城市", "麻城市"]


def test_an_unknown_division_is_an_answer_and_no_guess(city: City) -> None:
    found = get(city, "/divisions/990199001")
    assert (found["code"], found["now"]["status"], found["history"]) == ("990199", "unknown", [])


def test_the_table_of_divisions_can_be_taken_home(city: City) -> None:
    about = get(city, "/divisions")
    assert about["confidence"] and about["notes_zh"] and about["notes_en"]
    answer = requests.get(city.gateway.url + about["url"], timeout=10)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == about["rows"] and {row["code"] for row in rows} == set(divisions.table())


BAD: dict[str, tuple[str, dict[str, str], int, str]] = {
    "no such list": ("/unheard-of/1.0.0", {}, 404, "not_found"),
    "no such version": ("/gbt-2261.1-2003-sex/9.9.9", {}, 404, "not_found"),
    "no table between them": ("/crosswalks/gbt-2261.1-2003-sex/hazard-level", {}, 404, "not_found"),
    "a table of nothing": ("/crosswalks/unheard-of/hazard-level", {}, 404, "not_found"),
    "no such code": ("/crosswalks/legacy-sex-letter/gbt-2261.1-2003-sex", {"code": "秘密"}, 404, "not_found"),
    "an empty code": ("/crosswalks/legacy-sex-letter/gbt-2261.1-2003-sex", {"code": ""}, 422, "invalid_request"),
    "a code without end": (
        "/crosswalks/legacy-sex-letter/gbt-2261.1-2003-sex",
        {"code": "x" * 101},
        422,
        "invalid_request",
    ),
    "a name for a division": ("/divisions/北京", {}, 422, "invalid_request"),
    "seven digits": ("/divisions/1101010", {}, 422, "invalid_request"),
    "no day": ("/divisions/110101", {"on": "2015"}, 422, "invalid_request"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_answered_is_a_problem_that_repeats_nothing(city: City, case: str) -> None:
    path, query, status, code = BAD[case]
    problem = get(city, path, status, **query)
    assert problem["code"] == code and problem["detail_zh"] and problem["detail_en"]
    assert "秘密" not in str(problem)
