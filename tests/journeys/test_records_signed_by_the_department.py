"""A department that signs its own records: the signature reaches whoever asked, and the gateway cannot forge it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tongqu_client import TrustStore, errors
from tongqu_client.verify import verify_bundle, verify_receipt

from gateway.lib.canonical_json import canonical
from gateway.lib.jose import SigningKey, encode64
from tests.cast import POLICE, STANDARD, key_of
from tests.running import City
from tests.simulators.department import Received

pytestmark = pytest.mark.any_database

TYPE = "tongqu-record-signature+jws"
ALL = ("idNumber", "name", "sex", "birthDate", "phone")


def detached(key: SigningKey, payload: bytes) -> str:
    """A detached JWS (RFC 7515 appendix F) with its public key in the header."""
    jwk = key.public_jwk()
    public = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    head = encode64(canonical({"alg": "ES256", "typ": TYPE, "kid": key.kid, "jwk": public}))
    return f"{head}..{encode64(key.sign_raw(f'{head}.{encode64(payload)}'.encode()))}"


def signing(key: SigningKey, records: Any = None) -> Any:
    def sign(received: Received, good: Mapping[str, Any]) -> str:
        claims = (received.header("tongqu-request") or "").split(".")[1]
        query = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["query"]
        told = good["records"] if records is None else records
        return detached(key, canonical({"query": query, "records": told, "standard": STANDARD}))

    return sign


@pytest.fixture
def signed_city(city: City) -> Iterator[City]:
    """The police sign with the key that their system is registered with."""
    city.department.sign_records = signing(key_of(POLICE))
    yield city
    city.department.sign_records = None


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_it_is_carried_untouched_and_verified(signed_city: City) -> None:
    answer = signed_city.ask(signed_city.cast.agreement(fields=ALL).id)
    report = verify_bundle(answer.bundle(), TrustStore.from_document(signed_city.gateway.deps.trust()))
    assert "provider_evidence" in {said.kind for said in report.proved}


def test_a_record_that_was_cut_or_masked_goes_without_it(signed_city: City) -> None:
    for terms in ({"fields": ALL, "masks": {"phone": "last-four"}}, {"fields": ("name",)}):
        answer = signed_city.ask(signed_city.cast.agreement(**terms).id)
        assert "provider_evidence" not in claims_of(answer.receipt)
        answer.verify()


def test_a_signature_over_other_records_is_found(city: City) -> None:
    city.department.sign_records = signing(key_of(POLICE), records=[])
    try:
        answer = city.ask(city.cast.agreement(fields=ALL).id)
    finally:
        city.department.sign_records = None
    trust = TrustStore.from_document(city.gateway.deps.trust())
    with pytest.raises(errors.ReceiptInvalid) as refused:
        verify_receipt(answer.receipt, trust, response=answer.body())
    assert "own signature" in refused.value.detail_en


def test_a_key_that_nobody_registered_proves_nothing(city: City) -> None:
    city.department.sign_records = signing(SigningKey.generate())
    try:
        answer = city.ask(city.cast.agreement(fields=ALL).id)
    finally:
        city.department.sign_records = None
    report = verify_bundle(answer.bundle(), TrustStore.from_document(city.gateway.deps.trust()))
    assert "provider_key" in {said.kind for said in report.not_proved}
    assert "provider_evidence" not in {said.kind for said in report.proved}


@pytest.mark.parametrize("value", ["x" * 3000, "no jws", "a.b.c", "a..b\t"])
def test_what_is_no_signature_is_not_carried(city: City, value: str) -> None:
    city.department.sign_records = lambda _received, _good: value
    try:
        answer = city.ask(city.cast.agreement(fields=ALL).id)
    finally:
        city.department.sign_records = None
    assert "provider_evidence" not in claims_of(answer.receipt)
    answer.verify()
