"""What is noticed in a crosswalk before the first record: pointer into the document and code of the problem."""

from __future__ import annotations

from typing import Any

import pytest

from standards import crosswalk
from standards.crosswalk import CrosswalkInvalid
from tests.standards.crosswalking import ASSISTANCE, PERSON, codes, document, person, problems

SEX = {"fn": "lookup", "codelist": "gbt-2261.1-2003-sex"}

RULES: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "a field the standard has not": ({"religion": {"from": "/x"}}, ("/targets/religion", "unknown_target")),
    "an object as a whole": ({"domicileAddress": {"from": "/x"}}, ("/targets/domicileAddress", "not_a_single_field")),
    "a code copied without its list": ({"sex": {"from": "/xb"}}, ("/targets/sex", "code_unchecked")),
    "a lookup that says nothing of unknown codes": (
        {"sex": {"from": "/xb", "fn": [SEX]}},
        ("/targets/sex", "on_unknown_missing"),
    ),
    "a list that does not exist": (
        {"sex": {"from": "/xb", "fn": [{"fn": "lookup", "codelist": "no-list"}], "on_unknown": "refuse"}},
        ("/targets/sex/fn/0", "code_list_unknown"),
    ),
    "the codes of another list": (
        {"sex": {"from": "/xb", "fn": [{"fn": "lookup", "codelist": "person-status"}], "on_unknown": "refuse"}},
        ("/targets/sex", "result_not_allowed"),
    ),
    "two lists without a crosswalk": (
        {
            "sex": {
                "from": "/xb",
                "fn": [{**SEX, "from_codelist": "gbt-3304-1991-ethnic-group"}],
                "on_unknown": "refuse",
            }
        },
        ("/targets/sex/fn/0", "code_list_unknown"),
    ),
    "a table with a wrong code": (
        {"sex": {"from": "/xb", "fn": [{"fn": "lookup", "table": {"男": "m"}}], "on_unknown": "refuse"}},
        ("/targets/sex", "result_not_allowed"),
    ),
    "a date that is only copied": ({"birthDate": {"from": "/csrq"}}, ("/targets/birthDate", "form_unchecked")),
    "a time where a date belongs": (
        {"birthDate": {"from": "/csrq", "fn": [{"fn": "date", "formats": ["yyyyMMddHHmmss"], "as": "date-time"}]}},
        ("/targets/birthDate", "form_unchecked"),
    ),
    "an identity number that is only trimmed": (
        {"idNumber": {"from": "/sfz", "fn": ["trim"]}},
        ("/targets/idNumber", "form_unchecked"),
    ),
    "a masked identity number": (
        {"idNumber": {"from": "/sfz", "fn": ["id15to18", {"fn": "mask", "mask": "last-four"}]}},
        ("/targets/idNumber", "form_unchecked"),
    ),
    "a constant that the standard does not take": (
        {"personStatus": {"fn": [{"fn": "const", "value": "alive"}]}},
        ("/targets/personStatus", "result_not_allowed"),
    ),
    "a constant beside a column": (
        {"personStatus": {"from": "/x", "fn": [{"fn": "const", "value": "active"}]}},
        ("/targets/personStatus/fn", "const_alone"),
    ),
    "a default that the standard does not take": (
        {"phone": {"from": "/x", "default": "none", "on_missing": "default"}},
        ("/targets/phone/default", "result_not_allowed"),
    ),
    "a default that is never used": (
        {"phone": {"from": "/x", "default": "10000"}},
        ("/targets/phone", "default_unclear"),
    ),
    "a default that is not given": (
        {"phone": {"from": "/x", "on_missing": "default"}},
        ("/targets/phone", "default_unclear"),
    ),
    "a required field left out": (
        {"name": {"from": "/xm", "on_missing": "omit"}},
        ("/targets/name", "required_omitted"),
    ),
    "a person invented": (
        {"idNumber": {"fn": [{"fn": "const", "value": "990101195801010190"}]}},
        ("/targets/idNumber", "subject_invented"),
    ),
    "several columns and no way to join them": (
        {"formerName": {"from": ["/a", "/b"]}},
        ("/targets/formerName/fn/0", "one_value_expected"),
    ),
    "several columns into a function for one": (
        {"formerName": {"from": ["/a", "/b"], "fn": ["trim"]}},
        ("/targets/formerName/fn/0", "one_value_expected"),
    ),
    "first of a single value": (
        {"formerName": {"from": "/a", "fn": ["first"]}},
        ("/targets/formerName/fn/0", "list_expected"),
    ),
    "two levels of lists": (
        {"formerName": {"from": "/a/[]/b/[]", "fn": ["first"]}},
        ("/targets/formerName/from", "nested_list"),
    ),
    "no source": ({"formerName": {"fn": ["trim"]}}, ("/targets/formerName", "no_source")),
    "a date format without a day": (
        {"birthDate": {"from": "/csrq", "fn": [{"fn": "date", "formats": ["yyyyMM"]}]}},
        ("/targets/birthDate/fn/0", "date_format"),
    ),
    "a year of two digits without its century": (
        {"birthDate": {"from": "/csrq", "fn": [{"fn": "date", "formats": ["yyMMdd"]}]}},
        ("/targets/birthDate/fn/0", "date_format"),
    ),
    "a date format with a letter of no meaning": (
        {"birthDate": {"from": "/csrq", "fn": [{"fn": "date", "formats": ["yyyy-MM-dd X"]}]}},
        ("/targets/birthDate/fn/0/formats/0", "schema:pattern"),
    ),
    "money into square metres": (
        {"phone": {"from": "/x", "fn": [{"fn": "unit", "from": "元", "to": "平方米", "decimals": 2}]}},
        ("/targets/phone/fn/0", "units_differ"),
    ),
    "a slice that ends before it begins": (
        {"phone": {"from": "/x", "fn": [{"fn": "split", "start": 5, "end": 5}]}},
        ("/targets/phone/fn/0", "empty_range"),
    ),
    "a part of concat that does not exist": (
        {"formerName": {"from": ["/a", "/b"], "fn": [{"fn": "concat", "parts": [0, 2]}]}},
        ("/targets/formerName/fn/0", "part_unknown"),
    ),
    "a look at another column too late": (
        {"phone": {"from": "/x", "fn": ["trim", {"fn": "when-eq", "column": "/y", "value": "1"}]}},
        ("/targets/phone/fn/1", "gate_not_first"),
    ),
    "each for a field that is no list": (
        {"phone": {"each": "/x", "targets": {"name": {"from": "/y"}}}},
        ("/targets/phone", "not_a_list"),
    ),
}


