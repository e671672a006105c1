"""Asking a resident: only what the agreement gives with consent, and only by who will use it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import Forbidden, InvalidRequest, NotFound, WrongState
from gateway.lib.canonical_json import digest
from tests.gateway.agreements.people import BUREAU, NEIGHBOUR, POLICE, STREET, caller
from tests.gateway.consent.people import NOTICE, RESIDENT, SCHEME, Counter, asked


@pytest.mark.daily_on_one
def test_the_record_says_what_was_asked_and_never_of_whom(counter: Counter) -> None:
    consent = counter.requested()
    record = consent.record
    assert consent.state == "requested"
    assert record["subject"] == counter.subject()
    assert record["agreement"] == {"id": counter.agreement.id, "digest": counter.agreement.digest}
    assert record["data"] == [{"standard": "person-basic/1.0.0", "fields": ["birthDate", "name", "phone"]}]
    assert record["notice"] == NOTICE
    assert consent.digest == digest(record)
    assert RESIDENT not in repr(consent) + str(record)


def test_asking_is_an_entry_and_a_revision(counter: Counter) -> None:
    consent = counter.requested()
    entry = counter.town.entries()[-1]
    assert entry["type"] == "consent.requested"
    assert entry["consent"] == {"id": consent.id, "digest": consent.digest}
    assert entry["subject"] == counter.subject()
    assert counter.revision() == 1
    assert consent.events[0].log_index == len(counter.town.entries()) - 1


@pytest.mark.daily_on_one
def test_less_than_the_agreement_gives_may_be_asked(counter: Counter) -> None:
    consent = counter.requested(data=[{"standard": "person-basic/1.0.0", "fields": ["name"]}])
    assert consent.covers(["name"])
    assert not consent.covers(["name", "phone"])


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a field not granted": (
        {"data": [{"standard": "person-basic/1.0.0", "fields": ["name", "nationality"]}]},
        "/data/0/fields/1",
    ),
    "a standard not agreed": ({"data": [{"standard": "pets/1.0.0", "fields": ["name"]}]}, "/data/0/standard"),
    "a standard twice": ({"data": [{"standard": "person-basic/1.0.0", "fields": ["name"]}] * 2}, "/data/1/standard"),
    "another purpose": ({"purposes": ["dibao.initial", "curiosity"]}, "/purposes/1"),
    "an end in the past": ({"validity": {"from": None, "until": datetime(2026, 1, 1, tzinfo=UTC)}}, "/validity/until"),
    "an end before the beginning": (
        {"validity": {"from": datetime(2027, 6, 2, tzinfo=UTC), "until": datetime(2027, 6, 1, tzinfo=UTC)}},
        "/validity/until",
    ),
    "longer than the agreement": (
        {"validity": {"from": None, "until": datetime(2028, 6, 1, tzinfo=UTC)}},
        "/validity/until",
    ),
    "another way of naming people": ({"subject": {"scheme": "cn.uscc", "id": RESIDENT}}, "/subject/scheme"),
    "a way nobody knows": ({"subject": {"scheme": "nickname", "id": "x"}}, "/subject/scheme"),
    "a wrong check digit": ({"subject": {"scheme": SCHEME, "id": RESIDENT[:-1] + "8"}}, "/subject/id"),
    "a number too short": ({"subject": {"scheme": SCHEME, "id": "990101"}}, "/subject/id"),
}


@pytest.mark.daily_on_one
def test_what_cannot_be_asked_is_refused_by_its_place(counter: Counter, subtests: pytest.Subtests) -> None:
    for fault, (changes, place) in FAULTS.items():
        with subtests.test(fault):
            with pytest.raises(InvalidRequest) as refused:
                counter.requested(**changes)
            assert place in [error["pointer"] for error in refused.value.members["errors"]]
            assert RESIDENT[:17] not in repr(refused.value.members) + str(refused.value)
    assert counter.events() == []


@pytest.mark.daily_on_one
def test_nobody_is_asked_for_a_consent_that_changes_nothing(counter: Counter) -> None:
    without = counter.town.active()
    with pytest.raises(InvalidRequest) as refused:
        counter.consents.request(caller(STREET), asked(without))
    assert "/agreement_id" in [error["pointer"] for error in refused.value.members["errors"]]


@pytest.mark.daily_on_one
def test_only_the_consumer_asks(counter: Counter) -> None:
    request = asked(counter.agreement)
    with pytest.raises(Forbidden):
        counter.consents.request(caller(POLICE), request)
    for stranger in (NEIGHBOUR, BUREAU):
        with pytest.raises(NotFound):
            counter.consents.request(caller(stranger), request)


@pytest.mark.daily_on_one
def test_nothing_is_asked_under_an_agreement_that_does_not_stand(counter: Counter) -> None:
    counter.town.agreements.suspend(caller(POLICE), counter.agreement.id)
    with pytest.raises(WrongState):
        counter.requested()
    with pytest.raises(NotFound):
        counter.consents.request(caller(STREET), asked(counter.agreement, agreement_id="agr_" + "0" * 26))
