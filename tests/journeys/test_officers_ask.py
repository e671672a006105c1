"""Rules R6, R7, R9, R10 and R12 over HTTP: who asks, how they signed in, how often, and about whom they must not."""

from __future__ import annotations

import time
import uuid

import pytest
from tongqu_client import errors

from gateway.errors import Forbidden, NotFound
from gateway.exchange.likeness import SURNAMES
from gateway.exchange.persons import second
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339
from tests.cast import (
    AN,
    BO,
    BUREAU,
    CASE,
    LINDEN,
    MAPLE,
    NOBODY,
    POLICE,
    PURPOSE,
    SCHEME,
    STANDARD,
    key_of,
    resident,
    resident_check_digit,
)
from tests.journeys.officers import ask, officer
from tests.running import City

pytestmark = pytest.mark.any_database

OFFICERS_ONLY = {"roles": ["counter"], "min_acr": "aal2", "max_auth_age": 3600}
AN_ID = {"scheme": SCHEME, "id": AN["idNumber"]}


def test_an_officer_with_the_role_who_signed_in_well_and_lately_is_answered(city: City) -> None:
    agreement = city.cast.agreement(access=OFFICERS_ONLY).id
    assert ask(city, agreement, officer(city)).found
    (entry,) = city.entries("exchange.authorized")
    assert entry["actor"]["officer"] == city.cast.officers[f"{LINDEN}/clerk"]
    said = entry["decision"]["facts"]["officer"]
    assert said["roles"] == ["counter"] and said["acr"] == "aal2" and said["case"] is said["subject"] is True


def test_every_other_is_refused_by_the_rule(city: City) -> None:
    agreement = city.cast.agreement(access=OFFICERS_ONLY).id
    for who, refused in (
        (None, errors.OfficerRequired),
        (officer(city, roles=("archive",)), errors.RoleNotCovered),
        (officer(city, acr="aal1"), errors.SignInTooWeak),
        (officer(city, auth_time=time.time() - 7200), errors.SignInTooOld),
    ):
        with pytest.raises(refused) as caught:
            ask(city, agreement, who)
        assert caught.value.rule == "R6"
    assert not city.department.requests and len(city.entries("exchange.refused")) == 4


def test_an_officer_who_walks_the_numbers_is_stopped_and_an_alarm_is_raised(city: City) -> None:
    """Threat T16."""
    agreement = city.cast.agreement(access={"per_officer": {"per_hour": 5, "per_day": 8}}).id
    who = officer(city, bind=False)
    answered = 0
    for number in range(100, 120):
        try:
            ask(city, agreement, who, resident(number, "甲")["idNumber"])
            answered += 1
        except errors.OfficerQuotaExceeded as error:
            assert error.rule == "R9" and error.status == 429
    assert answered == 5 and len(city.entries("exchange.refused")) == 15
    (alarm,) = city.entries("alarm.raised")  # one for the walk, not fifteen
    assert alarm["code"] == "officer_quota_exceeded" and alarm["actor"]["officer"] == who.id
    assert ask(city, agreement, officer(city, "witness")).found  # a colleague is not stopped


def test_neighbouring_numbers_and_one_surname_raise_an_alarm_though_the_log_holds_neither(city: City) -> None:
    """Threat T16: each of them is a lawful query; together they are a walk through a family, or through a register."""
    agreement, who = city.cast.agreement().id, officer(city, "clerk", bind=False)
    for number in range(SURNAMES):
        person = resident(112 + 336 * (number % 2), f"欧阳{'甲乙丙丁戊己庚辛'[number]}")
        first17 = person["idNumber"][:14] + f"{500 + number}"
        person["idNumber"] = first17 + resident_check_digit(first17)
        city.department.people[person["idNumber"]] = [person]
        assert ask(city, agreement, who, person["idNumber"]).found
    alarms = city.entries("alarm.raised")
    assert [(each["code"], each["actor"]["officer"]) for each in alarms] == [
        ("sequence", who.id),
        ("same_surname", who.id),
    ]
    assert "欧阳" not in repr(city.gateway.entries())
    found = {each.rule for each in city.gateway.deps.watch.anomalies() if each.officer == who.id}
    assert {"sequence", "same_surname"} <= found
    assert ask(city, agreement, officer(city, "witness")).found and len(city.entries("alarm.raised")) == 2


