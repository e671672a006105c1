"""The signature of a request (RFC 9421): made by another library, read by ours; and every way to get it wrong."""

from __future__ import annotations

import contextlib
import hashlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from hypothesis import given
from hypothesis import strategies as st

from gateway.lib import jose, request_signature
from gateway.lib.jose import JoseInvalid
from gateway.lib.request_signature import COVERED, TAG, SignatureUnreadable, Unverified

URL, BODY = "https://gateway.test/v1/queries", b'{"agreement":"agr_1"}'
PRIVATE = ec.generate_private_key(ec.SECP256R1())
NUMBERS = PRIVATE.public_key().public_numbers()
KEY = jose.public_key(
    {"kty": "EC", "crv": "P-256"}
    | {name: jose.encode64(number.to_bytes(32)) for name, number in (("x", NUMBERS.x), ("y", NUMBERS.y))}
)


class Keys(HTTPSignatureKeyResolver):  # type: ignore[misc]  # the library has no types
    def resolve_private_key(self, key_id: str) -> bytes:
        return PRIVATE.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def resolve_public_key(self, key_id: str) -> bytes:
        return PRIVATE.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def signed(covered: Sequence[str] = COVERED, tag: str = TAG) -> dict[str, str]:
    """The headers of a request that another library signed just now."""
    digest = b64encode(hashlib.sha256(BODY).digest()).decode()
    headers = {"Authorization": "DPoP t", "DPoP": "proof", "Content-Digest": f"sha-256=:{digest}:"}
    request = requests.Request("POST", URL, headers=headers, data=BODY).prepare()
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=Keys())
    signer.sign(
        request,
        key_id=KEY.thumbprint,
        covered_component_ids=list(covered),
        tag=tag,
        include_alg=True,
        use_existing_digest=True,
    )
    return {name.lower(): value for name, value in request.headers.items()}


def created(headers: dict[str, str]) -> int:
    return int(headers["signature-input"].split("created=")[1].split(";")[0])


def read(headers: dict[str, str], *, body: bytes = BODY, age: float = 0, **changes: Any) -> Unverified | None:
    known = {"method": "POST", "target_uri": URL} | changes

    def values(name: bytes) -> list[str]:
        return [headers[name.decode()]] if name.decode() in headers else []

    now = created(headers) + age if "created=" in headers.get("signature-input", "") else 0
    return request_signature.read(**known, body=body, values=values, now=now)


def holds(found: Unverified | None) -> bool:
    assert found is not None and found.key == KEY.thumbprint
    try:
        KEY.verify("ES256", found.value, found.base)
    except JoseInvalid:
        return False
    return True


def test_what_another_library_signed_is_verified() -> None:
    assert holds(read(signed()))
    assert holds(read(signed(["content-digest", "@target-uri", "dpop", "authorization", "@method"])))


def test_a_request_without_signature_has_none() -> None:
    assert read({"content-digest": "x"}) is None


@pytest.mark.parametrize("changes", [{"method": "PUT"}, {"target_uri": URL + "/explain"}], ids=str)
def test_it_is_good_for_this_method_and_address_only(changes: dict[str, str]) -> None:
    assert not holds(read(signed(), **changes))


@pytest.mark.parametrize("name", ["authorization", "dpop"])
def test_it_is_good_for_this_token_and_this_proof_only(name: str) -> None:
    assert not holds(read(signed() | {name: "another"}))


@pytest.mark.parametrize("left_out", COVERED)
def test_all_of_the_profile_must_be_covered(left_out: str) -> None:
    with pytest.raises(SignatureUnreadable):
        read(signed([name for name in COVERED if name != left_out]))


UNREADABLE: dict[str, dict[str, Any]] = {
    "another body": {"body": BODY + b" "},
    "a minute old": {"age": 61},
    "from the future": {"age": -11},
}


@pytest.mark.parametrize("defect", UNREADABLE)
def test_too_old_or_about_another_body(defect: str) -> None:
    with pytest.raises(SignatureUnreadable):
        read(signed(), **UNREADABLE[defect])
    assert holds(read(signed(), age=59)) and holds(read(signed(), age=-9))


def test_another_tag_is_no_signature_of_a_request() -> None:
    with pytest.raises(SignatureUnreadable):
        read(signed(tag="fapi-2-response"))


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_header_makes_it_stumble(inputs: str, signature: str) -> None:
    with contextlib.suppress(SignatureUnreadable):
        read({"signature-input": inputs, "signature": signature})
