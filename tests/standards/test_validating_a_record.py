"""Validating a record, whole or by profile; and what a violation tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import standards
from standards.validate import MAX_VIOLATIONS
from tests.standards.people import resident

PERSON = standards.get("person-basic/1.0.0")
RESIDENCE = standards.get("residence-record/1.0.0")
ASSISTANCE = standards.get("social-assistance/1.0.0")


def test_a_profile_requires_of_its_fields_what_the_standard_requires() -> None:
    validator = PERSON.validator(("name", "phone"))
    assert validator.errors({"name": "示例"}) == []
    assert [v.rule for v in validator.errors({"phone": "13800000000"})] == ["required"]


def test_a_profile_takes_no_other_field_of_the_standard() -> None:
    violations = PERSON.validator(("name",)).errors({"name": "示例", "sex": "1"})
    assert [(v.pointer, v.rule) for v in violations] == [("", "unevaluatedProperties")]


def test_a_profile_can_name_a_part_of_an_object() -> None:
    validator = RESIDENCE.validator(("residenceAddress.divisionCode",))
    assert validator.errors({"residenceAddress": {"divisionCode": "990100001"}}) == []
    assert [v.pointer for v in validator.errors({"residenceAddress": {"divisionCode": "990100001", "text": "x"}})] == [
        "/residenceAddress"
    ]


def test_a_profile_can_name_a_part_of_list_items() -> None:
    validator = ASSISTANCE.validator(("householdMembers.name",))
    assert validator.errors({"householdMembers": [{"name": "示例"}]}) == []
    assert validator.errors({"householdMembers": [{"relationship": "10"}]}) != []


def test_a_whole_covers_its_parts() -> None:
    both = RESIDENCE.validator(("residenceAddress.text", "residenceAddress"))
    assert both.errors({"residenceAddress": {"divisionCode": "990100", "text": "示例一路"}}) == []


def test_a_profile_is_compiled_once_whatever_the_order_of_its_fields() -> None:
    assert PERSON.validator(("name", "sex")) is PERSON.validator(("sex", "name", "sex"))


def test_a_profile_of_an_unknown_field_is_refused() -> None:
    with pytest.raises(standards.UnknownField):
        PERSON.validator(("name", "religion"))


@given(
    st.dictionaries(
        st.sampled_from(["idNumber", "name", "sex", "birthDate", "phone", "domicileAddress", "personStatus"]),
        st.text("秘密SECRET0123456789", min_size=6, max_size=40) | st.integers(10**6) | st.booleans(),
    )
)
def test_a_violation_never_holds_the_value(record: dict[str, Any]) -> None:
    told = json.dumps([[v.pointer, v.rule, v.zh, v.en] for v in PERSON.validator().errors(record)], ensure_ascii=False)
    for value in record.values():
        if not isinstance(value, bool):
            assert str(value) not in told


@pytest.mark.parametrize("name", [resident(), "张三", "x y", "<script>", "a1b2c3d4e5f6", "x" * 41])
def test_a_violation_never_holds_a_member_name_that_may_be_personal(name: str) -> None:
    (violation,) = PERSON.validator(("phone",)).errors({name: "1"})
    assert name not in violation.zh + violation.en + violation.pointer


def test_a_violation_names_an_unknown_column() -> None:
    (violation,) = PERSON.validator(("phone",)).errors({"YHZGX": "1"})
    assert "YHZGX" in violation.zh and "YHZGX" in violation.en


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"domicileAddress": value}
    return value


HOSTILE: dict[str, Any] = {
    "no object": [],
    "nothing": None,
    "not a number": {"name": float("nan")},
    "an infinite number": {"name": float("inf")},
    "an integer of 4000 digits": {"name": 10**4000},
    "a lone surrogate": {"name": "\ud800"},
    "bytes": {"name": b"\xff"},
    "a key that is no text": {1: "x"},
    "an object of this process": {"name": object()},
    "ten thousand levels": _nested(10_000),
    "a hundred thousand unknown fields": {f"f{i}": i for i in range(100_000)},
    "a text of 10 MB": {"name": "a" * 10_000_000},
    "a list of a million": {"name": [0] * 1_000_000},
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("record", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_record_is_refused_in_bounded_time(record: Any) -> None:
    violations = PERSON.validator().errors(record)
    assert 1 <= len(violations) <= MAX_VIOLATIONS


def test_a_line_break_at_the_end_is_no_part_of_a_code() -> None:
    assert not PERSON.validator(("domicileDivision",)).ok({"domicileDivision": "990101\n"})


def test_what_looks_like_a_date_is_one() -> None:
    validator = PERSON.validator(("birthDate",))
    assert validator.ok({"birthDate": "2024-02-29"})
    for wrong in ("2023-02-29", "2024-13-01", "2024-2-1", "２０２４-01-01", "2024-01-01T00:00:00Z"):
        assert not validator.ok({"birthDate": wrong}), wrong