@pytest.mark.parametrize(("targets", "problem"), RULES.values(), ids=RULES.keys())
def test_a_rule_that_cannot_be_right_is_noticed(targets: dict[str, Any], problem: tuple[str, str]) -> None:
    assert problem in codes(**targets)


def test_a_required_field_without_a_rule_is_noticed() -> None:
    written = document()
    del written["targets"]["birthDate"]
    assert problems(written) == {("/targets", "required_without_rule")}


def test_a_required_part_of_an_object_without_a_rule_is_noticed() -> None:
    assert codes(domicileAddress__road={"from": "/jlx"}) == {("/targets", "required_without_rule")}


def test_a_crosswalk_to_another_standard_is_noticed() -> None:
    assert problems(document(), ASSISTANCE) == {("/standard", "other_standard")}


DOCUMENTS: dict[str, Any] = {
    "no object": [],
    "nothing": None,
    "empty": {},
    "an unknown member": {**document(), "script": "x"},
    "an unknown function": document(phone={"from": "/x", "fn": [{"fn": "eval", "value": "1"}]}),
    "a function as a bare word that needs parameters": document(phone={"from": "/x", "fn": ["lookup"]}),
    "a parameter of another function": document(phone={"from": "/x", "fn": [{"fn": "trim", "pattern": "(a+)+$"}]}),
    "a regular expression": document(phone={"from": "/x", "fn": [{"fn": "split", "regex": "(a+)+$", "index": 0}]}),
    "a pointer that is none": document(phone={"from": "x"}),
    "a pointer with a bad escape": document(phone={"from": "/a~2"}),
    "a pointer of seven steps": document(phone={"from": "/a/b/c/d/e/f/g"}),
    "seventeen columns": document(phone={"from": [f"/c{i}" for i in range(17)], "fn": ["concat"]}),
    "nine functions": document(phone={"from": "/x", "fn": ["trim"] * 9}),
    "a table of 1,001 entries": document(
        phone={"from": "/x", "fn": [{"fn": "lookup", "table": {str(i): "1" for i in range(1001)}}]}
    ),
    "an ignored column without a reason": {**document(), "ignored": {"/x": {}}},
    "a hundred thousand levels": None,
}


@pytest.mark.parametrize("written", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_that_is_no_crosswalk_is_refused(written: Any) -> None:
    with pytest.raises(CrosswalkInvalid) as invalid:
        crosswalk.compile(written, PERSON)
    assert invalid.value.problems and all(p.zh and p.en for p in invalid.value.problems)


def test_a_document_of_a_hundred_thousand_levels_is_refused() -> None:
    nested: Any = "x"
    for _ in range(100_000):
        nested = {"table": nested}
    written = document(phone={"from": "/x", "fn": [nested]})
    with pytest.raises(CrosswalkInvalid) as invalid:
        crosswalk.compile(written, PERSON)
    assert [p.code for p in invalid.value.problems] == ["schema:size"]
    while isinstance(nested, dict):  # taken apart level by level: letting go of it at once may exhaust the stack
        nested = nested.pop("table")


def test_the_columns_each_field_needs_are_known() -> None:
    walk = person(
        domicileAddress__divisionCode={"from": ["/JCWH", "/XZJD"], "fn": ["first", "region_code"]},
        domicileAddress__text={"from": ["/JLX", "/MLPH"], "fn": ["concat"]},
        phone={"from": "/联系方式~1手机", "fn": [{"fn": "when-eq", "column": "/保密", "value": "否"}, "trim"]},
    )
    assert walk.sources["domicileAddress.text"] == ("JLX", "MLPH")
    assert walk.sources["phone"] == ("联系方式/手机", "保密")
    assert walk.sources["personStatus"] == ()
    assert walk.needed(["name"]) == ("xm",)
    assert walk.needed(["domicileAddress"]) == ("JCWH", "XZJD", "JLX", "MLPH")
    assert walk.needed(["domicileAddress.divisionCode", "phone"]) == ("JCWH", "XZJD", "联系方式/手机", "保密")
    assert walk.needed(["personStatus"]) == ()


def test_the_digest_is_of_the_content_not_of_its_layout() -> None:
    written = document()
    backwards = dict(reversed(list(written.items())))
    assert crosswalk.compile(written, PERSON).digest == crosswalk.compile(backwards, PERSON).digest
    assert person(phone={"from": "/a"}).digest != person(phone={"from": "/b"}).digest
