"""Questions answered by yes or no: only the answer leaves, the question is disclosed, too many are refused (T17)."""

from __future__ import annotations

import json

import pytest
from tongqu_client import errors

from tests.cast import AN, BO, LINDEN, POLICE
from tests.running import City

AGES = ("isSixteen", "isAdult", "isElderly", "isEighty", "isRegistered")


@pytest.mark.daily_on_one
def test_only_yes_or_no_leaves_and_log_and_receipt_name_the_question(city: City) -> None:
    agreement = city.cast.agreement(fields=(), predicates=("isAdult", "isElderly")).id
    answer = city.ask(agreement, predicates=["isAdult", "isElderly"])
    assert answer.data == [{"isAdult": True, "isElderly": False}]
    assert AN["birthDate"] not in json.dumps([answer.data, answer.withheld, answer.source])
    authorized, released = city.entries("exchange.authorized", "exchange.released")
    assert authorized["fields"] == released["fields"] == ["isAdult", "isElderly"]
    assert list(answer.verify().claims["fields"]) == ["isAdult", "isElderly"]


@pytest.mark.daily_on_one
def test_fields_and_questions_together(city: City) -> None:
    agreement = city.cast.agreement(fields=("name",), predicates=("isRegistered",)).id
    assert city.ask(agreement, fields=["name"], predicates=["isRegistered"]).data == [
        {"name": AN["name"], "isRegistered": True}
    ]
    assert city.ask(agreement).data == [{"name": AN["name"]}]  # who names nothing asks no question


@pytest.mark.daily_on_one
def test_a_question_that_was_not_granted_is_refused(city: City) -> None:
    agreement = city.cast.agreement(predicates=("isAdult",)).id
    for name in ("isElderly", "isRich"):
        with pytest.raises(errors.FieldNotCovered):
            city.ask(agreement, predicates=[name])
    assert not city.department.requests


def test_a_binary_search_for_the_age_ends_with_the_budget(city: City) -> None:
    agreement = city.cast.agreement(fields=(), predicates=AGES, questions=2).id
    learnt: dict[str, bool] = {}
    for name in AGES:
        try:
            learnt |= city.ask(agreement, predicates=[name]).data[0]
        except errors.QuestionBudgetSpent as error:
            assert error.rule == "R9" and error.status == 429
    assert len(learnt) == 2  # two bits, whatever is asked in whatever order
    assert city.ask(agreement, predicates=list(learnt)).found  # what was asked before may be asked again
    assert city.ask(agreement, BO["idNumber"], predicates=["isEighty"]).found  # each resident counts alone
    (spent, *_) = city.entries("exchange.refused")
    assert spent["decision"]["facts"]["questions_used"] == 2


@pytest.mark.daily_on_one
def test_the_budget_is_three_a_month_where_nothing_is_said(city: City) -> None:
    agreement = city.cast.agreement(fields=(), predicates=AGES).id
    assert city.ask(agreement, predicates=list(AGES[:3])).found
    with pytest.raises(errors.QuestionBudgetSpent):
        city.ask(agreement, predicates=[AGES[3]])
    with pytest.raises(errors.QuestionBudgetSpent):  # nor all at once, for somebody else
        city.ask(agreement, BO["idNumber"], predicates=list(AGES))


@pytest.mark.daily_on_one
def test_consent_to_the_question_is_enough_and_consent_to_another_is_none(city: City) -> None:
    agreement = city.cast.agreement(fields=("name",), predicates=("isAdult",), consent="required")
    with pytest.raises(errors.ConsentRequired):
        city.ask(agreement.id, predicates=["isAdult"])
    city.cast.consent(agreement, AN)
    assert city.ask(agreement.id, predicates=["isAdult"]).data == [{"isAdult": True}]


@pytest.mark.daily_on_one
def test_what_a_question_means_is_signed(city: City) -> None:
    agreement = city.cast.agreement(predicates=("isAdult",))
    (question,) = agreement.document["items"][0]["predicates"]
    assert question["name"] == "isAdult" and question["digest"].startswith("sha-256:")
    assert {LINDEN, POLICE} == {each.party for each in agreement.signatures}
