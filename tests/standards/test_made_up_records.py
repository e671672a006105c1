"""Made-up records obey their standard, the same ones come again, and a counter-example breaks exactly one rule."""

from __future__ import annotations

import json
import re
from functools import cache
from random import Random
from typing import Any

import jsonschema
import pytest
import referencing
from hypothesis import given, settings
from hypothesis import strategies as st

import standards
from standards import generate
from standards.generate_pattern import CannotGenerate, parsed, within, write
from standards.identifiers import is_resident_id, is_uscc
from tests.examples import examples

ALL = list(standards.REGISTRY)
NUMBER = re.compile(r"(?<![0-9])[1-9][0-9]{16}[0-9X](?![0-9])")
# What only our validator knows, since the other library asks for packages of their own: it is blind to these formats.
OURS_ALONE = {"format:date-time"}


@cache
def second_opinion(name: str) -> jsonschema.Draft202012Validator:
    formats = jsonschema.FormatChecker(formats=["date"])
    formats.checks("cn-resident-id")(is_resident_id)
    formats.checks("cn-uscc")(is_uscc)
    return jsonschema.Draft202012Validator(
        standards.get(name).schema, registry=referencing.Registry(), format_checker=formats
    )


@cache
def counter_examples(name: str) -> list[generate.CounterExample]:
    return generate.counter_examples(name, seed=1)


@pytest.mark.parametrize("variant", generate.VARIANTS)
@pytest.mark.parametrize("name", ALL)
def test_every_made_up_record_obeys_by_two_libraries(name: str, variant: generate.Variant) -> None:
    record = generate.record(name, 1, variant)
    assert standards.get(name).validator().errors(record) == []
    assert second_opinion(name).is_valid(record)


@pytest.mark.parametrize("name", ALL)
def test_every_counter_example_is_refused_by_two_libraries_for_the_rule_it_names(name: str) -> None:
    examples = counter_examples(name)
    assert len(examples) > len(standards.get(name).elements)
    assert {example.rule for example in examples} >= {"required", "unevaluatedProperties", "type"}
    seen: set[str] = set()
    for example in examples:
        (found,) = standards.get(name).validator().errors(example.record)
        assert (found.pointer, found.rule) == (example.pointer, example.rule)
        if example.rule not in seen:  # the second library is slow: one example of each rule
            assert second_opinion(name).is_valid(example.record) == (example.rule in OURS_ALONE)
            seen.add(example.rule)


@pytest.mark.parametrize("name", ALL)
def test_each_element_that_must_be_there_is_missed_in_one_counter_example(name: str) -> None:
    schema = standards.get(name).schema
    whole = generate.record(name, 1, "everything")
    lacking = [set(whole) - set(one.record) for one in counter_examples(name) if one.rule == "required"]
    for field in schema["required"]:
        assert {field} in lacking


@pytest.mark.parametrize("name", ALL)
def test_nobody_in_a_made_up_record_can_be_anybody(name: str) -> None:
    text = json.dumps(list(generate.records(name, 5, 30)), ensure_ascii=False)
    assert all(number.startswith("990101") for number in NUMBER.findall(text) if is_resident_id(number))


@given(seed=st.integers(0, 10**9), name=st.sampled_from(ALL), variant=st.sampled_from(generate.VARIANTS))
@settings(max_examples=examples(60), deadline=None)
def test_any_seed_gives_a_record_that_obeys_and_gives_it_again(seed: int, name: str, variant: generate.Variant) -> None:
    record = generate.record(name, seed, variant)
    assert standards.get(name).validator().ok(record)
    again = generate.record(standards.get(name), seed, variant)
    assert json.dumps(again) == json.dumps(record)


def test_different_seeds_give_different_people() -> None:
    people = {generate.record("person-basic/1.0.0", seed)["idNumber"] for seed in range(300)}
    assert len(people) > 295


