"""A department writes down a figure: what is accepted, and for what is not, where it is wrong and in which way."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest

import standards
from standards.indicator_check import MAX_COMPARISONS, check
from standards.value_kinds import value_kind

EXAMPLES = sorted((Path(standards.__file__).parent / "examples" / "indicators").glob("*.json"))
OLD = json.loads((EXAMPLES[0].parent / "residents-of-80-and-older.json").read_text(encoding="utf-8"))
POOR = json.loads((EXAMPLES[0].parent / "average-assistance.json").read_text(encoding="utf-8"))


def changed(base: dict[str, Any] = OLD, **members: Any) -> dict[str, Any]:
    """An indicator with other members; None removes one."""
    document = copy.deepcopy(base) | members
    return {name: value for name, value in document.items() if value is not None}


def of_people(condition: dict[str, Any]) -> dict[str, Any]:
    return changed(filter=condition)


def of_assistance(condition: dict[str, Any]) -> dict[str, Any]:
    return changed(POOR, filter=condition)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_indicators(path: Path) -> None:
    assert check(json.loads(path.read_text(encoding="utf-8"))) == []


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
    "nothing": ({}, ("", "schema:required")),
    "another version of the language": (changed(indicator="tongqu-indicator/2"), ("/indicator", "schema:const")),
    "a member of its own": (changed(formula="a/b"), ("", "schema:unevaluatedProperties")),
    "a meta-schema elsewhere": (changed(**{"$schema": "http://example.org/x"}), ("/$schema", "schema:const")),
    "an unknown standard": (changed(standard="nobody/1.0.0"), ("/standard", "unknown_standard")),
    "an unknown version": (changed(standard="person-basic/9.9.9"), ("/standard", "unknown_standard")),
    "no English name": (changed(name={"zh": "甲"}), ("/name", "schema:required")),
    "an unknown element": (of_people({"element": "shoeSize", "present": True}), ("/filter/element", "unknown_element")),
    "two comparisons in one": (of_people({"element": "sex", "is": "1", "in": ["2"]}), ("/filter", "schema:oneOf")),
    "a comparison of two elements": (
        of_people({"element": "sex", "is": {"element": "name"}}),
        ("/filter", "schema:oneOf"),
    ),
    "an expression": (of_people({"expression": "age > 80"}), ("/filter", "schema:oneOf")),
    "a text pattern": (of_people({"element": "name", "pattern": "^王"}), ("/filter", "schema:oneOf")),
    "nothing to join": (of_people({"all": []}), ("/filter", "schema:oneOf")),
    "one person by number": (
        of_people({"element": "idNumber", "is": "990101195801010190"}),
        ("/filter/is", "kind_unfit"),
    ),
    "one person by name": (of_people({"element": "name", "in": ["甲"]}), ("/filter/in", "kind_unfit")),
    "a code the list has not": (of_people({"element": "sex", "is": "7"}), ("/filter/is", "constant_impossible")),
    "a code as a number": (of_people({"element": "sex", "is": 1}), ("/filter/is", "constant_impossible")),
    "true as a code": (of_people({"element": "sex", "in": ["1", True]}), ("/filter/in", "constant_impossible")),
    "the age of a sex": (
        of_people({"element": "sex", "age": {"at_least": 1, "on": "period_end"}}),
        ("/filter/age", "kind_unfit"),
    ),
    "a sex that is more": (of_people({"element": "sex", "more_than": 1}), ("/filter/more_than", "kind_unfit")),
    "an age that nobody has": (
        of_people({"element": "birthDate", "age": {"at_least": 60, "less_than": 60, "on": "period_end"}}),
        ("/filter/age", "empty_range"),
    ),
    "an age of no bound": (
        of_people({"element": "birthDate", "age": {"on": "period_end"}}),
        ("/filter", "schema:oneOf"),
    ),
    "dates backwards": (
        of_people({"element": "birthDate", "between": {"from": "2000-01-02", "to": "2000-01-01"}}),
        ("/filter/between", "empty_range"),
    ),
    "a day that is none": (
        of_people({"element": "birthDate", "between": {"from": "2000-02-30"}}),
        ("/filter", "schema:oneOf"),
    ),
    "an element within a list": (
        of_assistance({"element": "householdMembers.relationship", "is": "01"}),
        ("/filter/element", "many_values"),
    ),
    "a float": (of_assistance({"element": "monthlyAmount", "at_least": 0.1}), ("/filter", "schema:oneOf")),
    "the sum of names": (changed(aggregation={"fn": "sum", "of": "name"}), ("/aggregation/of", "kind_unfit")),
    "a median": (changed(aggregation={"fn": "median", "of": "name"}), ("/aggregation", "schema:oneOf")),
    "a period of no date": (changed(period={"every": "month", "element": "sex"}), ("/period/element", "kind_unfit")),
    "cells of names": (changed(by=[{"element": "name"}]), ("/by/0/element", "kind_unfit")),
    "cells of one code twice": (changed(by=[{"element": "sex"}, {"element": "sex"}]), ("/by", "duplicate")),
    "a wrong comparison deep within": (
        of_people({"all": [{"not": {"any": [{"element": "sex", "is": "1"}, {"element": "sex", "is": "x"}]}}]}),
        ("/filter/all/0/not/any/1/is", "constant_impossible"),
    ),
    "more comparisons than allowed": (
        of_people({"all": [{"any": [{"element": "sex", "is": "1"}] * 20}] * (MAX_COMPARISONS // 20 + 1)}),
        ("", "too_large"),
    ),
}


@pytest.mark.parametrize(("document", "problem"), BAD.values(), ids=BAD.keys())
def test_what_may_not_is_told_by_place(document: Any, problem: tuple[str, str]) -> None:
    began = time.process_time()
    found = check(document)
    assert problem in {(one.pointer, one.code) for one in found}
    assert all(one.zh and one.en for one in found)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("name", list(standards.REGISTRY))
def test_every_element_has_a_kind_and_codes_never_count_as_amounts(name: str) -> None:
    for element in standards.get(name).elements:
        kind = value_kind(element)
        assert (kind == "code") == ("enum" in element.schema)
        assert kind != "amount" or element.schema["pattern"].startswith("^")
        if element.path.endswith(("divisionCode", "domicileDivision", "streetCode", "communityCode")):
            assert kind == "division"
