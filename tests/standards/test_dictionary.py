"""Shared elements are defined once; a draft names them, a standard holds copies that stay equal."""

from __future__ import annotations

import copy
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import standards
from standards import codelists, drafting
from standards.drafting import DraftRefused, departures, dictionary, expand
from standards.subjects import SCHEMES
from standards.validate import Validator

AUTHORITY = {"zh": "民政", "en": "Civil affairs"}


def draft(**parts: dict[str, Any]) -> dict[str, Any]:
    return {"x-authority": AUTHORITY, "properties": parts}


def expanded(**given: Any) -> dict[str, Any]:
    """One shared element with the draft's own members, written out."""
    element: dict[str, Any] = expand(draft(it=given))["properties"]["it"]
    return element


def standard_of(element: dict[str, Any]) -> dict[str, Any]:
    """A whole standard around one element, to be judged by the rules for standards."""
    person = copy.deepcopy(standards.get("person-basic/1.0.0").schema)
    person["properties"]["it"] = element
    return person


@pytest.mark.parametrize("name", dictionary())
def test_each_shared_element_may_stand_in_a_standard(name: str) -> None:
    element = dictionary()[name]
    assert standards.check(standard_of(element)) == []
    assert element["x-element"] == name


@pytest.mark.parametrize("name", dictionary())
def test_each_is_explained_in_both_languages(name: str) -> None:
    zh, en = standards.bilingual(dictionary()[name]["description"])
    assert zh.endswith(("。", "）")) and en.endswith(".") and zh != en
    assert not any("\u4e00" <= character <= "\u9fff" for character in dictionary()[name]["x-en"])


def test_each_name_stands_in_one_group_only() -> None:
    names = [name for group in drafting.groups().values() for name in group]
    assert len(names) == len(set(names)) == len(dictionary())


def test_each_code_of_a_shared_element_is_its_list() -> None:
    for name, element in dictionary().items():
        if "x-codelist" in element:
            assert element["enum"] == list(codelists.get(element["x-codelist"]).codes), name


@pytest.mark.parametrize("name", standards.REGISTRY)
def test_the_copies_in_a_standard_are_equal_to_the_dictionary(name: str) -> None:
    assert departures(standards.get(name).schema) == []


def test_what_two_standards_hold_is_defined_once() -> None:
    """The same name or the same code list twice, without x-element, would be a shared element nobody shared."""
    names: dict[str, str] = {}
    lists: dict[str, str] = {}
    for name in standards.REGISTRY:
        for element in standards.get(name).elements:
            if "x-element" not in element.schema:
                assert names.setdefault(element.zh, name) == name, (element.zh, name)
                if element.codelist:
                    assert lists.setdefault(element.codelist, name) == name, (element.codelist, name)


def test_every_shared_element_is_used() -> None:
    taken = {part.schema.get("x-element") for name in standards.REGISTRY for part in standards.get(name).elements}
    assert taken >= dictionary().keys()


def test_a_name_becomes_the_whole_element() -> None:
    assert expanded(**{"x-element": "idNumber"}) == dictionary()["idNumber"]


def test_what_any_department_may_keep_is_the_standards_own() -> None:
    assert expanded(**{"x-element": "date"})["x-authority"] == AUTHORITY
    assert expanded(**{"x-element": "idNumber"})["x-authority"] == dictionary()["idNumber"]["x-authority"]


def test_what_is_said_of_a_person_is_personal_unless_the_draft_says_otherwise() -> None:
    person = draft(since={"x-element": "date"}, by={"x-element": "uscc", "x-sensitivity": "none"})
    person["properties"]["at"] = {"x-element": "address"}
    house = copy.deepcopy(person)
    person["x-subject"], house["x-subject"] = {"scheme": "cn.resident-id"}, {"scheme": "local.house-code"}
    of_person, of_house = expand(person)["properties"], expand(house)["properties"]
    assert {name: part["x-sensitivity"] for name, part in of_person.items()} == {
        "since": "personal", "by": "none", "at": "personal",
    }  # fmt: skip
    assert of_person["at"]["properties"]["text"]["x-sensitivity"] == "personal"
    assert {part["x-sensitivity"] for part in of_house.values()} == {"none"}


def test_the_draft_says_it_in_its_own_words() -> None:
    own = {"title": "到达日期", "x-en": "Arrival", "description": "到达之日。 / The day.", "x-standard": "local"}
    element = expanded(**{"x-element": "date"}, **own)
    assert {key: element[key] for key in own} == own
    assert element["format"] == "date"


