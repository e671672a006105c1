"""What a document must not hold to become a standard (threats.md 6.3): pointer and code of each problem."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

import standards
from standards.validate import Validator

PERSON = standards.get("person-basic/1.0.0").schema
NAME = "/properties/name"


def with_name(members: dict[str, Any]) -> dict[str, Any]:
    """person-basic with these members of the element ``name``; None removes one."""
    changed = copy.deepcopy(PERSON)
    changed["properties"]["name"] = _without_none(changed["properties"]["name"] | members)
    return changed


def at_top(members: dict[str, Any]) -> dict[str, Any]:
    """person-basic with these members at the top; None removes one."""
    return _without_none(copy.deepcopy(PERSON) | members, keep="x-jurisdiction")


def _without_none(members: dict[str, Any], keep: str = "") -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None or name == keep}


BIRTH = "/properties/birthDate"
WORDS = {"title": "列表", "x-en": "List", "description": "列表的内容。 / What is in the list.", "x-standard": "local"}
KEPT = {"x-sensitivity": "personal", "x-authority": PERSON["x-authority"]}
ITEM = {"name": PERSON["properties"]["name"]}


def with_birth(members: dict[str, Any]) -> dict[str, Any]:
    """person-basic with these members of the element ``birthDate``."""
    changed = copy.deepcopy(PERSON)
    changed["properties"]["birthDate"] |= members
    return changed


def _list(low: int, high: int, parts: dict[str, Any]) -> dict[str, Any]:
    item = {"type": "object", "properties": parts, "required": [*parts], "unevaluatedProperties": False}
    return {**WORDS, **KEPT, "type": "array", "minItems": low, "maxItems": high, "items": item}


def with_list(low: int, high: int, parts: dict[str, Any] = ITEM) -> dict[str, Any]:
    """person-basic with one more required element, a list."""
    changed = copy.deepcopy(PERSON)
    changed["properties"]["it"] = _list(low, high, parts)
    changed["required"].append("it")
    return changed


def _deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        value = {"type": "object", "properties": {"a": value}}
    return value


BAD: dict[str, tuple[Any, tuple[str, str]]] = {
    "no object": ([], ("", "not_an_object")),
    "ten thousand levels": ({"properties": _deep(10_000)}, ("", "too_large")),
    "a hundred thousand members": ({str(i): 0 for i in range(100_000)}, ("", "too_large")),
    "a reference over the network": (with_name({"$ref": "http://example.org/x"}), (f"{NAME}/$ref", "reference")),
    "a reference to a file": (with_name({"$ref": "file:///etc/passwd"}), (f"{NAME}/$ref", "reference")),
    "a reference to itself": (with_name({"$ref": "#"}), (f"{NAME}/$ref", "reference")),
    "a reference within": (with_name({"$ref": "#/properties/sex"}), (f"{NAME}/$ref", "reference")),
    "a dynamic reference": (at_top({"$dynamicRef": "#x"}), ("/$dynamicRef", "reference")),
    "doubling by allOf": (with_name({"allOf": [{}, {}]}), (NAME, "meta:unevaluatedProperties")),
    "not": (with_name({"not": {}}), (NAME, "meta:unevaluatedProperties")),
    "contentSchema": (with_name({"contentSchema": {}}), (NAME, "meta:unevaluatedProperties")),
    "another dialect": (at_top({"$schema": "http://example.org/mine"}), ("/$schema", "meta:const")),
    "an id elsewhere": (at_top({"$id": "https://example.org/x"}), ("/$id", "meta:pattern")),
    "an open record": (at_top({"unevaluatedProperties": True}), ("/unevaluatedProperties", "meta:const")),
    "a record not closed": (at_top({"unevaluatedProperties": None}), ("", "meta:required")),
    "no English title": (with_name({"x-en": None}), (NAME, "meta:required")),
    "no source": (with_name({"x-standard": None}), (NAME, "meta:required")),
    "no sensitivity": (with_name({"x-sensitivity": None}), (NAME, "meta:required")),
    "no authority": (with_name({"x-authority": None}), (NAME, "meta:required")),
    "a sensitivity of its own": (with_name({"x-sensitivity": "secret"}), (f"{NAME}/x-sensitivity", "meta:enum")),
    "sensitive without a category": (with_name({"x-sensitivity": "sensitive"}), (NAME, "meta:required")),
    "text without a bound": (with_name({"maxLength": None}), (NAME, "meta:anyOf")),
    "text of anything": (with_name({"pattern": None}), (NAME, "text_unbounded")),
    "a number": (with_name({"type": "number"}), (f"{NAME}/type", "meta:enum")),
    "an unknown format": (with_name({"format": "regex"}), (f"{NAME}/format", "meta:enum")),
    "a pattern without ends": (with_name({"pattern": "[0-9]+"}), (f"{NAME}/pattern", "meta:pattern")),
    "a pattern that looks ahead": (with_name({"pattern": "^(?=a)a$"}), (f"{NAME}/pattern", "pattern_form")),
    "a pattern with a back-reference": (with_name({"pattern": "^(a+)\\1$"}), (f"{NAME}/pattern", "pattern_form")),
    "a pattern of a million states": (with_name({"pattern": "^(a{1000}){1000}$"}), (f"{NAME}/pattern", "pattern_size")),
    "a pattern that is none": (with_name({"pattern": "^(a$"}), (f"{NAME}/pattern", "pattern_form")),
    "an unknown list": (with_name({"x-codelist": "no-list/1.0.0"}), (f"{NAME}/x-codelist", "code_list_unknown")),
    "codes not of the list": (
        with_name({"x-codelist": "person-status/1.0.0", "enum": ["alive"]}),
        (f"{NAME}/enum", "not_of_the_list"),
    ),
    "required but absent": (at_top({"required": ["idNumber", "nobody"]}), ("/required", "required_unknown")),
    "a subject that is not required": (at_top({"required": ["name"]}), ("/x-subject", "subject_unchecked")),
    "a subject that is absent": (
        at_top({"x-subject": {"field": "who", "scheme": "cn.resident-id"}}),
        ("/x-subject/field", "field_unknown"),
    ),
    "a subject that is not checked": (
        at_top({"x-subject": {"field": "name", "scheme": "cn.resident-id"}}),
        ("/x-subject", "subject_unchecked"),
    ),
    "a jurisdiction that is absent": (at_top({"x-jurisdiction": "where"}), ("/x-jurisdiction", "field_unknown")),
    "a jurisdiction that is an object": (
        at_top({"x-jurisdiction": "domicileAddress"}),
        ("/x-jurisdiction", "not_a_code"),
    ),
    "a range without anything in it": (with_name({"minLength": 60}), (NAME, "empty_range")),
    "a date that has no room": (with_birth({"maxLength": 9}), (BIRTH, "empty_range")),
    "a date that is too long": (with_birth({"minLength": 11, "maxLength": 20}), (BIRTH, "empty_range")),
    "a list longer than it may be": (with_list(9, 5), ("/properties/it", "empty_range")),
    "lists within lists": (with_list(100, 100, {"it": _list(100, 100, ITEM)}), ("", "record_too_large")),
    "one long list of lists that may be left out": (
        at_top({"properties": PERSON["properties"] | {"it": _list(200, 200, {"it": _list(10, 10, ITEM)})}}),
        ("", "record_too_large"),
    ),
    "a version with a leading zero": (
        at_top({"$id": "https://tongqu.example/v1/standards/person-basic/01.1.0"}),
        ("/$id", "meta:pattern"),
    ),
    "a code list by a version with a leading zero": (
        with_name({"x-codelist": "person-status/1.0.00"}),
        (f"{NAME}/x-codelist", "meta:pattern"),
    ),
    "a length beyond all text": (with_name({"maxLength": 10**9}), (f"{NAME}/maxLength", "meta:maximum")),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("written", "problem"), BAD.values(), ids=BAD.keys())
def test_what_is_no_standard_is_told_by_place(written: Any, problem: tuple[str, str]) -> None:
    assert problem in {(found.pointer, found.code) for found in standards.check(written)}


def test_a_record_may_be_large_but_not_too_large() -> None:
    """100 items of 18 values each stay under 2,000 together with the rest of the record."""
    assert standards.check(with_list(100, 100, {"it": _list(8, 8, ITEM)})) == []
    assert standards.check(with_list(200, 200)) == []


def test_every_problem_is_a_sentence_in_both_languages() -> None:
    for written, _ in BAD.values():
        assert all(problem.zh and problem.en for problem in standards.check(written))


def test_a_field_name_is_a_plain_word() -> None:
    for name in ("$ref", "__class__", "Name", "na me", "姓名", "a" * 41):
        changed = copy.deepcopy(PERSON)
        changed["properties"][name] = changed["properties"]["formerName"]
        assert standards.check(changed), name


# Attacks that hang or mislead other validators. What passes the check cannot hold them; should one ever be compiled,
# it must still answer quickly and fetch nothing.
COMPILED: dict[str, tuple[Callable[[], dict[str, Any]], Any]] = {
    "a remote reference": (lambda: {"$ref": "http://127.0.0.1:9/x"}, {}),
    "a reference to a file": (lambda: {"$ref": "file:///etc/hostname"}, {}),
    "an unknown dialect": (lambda: {"$schema": "http://127.0.0.1:9/dialect", "type": "object"}, {}),
    "a nested quantifier": (lambda: {"type": "string", "pattern": "^(a+)+$"}, "a" * 60 + "!"),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("schema", "instance"), COMPILED.values(), ids=COMPILED.keys())
def test_the_validator_fetches_nothing_and_does_not_hang(schema: Callable[[], dict[str, Any]], instance: Any) -> None:
    try:
        accepted = Validator.of(schema()).ok(instance)
    except ValueError:
        accepted = False  # refused when compiled
    except Exception as error:
        assert type(error).__name__ == "ReferencingError"
        accepted = False
    assert not accepted or "$schema" in schema()
