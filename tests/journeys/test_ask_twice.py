"""Who lost an answer asks again with the same key and gets the same answer, released once; see idempotency.py."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tongqu_client import Answer, errors

from gateway.exchange.fairness import Admission
from tests.cast import AN, BO, LINDEN, MAPLE
from tests.running import City

PLACES = 3


def key() -> str:
    return str(uuid.uuid4())


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def same(first: Answer, second: Answer) -> bool:
    return (first.data, first.log_index, first.request_id, first.source, first.withheld) == (
        second.data,
        second.log_index,
        second.request_id,
        second.source,
        second.withheld,
    )


def test_the_same_key_brings_the_same_answer_and_asks_nobody_again(city: City) -> None:
    agreement = city.cast.agreement(quota={"unit": "day", "max": 1})
    mine = key()
    first = city.ask(agreement.id, idempotency_key=mine)
    city.department.behave("hang")
    second = city.ask(agreement.id, idempotency_key=mine)
    assert same(first, second) and second.verify().claims["query"] == first.request_id
    assert len(city.department.requests) == len(city.entries("exchange.authorized")) == 1
    assert len(city.entries("exchange.released")) == 1


@pytest.mark.daily_on_one
def test_impatient_callers_keep_nobody_else_waiting(own_city: City) -> None:
    """Whoever asks again while the first answer is on its way waits for the department, not in the others' turn."""
    city, go, mine = own_city, threading.Event(), key()
    exchange = city.gateway.deps.exchange
    exchange.admission = Admission(per_second=0, burst=1, max_under_way=100, places=PLACES)
    asked, theirs = city.cast.agreement().id, city.cast.agreement(consumer=MAPLE).id
    city.department.on_request = lambda received: AN["idNumber"] in received.body.decode() and go.wait(20)

    def ask() -> Answer:
        return city.ask(asked, idempotency_key=mine)

    with ThreadPoolExecutor() as threads:
        try:
            first = threads.submit(ask)
            wait_until(lambda: len(city.department.requests) == 1)
            again = [threads.submit(ask) for _ in range(PLACES)]
            wait_until(lambda: exchange.admission.under_way == 1 + PLACES)
            assert city.ask(theirs, BO["idNumber"], party=MAPLE).found
        finally:
            go.set()
        assert all(same(first.result(), each.result()) for each in again)
    assert len(city.entries("exchange.released")) == 2


@pytest.mark.daily_on_one
def test_another_key_is_another_query(city: City) -> None:
    agreement = city.cast.agreement()
    assert not same(city.ask(agreement.id), city.ask(agreement.id))
    assert len(city.entries("exchange.released")) == 2


def test_the_answer_outlives_a_restart(own_city: City) -> None:
    agreement = own_city.cast.agreement()
    mine = key()
    first = own_city.ask(agreement.id, idempotency_key=mine)
    own_city.gateway.restart()
    second = own_city.ask(agreement.id, idempotency_key=mine)
    assert same(first, second) and second.verify()
    assert len(own_city.department.requests) == 1


@pytest.mark.daily_on_one
def test_the_same_key_with_another_question_is_refused(city: City) -> None:
    agreement = city.cast.agreement()
    mine = key()
    city.ask(agreement.id, idempotency_key=mine)
    with pytest.raises(errors.IdempotencyMismatch) as caught:
        city.ask(agreement.id, BO["idNumber"], idempotency_key=mine)
    assert caught.value.status == 422 and caught.value.detail_zh and caught.value.request_id
    with pytest.raises(errors.IdempotencyMismatch):
        city.ask(agreement.id, fields=["name"], idempotency_key=mine)
    assert len(city.department.requests) == 1


@pytest.mark.daily_on_one
def test_two_offices_with_the_same_key_do_not_meet(city: City) -> None:
    ours, theirs = city.cast.agreement(), city.cast.agreement(consumer=MAPLE)
    mine = key()
    first = city.ask(ours.id, idempotency_key=mine)
    second = city.ask(theirs.id, BO["idNumber"], party=MAPLE, idempotency_key=mine)
    assert first.one()["name"] == AN["name"] and second.one()["name"] == BO["name"]


def test_the_same_key_many_times_at_once_is_one_release(city: City) -> None:
    agreement = city.cast.agreement(quota={"unit": "day", "max": 1})
    city.department.delay_s = 0.2
    mine = key()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: city.ask(agreement.id, idempotency_key=mine), range(12)))
    assert all(same(answers[0], each) for each in answers)
    assert len(city.department.requests) == len(city.entries("exchange.released")) == 1


@pytest.mark.daily_on_one
def test_a_refused_query_leaves_its_key_free(city: City) -> None:
    agreement = city.cast.agreement(consent="required")
    mine = key()
    with pytest.raises(errors.ConsentRequired):
        city.ask(agreement.id, idempotency_key=mine)
    city.cast.consent(agreement, AN)
    assert city.ask(agreement.id, idempotency_key=mine).found


@pytest.mark.daily_on_one
@pytest.mark.parametrize("misbehaviour", ["server_error", "wrong_types", "reset"])
def test_a_failed_query_leaves_its_key_free(city: City, misbehaviour: str) -> None:
    agreement = city.cast.agreement()
    mine = key()
    city.department.behave(misbehaviour, times=1)
    with pytest.raises(errors.ProviderError):
        city.ask(agreement.id, idempotency_key=mine)
    assert city.ask(agreement.id, idempotency_key=mine).found


def test_an_answer_is_not_given_again_once_consent_was_withdrawn(city: City) -> None:
    agreement = city.cast.agreement(consent="required")
    consent = city.cast.consent(agreement, AN)
    mine = key()
    city.ask(agreement.id, idempotency_key=mine)
    city.gateway.deps.consents.withdraw(city.cast.caller(LINDEN), consent.id)
    with pytest.raises(errors.ConsentRevoked):
        city.ask(agreement.id, idempotency_key=mine)


def test_an_answer_is_not_given_again_once_the_agreement_was_suspended(city: City) -> None:
    agreement = city.cast.agreement()
    mine = key()
    city.ask(agreement.id, idempotency_key=mine)
    city.gateway.deps.agreements.suspend(city.cast.caller(LINDEN), agreement.id)
    with pytest.raises(errors.AgreementSuspended):
        city.ask(agreement.id, idempotency_key=mine)


@pytest.mark.daily_on_one
def test_an_answer_can_be_fetched_although_the_quota_is_used_up_since(city: City) -> None:
    agreement = city.cast.agreement(quota={"unit": "total", "max": 2})
    mine = key()
    first = city.ask(agreement.id, idempotency_key=mine)
    city.ask(agreement.id)
    with pytest.raises(errors.QuotaExceeded):
        city.ask(agreement.id)
    assert same(first, city.ask(agreement.id, idempotency_key=mine))
