"""Code lists, and the crosswalk from one list to another."""

from __future__ import annotations

import pytest

from standards import codelists
from standards.codelists import UnknownCodeList

ALL = codelists.names()


@pytest.mark.parametrize("name", ALL)
def test_each_list_says_where_its_codes_come_from(name: str) -> None:
    found = codelists.get(name)
    assert found.id == name and found.source and found.confidence and found.title_zh and found.title_en
    assert all(code.zh and code.en for code in found.codes.values())


@pytest.mark.parametrize("name", ALL)
def test_each_list_says_since_when_it_holds_or_that_this_is_not_known(name: str) -> None:
    found = codelists.get(name)
    assert found.validity_source
    assert found.valid_from is not None or "not known" in found.validity_source
    for each in (found, *found.codes.values()):
        assert each.valid_to is None or (each.valid_from is not None and each.valid_from <= each.valid_to)


@pytest.mark.parametrize("name", ALL)
def test_a_parent_is_a_code_of_the_same_list(name: str) -> None:
    codes = codelists.get(name).codes
    assert {code.parent for code in codes.values()} - {None} <= codes.keys()


@pytest.mark.parametrize("name", ALL)
def test_every_code_is_found_by_itself(name: str) -> None:
    found = codelists.get(name)
    assert all(found.lookup()[code] == code for code in found.codes)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("gbt-3304-1991-ethnic-group", 56),
        ("gbt-4761-2008-kinship", 84),
        ("gbt-4658-2006-education", 40),
        ("gbt-2659.1-2022-country-alpha3", 249),
    ],
)
def test_the_big_lists_are_whole(name: str, codes: int) -> None:
    assert len(codelists.get(name).codes) == codes


def test_a_word_that_means_two_codes_is_unknown() -> None:
    kinship = codelists.get("gbt-4761-2008-kinship").lookup()
    assert kinship["配偶"] == "10"
    assert "其他亲属" not in kinship  # the name of 97 and another name of 80


def test_the_same_code_means_different_things_in_different_lists() -> None:
    """Why lists are never merged: 01 is the resident card in the health list, and nothing in the police list."""
    assert codelists.get("ws364.3-cv02.01.101-certificate-type").lookup()["居民身份证"] == "01"
    assert codelists.get("gat-517-2004-certificate-type").lookup()["居民身份证"] == "111"


@pytest.mark.parametrize("name", ["unheard-of", "../schemas", "gbt-2261.1-2003-sex/9.9.9", ""])
def test_an_unknown_list_is_a_key_error(name: str) -> None:
    with pytest.raises(UnknownCodeList):
        codelists.get(name)
