"""Keys, signatures and canonical JSON, against published vectors and against other people's libraries."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk as other_jwk
from joserfc import jws as other_jws
from tongqu_client import _jose
from tongqu_client._canonical import MalformedJson, NotCanonical, canonical, digest, strict_loads
from tongqu_client._jose import JoseInvalid, SigningKey
from tongqu_client.errors import KeyUnusable

from tests.examples import examples

# RFC 7515 appendix A.3: a signature by ES256.
A3_KEY: dict[str, str | list[str]] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}
A3_TOKEN = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
# RFC 7638 section 3.1: the thumbprint of an RSA key.
RFC7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
    "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
    "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
# RFC 9449 section 4.1: the key of the DPoP proofs, and the thumbprint that section 6.1 binds a token to.
RFC9449_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
}


def test_the_signature_of_rfc_7515_verifies() -> None:
    signed, _, signature = A3_TOKEN.rpartition(".")
    _jose.verify_raw(_jose.public_key(A3_KEY), _jose.decode(signature), signed.encode())


def test_the_signature_of_rfc_7515_over_anything_else_does_not() -> None:
    signature = _jose.decode(A3_TOKEN.rpartition(".")[2])
    with pytest.raises(JoseInvalid):
        _jose.verify_raw(_jose.public_key(A3_KEY), signature, b"other")


def test_the_thumbprint_of_rfc_7638() -> None:
    assert _jose.thumbprint(RFC7638_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_thumbprint_of_rfc_9449() -> None:
    assert _jose.thumbprint(RFC9449_KEY) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_what_we_sign_another_library_verifies() -> None:
    key = SigningKey.load(A3_KEY)
    token = key.sign({"typ": "dpop+jwt", "jwk": key.public_jwk}, {"htm": "POST", "名": "值"})
    read = other_jws.deserialize_compact(token, other_jwk.import_key({**key.public_jwk}), algorithms=["ES256"])
    assert json.loads(read.payload) == {"htm": "POST", "名": "值"}


def test_what_another_library_signs_we_verify() -> None:
    key = other_jwk.ECKey.import_key(A3_KEY)
    token = other_jws.serialize_compact({"alg": "ES256", "typ": "x"}, b'{"a":1}', key)
    assert _jose.read_compact(token, typ="x").verify(_jose.public_key(A3_KEY)) == {"a": 1}


def _made(header: Any, claims: Any = None) -> str:
    parts = [json.dumps(header).encode(), json.dumps({} if claims is None else claims).encode(), b"\0" * 64]
    return ".".join(map(_jose.encode, parts))


MALFORMED = [
    ("two parts", "e30.e30"),
    ("four parts", "e30.e30.e30.e30"),
    ("no algorithm", _made({"typ": "x"})),
    ("the algorithm none", _made({"alg": "none", "typ": "x"})),
    ("a shared secret", _made({"alg": "HS256", "typ": "x"})),
    ("another type", _made({"alg": "ES256", "typ": "y"})),
    ("crit", _made({"alg": "ES256", "typ": "x", "crit": ["b64"]})),
    ("b64", _made({"alg": "ES256", "typ": "x", "b64": False})),
    ("a header that is a list", _made(["ES256"])),
    ("claims that are a list", _made({"alg": "ES256", "typ": "x"}, [1])),
    ("padding", _made({"alg": "ES256", "typ": "x"}) + "="),
    ("too long", "A" * 20_000 + ".e30.e30"),
]


@pytest.mark.parametrize("token", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_a_malformed_token_is_refused(token: str) -> None:
    with pytest.raises(JoseInvalid):
        _jose.read_compact(token, typ="x")


@pytest.mark.parametrize("text", ["A", "AB", "AA=", "A+", "A/", "AA\n", "é"])
def test_base64url_has_one_spelling(text: str) -> None:
    with pytest.raises(JoseInvalid):
        _jose.decode(text)


# ── private keys ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    private, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, private, none)


def test_a_key_is_the_same_however_it_is_given(tmp_path: Path) -> None:
    expected = SigningKey.load(A3_KEY)
    (tmp_path / "key.json").write_text(json.dumps(A3_KEY))
    (tmp_path / "key.pem").write_bytes(_pem(expected.private))
    pem = _pem(expected.private)
    sources: list[_jose.KeySource] = [
        json.dumps(A3_KEY),
        tmp_path / "key.json",
        str(tmp_path / "key.pem"),
        pem,
        pem.decode(),
        expected.private,
    ]
    assert {SigningKey.load(source).thumbprint for source in sources} == {expected.thumbprint}


def test_a_key_never_shows_its_secret() -> None:
    assert str(A3_KEY["d"]) not in repr(SigningKey.load(A3_KEY))


BAD_KEYS = [
    ("a public key", {name: value for name, value in A3_KEY.items() if name != "d"}),
    ("another public part", {**A3_KEY, "x": RFC9449_KEY["x"], "y": RFC9449_KEY["y"]}),
    ("an RSA key", RFC7638_KEY),
    ("a file that is not there", "/nowhere/client.jwk.json"),
    ("neither JSON nor PEM", b"secret"),
    ("broken JSON", '{"kty": "EC"'),
    ("an Ed25519 key", _pem(ed25519.Ed25519PrivateKey.generate())),
    ("another curve", _pem(ec.generate_private_key(ec.SECP384R1()))),
    ("a short secret", {**A3_KEY, "d": "AAAA"}),
]


@pytest.mark.parametrize("source", [row[1] for row in BAD_KEYS], ids=[str(row[0]) for row in BAD_KEYS])
def test_an_unusable_key_says_what_was_expected_and_nothing_of_itself(source: Any) -> None:
    with pytest.raises(KeyUnusable) as caught:
        SigningKey.load(source)
    assert str(A3_KEY["d"]) not in str(caught.value)
    assert caught.value.exit_code == 2


# ── canonical JSON ────────────────────────────────────────────────────────────────────────────────────────────────────
# RFC 8785 appendix B: IEEE 754 bits and their one spelling.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_a_number_has_the_spelling_of_rfc_8785(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(value) == text.encode()


def test_members_are_sorted_by_utf_16_code_units() -> None:  # RFC 8785 section 3.2.3
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(json.loads(canonical(value))) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=examples(300), deadline=None)
@given(JSON)
def test_every_value_is_spelled_as_another_library_spells_it(value: Any) -> None:
    try:
        expected = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        with pytest.raises(NotCanonical):
            canonical(value)
        return
    assert canonical(value) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, "\ud800", {1: 2}, {"a": object()}])
def test_what_has_no_spelling_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "NaN", "[1", "", '"\\ud800"', b"\xff", "[" * 100_000])
def test_ambiguous_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(MalformedJson):
        strict_loads(text)


def test_the_digest_names_its_algorithm() -> None:
    assert digest({}) == "sha-256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
