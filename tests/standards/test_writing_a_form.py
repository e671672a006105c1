"""A department writes a collection form: what is accepted, what is not, and what others hold already (一数一源)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import standards
from standards.form_check import check
from standards.form_holders import Finding, already_held

EXAMPLES = sorted((Path(standards.__file__).parent / "examples" / "forms").glob("*.json"))
WINTER = json.loads((EXAMPLES[0].parent / "winter-visit.json").read_text(encoding="utf-8"))
HELD = [standards.get(f"{name}/1.0.0") for name in ("person-basic", "residence-record", "social-assistance")]
NEW = WINTER["fields"][-1]["new"]


def changed(**members: Any) -> dict[str, Any]:
    """The winter form with other members; None removes one."""
    document = copy.deepcopy(WINTER) | members
    return {name: value for name, value in document.items() if value is not None}


def asking(*elements: str, value: str = "asked") -> dict[str, Any]:
    return changed(fields=[{"element": one, "value": value, "required": True} for one in elements])


def declaring(**members: Any) -> dict[str, Any]:
    new = {name: value for name, value in {**NEW, **members}.items() if value is not None}
    return changed(fields=[{"new": new, "required": True}])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_forms_that_ask_nothing_twice(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert check(document) == []
    assert already_held(document, standards.REGISTRY.values()) == []


BAD: dict[str, tuple[Any, tuple[str, str]]] = {
    "no object": ("form", ("", "not_an_object")),
    "no basis": (changed(basis=None), ("", "meta:required")),
    "no deadline": (changed(deadline=None), ("", "meta:required")),
    "no contact": (changed(contact=None), ("", "meta:required")),
    "no guidance": (changed(guidance=None), ("", "meta:required")),
    "two deadlines": (changed(deadline={"on": "2026-12-01", "working_days": 3}), ("/deadline", "meta:maxProperties")),
    "a member of its own": (changed(script="alert(1)"), ("", "meta:unevaluatedProperties")),
    "no fields": (changed(fields=[]), ("/fields", "meta:minItems")),
    "a field without a kind": (changed(fields=[{"required": True}]), ("/fields/0", "meta:required")),
    "an unknown standard": (asking("nobody/1.0.0#name"), ("/fields/0/element", "unknown_element")),
    "an unknown element": (asking("person-basic/1.0.0#shoeSize"), ("/fields/0/element", "unknown_element")),
    "the same element twice": (
        asking("person-basic/1.0.0#name", "person-basic/1.0.0#name"),
        ("/fields/1", "duplicate"),
    ),
    "an object and its part": (
        asking("person-basic/1.0.0#domicileAddress", "person-basic/1.0.0#domicileAddress.text"),
        ("/fields/1", "duplicate"),
    ),
    "a part and its object": (
        asking("person-basic/1.0.0#domicileAddress.text", "person-basic/1.0.0#domicileAddress"),
        ("/fields/1", "duplicate"),
    ),
    "a new field that a standard has": (
        declaring(title={"zh": "出生日期", "en": "Day of birth"}),
        ("/fields/0/new", "is_an_element"),
    ),
    "the same in English": (
        declaring(title={"zh": "生日", "en": "date of birth"}),
        ("/fields/0/new", "is_an_element"),
    ),
    "a new field without a reason": (declaring(reason=None), ("/fields/0/new", "meta:required")),
    "a new field without limits": (declaring(until=None), ("/fields/0/new", "meta:required")),
    "a new text without a length": (
        declaring(type="text", **{"from": None, "until": None}),
        ("/fields/0/new", "meta:required"),
    ),
    "limits that nothing meets": (
        declaring(**{"from": "2027-01-01", "until": "2026-01-01"}),
        ("/fields/0/new", "empty_range"),
    ),
    "a range that nothing meets": (
        declaring(type="integer", minimum=5, maximum=1, **{"from": None, "until": None}),
        ("/fields/0/new", "empty_range"),
    ),
    "a period backwards": (
        changed(period={"every": "once", "from": "2027-01-01", "until": "2026-01-01"}),
        ("/period", "empty_range"),
    ),
    "a deadline before it begins": (changed(deadline={"on": "2020-01-01"}), ("/deadline", "too_early")),
    "an approval that ends before": (
        changed(approval={**WINTER["approval"], "until": "2026-12-01"}),
        ("/approval/until", "approval_ends"),
    ),
    "itself replaced": (changed(replaces=["winter-visit/1.0.0"]), ("/replaces", "replaces_itself")),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("document", "problem"), BAD.values(), ids=BAD.keys())
def test_what_is_no_form_is_told_by_place(document: Any, problem: tuple[str, str]) -> None:
    found = check(document)
    assert problem in {(one.pointer, one.code) for one in found}
    assert all(one.zh and one.en for one in found)


def test_two_new_fields_of_one_title_are_one_too_many() -> None:
    twin = {"new": {**NEW, "name": "another"}, "required": False}
    (problem,) = check(changed(fields=[*WINTER["fields"], twin]))
    assert (problem.pointer, problem.code) == (f"/fields/{len(WINTER['fields'])}", "duplicate")


def findings(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.kind, one.element) for one in already_held(document, HELD)]


def test_what_a_department_holds_is_named_with_its_holder() -> None:
    """A form of eight fields of which seven are held already: only the number that names the person may be asked."""
    named = ["idNumber", "name", "sex", "birthDate", "phone", "ethnicGroup", "maritalStatus", "domicileAddress.text"]
    document = asking(*(f"person-basic/1.0.0#{one}" for one in named))
    assert check(document) == []
    found = already_held(document, HELD)
    assert [one.element for one in found] == [f"person-basic/1.0.0#{one}" for one in named[1:]]
    assert {one.kind for one in found} == {"held"}
    for one in found:
        assert isinstance(one, Finding)
        assert one.holder_zh in one.zh and one.holder_en in one.en and one.element in one.zh


def test_what_nobody_serves_may_be_asked_and_cannot_be_filled_in() -> None:
    assert already_held(asking("person-basic/1.0.0#phone"), []) == []
    assert [one.kind for one in already_held(asking("person-basic/1.0.0#phone", value="filled-in"), [])] == [
        "no_holder"
    ]


def test_what_is_filled_in_from_its_holder_is_no_finding() -> None:
    assert findings(asking("person-basic/1.0.0#phone", value="filled-in")) == []


def test_a_held_version_other_than_the_named_one_counts_too() -> None:
    assert findings(asking("person-basic/2.0.0#phone")) == [("held", "person-basic/1.0.0#phone")]


def test_what_has_the_name_of_something_held_is_for_a_person_to_compare() -> None:
    alike = declaring(name="phone", title={"zh": "白天联系电话", "en": "Daytime number"})
    assert findings(alike) == [("alike", "person-basic/1.0.0#phone")]
    own = declaring(name="heatingKind", title={"zh": "取暖方式", "en": "Kind of heating"})
    assert findings(own) == []
