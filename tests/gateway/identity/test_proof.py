"""A request proves to come from the holder of the token's key. The table follows RFC 9449 section 4.3 and the negative
module for DPoP of the OpenID Foundation's FAPI 2.0 tests; each defect is tried at the token endpoint and at a
resource."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.clock import FixedClock
from tests.gateway.identity.house import ROUTE, House
from tests.gateway.identity.sender import REMOVE, Key, rsa_key

Change = Callable[[int, Key], dict[str, Any]]


def _header(**header: Any) -> Change:
    return lambda now, key: {"header": header}


def _claims(**claims: Any) -> Change:
    return lambda now, key: claims


DEFECTS: dict[str, Change] = {
    "no typ": _header(typ=REMOVE),
    "typ JWT": _header(typ="JWT"),
    "typ in capitals": _header(typ="DPoP+JWT"),
    "typ is a number": _header(typ=1),
    "unsigned": _header(alg="none"),
    "symmetric": _header(alg="HS256"),
    "RS256 by an RSA key": lambda now, key: {"key": Key.make("PS256"), "header": {"alg": "RS256"}},
    "ES384 by a key for it": lambda now, key: {"key": Key.make("ES384")},
    "no alg": _header(alg=REMOVE),
    "alg of another key type": _header(alg="PS256"),
    "no key": _header(jwk=REMOVE),
    "key is a text": _header(jwk="key"),
    "key is a list": _header(jwk=[]),
    "another key": lambda now, key: {"header": {"jwk": dict(Key.make().public)}},
    "private key": lambda now, key: {"header": {"jwk": {**key.public, "d": "AAAA"}}},
    "symmetric key": _header(jwk={"kty": "oct", "k": "c2VjcmV0"}),
    "key of another curve": lambda now, key: {"header": {"jwk": {**key.public, "crv": "P-384"}}},
    "point off the curve": lambda now, key: {"header": {"jwk": {**key.public, "x": "A" * 43}}},
    "key for encryption": lambda now, key: {"header": {"jwk": {**key.public, "use": "enc"}}},
    "key that may not verify": lambda now, key: {"header": {"jwk": {**key.public, "key_ops": ["encrypt"]}}},
    "key declared for PS256": lambda now, key: {"header": {"jwk": {**key.public, "alg": "PS256"}}},
    "crit": _header(crit=["exp"]),
    "empty crit": _header(crit=[]),
    "b64": _header(b64=False),
    "no jti": _claims(jti=REMOVE),
    "empty jti": _claims(jti=""),
    "endless jti": _claims(jti="x" * 513),
    "jti is a number": _claims(jti=1),
    "no htm": _claims(htm=REMOVE),
    "another method": _claims(htm="PUT"),
    "method in small letters": _claims(htm="post"),
    "no htu": _claims(htu=REMOVE),
    "htu is a number": _claims(htu=1),
    "another path": _claims(htu="https://gw.test/v1/consents"),
    "a path below": _claims(htu="https://gw.test/v1/queries/explain"),
    "path in capitals": _claims(htu="https://gw.test/V1/QUERIES"),
    "path with dots": _claims(htu="https://gw.test/v1/x/../queries"),
    "another host": _claims(htu="https://gw.example/v1/queries"),
    "another port": _claims(htu="https://gw.test:8443/v1/queries"),
    "another scheme": _claims(htu="http://gw.test/v1/queries"),
    "a user in the address": _claims(htu="https://gw.test@gw.test/v1/queries"),
    "an impossible port": _claims(htu="https://gw.test:99999/v1/queries"),
    "a broken address": _claims(htu="https://[gw.test/v1/queries"),
    "no iat": _claims(iat=REMOVE),
    "iat is a text": lambda now, key: {"iat": str(now)},
    "iat is true": _claims(iat=True),
    "iat 61 s ago": lambda now, key: {"iat": now - 61},
    "iat 11 s ahead": lambda now, key: {"iat": now + 11},
    "iat in milliseconds": lambda now, key: {"iat": now * 1000},
    "iat infinite": lambda now, key: {"iat": float("inf")},
    "nbf 11 s ahead": lambda now, key: {"nbf": now + 11},
    "nbf is a text": _claims(nbf="soon"),
    "exp five minutes ago": lambda now, key: {"exp": now - 300},
    "exp is null": _claims(exp=None),
}
NONCE_DEFECTS: dict[str, Any] = {"no nonce": REMOVE, "made up": "AAAAAAAAAAAAAAAAAAAAAAAA", "number": 7, "非": "随机"}
AT_RESOURCE_ONLY: dict[str, Change] = {
    "no ath": _claims(ath=REMOVE),
    "hash of another token": _claims(ath="A" * 43),
    "ath is a number": _claims(ath=1),
}


def _proof(house: House, path: str, token: str | None, change: Change) -> str:
    sender = house.street
    sender.nonce = house.authenticator.nonce()
    changes = change(sender.now(), sender.key)
    if path != ROUTE and isinstance(changes.get("htu"), str):
        changes = {**changes, "htu": changes["htu"].replace(ROUTE, path)}
    return sender.proof("POST", path, token, **changes)


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defective_proof_is_refused_at_both_endpoints(shared_house: House, defect: str) -> None:
    house = shared_house
    token = house.token(house.street)
    at_resource = house.call(token, _proof(house, ROUTE, token, DEFECTS[defect]))
    assert (at_resource.status_code, at_resource.json["rule"]) == (401, "A7")
    assert 'error="invalid_dpop_proof"' in at_resource.headers["WWW-Authenticate"]
    at_server = house.post("/oauth/token", house.street.form(), _proof(house, "/oauth/token", None, DEFECTS[defect]))
    assert (at_server.status_code, at_server.json["error"]) == (400, "invalid_dpop_proof")
    assert house.call(token, _proof(house, ROUTE, token, _claims())).status_code == 200, "a good one is taken"


@pytest.mark.parametrize("defect", NONCE_DEFECTS)
def test_a_proof_without_a_good_nonce_is_told_to_use_one(shared_house: House, defect: str) -> None:
    house = shared_house
    token = house.token(house.street)
    answer = house.call(token, house.street.proof("POST", ROUTE, token, nonce=NONCE_DEFECTS[defect]))
    assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (401, "use_dpop_nonce", "A9")
    assert 'error="use_dpop_nonce"' in answer.headers["WWW-Authenticate"]
    house.street.nonce = answer.headers["DPoP-Nonce"]
    assert house.call(token, house.street.proof("POST", ROUTE, token)).status_code == 200


@pytest.mark.parametrize("defect", AT_RESOURCE_ONLY)
def test_a_proof_about_another_token_is_refused(shared_house: House, defect: str) -> None:
    house = shared_house
    token = house.token(house.street)
    answer = house.call(token, _proof(house, ROUTE, token, AT_RESOURCE_ONLY[defect]))
    assert (answer.status_code, answer.json["rule"]) == (401, "A7")


def test_texts_that_are_no_proof_are_refused(house: House) -> None:
    token = house.token(house.street)
    good = _proof(house, ROUTE, token, _claims())
    head, body, signature = good.split(".")
    twice = base64.urlsafe_b64encode(b'{"jti":"abcdefgh","jti":"abcdefgi"}').decode().rstrip("=")
    texts = {
        "nothing": "",
        "words": "proof",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.x",
        "no signature": f"{head}.{body}.",
        "cut signature": f"{head}.{body}.{signature[:-4]}",
        "padding": f"{good}==",
        "other last bits": f"{head}.{body}.{signature[:-1]}{'B' if signature[-1] == 'A' else 'A'}",
        "payload no object": f"{head}.{base64.urlsafe_b64encode(b'[]').decode().rstrip('=')}.{signature}",
        "a member twice": f"{head}.{twice}.{signature}",
        "too long": f"{head}.{body}.{'A' * 9000}",
        "two in one header": f"{good}, {good}",
    }
    for name, text in texts.items():
        answer = house.call(token, text)
        assert (answer.status_code, answer.json["rule"]) == (401, "A7"), name


def test_there_must_be_exactly_one_proof(house: House) -> None:
    token = house.token(house.street)
    for proofs in ((), (_proof(house, ROUTE, token, _claims()), _proof(house, ROUTE, token, _claims()))):
        answer = house.call(token, *proofs)
        assert (answer.status_code, answer.json["rule"]) == (401, "A7")


def test_a_key_that_is_too_short_or_has_a_huge_exponent_is_refused(house: House) -> None:
    token = house.token(house.street)
    small = rsa_key(1024).public_key().public_numbers()
    for modulus, exponent in ((small.n, 65537), (rsa_key(2048).public_key().public_numbers().n, (1 << 2047) + 1)):
        jwk = {
            name: base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).decode().rstrip("=")
            for name, number in (("n", modulus), ("e", exponent))
        }
        house.street.nonce = house.authenticator.nonce()
        proof = house.street.proof("POST", ROUTE, token, header={"alg": "PS256", "jwk": {"kty": "RSA", **jwk}})
        assert house.call(token, proof).json["rule"] == "A7"


def test_a_proof_ten_seconds_early_or_a_minute_old_is_taken(house: House) -> None:
    token = house.token(house.street)
    for offset in (10, 0, -10, -60):
        proof = _proof(house, ROUTE, token, lambda now, key, offset=offset: {"iat": now + offset})  # type: ignore[misc]
        assert house.call(token, proof).status_code == 200


def test_the_limits_that_a_proof_sets_itself_count(house: House) -> None:
    token = house.token(house.street)
    taken = _proof(house, ROUTE, token, lambda now, key: {"nbf": now - 5, "exp": now + 5})
    assert house.call(token, taken).status_code == 200


def test_unknown_headers_and_claims_are_ignored(house: House) -> None:
    token = house.token(house.street)
    more = {"header": {"kid": "x", "x5c": ["x"], "jku": "https://evil.test", "extra": {"a": [1]}}, "extra": 1}
    assert house.call(token, _proof(house, ROUTE, token, lambda now, key: more)).status_code == 200


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://GW.TEST/v1/queries",
        "https://gw.test:443/v1/queries",
        "https://gw.test/v1/queries?page=2",
        "https://gw.test/v1/queries#top",
        "https://gw.test/v1/%71ueries",
    ],
)
def test_other_spellings_of_the_same_address_are_taken(shared_house: House, htu: str) -> None:
    house = shared_house
    token = house.token(house.street)
    assert house.call(token, _proof(house, ROUTE, token, _claims(htu=htu))).status_code == 200


def test_a_path_in_chinese_may_be_percent_encoded(house: House) -> None:
    token = house.token(house.street)
    house.street.nonce = house.authenticator.nonce()
    encoded = "/v1/%E6%96%87%E4%BB%B6/%E7%94%B2"
    assert house.call(token, house.street.proof("POST", encoded, token), path="/v1/文件/甲").status_code == 200
    assert house.call(token, house.street.proof("POST", "/v1/文件/甲", token), path="/v1/文件/甲").status_code == 200


def test_the_name_of_the_scheme_may_be_in_any_case(house: House) -> None:
    token = house.token(house.street)
    for scheme in ("DPoP", "dpop", "DPOP"):
        assert house.call(token, _proof(house, ROUTE, token, _claims()), scheme=scheme).status_code == 200


def test_the_same_proof_twice_is_refused_and_logged(house: House) -> None:
    token = house.token(house.street)
    proof = _proof(house, ROUTE, token, _claims())
    assert house.call(token, proof).status_code == 200
    again = house.call(token, proof)
    assert (again.status_code, again.json["code"], again.json["rule"]) == (401, "proof_replayed", "A8")
    entry = house.entries()[again.json["log_index"]]
    assert (entry["type"], entry["code"], entry["rule"]) == ("identity.refused", "proof_replayed", "A8")
    assert entry["actor"] == {"party": "street-linden", "client": house.street.client_id, "officer": None}


def test_a_proof_counts_once_for_as_long_as_it_could_count(house: House, clock: FixedClock) -> None:
    token = house.token(house.street)
    proof = _proof(house, ROUTE, token, lambda now, key: {"iat": now + 10})
    assert house.call(token, proof).status_code == 200
    rules = []
    for _ in range(10):
        clock.advance(seconds=8)
        rules.append(house.call(token, proof).json["rule"])
    assert rules == ["A8"] * 8 + ["A7"] * 2, "replayed for the 70 seconds in which its iat is good, too old after"


def test_a_proof_is_remembered_across_the_turning_of_the_memory(house: House, clock: FixedClock) -> None:
    token = house.token(house.street)
    for seconds in (0, 40):
        clock.advance(seconds=seconds)
        proof = _proof(house, ROUTE, token, lambda now, key: {"iat": now + 10})
        assert house.call(token, proof).status_code == 200
    clock.advance(seconds=45)
    assert house.call(token, _proof(house, ROUTE, token, _claims())).status_code == 200, "by now the memory has turned"
    assert house.call(token, proof).json["rule"] == "A8"


def test_two_keys_may_use_the_same_jti(house: House) -> None:
    tokens = {sender.client_id: house.token(sender) for sender in (house.street, house.bureau)}
    for sender in (house.street, house.bureau):
        sender.nonce = house.authenticator.nonce()
        token = tokens[sender.client_id]
        assert house.call(token, sender.proof("POST", ROUTE, token, jti="the same jti")).status_code == 200


def test_one_key_may_not_use_a_jti_again_even_in_another_proof(house: House) -> None:
    token = house.token(house.street)
    assert house.call(token, _proof(house, ROUTE, token, _claims(jti="the same jti"))).status_code == 200
    assert house.call(token, _proof(house, ROUTE, token, _claims(jti="the same jti"))).json["rule"] == "A8"


def test_a_nonce_is_good_for_two_to_four_minutes(house: House, clock: FixedClock) -> None:
    first = house.authenticator.nonce()
    token = house.token(house.street)
    assert house.authenticator.nonce() == first, "the same for all in one slice of time"
    for seconds, taken in ((115, True), (120, True), (120, False)):
        clock.advance(seconds=seconds)
        house.street.nonce = first
        proof = house.street.proof("POST", "/oauth/token")
        answer = house.post("/oauth/token", house.street.form(), proof)
        assert (answer.json.get("error") != "use_dpop_nonce") is taken
    assert token
