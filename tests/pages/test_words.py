"""Type and limits of every element in words; marks in a record; where an authority is split into offices."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pages.public import samples, words
from gateway.pages.public.library import offices
from gateway.pages.public.words import Text
from standards import REGISTRY

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("standard", REGISTRY)
def test_each_element_has_a_form_in_both_languages(standard: str) -> None:
    for element in REGISTRY[standard].elements:
        kind = words.kind(element)
        assert kind.zh and kind.en and "None" not in kind.zh + kind.en, element.path
        assert element.sensitivity in words.SENSITIVITY and (element.mask is None or element.mask in words.MASKS)
        assert element.sensitivity_category is None or element.sensitivity_category in words.CATEGORIES


@pytest.mark.parametrize(
    ("schema", "zh", "en"),
    [
        ({"type": "boolean"}, "是或否", "yes or no"),
        ({"type": "integer", "minimum": 0, "maximum": 9}, "整数，0 至 9", "whole number, 0 to 9"),
        ({"type": "integer", "minimum": 0}, "整数，不小于 0", "whole number, 0 or more"),
        ({"type": "string", "pattern": "^[0-9]{6}$", "maxLength": 6}, "6 位数字", "6 digits"),
        ({"type": "string", "minLength": 2, "maxLength": 2}, "文本，2 个字符", "text, 2 characters"),
        ({"type": "string", "enum": ["a", "b"]}, "固定取值，2 个取值之一", "fixed value, one of 2"),
        (
            {"type": "array", "maxItems": 3, "items": {"type": "boolean"}},
            "列表，最多 3 项，每项为是或否",
            "list, at most 3 items, each yes or no",
        ),
    ],
)
def test_limits_are_said_in_words(schema: dict[str, Any], zh: str, en: str) -> None:
    assert words.kind_of(schema) == (zh, en)


@given(JSON)
def test_the_lines_of_a_record_are_the_record(record: Any) -> None:
    text = "\n".join(
        ("" if line.name is None else json.dumps(line.name) + ":") + line.text for line in samples.lines(record)
    )
    assert json.loads(text) == record


def test_the_marked_lines_are_those_of_the_pointers() -> None:
    record = {"a": {"b/c": [1, 2]}, "d": "x"}
    assert [line.text for line in samples.lines(record, {"/a/b~1c/1", "/d"}) if line.wrong] == ["2", '"x"']


def test_an_authority_of_several_offices_is_split() -> None:
    assert offices(
        "民政（老年）/ 残联（残疾）", "Civil affairs (elderly) / disabled persons’ federation (disability)"
    ) == [
        Text("民政", "Civil affairs"),
        Text("残联", "Disabled persons’ federation"),
    ]
    assert offices("甲 / 乙", "One office") == [Text("甲 / 乙", "One office")]


def test_a_description_of_one_language_stands_for_both() -> None:
    assert words.halves("只有中文。") == ("只有中文。", "只有中文。")
    assert words.halves("中文。 / English.") == ("中文。", "English.")
