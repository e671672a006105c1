"""Somebody else's verifier of HTTP Message Signatures (RFC 9421) accepts our responses as they came over the wire, and
refuses each change to what they say."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from joserfc.jwk import ECKey

from gateway.lib.http_signature import content_digest
from tests.journeys.by_hand import ByHand
from tests.running import City

pytestmark = pytest.mark.daily_on_one  # what is signed does not depend on what the rows lie in

COVERED = ('"@status"', '"content-type"', '"content-digest"', '"@method";req', '"@target-uri";req')


class PublishedKeys(HTTPSignatureKeyResolver):
    """The gateway's keys for responses, as it publishes them."""

    def __init__(self, url: str) -> None:
        jwks = requests.get(f"{url}/oauth/jwks", timeout=5).json()["keys"]
        self._keys = {key["kid"]: key for key in jwks if key["tongqu_purpose"] == "response"}

    def resolve_public_key(self, key_id: str) -> ec.EllipticCurvePublicKey:
        jwk = {name: self._keys[key_id][name] for name in ("kty", "crv", "x", "y")}
        key = ECKey.import_key(jwk).public_key
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return key


def copied(response: requests.Response) -> SimpleNamespace:
    """What the verifier needs of a response and its request, free to be changed."""
    request = SimpleNamespace(
        method=response.request.method, url=response.request.url, headers=dict(response.request.headers)
    )
    return SimpleNamespace(
        status_code=response.status_code, headers=dict(response.headers), body=response.content, request=request
    )


def check(city: City, message: SimpleNamespace, *required: str) -> Any:
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=PublishedKeys(city.gateway.url)
    )
    return verifier.verify(
        message, expect_tag="fapi-2-response", require_components=required or COVERED, body=message.body
    )


@pytest.fixture
def answered(city: City) -> SimpleNamespace:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    response = linden.query(agreement.id, linden.token(agreement.id))
    assert response.ok
    return copied(response)


def test_an_answer_is_signed_over_status_type_body_and_address(city: City, answered: SimpleNamespace) -> None:
    (result,) = check(city, answered)
    assert result.parameters["alg"] == "ecdsa-p256-sha256"


def test_a_requests_own_digest_is_covered_when_it_has_one(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    digest = content_digest(b"whatever the caller says its body is")
    response = linden.query(agreement.id, linden.token(agreement.id), headers={"Content-Digest": digest})
    message = copied(response)
    check(city, message, *COVERED, '"content-digest";req')
    message.request.headers["Content-Digest"] = content_digest(b"another question")
    with pytest.raises(HTTPMessageSignaturesException):
        check(city, message)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/standards"), ("GET", "/v1/log/checkpoint"), ("GET", "/v1/nothing%20here?a=%E4%B8%AD&b="),
     ("POST", "/v1/queries"), ("GET", "/v1/queries"), ("GET", "/v1/agreements")],
)  # fmt: skip
def test_every_response_is_signed_refusals_and_mistakes_too(city: City, method: str, path: str) -> None:
    check(city, copied(requests.request(method, city.gateway.url + path, timeout=5)))


def _status(message: SimpleNamespace) -> None:
    message.status_code = 403


def _type(message: SimpleNamespace) -> None:
    message.headers["content-type"] = "text/html"


def _body(message: SimpleNamespace) -> None:
    message.body = message.body.replace("安".encode(), "按".encode())


def _body_and_digest(message: SimpleNamespace) -> None:
    _body(message)
    message.headers["content-digest"] = content_digest(message.body)


def _address(message: SimpleNamespace) -> None:
    message.request.url = message.request.url.replace("/v1/queries", "/v1/queries/explain")


def _method(message: SimpleNamespace) -> None:
    message.request.method = "GET"


def _key(message: SimpleNamespace) -> None:
    message.headers["signature"] = "sig1=:" + "A" * 86 + "==:"


@pytest.mark.parametrize("change", [_status, _type, _body, _body_and_digest, _address, _method, _key])
def test_a_changed_response_is_refused(
    city: City, answered: SimpleNamespace, change: Callable[[SimpleNamespace], None]
) -> None:
    answered.headers = {name.lower(): value for name, value in answered.headers.items()}
    check(city, answered)
    change(answered)
    with pytest.raises(HTTPMessageSignaturesException):
        check(city, answered)


def test_an_answer_to_one_query_is_no_answer_to_another_address(city: City, answered: SimpleNamespace) -> None:
    answered.request.url += "?"
    with pytest.raises(HTTPMessageSignaturesException):
        check(city, answered)
