"""What words lead to: own words first, in both languages and by code; a number of a person leads nowhere."""

from __future__ import annotations

import pytest

from gateway.pages.public.pages import Site
from gateway.pages.public.search import MAX_OF_A_KIND, find


@pytest.mark.parametrize(
    ("query", "kind", "path"),
    [
        ("婚姻登记", "standard", "/standards/marriage-record/1.0.0"),
        ("Natural person", "standard", "/standards/person-basic/1.0.0"),
        ("PERSON-BASIC", "standard", "/standards/person-basic/1.0.0"),
        ("maritalStatus", "field", "/standards/person-basic/1.0.0#maritalStatus"),
        ("婚姻 姓名", "field", "/standards/marriage-record/1.0.0#name"),
        ("GB/T 2261.2", "codelist", "/codelists/gbt-2261.2-2003-marital-status/1.0.0"),
        ("离婚", "codelist", "/codelists/gbt-2261.2-2003-marital-status/1.0.0"),
        ("低保", "matter", "/matters/dibao"),
        ("民政", "department", "/departments/civil-affairs"),
        ("credit code", "element", "/elements/uscc"),
    ],
)
def test_a_word_leads_to_its_page(site: Site, query: str, kind: str, path: str) -> None:
    assert path in [entry.path for entry in find(site.index, query).found[kind]]


def test_a_field_is_not_found_by_the_name_of_its_standard_alone(site: Site) -> None:
    found = find(site.index, "婚姻登记信息").found
    assert "standard" in found and "field" not in found


def test_the_exact_title_comes_first(site: Site) -> None:
    assert find(site.index, "公民身份号码").found["element"][0].path == "/elements/idNumber"


def test_an_answer_is_bounded(site: Site) -> None:
    found = find(site.index, "a")
    assert found.count > 50 and all(len(entries) <= MAX_OF_A_KIND for entries in found.found.values())


@pytest.mark.parametrize("query", ["", "   ", "zzzz", "婚姻zzzz", "*", "\x00", "%", "'"])
def test_what_nothing_holds_is_found_nowhere(site: Site, query: str) -> None:
    assert find(site.index, query).count == 0 or query in "'%*"


@pytest.mark.parametrize(
    "query", ["990101195205070023", "9901 0119 5205 0700 23", "138-0000-0000", "１３８００００００００"]
)
def test_a_number_of_a_person_is_dropped(site: Site, query: str) -> None:
    answer = find(site.index, query)
    assert (answer.identifier, answer.query, answer.count) == (True, "", 0)


def test_each_address_of_the_index_is_a_page(site: Site) -> None:
    pages = set(site.paths())
    assert {entry.path.partition("#")[0] for entry in site.index} <= pages
