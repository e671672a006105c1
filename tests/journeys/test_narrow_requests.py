"""What was asked for narrowly, or carelessly, is not answered widely."""

from __future__ import annotations

import json
import socket
import uuid

import pytest

from tests.cast import AN, CASE, PURPOSE, SCHEME, STANDARD
from tests.journeys.by_hand import ByHand
from tests.running import City


@pytest.mark.daily_on_one
def test_a_token_for_fewer_fields_does_not_fetch_the_answer_to_a_wider_one(city: City) -> None:
    agreement = city.cast.agreement()
    linden, same = ByHand(city), {"Idempotency-Key": str(uuid.uuid4())}
    wide = linden.query(agreement.id, linden.token(agreement.id), headers=same)
    assert "phone" in wide.json()["data"][0]
    narrow = linden.query(agreement.id, linden.token(agreement.id, datatypes=["name"]), headers=same)
    assert (narrow.status_code, narrow.json()["code"]) == (422, "idempotency_mismatch")


def test_another_token_for_the_same_fields_fetches_the_answer_again(city: City) -> None:
    agreement = city.cast.agreement()
    linden, same = ByHand(city), {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (linden.query(agreement.id, linden.token(agreement.id), headers=same).json() for _ in range(2))
    assert first["log"] == again["log"] and first["data"] == again["data"]


@pytest.mark.daily_on_one
def test_a_case_of_blanks_names_no_case(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    for blank in (" ", "\u3000\u3000", "\u200b", "——"):
        refused = linden.query(agreement.id, linden.token(agreement.id), case=blank)
        assert (refused.status_code, refused.json()["rule"]) == (403, "R7")
    assert not city.department.requests


@pytest.mark.daily_on_one
def test_a_token_without_the_scope_is_challenged_to_get_one(city: City) -> None:
    """RFC 6750 section 3.1, RFC 9449 section 7.1."""
    agreement, linden = city.cast.agreement(), ByHand(city)
    refused = linden.query(agreement.id, linden.token_of_scope("catalogue:read"))
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert 'scope="exchange:query"' in refused.headers["WWW-Authenticate"]


@pytest.mark.daily_on_one
def test_two_idempotency_keys_are_not_taken_for_none(city: City) -> None:
    agreement = city.cast.agreement(quota={"unit": "day", "max": 1})
    linden = ByHand(city)
    token = linden.token(agreement.id)
    question = {"agreement": agreement.id, "standard": STANDARD, "purpose": PURPOSE, "case": CASE}
    body = json.dumps(question | {"subject": {"scheme": SCHEME, "id": AN["idNumber"]}}).encode()
    lines = ["POST /v1/queries HTTP/1.1", "Host: gateway", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: DPoP {token}", f"DPoP: {linden.proof('/v1/queries', token)}"]
    lines += [f"Idempotency-Key: {uuid.uuid4()}" for _ in range(2)]
    with socket.create_connection(("127.0.0.1", city.gateway.port), timeout=10) as wire:
        wire.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        answer = wire.makefile("rb").read()
    assert b" 422 " in answer.splitlines()[0] and b"Idempotency-Key" in answer
    assert not city.entries("exchange.authorized") and not city.department.requests
