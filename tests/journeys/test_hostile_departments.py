"""Whatever a department sends, no field and no person that was not granted leaves the gateway, and the log says so."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.cast import AN, FIELDS, LINDEN, SCHEME
from tests.conftest import DATABASES, fresh_url
from tests.journeys.by_hand import ByHand
from tests.running import City, running_city
from tests.simulators.misbehaviour import INTERNAL, MISBEHAVIOURS, STRANGER

pytestmark = pytest.mark.any_database  # what a department sends

DEPARTMENT_TIMEOUT_S = 1.5

# In good form but for the surplus: answered, and the surplus stays behind.
ANSWERED = {
    "extra_fields", "extra_persons", "extra_members", "as_of_null", "report_in_words", "report_of_values",
    "sets_a_cookie",
}  # fmt: skip
CODES = {
    "same_person_twice": "ambiguous_subject",
    "endless": "provider_nonconformant",
    "slow_trickle": "provider_timed_out",
    "drip_headers": "provider_timed_out",
    "hang": "provider_timed_out",
    "reset": "provider_unavailable",
    "hang_up": "provider_unavailable",
    "cut_short": "provider_unavailable",
    "request_signature_invalid": "provider_refused",
    "agreement_not_served": "provider_refused",
    "too_many_requests": "provider_unavailable",
    "server_error": "provider_unavailable",
    "bad_gateway": "provider_unavailable",
    "unavailable": "provider_unavailable",
    "unavailable_until_a_date": "provider_unavailable",
    "unavailable_for_ages": "provider_unavailable",
}
STATUS = {"provider_timed_out": 504}
# What must never be seen outside the department: surplus fields, other people, what was not granted, where it pointed.
SECRETS = [
    STRANGER,
    "绝密",
    "secretNote",
    "13900000000",
    "SELECT",
    AN["domicileAddress"]["text"],
    "ethnicGroup",
    INTERNAL,
]


@pytest.fixture(scope="module", params=DATABASES)
def shared_city(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("city")
    timeout_ms = int(DEPARTMENT_TIMEOUT_S * 1000)
    with (
        fresh_url(request.param, folder, sqlite_template) as url,
        running_city(folder / "gateway", url, timeout_ms=timeout_ms) as running,
    ):
        yield running


@pytest.fixture
def agreement(city: City) -> str:
    """An agreement that does not grant the telephone; and a department that has just shown that it works."""
    made = city.cast.agreement(fields=[name for name in FIELDS if name != "phone"]).id
    assert city.ask(made).found  # also closes the circuit breaker's count of failures
    city.begin()
    return made


def said(response: requests.Response) -> str:
    """All that the response says, headers too, with JSON escapes undone."""
    text = "".join(f"{name}: {value}\n" for name, value in response.headers.items()) + response.text
    receipt = response.json().get("receipt", "..")
    claims = base64.urlsafe_b64decode(receipt.split(".")[1] + "==").decode()
    return text + json.dumps(response.json(), ensure_ascii=False) + claims


@pytest.mark.timeout(30, func_only=True)  # without a deadline most of these never end
@pytest.mark.parametrize("misbehaviour", sorted(MISBEHAVIOURS))
def test_a_misbehaving_department_gives_nothing_away(city: City, agreement: str, misbehaviour: str) -> None:
    linden = ByHand(city)
    token = linden.token(agreement)
    city.department.behave(misbehaviour)
    response = linden.query(agreement, token)
    outcome = city.entries("exchange.released", "exchange.failed", "exchange.withheld")
    assert len(outcome) == 1
    for secret in SECRETS:
        assert secret not in said(response)
        assert secret not in json.dumps(city.entries(), ensure_ascii=False)
    if misbehaviour in ANSWERED:
        assert response.json()["data"] == [{name: AN[name] for name in FIELDS if name != "phone"}]
        assert outcome[0]["type"] == "exchange.released" and outcome[0]["records"] == 1
        return
    problem, code = response.json(), CODES.get(misbehaviour, "provider_nonconformant")
    assert (response.status_code, problem["code"]) == (STATUS.get(code, 502), code)
    assert outcome[0]["type"] == "exchange.failed" and outcome[0]["code"] == code
    assert problem["log_index"] == len(city.gateway.entries()) - 1
    assert AN["name"] not in said(response) and AN["idNumber"] not in said(response)
    assert len(city.department.requests) == 1, "asked again, or followed a redirect"


def test_what_stayed_behind_is_counted(city: City, agreement: str) -> None:
    city.department.behave("extra_fields")
    city.ask(agreement)
    city.department.behave("extra_persons")
    city.ask(agreement)
    fields, persons = city.entries("exchange.released")
    assert fields["dropped"] == {"fields": 2, "records": 0}
    assert persons["dropped"] == {"fields": 0, "records": 1}


@pytest.mark.parametrize("value", [7, None, True, ["安采薇"], {"text": "安采薇"}, "", "安\u202e采薇", "9" * 5000])
def test_a_wrong_value_in_the_right_persons_record_is_not_released(city: City, agreement: str, value: object) -> None:
    city.department.people[AN["idNumber"]] = [AN | {"name": value}]
    try:
        linden = ByHand(city)
        response = linden.query(agreement, linden.token(agreement))
    finally:
        city.department.people[AN["idNumber"]] = [AN]
    problem = response.json()
    assert (response.status_code, problem["code"]) == (502, "provider_nonconformant")
    assert {each["pointer"] for each in problem["errors"]} == {"/records/0/name"}
    assert AN["name"] not in said(response) and "9" * 100 not in said(response)
    assert [entry["type"] for entry in city.entries()][-1] == "exchange.failed"


def test_only_other_persons_means_that_nobody_was_found(city: City, agreement: str) -> None:
    other = AN | {"idNumber": STRANGER}
    city.department.people[AN["idNumber"]] = [other]
    try:
        answer = city.ask(agreement)
    finally:
        city.department.people[AN["idNumber"]] = [AN]
    assert not answer.found and answer.data == []
    assert city.entries("exchange.released")[0]["dropped"]["records"] == 1


def test_the_department_never_sees_the_callers_token_or_who_the_caller_is_beyond_the_agreement(
    city: City, agreement: str
) -> None:
    linden = ByHand(city)
    token = linden.token(agreement)
    proof = linden.proof("/v1/queries", token)
    assert linden.query(agreement, token, proof=proof, headers={"Idempotency-Key": "key-of-linden-0001"}).ok
    received = city.department.requests[-1]
    whole = repr(received.headers) + received.body.decode()
    for secret in (token, proof, "key-of-linden-0001", city.cast.clients[LINDEN]):
        assert secret not in whole
    assert received.header("authorization") is None and received.header("dpop") is None
    assert received.header("cookie") is None
    assert received.json()["subject"] == {"scheme": SCHEME, "id": AN["idNumber"]}
    assert AN["idNumber"] not in received.path + repr(received.headers)


def test_a_department_that_keeps_failing_is_left_alone_for_a_while(own_city: City) -> None:
    agreement = own_city.cast.agreement()
    linden = ByHand(own_city)
    token = linden.token(agreement.id)
    own_city.department.behave("server_error")
    for _ in range(5):
        assert linden.query(agreement.id, token).json()["code"] == "provider_unavailable"
    asked = len(own_city.department.requests)
    response = linden.query(agreement.id, token)
    assert (response.status_code, response.json()["code"]) == (503, "circuit_open")
    assert int(response.headers["Retry-After"]) > 0
    assert len(own_city.department.requests) == asked == 5
    assert own_city.entries("exchange.failed")[-1]["code"] == "circuit_open"