NARROWER: dict[str, dict[str, Any]] = {
    "a longer minimum": {"x-element": "name", "minLength": 2},
    "a shorter maximum": {"x-element": "name", "maxLength": 20},
    "a smaller range": {"x-element": "count", "minimum": 1, "maximum": 30},
    "some of the codes": {"x-element": "maritalStatus", "enum": ["10", "20"]},
    "more parts required": {"x-element": "address", "required": ["divisionCode", "text", "streetCode"]},
    "a list with fewer items": {"x-element": "legalBasis", "maxItems": 3},
    "an item of which more is required": {
        "x-element": "legalBasis",
        "items": {"required": ["document", "article"], "properties": {"article": {"maxLength": 40}}},
    },
    "a part with fewer characters": {"x-element": "address", "properties": {"text": {"maxLength": 100}}},
    "more sensitive": {"x-element": "name", "x-sensitivity": "sensitive", "x-sensitivity-category": "minor"},
    "masked": {"x-element": "name", "x-mask": "hide-middle"},
    "hidden": {"x-element": "idNumber", "x-mask": "hidden"},
}


@pytest.mark.parametrize("given", NARROWER.values(), ids=NARROWER.keys())
def test_a_draft_may_narrow(given: dict[str, Any]) -> None:
    element = expanded(**given)
    assert standards.check(standard_of(element)) == []
    assert departures({**drafting.DIALECT, **draft(it=element)}) == []


WIDER: dict[str, tuple[dict[str, Any], str]] = {
    "a shorter minimum": ({"x-element": "idNumber", "minLength": 15}, "/minLength"),
    "a longer maximum": ({"x-element": "name", "maxLength": 51}, "/maxLength"),
    "a true as a limit": ({"x-element": "count", "minimum": True}, "/minimum"),
    "a code of its own": ({"x-element": "sex", "enum": ["0", "1", "2", "3"]}, "/enum"),
    "no codes at all": ({"x-element": "sex", "enum": []}, "/enum"),
    "codes for free text": ({"x-element": "name", "enum": ["甲"]}, "/enum"),
    "fewer parts required": ({"x-element": "address", "required": ["text"]}, "/required"),
    "a part of its own": ({"x-element": "address", "properties": {"floor": {}}}, "/properties/floor"),
    "a part that is nothing": ({"x-element": "address", "properties": {"text": None}}, "/properties/text"),
    "an item with a part of its own": (
        {"x-element": "legalBasis", "items": {"properties": {"page": {}}}},
        "/items/properties/page",
    ),
    "an open item": (
        {"x-element": "legalBasis", "items": {"unevaluatedProperties": True}},
        "/items/unevaluatedProperties",
    ),
    "a wider part": (
        {"x-element": "address", "properties": {"text": {"maxLength": 900}}},
        "/properties/text/maxLength",
    ),
    "another pattern": ({"x-element": "phone", "pattern": "^.*$"}, "/pattern"),
    "another type": ({"x-element": "count", "type": "string"}, "/type"),
    "another list": ({"x-element": "sex", "x-codelist": "person-status/1.0.0"}, "/x-codelist"),
    "less sensitive": ({"x-element": "disabilityType", "x-sensitivity": "personal"}, "/x-sensitivity"),
    "a weaker mask": ({"x-element": "idNumber", "x-mask": "last-four"}, "/x-mask"),
    "a category without being sensitive": (
        {"x-element": "name", "x-sensitivity-category": "minor"},
        "/x-sensitivity-category",
    ),
    "another unit": ({"x-element": "area", "x-unit": {"code": "MTK", "zh": "亩", "en": "mu"}}, "/x-unit"),
    "an open object": ({"x-element": "address", "unevaluatedProperties": True}, "/unevaluatedProperties"),
    "an unknown name": ({"x-element": "shoeSize"}, "/x-element"),
    "no name": ({"x-element": 7}, "/x-element"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "place"), WIDER.values(), ids=WIDER.keys())
def test_a_draft_may_not_widen(given: dict[str, Any], place: str) -> None:
    with pytest.raises(DraftRefused) as refused:
        expanded(**given)
    assert {problem.pointer for problem in refused.value.problems} == {f"/properties/it{place}"}
    assert all(problem.zh and problem.en for problem in refused.value.problems)


def test_what_is_sensitive_as_a_whole_is_so_in_its_parts() -> None:
    whole = {"x-element": "address", "x-sensitivity": "sensitive", "x-sensitivity-category": "identity"}
    parts = expanded(**whole)["properties"].values()
    assert {(part["x-sensitivity"], part["x-sensitivity-category"]) for part in parts} == {("sensitive", "identity")}
    assert dictionary()["address"]["properties"]["text"]["x-sensitivity"] == "none"  # the dictionary is left alone


def test_what_is_sensitive_as_a_list_is_so_in_its_items() -> None:
    whole = {"x-element": "legalBasis", "x-sensitivity": "sensitive", "x-sensitivity-category": "other"}
    parts = expanded(**whole)["items"]["properties"].values()
    assert {(part["x-sensitivity"], part["x-sensitivity-category"]) for part in parts} == {("sensitive", "other")}


