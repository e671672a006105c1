"""Coverage C14: two notices that contradict each other are found from their fields; peaceful ones are left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import standards
from standards.notices import contradictions

FOLDER = Path(standards.__file__).parent / "examples" / "information-release" / "1.0.0" / "valid"
RULES = standards.get("information-release/1.0.0").validator()


def example(name: str) -> dict[str, Any]:
    notice: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return notice


BUREAU, STREET = example("whole-record"), example("contradicts-the-whole-record")


def street(**changes: Any) -> dict[str, Any]:
    changed = {**STREET, **changes}
    notice = {name: value for name, value in changed.items() if value is not None}
    assert RULES.errors(notice) == []
    return notice


def test_two_time_limits_for_one_item_are_flagged_with_both_sides() -> None:
    (found,) = contradictions([STREET, BUREAU])
    assert (found.first, found.second) == (BUREAU["releaseId"], STREET["releaseId"])  # the older first
    assert found.matter == BUREAU["matters"][0]["itemCode"]
    assert (found.aspect, found.values) == ("time-limit", ("20 工作日", "30 工作日"))
    assert found.stronger == BUREAU["releaseId"]
    assert all(name in found.zh and name in found.en for name in (found.first, found.second))


def test_nobody_is_stronger_where_both_or_neither_are_in_charge() -> None:
    (found,) = contradictions([BUREAU, street(competent=True)])
    assert found.stronger is None


PEACEFUL: dict[str, dict[str, Any]] = {
    "the same thing is stated": {"statements": [{"aspect": "time-limit", "value": "20", "unit": "工作日"}]},
    "another aspect": {"statements": [{"aspect": "hours", "value": "9:00-17:00"}]},
    "one of the values is shared": {
        "statements": [
            {"aspect": "time-limit", "value": "20", "unit": "工作日"},
            {"aspect": "time-limit", "value": "15", "unit": "工作日"},
        ]
    },
    "nothing is stated": {"statements": None},
    "another matter": {"matters": [{"itemCode": "990199QR00112233002", "name": "临时救助申请"}]},
    "a matter known by name only": {"matters": [{"name": "最低生活保障申请"}]},
    "another street": {"divisionCode": "990299001"},
    "before the other began": {"validFrom": "2025-01-01", "validTo": "2026-03-09"},
    "after the other ended": {"validFrom": "2028-03-10"},
    "expired": {"status": "expired"},
    "it supersedes the other": {"supersedes": [{"releaseId": BUREAU["releaseId"], "extent": "part"}]},
}


@pytest.mark.parametrize("case", PEACEFUL)
def test_no_contradiction_where(case: str) -> None:
    assert contradictions([BUREAU, street(**PEACEFUL[case])]) == []


CONTRADICTING: dict[str, dict[str, Any]] = {
    "valid on one common day": {"validFrom": "2028-03-09"},
    "valid without end": {"validTo": None},
    "without a first day, from its publication": {"validFrom": None},
    "for the whole city": {"divisionCode": "990199"},
    "another unit": {"statements": [{"aspect": "time-limit", "value": "20", "unit": "日"}]},
    "one of several matters": {"matters": [{"name": "临时救助"}, BUREAU["matters"][0]]},
    "it supersedes something else": {"supersedes": [{"releaseId": "990199-CG-2020-0001", "extent": "whole"}]},
}


@pytest.mark.parametrize("case", CONTRADICTING)
def test_a_contradiction_where(case: str) -> None:
    assert len(contradictions([BUREAU, street(**CONTRADICTING[case])])) == 1


def test_a_matter_without_a_code_is_compared_by_name() -> None:
    notices = [street(releaseId=name, matters=[{"name": "停水"}]) for name in ("a", "b")]
    notices[1]["statements"] = [{"aspect": "time-limit", "value": "8", "unit": "小时"}]
    assert [found.matter for found in contradictions(notices)] == ["停水"]


VALUES = st.lists(st.sampled_from(["10", "20", "30"]), min_size=1, max_size=5)


@given(VALUES, st.randoms())
def test_the_order_of_the_notices_does_not_matter(values: list[str], random: Any) -> None:
    notices = [
        {**STREET, "releaseId": f"n{number}", "statements": [{"aspect": "fee", "value": value}]}
        for number, value in enumerate(values)
    ]
    shuffled = list(notices)
    random.shuffle(shuffled)
    expected = sum(a != b for i, a in enumerate(values) for b in values[i + 1 :])
    assert contradictions(shuffled) == contradictions(notices)
    assert len(contradictions(notices)) == expected
