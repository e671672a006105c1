"""Signed tokens are read strictly; the vectors of others and broken texts say how strictly."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from gateway.lib import jose
from gateway.lib.jose import JoseInvalid, SigningKey

VECTORS = Path(__file__).parents[2] / "vectors"
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}
RFC: dict[str, Any] = json.loads((VECTORS / "rfc" / "jose.json").read_text())


def _accepts(token: str, jwk: dict[str, Any]) -> bool:
    try:
        jose.parse(token).check_signature(jose.public_key({k: v for k, v in jwk.items() if k not in PRIVATE}))
    except JoseInvalid:
        return False
    return True


@pytest.mark.parametrize("name", [name for name, example in RFC.items() if "jws" in example])
def test_the_examples_of_the_rfcs_verify_and_fail_when_touched(name: str) -> None:
    jws = RFC[name]["jws"]
    assert _accepts(jws, RFC[name]["jwk"])
    head, body, signature = jws.split(".")
    assert not _accepts(f"{head}.{body[:-4]}AAAA.{signature}", RFC[name]["jwk"])
    assert not _accepts(f"{head}.{body}.{'A' * len(signature)}", RFC[name]["jwk"])


@pytest.mark.parametrize("name", [name for name, example in RFC.items() if "thumbprint" in example])
def test_thumbprints_are_those_of_the_rfcs(name: str) -> None:
    assert jose.public_key(RFC[name]["jwk"]).thumbprint == RFC[name]["thumbprint"]


def test_what_we_sign_we_read() -> None:
    key = SigningKey.generate()
    token = key.sign_jwt("tongqu-receipt+jwt", {"iss": "网关", "n": 1})
    assert jose.verify(token, key.public, typ="tongqu-receipt+jwt") == {"iss": "网关", "n": 1}
    assert jose.verified(key.sign_payload("t", b"raw"), key.public, typ="t").payload == b"raw"
    again = SigningKey.from_jwk(key.private_jwk())
    assert again.kid == key.kid == jose.public_key(key.public_jwk()).thumbprint
    with pytest.raises(JoseInvalid, match="typ"):
        jose.verify(token, key.public, typ="at+jwt")
    with pytest.raises(JoseInvalid, match="signature"):
        jose.verify(token, SigningKey.generate().public, typ="tongqu-receipt+jwt")
    with pytest.raises(JoseInvalid, match="algorithm"):
        jose.verify(token, key.public, typ="tongqu-receipt+jwt", algs=("PS256",))


def _token(header: bytes, payload: bytes = b"{}") -> str:
    """Signed well, whatever it says."""
    signing_input = f"{jose.encode64(header)}.{jose.encode64(payload)}"
    return f"{signing_input}.{jose.encode64(_KEY.sign_raw(signing_input.encode()))}"


_KEY = SigningKey.generate()
DEFECTS = {
    "a header member twice": _token(b'{"alg":"ES256","typ":"t","alg":"ES256"}'),
    "a claim twice": _token(b'{"alg":"ES256","typ":"t"}', b'{"a":1,"a":2}'),
    "NaN": _token(b'{"alg":"ES256","typ":"t"}', b'{"exp":NaN}'),
    "Infinity": _token(b'{"alg":"ES256","typ":"t"}', b'{"exp":-Infinity}'),
    "a payload that is a list": _token(b'{"alg":"ES256","typ":"t"}', b"[]"),
    "a payload that is no JSON": _token(b'{"alg":"ES256","typ":"t"}', b"{"),
    "text after the object": _token(b'{"alg":"ES256","typ":"t"}', b"{}{}"),
    "a payload that is not UTF-8": _token(b'{"alg":"ES256","typ":"t"}', b'{"a":"\xff"}'),
    "a very deep payload": _token(b'{"alg":"ES256","typ":"t"}', b'{"a":' + b"[" * 2800 + b"]" * 2800 + b"}"),
    "a very long number": _token(b'{"alg":"ES256","typ":"t"}', b'{"a":' + b"9" * 5000 + b"}"),
    "a header that is a list": _token(b'["ES256"]'),
    "no alg": _token(b'{"typ":"t"}'),
    "alg is a list": _token(b'{"alg":["ES256"],"typ":"t"}'),
    "typ is a number": _token(b'{"alg":"ES256","typ":1}'),
    "kid is a list": _token(b'{"alg":"ES256","typ":"t","kid":[]}'),
    "crit": _token(b'{"alg":"ES256","typ":"t","crit":["kid"],"kid":"x"}'),
    "crit null": _token(b'{"alg":"ES256","typ":"t","crit":null}'),
    "b64 true": _token(b'{"alg":"ES256","typ":"t","b64":true}'),
    "none": _token(b'{"alg":"none","typ":"t"}'),
    "None": _token(b'{"alg":"None","typ":"t"}'),
    "HS256": _token(b'{"alg":"HS256","typ":"t"}'),
    "longer than allowed": _token(b'{"alg":"ES256","typ":"t"}', b'{"a":"' + b"x" * 6200 + b'"}'),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defective_token_is_refused_though_its_signature_is_good(defect: str) -> None:
    with pytest.raises(JoseInvalid):
        jose.verify(DEFECTS[defect], _KEY.public, typ="t")


def test_a_signature_in_der_is_refused() -> None:
    raw = _KEY.sign_raw(b"data")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    _KEY.public.verify("ES256", raw, b"data")
    with pytest.raises(JoseInvalid, match="64 bytes"):
        _KEY.public.verify("ES256", der, b"data")


def test_a_private_key_must_belong_to_its_public_half() -> None:
    other = SigningKey.generate().private_jwk()
    for wrong in ({**_KEY.private_jwk(), "d": other["d"]}, {**_KEY.private_jwk(), "d": "AA"}, _KEY.public_jwk(), None):
        with pytest.raises(JoseInvalid):
            SigningKey.from_jwk(wrong)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_=-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,90}"))
def test_no_text_breaks_the_reader_or_passes(text: str) -> None:
    with pytest.raises(JoseInvalid):
        jose.verify(text, _KEY.public, typ="t")


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=50), lambda inner: st.lists(inner, max_size=3)))
def test_no_value_breaks_the_reader_of_keys(value: Any) -> None:
    for jwk in (value, {"kty": value}, {**_KEY.public_jwk(), "x": value}, {**_KEY.public_jwk(), "key_ops": value}):
        with pytest.raises(JoseInvalid):
            jose.public_key(jwk)


@given(st.binary(max_size=64))
def test_base64url_has_one_spelling(data: bytes) -> None:
    text = jose.encode64(data)
    assert jose.decode64(text) == data
    for other in (text + "=", text + "\n", " " + text, text + "A" * (1 + (len(text) % 4 == 3))):
        try:
            assert jose.decode64(other) != data
        except JoseInvalid:
            continue


@given(st.text("AQgwz09-_+/=. é", max_size=9))
def test_what_is_read_as_base64url_is_written_like_this(text: str) -> None:
    try:
        decoded = jose.decode64(text)
    except JoseInvalid:
        return
    assert base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() == text
