"""A receipt binds request, answer and log entry, and tells a stranger nothing about either."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.exchange import receipt
from gateway.exchange.model import Permit
from gateway.lib.canonical_json import canonical
from gateway.lib.jose import SigningKey
from tests.examples import examples
from tests.gateway.exchange.facts import CONSENT, NOW, QUERY, TERMS

KEY = SigningKey.generate()
BODY = {"agreement": QUERY.agreement, "subject": {"scheme": "cn.resident-id", "id": "990101199001010019"}}
ANSWER = {"data": [{"name": "安采薇"}], "withheld": [], "source": {"party": "police"}}
PERMIT = Permit(("name",), {}, None, TERMS.valid_until, ("R1",), CONSENT)
AGREEMENT = {"id": QUERY.agreement, "digest": "sha-256:" + "a" * 64}


def claims(
    salt: bytes = b"s" * 16, permit: Permit = PERMIT, answer: Any = ANSWER
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, read by a library that knows nothing of us."""
    draft = receipt.Draft.of(
        QUERY,
        permit,
        provider="police",
        agreement=AGREEMENT,
        salt=salt,
        request_digest=receipt.salted_digest(salt, canonical(BODY)),
        answer=canonical(answer),
    )
    token = receipt.sign(
        draft, issuer="https://gw.test", origin="gw.test/log", index=41, leaf_hash=b"\x07" * 32, at=NOW,
        sign_with=KEY.sign_jwt,
    )  # fmt: skip
    found = jws.deserialize_compact(token, ECKey.import_key({**KEY.public_jwk()}), algorithms=["ES256"])
    return dict(found.headers()), json.loads(found.payload)


def independent_digest(salt: bytes, value: Any) -> str:
    return "sha-256:" + hashlib.sha256(salt + rfc8785.dumps(value)).hexdigest()


def test_it_says_what_left_for_whom_under_what_and_where_the_log_says_so() -> None:
    header, found = claims()
    assert header["typ"] == "tongqu-receipt+jwt" and header["kid"] == KEY.kid
    assert found.pop("jti").startswith("rct_")
    assert found == {
        "iss": "https://gw.test",
        "iat": int(NOW.timestamp()),
        "query": QUERY.id,
        "consumer": "street-linden",
        "provider": "police",
        "client": "cli_linden",
        "agreement": AGREEMENT,
        "consent": {"id": CONSENT.id, "digest": CONSENT.digest},
        "purpose": "counter.identity",
        "standard": "person-basic/1.0.0",
        "fields": ["name"],
        "salt": base64.urlsafe_b64encode(b"s" * 16).rstrip(b"=").decode(),
        "request_digest": independent_digest(b"s" * 16, BODY),
        "response_digest": independent_digest(b"s" * 16, ANSWER),
        "log": {"origin": "gw.test/log", "index": 41, "leaf_hash": "sha-256:" + "07" * 32, "mmd": 60},
    }


def test_without_consent_it_says_null() -> None:
    assert claims(permit=replace(PERMIT, consent=None))[1]["consent"] is None


def test_it_names_neither_the_resident_nor_anything_about_them() -> None:
    text = json.dumps(claims(), ensure_ascii=False)
    assert "990101199001010019" not in text and "安采薇" not in text


def test_the_same_question_twice_has_two_digests() -> None:
    first, second = (claims(receipt.new_salt())[1] for _ in range(2))
    assert first["request_digest"] != second["request_digest"] and len(receipt.new_salt()) == 16


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
)


@settings(max_examples=examples(150), deadline=None)
@given(json_values)
def test_the_digest_is_what_anybody_computes(value: Any) -> None:
    assert receipt.salted_digest(b"salt", canonical(value)) == independent_digest(b"salt", value)


@pytest.mark.parametrize("changed", [{"data": []}, {"data": [{"name": "安采葳"}]}, {"withheld": [{}]}, {"source": {}}])
def test_another_answer_has_another_digest(changed: dict[str, Any]) -> None:
    assert claims(answer=ANSWER | changed)[1]["response_digest"] != claims()[1]["response_digest"]