def test_the_parts_of_what_any_department_may_keep_are_the_standards_own_too() -> None:
    element = expanded(**{"x-element": "legalBasis"})
    assert {part["x-authority"]["en"] for part in element["items"]["properties"].values()} == {AUTHORITY["en"]}


def test_elements_within_objects_and_lists_are_written_out_too() -> None:
    inner = {"type": "object", "properties": {"who": {"x-element": "name"}}}
    written = expand(draft(one=inner, many={"type": "array", "items": copy.deepcopy(inner)}))["properties"]
    assert written["one"]["properties"]["who"] == dictionary()["name"]
    assert written["many"]["items"]["properties"]["who"] == dictionary()["name"]


NAMES = st.sampled_from(sorted(dictionary()))
SENSITIVE = st.sampled_from([{}, {"x-sensitivity": "sensitive", "x-sensitivity-category": "other"}])


@given(st.dictionaries(st.sampled_from("abcd"), st.tuples(NAMES, SENSITIVE), min_size=1), st.sampled_from([*SCHEMES]))
def test_what_was_written_out_stays_as_it_is(parts: dict[str, tuple[str, dict[str, str]]], scheme: str) -> None:
    asked = draft(**{part: {"x-element": name, **raised} for part, (name, raised) in parts.items()})
    once = expand({**asked, "x-subject": {"field": "a", "scheme": scheme}})
    assert expand(once) == once
    assert departures(once) == []


def test_a_draft_is_not_changed_by_being_expanded() -> None:
    before = draft(it={"x-element": "address"})
    kept = copy.deepcopy(before)
    expand(before)
    assert before == kept


@pytest.mark.parametrize("keyword", ["x-mask", "pattern", "x-standard", "maxLength"])
def test_a_copy_that_lost_something_is_told(keyword: str) -> None:
    element = {key: value for key, value in dictionary()["idNumber"].items() if key != keyword}
    found = departures({**drafting.DIALECT, **draft(it=element)})
    assert [(problem.pointer, problem.code) for problem in found] == [
        (f"/properties/it/{keyword}", "not_the_dictionary")
    ]


@pytest.mark.parametrize(
    "hostile", [{"properties": {"a": {"x-element": ["idNumber"]}}}, {"properties": []}, {"properties": {"a": 1}}]
)
def test_a_draft_of_nonsense_is_refused_or_left_to_the_rules(hostile: dict[str, Any]) -> None:
    try:
        assert standards.check(expand(hostile))
    except DraftRefused as refused:
        assert refused.problems


def test_a_short_draft_that_would_become_a_document_without_end_is_refused_at_once() -> None:
    many = draft(**{f"a{number}": {"x-element": "address"} for number in range(6_000)})
    tracemalloc.start()
    try:
        with pytest.raises(DraftRefused, match="too many shared elements"):
            expand(many)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20, "nothing of it was written out before"
    finally:
        tracemalloc.stop()


def test_a_draft_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"properties": {"a": deep}}
    with pytest.raises(DraftRefused, match="too large"):
        expand(deep)


TAKEN = {
    "certNumber": ["E12345678", "H12345678(00)", "军字第00000000号", "南字第0000000号"],
    "documentNumber": [
        "民函〔2026〕12号",
        "国务院令第809号",
        "中华人民共和国主席令第九十一号",
        "民政部公告2026年第5号",
    ],
    "recordNumber": ["J990101-2016-000123", "(91)示婚字第0000号", "〔2003〕示结字第00号"],
    "standardId": ["person-basic/1.0.0", "person-basic/10.0.20"],
    "nationality": ["CHN", "DEU", "HKG"],
    "serviceItemCode": ["A" * 31, "A" * 33],
}
REFUSED = {
    "certNumber": ["E 12345678", "=1+1", ""],
    "documentNumber": ["民函(2026)12号", "国务院令第0809号", "国务院令809", "第五号令"],
    "recordNumber": ["〔〕", "((1", "=1+1", "-1"],
    "standardId": ["person-basic/01.1.0", "person-basic/1.0.00"],
    "nationality": ["QQQ", "CHI", "ROC", "chn", "YUG"],
    "serviceItemCode": ["A" * 34],
}


def _cases(texts: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, several in texts.items() for text in several]


@pytest.mark.parametrize(("name", "text"), _cases(TAKEN))
def test_what_is_really_written_is_taken(name: str, text: str) -> None:
    assert Validator.of(dictionary()[name]).ok(text)


@pytest.mark.parametrize(("name", "text"), _cases(REFUSED))
def test_what_is_no_such_thing_is_refused(name: str, text: str) -> None:
    assert not Validator.of(dictionary()[name]).ok(text)