def test_a_use_of_which_nothing_came_is_given_back_to_the_officer(city: City) -> None:
    agreement = city.cast.agreement(access={"per_officer": {"per_hour": 1}}).id
    city.department.behave("server_error")
    with pytest.raises(errors.ProviderError):
        ask(city, agreement, officer(city))
    city.department.behave("good")
    assert ask(city, agreement, officer(city)).found
    with pytest.raises(errors.OfficerQuotaExceeded):
        ask(city, agreement, officer(city))


def test_nobody_looks_up_themselves_or_whom_they_declared(city: City) -> None:
    agreement, persons = city.cast.agreement().id, city.gateway.deps.persons
    who, caller = officer(city, "witness"), city.cast.caller(LINDEN)
    persons.declare(caller, who.id, AN_ID, "self")
    persons.declare(caller, who.id, {"scheme": SCHEME, "id": BO["idNumber"]}, "declared")
    with pytest.raises(errors.OwnRecord):
        ask(city, agreement, who)
    with pytest.raises(errors.ConflictOfInterest):
        ask(city, agreement, who, BO["idNumber"])
    assert ask(city, agreement, officer(city)).found  # the colleague
    assert {each["code"] for each in city.entries("alarm.raised")} == {"own_record", "conflict_of_interest"}
    assert all("subject" not in each for each in city.entries("conflict.declared"))
    for person in (AN_ID, {"scheme": SCHEME, "id": BO["idNumber"]}):
        persons.withdraw(city.cast.caller(BUREAU), who.id, person)
    assert ask(city, agreement, who).found  # what is kept in memory follows


def test_only_ones_own_office_declares_and_only_the_bureau_takes_back(city: City) -> None:
    persons, who = city.gateway.deps.persons, city.cast.officers[f"{LINDEN}/clerk"]
    with pytest.raises(NotFound):
        persons.declare(city.cast.caller(MAPLE), who, AN_ID, "declared")
    with pytest.raises(Forbidden):
        persons.withdraw(city.cast.caller(LINDEN), who, AN_ID)
    for party in (LINDEN, POLICE):
        with pytest.raises(Forbidden):
            persons.protect(city.cast.caller(party), AN_ID)


def test_a_protected_person_takes_a_second_officer_for_this_very_question(city: City) -> None:
    agreement, persons = city.cast.agreement().id, city.gateway.deps.persons
    bureau, first = city.cast.caller(BUREAU), officer(city)

    def word(by: str = "witness", **changes: str) -> str:
        said = {
            "agreement": agreement,
            "standard": STANDARD,
            "purpose": PURPOSE,
            "case": CASE,
            "subject": AN_ID,
            "for": first.id,
            "at": rfc3339(city.gateway.clock.now()),
        }
        return key_of(f"{LINDEN}/{by}").sign_payload(second.TYPE, canonical(said | changes))

    persons.protect(bureau, AN_ID)
    try:
        wrong = (None, word(by="clerk"), word(at="2026-01-01T00:00:00.000Z"), word(case="SQ-0"), "a.b.c")
        wrong += (word(at="0001-01-01T00:00:00+14:00"), word(at="9999-12-31T23:59:59-14:00"))  # in UTC there is none
        for given in wrong:
            with pytest.raises(errors.ProtectedPerson):
                ask(city, agreement, first, second=given)
        assert {each["code"] for each in city.entries("alarm.raised")} == {"protected_person"}
        assert ask(city, agreement, first, second=word()).found
        (entry,) = city.entries("exchange.authorized")
        facts = entry["decision"]["facts"]
        assert facts["protected"] is True and facts["second"] == city.cast.officers[f"{LINDEN}/witness"]
        assert ask(city, agreement, first, BO["idNumber"]).found  # everybody else as ever
    finally:
        persons.unprotect(bureau, AN_ID)
    assert ask(city, agreement, first).found