def test_records_are_those_of_the_seed_however_many_are_taken() -> None:
    few, many = (list(generate.records("residence-record/1.0.0", 3, count)) for count in (2, 5))
    assert many[:2] == few


@pytest.mark.parametrize("name", ["person-basic/1.0.0"])
def test_within_one_record_birth_date_sex_and_number_agree(name: str) -> None:
    for record in generate.records(name, 11, 50):
        number = record["idNumber"]
        assert record["birthDate"].replace("-", "") == number[6:14]
        assert record["sex"] == ("1" if int(number[16]) % 2 else "2")


def test_required_has_no_more_than_it_must_and_everything_has_all() -> None:
    schema = standards.get("person-basic/1.0.0").schema
    assert list(generate.record(schema, 1, "required")) == [f for f in schema["properties"] if f in schema["required"]]
    assert list(generate.record(schema, 1, "everything")) == list(schema["properties"])


def test_shortest_and_longest_are_at_the_limits() -> None:
    shortest, longest = (generate.record("social-assistance/1.0.0", 1, each) for each in ("shortest", "longest"))
    assert len(shortest["caseId"]) == 1
    assert len(longest["caseId"]) == 64
    assert len(longest["householdMembers"]) == 30
    assert longest["monthlyAmount"] == longest["monthlyAmount"].rjust(13, "!")


# ── a schema nobody has written yet ───────────────────────────────────────────────────────────────────────────────────
def draft(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "unevaluatedProperties": False
    }  # fmt: skip


def test_a_draft_with_nested_objects_lists_numbers_and_truth_values() -> None:
    item = draft(code={"type": "string", "enum": ["a", "bb"]}, flag={"type": "boolean"})
    schema = draft(
        count={"type": "integer", "minimum": -3, "maximum": 3},
        rows={"type": "array", "minItems": 2, "maxItems": 4, "items": item},
        inner=draft(when={"type": "string", "format": "date-time", "maxLength": 35}),
    )
    validator = standards.Validator.of(schema)
    for variant in generate.VARIANTS:
        assert validator.ok(generate.record(schema, 4, variant))
    assert generate.record(schema, 4, "shortest")["count"] == -3
    assert len(generate.record(schema, 4, "longest")["rows"]) == 4
    rules = {(example.pointer, example.rule) for example in generate.counter_examples(schema, 4)}
    assert rules >= {
        ("/count", "minimum"), ("/count", "maximum"), ("/count", "type"), ("/rows", "minItems"), ("/rows", "maxItems"),
        ("/rows/0/flag", "type"), ("/rows/0/code", "enum"), ("/inner/when", "format:date-time"), ("/inner", "required"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "contradiction",
    [
        {"type": "string", "pattern": "^a{5}$", "maxLength": 3},
        {"type": "string", "format": "cn-uscc", "maxLength": 10},
        {"type": "integer", "minimum": 4, "maximum": 3},
        {"type": "array", "minItems": 3, "maxItems": 2, "items": {"type": "boolean"}},
        {"type": "string", "pattern": "^(?=a)a$", "maxLength": 3},
    ],
)
def test_what_no_record_can_satisfy_is_an_error_and_not_a_wrong_record(contradiction: dict[str, Any]) -> None:
    with pytest.raises(CannotGenerate):
        generate.record(draft(field=contradiction), 1)


@given(
    pattern=st.recursive(
        st.sampled_from(["a", "[0-9]", "[^a-z]", r"\d", r"[\u4e00-\u9fff]", "é"]),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
            st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,3}"])).map(lambda two: f"({two[0]}){two[1]}"),
        ),
        max_leaves=6,
    ),
    seed=st.integers(0, 1000),
)
@settings(max_examples=examples(150), deadline=None)
def test_a_text_written_for_a_pattern_matches_it_in_each_of_its_lengths(pattern: str, seed: int) -> None:
    node = parsed(f"^{pattern}$")
    for length in within(node, 0, 9):
        text = write(node, length, Random(seed))
        assert len(text) == length
        assert re.fullmatch(pattern, text)
