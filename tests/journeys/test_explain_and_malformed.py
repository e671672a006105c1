"""What happens before a query is one: asking what would be decided, and requests that cannot be understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from tongqu_client import Decision, errors

from gateway.agreements.model import SIGNATURE_TYPE
from tests.cast import AN, LINDEN, MAPLE, PURPOSE, SCHEME, STANDARD, key_of
from tests.journeys.by_hand import ByHand
from tests.running import City


def explain(city: City, agreement: str, party: str = LINDEN, **more: Any) -> Decision:
    asked: dict[str, Any] = {"subject": {SCHEME: AN["idNumber"]}, "purpose": PURPOSE, "case": "1"} | more
    return city.client(party).explain(STANDARD, agreement=agreement, **asked)


@pytest.mark.daily_on_one
def test_explaining_tells_the_decision_and_leaves_no_trace(city: City) -> None:
    agreement = city.cast.agreement(consent="required", quota={"unit": "day", "max": 1})
    city.begin()
    before = explain(city, agreement.id)
    assert not before.permitted and before.rules == ("R8",) and before.consent == "required"
    kept_house = "review.sample_committed"  # by the gateway, whoever asks
    assert {each["type"] for each in city.entries()} <= {kept_house} and not city.department.requests
    city.cast.consent(agreement, AN)
    assert explain(city, agreement.id).permitted
    assert city.ask(agreement.id).found  # nothing was counted above
    assert explain(city, agreement.id).rules == ("R9",)


@pytest.mark.daily_on_one
def test_without_a_person_what_depends_on_the_person_is_left_out(city: City) -> None:
    agreement = city.cast.agreement(consent="required")
    assert explain(city, agreement.id, subject=None).permitted
    assert explain(city, agreement.id, subject=None, fields=["ethnicGroup"]).rules == ("R5",)


@pytest.mark.daily_on_one
def test_explaining_tells_nothing_of_agreements_of_others(city: City) -> None:
    theirs = city.cast.agreement()
    found, absent = (explain(city, each, MAPLE) for each in (theirs.id, "agr_01KAR3" + "0" * 20))
    assert found == absent and found.rules == ("R1",)


def test_a_name_that_no_database_can_hold_is_no_surprise(city: City) -> None:
    """PostgreSQL keeps no U+0000: its driver says so, and nobody who sends one hears that the log cannot be written."""
    by_hand, agreement = ByHand(city), city.cast.agreement()
    token = by_hand.token_of_scope("agreements:write catalogue:read")

    def send(method: str, path: str, **more: Any) -> requests.Response:
        sent = {"Authorization": f"DPoP {token}", "DPoP": by_hand.proof(path, token, method=method)}
        return requests.request(method, by_hand.url + path, headers=sent, timeout=10, **more)

    assert send("GET", "/v1/services/svc%00x").status_code in (404, 422)
    jws = key_of(f"{LINDEN}/signatory").sign_payload(SIGNATURE_TYPE, b"{}", kid="a\0b")
    assert send("POST", f"/v1/agreements/{agreement.id}/suspend", json={"reason": "a\0b"}).status_code == 422
    assert send("POST", f"/v1/agreements/{agreement.id}%00/sign", json={"jws": jws}).status_code in (404, 422)
    forged = send("POST", f"/v1/agreements/{agreement.id}/sign", json={"jws": jws})
    assert (forged.status_code, forged.json()["code"]) in ((409, "wrong_state"), (422, "signature_invalid"))


GOOD = {
    "agreement": "agr_x",
    "standard": STANDARD,
    "subject": {"scheme": SCHEME, "id": AN["idNumber"]},
    "purpose": PURPOSE,
}
MALFORMED = {  # name: (body, status, code)
    "empty": (b"", 400, "malformed_request"),
    "no JSON": (b"agreement=agr_x", 400, "malformed_request"),
    "not UTF-8": (b'{"agreement": "\xff"}', 400, "malformed_request"),
    "a name twice": (b'{"agreement": "a", "agreement": "b"}', 400, "malformed_request"),
    "NaN": (b'{"agreement": NaN}', 400, "malformed_request"),
    "a lone surrogate": (b'{"agreement": "\\ud800"}', 400, "malformed_request"),
    "deep": (b"[" * 5000 + b"]" * 5000, 400, "malformed_request"),
    "a list": (b"[]", 422, "invalid_request"),
    "an unknown member": (json.dumps(GOOD | {"all": True}).encode(), 422, "invalid_request"),
    "a subject that is null": (json.dumps({**GOOD, "subject": None}).encode(), 422, "invalid_request"),
    "a control character": (json.dumps(GOOD | {"case": "SQ\n1"}).encode(), 422, "invalid_request"),
    "a field twice": (json.dumps(GOOD | {"fields": ["name", "name"]}).encode(), 422, "invalid_request"),
    "no fields": (json.dumps(GOOD | {"fields": []}).encode(), 422, "invalid_request"),
    "a field that is a path": (json.dumps(GOOD | {"fields": ["../name"]}).encode(), 422, "invalid_request"),
    "too long a text": (json.dumps(GOOD | {"case": "x" * 129}).encode(), 422, "invalid_request"),
    "too large": (b" " * (64 * 1024 + 1), 413, "too_large"),
}


@pytest.mark.daily_on_one
@pytest.mark.parametrize("name", MALFORMED)
def test_a_request_that_cannot_be_understood_is_refused_without_repeating_it(city: City, name: str) -> None:
    body, status, code = MALFORMED[name]
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token = linden.token(agreement.id)
    city.begin()
    for path in ("/v1/queries", "/v1/queries/explain"):
        headers = {"Authorization": f"DPoP {token}", "DPoP": linden.proof(path, token)}
        response = requests.post(city.gateway.url + path, data=body, headers=headers, timeout=10)
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert AN["idNumber"] not in response.text
        assert response.headers["Content-Type"] == "application/problem+json"
    assert not city.entries() and not city.department.requests


@pytest.mark.daily_on_one
def test_a_token_in_the_address_is_refused(city: City) -> None:
    agreement = city.cast.agreement()
    token = ByHand(city).token(agreement.id)
    response = requests.post(f"{city.gateway.url}/v1/queries?access_token={token}", json=GOOD, timeout=10)
    assert response.status_code == 400 and response.json()["rule"] == "A1"


@pytest.mark.daily_on_one
def test_a_client_without_the_scope_is_refused(city: City) -> None:
    agreement = city.cast.agreement()
    with pytest.raises(errors.ScopeMissing):
        city.ask(agreement.id, party="audit-office")


@pytest.mark.daily_on_one
def test_what_operators_count_names_nobody(city: City) -> None:
    agreement = city.cast.agreement()
    city.ask(agreement.id)
    text = requests.get(f"{city.gateway.url}/metrics", timeout=5).text
    assert 'tongqu_queries_total{code="ok",status="200"}' in text
    for secret in (AN["idNumber"], agreement.id, LINDEN, city.cast.clients[LINDEN]):
        assert secret not in text
