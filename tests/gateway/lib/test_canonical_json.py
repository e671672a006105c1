"""One spelling for each value, whichever way it is written; and one reading of each text, whichever way it is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.lib.canonical_json import MAX_DEPTH, MAX_NODES, MalformedJson, NotCanonical, canonical, strict_loads
from tests.examples import examples

# Names beyond ASCII, numbers of every kind, controls, and the letters of the supplementary planes, which sort
# differently as UTF-16 and as UTF-8.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats())
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)


def independent(value: Any) -> bytes | None:
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        return None


@settings(max_examples=examples(1500), deadline=None)
@given(VALUES)
@example({"b": 1, "a": {"d": [True, None], "c": '\x00\x1f\x7f"\\/\b\t\n\f\r\u2028'}})
@example({"\ufb33": 1, "\U0001f600": 2})
@example({"n": -0.0, "m": 1.0, "l": 1e21, "k": 10**15})
@example({"n": 2**53 - 1, "m": -(2**53) + 1})
def test_a_value_is_written_as_the_standard_says(value: Any) -> None:
    expected = independent(value)
    if expected is None:
        with pytest.raises(NotCanonical):
            canonical(value)
    else:
        assert canonical(value) == expected


def test_what_is_no_json_is_not_written() -> None:
    for value in ({1: "a"}, {"a": {1, 2}}, {"a": b"b"}, 2**53, float("nan"), "\ud800", {"\ud800": 1}):
        with pytest.raises(NotCanonical):
            canonical(value)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NotCanonical):
        canonical(endless)


def test_tuples_are_lists() -> None:
    assert canonical({"b": (1, "x"), "a": ()}) == b'{"a":[],"b":[1,"x"]}'


@settings(max_examples=examples(800), deadline=None)
@given(VALUES, st.sampled_from([None, 1]), st.booleans(), st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "\n:")]))
def test_a_text_is_read_as_it_was_written(value: Any, indent: int | None, ascii_only: bool, separators: Any) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, separators=separators)
    if "NaN" in text or "Infinity" in text:
        return
    assert repr(strict_loads(text)) == repr(value)  # repr: 1 is not 1.0 and 0.0 is not -0.0


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a" : 1, "a" : 1}',
        '{"a":1,"\\u0061":2}',
        '{"a":{"b":1,"c":2,"b":1}}',
        '[{"x":[{"a":"","a":""}]}]',
        '{"a b":1,"a b":1}',
        '{"":1,"":1}',
        '{"a":1,"b":2,"a":12345678901234567890123}',
    ],
)
def test_a_name_twice_is_refused(text: str) -> None:
    with pytest.raises(MalformedJson, match="twice"):
        strict_loads(text)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '"\\ud800"', "{} {}", "", "\ufeff{}", '{"a":1,}', "01", b'"\xff"']
)
def test_what_readers_disagree_on_is_refused(text: str | bytes) -> None:
    with pytest.raises(MalformedJson):
        strict_loads(text)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 300, 100_000])
def test_bottomless_nesting_is_refused(depth: int) -> None:
    with pytest.raises(MalformedJson):
        strict_loads("[" * depth + "]" * depth)
    assert strict_loads("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None


@pytest.mark.parametrize("length", [10, 10_000])
def test_nesting_is_bounded_beside_a_text_of_any_length(length: int) -> None:
    text = "[" * length  # brackets within a text nest nothing
    inner = {"a": [text]}
    for _ in range(MAX_DEPTH - 2):
        inner = {"a": inner}  # type: ignore[dict-item]
    assert strict_loads(canonical(inner)) == inner
    with pytest.raises(MalformedJson):
        strict_loads(canonical([inner]))


def test_too_many_values_are_refused() -> None:
    assert len(strict_loads("[" + ",".join(["1"] * (MAX_NODES - 1)) + "]")) == MAX_NODES - 1
    with pytest.raises(MalformedJson):
        strict_loads("[" + ",".join(["1"] * MAX_NODES) + "]")


def test_long_numbers_keep_all_their_digits() -> None:
    for number in (2**64, -(2**64), 12345678901234567890123):
        assert strict_loads(f'{{"a":{number}}}') == {"a": number}
        assert strict_loads(f'{{"a": {number}, "b": 1.5}}') == {"a": number, "b": 1.5}
