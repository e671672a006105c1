"""A department writes down a figure: what is accepted, and for what is not, where it is wrong and in which way."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from standards.indicator_check import MAX_COMPARISONS
from standards.indicators import check, get

OLD = get("registered-elderly-80/1.0.0").document
POOR = get("minimum-allowance-average/1.0.0").document


def changed(base: dict[str, Any] = OLD, **members: Any) -> dict[str, Any]:
    """An indicator with other members; None removes one."""
    document = copy.deepcopy(base) | members
    return {name: value for name, value in document.items() if value is not None}


def of_people(condition: dict[str, Any]) -> dict[str, Any]:
    return changed(filter=condition)


def of_assistance(condition: dict[str, Any]) -> dict[str, Any]:
    return changed(POOR, filter=condition)


GOOD: dict[str, dict[str, Any]] = {
    "everybody": changed(filter=None),
    "a code": of_people({"element": "sex", "is": "2"}),
    "one of several codes": of_people({"element": "maritalStatus", "in": ["20", "21", "22", "23"]}),
    "a part of an address": of_people({"element": "domicileAddress.divisionCode", "division": "11"}),
    "born within two dates": of_people({"element": "birthDate", "between": {"from": "1950-01-01", "to": "1959-12-31"}}),
    "one end open": of_people({"element": "birthDate", "between": {"to": "period_end"}}),
    "an age": of_people({"element": "birthDate", "age": {"at_least": 60, "less_than": 70, "on": "2026-12-31"}}),
    "that something is known": of_people({"element": "deathDate", "present": False}),
    "an amount": of_assistance({"element": "monthlyAmount", "less_than": "1000.00"}),
    "an amount in whole yuan": of_assistance({"element": "monthlyAmount", "at_least": 1000}),
    "joined and nested": of_people(
        {"not": {"any": [{"element": "sex", "is": "1"}, {"all": [{"element": "deathDate", "present": True}]}]}}
    ),
    "a share": changed(aggregation={"fn": "ratio", "part": {"element": "sex", "is": "2"}, "per": 100, "decimals": 1}),
    "a sum": changed(POOR, aggregation={"fn": "sum", "of": "monthlyAmount"}),
    "by district": changed(by=[{"element": "domicileDivision", "digits": 4}]),
}


@pytest.mark.parametrize("document", GOOD.values(), ids=GOOD.keys())
def test_what_may_be_written(document: dict[str, Any]) -> None:
    assert check(document) == []


BAD: dict[str, tuple[Any, tuple[str, str]]] = {
    "no object": ([], ("", "not_an_object")),
    "nothing": ({}, ("", "meta:required")),
    "another version of the language": (changed(indicator="tongqu-indicator/2"), ("/indicator", "meta:const")),
    "a member of its own": (changed(formula="a/b"), ("", "meta:unevaluatedProperties")),
    "a meta-schema elsewhere": (changed(**{"$schema": "http://example.org/x"}), ("/$schema", "meta:const")),
    "an unknown standard": (changed(standard="nobody/1.0.0"), ("/standard", "standard_unknown")),
    "an unknown version": (changed(standard="person-basic/9.9.9"), ("/standard", "standard_unknown")),
    "no English name": (changed(name={"zh": "甲"}), ("/name", "meta:required")),
    "an unknown element": (of_people({"element": "shoeSize", "present": True}), ("/filter/element", "field_unknown")),
    "two comparisons in one": (
        of_people({"element": "sex", "is": "1", "in": ["2"]}),
        ("/filter", "meta:maxProperties"),
    ),
    "a comparison of two elements": (
        of_people({"element": "sex", "is": {"element": "name"}}),
        ("/filter/is", "meta:anyOf"),
    ),
    "an expression": (of_people({"expression": "age > 80"}), ("/filter", "meta:required")),
    "a text pattern": (of_people({"element": "name", "pattern": "^王"}), ("/filter", "meta:unevaluatedProperties")),
    "nothing to join": (of_people({"all": []}), ("/filter/all", "meta:minItems")),
    "one person by number": (
        of_people({"element": "idNumber", "is": "990101195801010190"}),
        ("/filter/is", "names_somebody"),
    ),
    "one person by name": (of_people({"element": "name", "in": ["甲"]}), ("/filter/in", "names_somebody")),
    "a code the list has not": (of_people({"element": "sex", "is": "7"}), ("/filter/is", "never_true")),
    "a code as a number": (of_people({"element": "sex", "is": 1}), ("/filter/is", "never_true")),
    "true as a code": (of_people({"element": "sex", "in": ["1", True]}), ("/filter/in", "never_true")),
    "the age of a sex": (
        of_people({"element": "sex", "age": {"at_least": 1, "on": "period_end"}}),
        ("/filter/element", "wrong_kind"),
    ),
    "a sex that is more": (of_people({"element": "sex", "more_than": 1}), ("/filter/element", "wrong_kind")),
    "an age that nobody has": (
        of_people({"element": "birthDate", "age": {"at_least": 60, "less_than": 60, "on": "period_end"}}),
        ("/filter/age", "empty_range"),
    ),
    "an age of no bound": (
        of_people({"element": "birthDate", "age": {"on": "period_end"}}),
        ("/filter/age", "meta:minProperties"),
    ),
    "dates backwards": (
        of_people({"element": "birthDate", "between": {"from": "2000-01-02", "to": "2000-01-01"}}),
        ("/filter/between", "empty_range"),
    ),
    "a day that is none": (
        of_people({"element": "birthDate", "between": {"from": "2000-02-30"}}),
        ("/filter/between/from", "meta:anyOf"),
    ),
    "an element within a list": (
        of_assistance({"element": "householdMembers.relationship", "is": "01"}),
        ("/filter/element", "inside_a_list"),
    ),
    "a float": (of_assistance({"element": "monthlyAmount", "at_least": 0.1}), ("/filter/at_least", "meta:anyOf")),
    "the sum of names": (changed(aggregation={"fn": "sum", "of": "name"}), ("/aggregation/of", "wrong_kind")),
    "a median": (changed(aggregation={"fn": "median", "of": "name"}), ("/aggregation/fn", "meta:enum")),
    "a period of no date": (changed(period={"every": "month", "element": "sex"}), ("/period/element", "wrong_kind")),
    "cells of names": (changed(by=[{"element": "name"}]), ("/by/0/element", "wrong_kind")),
    "cells of one code twice": (changed(by=[{"element": "sex"}, {"element": "sex"}]), ("/by", "grouped_twice")),
    "a wrong comparison deep within": (
        of_people({"all": [{"not": {"any": [{"element": "sex", "is": "1"}, {"element": "sex", "is": "x"}]}}]}),
        ("/filter/all/0/not/any/1/is", "never_true"),
    ),
    "more comparisons than allowed": (
        of_people({"all": [{"any": [{"element": "sex", "is": "1"}] * 20}] * (MAX_COMPARISONS // 20 + 1)}),
        ("", "too_large"),
    ),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("document", "problem"), BAD.values(), ids=BAD.keys())
def test_what_may_not_is_told_by_place(document: Any, problem: tuple[str, str]) -> None:
    found = check(document)
    assert problem in {(one.pointer, one.code) for one in found}
    assert all(one.zh and one.en for one in found)
