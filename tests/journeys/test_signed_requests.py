"""Rule R13 over HTTP: an agreement may demand that each request is signed by a registered key (RFC 9421)."""

from __future__ import annotations

import pytest
from tongqu_client import _auth, _signed_requests, errors
from tongqu_client.verify import verify_bundle

from tests.cast import AN, CASE, PURPOSE, SCHEME, STANDARD
from tests.running import City

pytestmark = pytest.mark.any_database

SIGNED = {"request_signature": "required"}


def test_a_signed_request_is_answered_and_an_unsigned_one_is_not(city: City) -> None:
    agreement = city.cast.agreement(access=SIGNED).id
    with pytest.raises(errors.RequestSignatureRequired):
        city.ask(agreement)
    asked = {"agreement": agreement, "purpose": PURPOSE, "case": CASE}
    with city.client(sign_requests=True) as client:
        assert client.query(STANDARD, {SCHEME: AN["idNumber"]}, **asked).found
    (entry,) = city.entries("exchange.authorized")
    assert entry["decision"]["facts"]["signature"] == "valid"


@pytest.mark.parametrize("change", ["signature", "created", "digest", "uncovered", "key", "input"])
def test_a_false_signature_is_refused_even_where_none_is_needed(
    city: City, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:

    def false(call, headers, key):  # type: ignore[no-untyped-def]
        if change == "uncovered":
            fields = _signed_requests.signed_request(call, headers, key)
            return {name: value.replace(' "dpop"', "") for name, value in fields.items()}
        fields = _signed_requests.signed_request(call, headers, key)
        if change == "signature":
            fields["Signature"] = "sig=:" + "A" * 86 + "==:"
        if change == "created":
            fields["Signature-Input"] = fields["Signature-Input"].replace("created=1", "created=2")
        if change == "key":
            fields["Signature-Input"] = fields["Signature-Input"].replace(key.thumbprint, "A" * 43)
        if change == "digest":
            fields["Content-Digest"] = "sha-256=:" + "A" * 43 + "=:"
        if change == "input":
            fields["Signature-Input"] = "sig=("
        return fields

    agreement = city.cast.agreement().id
    monkeypatch.setattr(_auth, "signed_request", false)
    with city.client(sign_requests=True) as client, pytest.raises(errors.RequestSignatureInvalid):
        client.query(STANDARD, {SCHEME: AN["idNumber"]}, agreement=agreement, purpose=PURPOSE, case=CASE)
    assert not city.department.requests


def test_the_answer_is_bound_to_the_request_that_was_signed(city: City) -> None:
    agreement = city.cast.agreement(access=SIGNED).id
    with city.client(sign_requests=True) as client:
        answer = client.query(STANDARD, {SCHEME: AN["idNumber"]}, agreement=agreement, purpose=PURPOSE, case=CASE)
        bundle = answer.bundle()
    response = bundle["response"]
    covered = response["headers"]["signature-input"]
    assert '"signature-input";req' in covered and '"signature";req' in covered
    trust = client.trust()
    assert "response" in {said.kind for said in verify_bundle(bundle, trust).proved}
    other = {**response["request_headers"], "signature": "sig=:" + "A" * 86 + "==:"}
    for changed in (other, {"content-digest": other["content-digest"]}):
        with pytest.raises(errors.BundleInvalid):
            verify_bundle(bundle.holding(response={**response, "request_headers": changed}), trust)
