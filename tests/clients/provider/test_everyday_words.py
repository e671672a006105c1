"""Everyday words for codes: each points at an existing code, contradicts no list, and says when it is only near."""

from __future__ import annotations

import pytest
from tongqu_client.provider.mapping import everyday

from standards import codelists
from tests.clients.provider.test_never_too_sure import choices, numbers


@pytest.mark.parametrize("name", sorted(everyday.document()))
def test_every_word_points_at_a_code_of_its_list_and_at_no_other_than_the_list_says(name: str) -> None:
    found = codelists.get(name)
    spelt = found.lookup()
    for word, code in everyday.said(name).items():
        assert code in found.codes, word
        assert spelt.get(word, code) == code, word


@pytest.mark.parametrize(
    ("name", "word", "code"),
    [
        ("insurance-type", "企业职工基本养老", "pension-employee"),
        ("insurance-type", "失业保险（单位）", "unemployment"),
        ("gbt-2261.2-2003-marital-status", "未婚（独身）", "10"),
        ("gbt-2261.2-2003-marital-status", "离婚后再婚", None),  # two names
        ("insured-status", "未参保", None),  # it denies
        ("insured-status", "参", None),
        ("service-evaluation-grade", "满", None),
    ],
)
def test_what_is_near_one_name_alone(name: str, word: str, code: str | None) -> None:
    assert everyday.nearest(name, word) == code


def test_a_word_that_is_only_near_keeps_the_choice_from_being_certain() -> None:
    kinds = [("失业保险（单位）", "工伤保险")[index % 2] for index in range(40)]
    found = choices("social-insurance", {"身份证号": numbers(), "险种": kinds})["insuranceType"]
    assert found.fit is not None and found.fit.bad == 0
    assert found.certainty == "likely"
    assert "失业保险（单位）" in "".join(doubt.zh for doubt in found.doubts)


def test_a_word_that_everybody_says_does_not() -> None:
    said = [("结婚", "离异", "未婚")[index % 3] for index in range(40)]
    found = choices("person-basic", {"身份证号": numbers(), "婚姻状况": said})["maritalStatus"]
    assert found.certainty == "certain"
    (lookup,) = [step for step in found.rule["fn"] if step["fn"] == "lookup"]
    assert lookup["table"]["结婚"] == "20"