def test_a_system_and_one_officer_are_not_two_people(city: City) -> None:
    agreement, persons, bureau = city.cast.agreement().id, city.gateway.deps.persons, city.cast.caller(BUREAU)
    said = {"agreement": agreement, "standard": STANDARD, "purpose": PURPOSE, "case": CASE, "subject": AN_ID}
    alone = canonical(said | {"for": None, "at": rfc3339(city.gateway.clock.now())})
    persons.protect(bureau, AN_ID)
    try:
        with pytest.raises(errors.ProtectedPerson):
            ask(city, agreement, None, second=key_of(f"{LINDEN}/witness").sign_payload(second.TYPE, alone))
    finally:
        persons.unprotect(bureau, AN_ID)
    assert not city.department.requests


def test_explaining_does_not_tell_who_is_protected_or_related_to_whom(city: City) -> None:
    """It leaves no entry and raises no alarm; so it must not answer what a query answers with both."""
    agreement, persons = city.cast.agreement().id, city.gateway.deps.persons
    bureau, who = city.cast.caller(BUREAU), officer(city, "witness")
    client = city.client().as_officer(who)
    asked = {"agreement": agreement, "purpose": PURPOSE, "case": CASE}
    persons.protect(bureau, AN_ID)
    persons.declare(city.cast.caller(LINDEN), who.id, {"scheme": SCHEME, "id": BO["idNumber"]}, "declared")
    try:
        told = [client.explain(STANDARD, subject={SCHEME: each["idNumber"]}, **asked) for each in (AN, BO)]
        assert all(each.permitted for each in told)
        with pytest.raises(errors.ProtectedPerson):
            ask(city, agreement, who)
        with pytest.raises(errors.ConflictOfInterest):
            ask(city, agreement, who, BO["idNumber"])
    finally:
        persons.unprotect(bureau, AN_ID)
        persons.withdraw(bureau, who.id, {"scheme": SCHEME, "id": BO["idNumber"]})


def test_a_colleague_does_not_get_an_answer_by_somebody_elses_key(city: City) -> None:
    """An answer kept for a retry goes to the officer who asked; whoever else sees it has asked, and is written down."""
    agreement = city.cast.agreement(access={"per_officer": {"per_hour": 1}}).id
    key = str(uuid.uuid4())
    first = ask(city, agreement, officer(city), idempotency_key=key)
    assert ask(city, agreement, officer(city), idempotency_key=key).request_id == first.request_id
    with pytest.raises(errors.IdempotencyMismatch):
        ask(city, agreement, officer(city, "witness"), idempotency_key=key)
    assert ask(city, agreement, officer(city, "witness")).found
    asked = [entry["actor"]["officer"] for entry in city.entries("exchange.authorized")]
    assert asked == [city.cast.officers[f"{LINDEN}/{name}"] for name in ("clerk", "witness")]


def test_an_assertion_is_good_for_its_case_and_its_resident_only(city: City) -> None:
    """The token of a bound officer, used by hand for another case and another resident."""
    agreement = city.cast.agreement().id
    client = city.client().as_officer(officer(city))
    grant = client._grant(
        {"agreement": agreement, "purpose": PURPOSE, "standard": STANDARD, "case": CASE, "subject": AN_ID}
    )
    body = {"agreement": agreement, "standard": STANDARD, "purpose": PURPOSE, "case": CASE, "subject": AN_ID}
    client._wire.call("POST", "/v1/queries", grant, body=body)
    with pytest.raises(errors.CaseMismatch):
        client._wire.call("POST", "/v1/queries", grant, body=body | {"case": "SQ-OTHER"})
    with pytest.raises(errors.SubjectMismatch):
        client._wire.call("POST", "/v1/queries", grant, body=body | {"subject": AN_ID | {"id": NOBODY}})
