"""Questions answered by yes or no: what each file may say, and what each test answers."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards import predicates, registry

TODAY = date(2026, 11, 26)
FILES = sorted(predicates.FOLDER.glob("*.json"))
PERSON = predicates.of("person-basic/1.0.0")
ASSISTANCE = predicates.of("social-assistance/1.0.0")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_is_sound_and_named_after_its_standard(path: Any) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert predicates.problems(document) == []
    assert document["standard"].split("/")[0] == path.stem


@pytest.mark.parametrize(
    ("born", "adult"),
    [("2008-11-26", True), ("2008-11-27", False), ("2008-02-29", True), ("1930-01-01", True), ("2026-11-26", False)],
)
def test_of_age_on_the_birthday_itself(born: str, adult: bool) -> None:
    assert PERSON["isAdult"].answer({"birthDate": born}, TODAY) is adult


@given(st.dates(date(1900, 1, 1), TODAY))
def test_older_questions_imply_the_younger(born: date) -> None:
    record = {"birthDate": born.isoformat()}
    ages = [PERSON[name].answer(record, TODAY) for name in ("isSixteen", "isAdult", "isElderly", "isEighty")]
    assert ages == sorted(ages, reverse=True)


@pytest.mark.parametrize(
    ("income", "below"), [("1329.99", True), ("1330.00", False), ("0.00", True), ("9999.00", False)]
)
def test_below_the_line_is_below_it_to_the_cent(income: str, below: bool) -> None:
    assert ASSISTANCE["incomeBelowLine"].answer({"familyMonthlyIncomePerHead": income}, TODAY) is below


def test_what_the_record_does_not_say_is_answered_by_neither() -> None:
    assert PERSON["isAdult"].answer({}, TODAY) is None
    assert ASSISTANCE["incomeBelowLine"].answer({}, TODAY) is None
    assert predicates.of("residence-record/1.0.0")["isLocalResident"].answer({}, TODAY) is True  # not left: lives here


def test_the_digest_is_of_what_the_question_means() -> None:
    digests = {each.digest for name in registry.names() for each in predicates.of(f"{name}/1.0.0").values()}
    assert len(digests) == sum(len(json.loads(path.read_text(encoding="utf-8"))["predicates"]) for path in FILES)
    assert predicates.of("person-basic/9.9.9") == {}


# standard, question, a field's value, the answer; None: the record does not say
ANSWERS: list[tuple[str, str, Any, bool | None]] = [
    ("marriage-record", "isMarried", "23", True),
    ("marriage-record", "isMarried", "40", False),
    ("marriage-record", "isMarried", None, None),
    ("elderly-disability", "isDisabled", "7", True),
    ("elderly-disability", "isDisabled", None, None),
    ("elderly-disability", "isSeverelyDisabled", "2", True),
    ("elderly-disability", "isSeverelyDisabled", "3", False),
    ("elderly-disability", "isWhollyImpaired", "4", True),
    ("elderly-disability", "isWhollyImpaired", "3", False),
    ("elderly-disability", "livesAlone", True, True),
    ("elderly-disability", "livesAlone", False, False),
    ("elderly-disability", "livesAlone", None, None),
    ("employment", "isNotEmployed", "none", True),
    ("employment", "isNotEmployed", "unit", False),
    ("employment", "isHardToEmploy", "older", True),
    ("employment", "isHardToEmploy", None, None),
    ("social-insurance", "isInsured", "active", True),
    ("social-insurance", "isInsured", "retired", False),
    ("social-insurance", "drawsBenefits", "retired", True),
    ("social-insurance", "hasPaidTwelveMonths", 12, True),
    ("social-insurance", "hasPaidTwelveMonths", 11, False),
    ("social-insurance", "hasPaidFifteenYears", 180, True),
    ("social-insurance", "hasPaidFifteenYears", 179, False),
    ("market-entity", "isExisting", "existing", True),
    ("market-entity", "isExisting", "revoked", False),
    ("market-entity", "isListedAbnormal", True, True),
    ("market-entity", "isListedAbnormal", None, None),
]


@pytest.mark.parametrize(("standard", "name", "value", "answer"), ANSWERS)
def test_each_answers_what_its_title_says(standard: str, name: str, value: Any, answer: bool | None) -> None:
    question = predicates.of(f"{standard}/1.0.0")[name]
    assert question.answer({} if value is None else {question.field: value}, TODAY) is answer


def test_every_code_of_hardship_is_hardship() -> None:
    codes = registry.get("employment/1.0.0").element("hardshipGroup").schema["enum"]
    question = predicates.of("employment/1.0.0")["isHardToEmploy"]
    assert all(question.answer({"hardshipGroup": code}, TODAY) for code in codes)


GOOD: dict[str, Any] = {"name": "isX", "title_zh": "是否", "title_en": "Is it", "basis": "依据", "field": "birthDate"}
WRONG: dict[str, dict[str, Any]] = {
    "a field of the standard": GOOD | {"name": "birthDate", "test": {"age_at_least": 18}},
    "no such field": GOOD | {"field": "income", "test": {"below": "1.00"}},
    "an age of a name": GOOD | {"field": "name", "test": {"age_at_least": 18}},
    "a code that there is not": GOOD | {"field": "personStatus", "test": {"one_of": ["alive"]}},
    "yes or no of a date": GOOD | {"test": {"is": True}},
    "two tests": GOOD | {"test": {"age_at_least": 18, "absent": True}},
    "a comparison that the caller chooses": GOOD | {"test": {"age_at_least": {"$param": "age"}}},
    "an expression": GOOD | {"test": {"eval": "__import__('os')"}},
}


@pytest.mark.parametrize("defect", WRONG)
def test_what_is_no_question(defect: str) -> None:
    assert predicates.problems({"standard": "person-basic/1.0.0", "predicates": [WRONG[defect]]})
