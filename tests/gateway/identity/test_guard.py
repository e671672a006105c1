"""A request comes with a token, or with something that is none. Each refusal names its rule, A1 to A9."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Unauthenticated
from gateway.identity.guard import Authenticator
from gateway.identity.model import OPERATOR
from gateway.lib.jose import SigningKey
from gateway.lib.keys import Keys
from tests.clock import FixedClock
from tests.gateway.identity.house import BASE_URL, ROUTE, STREET, House, admit
from tests.gateway.identity.sender import Key, b64, details


def _call(house: House, token: str, **more: Any) -> Any:
    house.street.nonce = house.authenticator.nonce()
    return house.call(token, house.street.proof("POST", ROUTE, token), **more)


def test_a_caller_with_token_and_proof_is_let_in(house: House) -> None:
    answer = _call(house, house.token(house.street))
    assert (answer.status_code, answer.json) == (200, {"party": STREET, "purpose": "dibao.initial"})
    assert answer.headers["DPoP-Nonce"]


def test_no_token_is_A1(house: House) -> None:  # the rule's name
    for headers in ({}, {"Authorization": ""}, {"Authorization": "DPoP"}, {"Authorization": "Basic YTpi"}):
        answer = house.http.post(ROUTE, headers=headers, base_url=BASE_URL)
        assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (401, "token_missing", "A1")
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith("DPoP ")
        assert "error=" not in challenge, "RFC 6750 section 3.1: who sent nothing made no error"
        assert f'resource_metadata="{BASE_URL}/.well-known/oauth-protected-resource"' in challenge


def test_a_good_token_as_bearer_is_A2_with_or_without_a_proof_and_is_logged(house: House) -> None:
    token = house.token(house.street)
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = _call(house, token, scheme=scheme)
        assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (401, "token_as_bearer", "A2")
        entry = house.entries()[answer.json["log_index"]]
        assert (entry["type"], entry["code"], entry["rule"]) == ("identity.refused", "token_as_bearer", "A2")
        assert entry["actor"]["party"] == STREET


def test_a_made_up_bearer_token_is_A2_and_writes_nothing(house: House) -> None:
    before = len(house.entries())
    answer = house.call("made-up", scheme="Bearer")
    assert (answer.status_code, answer.json["rule"]) == (401, "A2")
    assert len(house.entries()) == before


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, signature = token.split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
    return header, claims, signature


def _forged(house: House, token: str) -> dict[str, str]:
    """Tokens that are none of ours, by the name of what is wrong."""
    header, claims, signature = _parts(token)
    body = token.split(".")[1]
    keys = house.server.keys
    stranger = Key.make()

    def encoded(changed: dict[str, Any]) -> str:
        return b64(json.dumps(changed).encode())

    return {
        "not a token": "x",
        "not ASCII": "令牌",
        "unsigned": f"{encoded({**header, 'alg': 'none'})}.{body}.",
        "signature removed": token[: token.rindex(".") + 1],
        "payload changed": f"{token.split('.')[0]}.{encoded({**claims, 'scope': 'admin'})}.{signature}",
        "signed by a stranger with our kid": stranger.jws(header, claims),
        "signed by a stranger with its own key in the header": stranger.jws(
            {**header, "jwk": dict(stranger.public), "kid": stranger.thumbprint}, claims
        ),
        "public key as secret": Key(
            "HS256", None, {k: v for k, v in keys.token.public_jwk().items() if k in ("kty", "crv", "x", "y")}
        ).jws({**header, "alg": "HS256"}, claims),
        "no typ": _own(keys.token, claims, typ=""),
        "typ JWT": _own(keys.token, claims, typ="JWT"),
        "typ of a receipt": _own(keys.token, claims, typ="tongqu-receipt+jwt"),
        "signed by our receipt key": keys.receipt.sign_jwt("at+jwt", claims),
        "signed by our request key": keys.request.sign_jwt("at+jwt", claims),
        "crit": keys.token.sign_jwt("at+jwt", claims, crit=["exp"]),
        "b64": keys.token.sign_jwt("at+jwt", claims, b64=True),
        "another issuer": keys.token.sign_jwt("at+jwt", {**claims, "iss": "https://other.test"}),
        "another audience": keys.token.sign_jwt("at+jwt", {**claims, "aud": "https://other.test"}),
        "a list of audiences": keys.token.sign_jwt("at+jwt", {**claims, "aud": [claims["aud"]]}),
        "no binding to a key": keys.token.sign_jwt("at+jwt", {k: v for k, v in claims.items() if k != "cnf"}),
        "no end": keys.token.sign_jwt("at+jwt", {k: v for k, v in claims.items() if k != "exp"}),
        "two agreements": keys.token.sign_jwt(
            "at+jwt", {**claims, "authorization_details": claims["authorization_details"] * 2}
        ),
        "a client assertion": house.street.assertion(),
        "a proof": house.street.proof("POST", ROUTE),
    }


def _own(key: SigningKey, claims: dict[str, Any], typ: str) -> str:
    return key.sign_jwt(typ, claims)


def test_whatever_is_no_token_of_ours_is_A3_and_writes_nothing(house: House) -> None:
    token = house.token(house.street)
    before = len(house.entries())
    for name, forged in _forged(house, token).items():
        with pytest.raises(Unauthenticated) as caught:
            house.authenticator.check("POST", ROUTE, f"DPoP {forged}", [house.street.proof("POST", ROUTE, forged)])
        assert (caught.value.code, caught.value.rule, caught.value.actor) == ("invalid_token", "A3", None), name
        if forged.isascii():
            answer = _call(house, forged)
            assert (answer.status_code, answer.json["rule"]) == (401, "A3"), name
            assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert len(house.entries()) == before
    assert _call(house, token).status_code == 200


def test_a_token_lives_for_300_seconds_and_is_A4_then(house: House, clock: FixedClock) -> None:
    token = house.token(house.street)
    clock.advance(seconds=299)
    assert _call(house, token).status_code == 200
    clock.advance(seconds=1)
    answer = _call(house, token)
    assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (401, "token_expired", "A4")
    assert "log_index" not in answer.json, "being late is no misuse"


def test_a_token_of_another_client_is_A6_and_is_logged(house: House, clock: FixedClock) -> None:
    thief = admit(house.identity, STREET, {"exchange:query"}, clock)
    stolen = house.token(house.street)
    thief.nonce = house.authenticator.nonce()
    answer = house.call(stolen, thief.proof("POST", ROUTE, stolen))
    assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (401, "token_of_another_client", "A6")
    entry = house.entries()[answer.json["log_index"]]
    assert (entry["rule"], entry["actor"]["client"]) == ("A6", house.street.client_id)


def test_a_stolen_token_opens_nothing_whatever_comes_with_it(house: House) -> None:
    stolen, stranger = house.token(house.street), house.street.with_key(Key.make())
    seen = house.street.proof("POST", ROUTE, stolen)
    for proof in ((), (stranger.proof("POST", ROUTE, stolen),), (house.street.proof("GET", ROUTE, stolen),)):
        assert house.call(stolen, *proof).status_code == 401
    assert house.call(stolen, seen).status_code == 200, "only its holder's own proof opens it, once"
    assert house.call(stolen, seen).status_code == 401


def test_a_token_in_the_address_or_in_a_form_is_refused(house: House) -> None:
    token = house.token(house.street)
    for more in ({"query_string": {"access_token": token}}, {"data": {"access_token": token}}):
        alone = house.http.post(ROUTE, base_url=BASE_URL, **more)
        assert (alone.status_code, alone.json["rule"]) == (400, "A1")
        assert _call(house, token, **more).status_code == 400


def test_a_scope_that_the_token_lacks_is_refused(house: House) -> None:
    token = house.token(house.police)
    house.police.nonce = house.authenticator.nonce()
    answer = house.call(token, house.police.proof("POST", ROUTE, token))
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert 'scope="exchange:query admin"' in answer.headers["WWW-Authenticate"]


def test_a_suspended_client_or_party_is_out_at_once(house: House) -> None:
    token = house.token(house.street)
    assert _call(house, token).status_code == 200
    house.identity.suspend_client(OPERATOR, house.street.client_id)
    answer = _call(house, token)
    assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (401, "token_revoked", "A5")
    house.identity.resume_client(OPERATOR, house.street.client_id)
    house.identity.suspend_party(OPERATOR, STREET)
    assert _call(house, token).json["rule"] == "A5"
    house.identity.resume_party(OPERATOR, STREET)
    assert _call(house, token).status_code == 200


def test_forged_headers_do_not_move_the_address(house: House) -> None:
    token = house.token(house.street)
    forged = {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.test"}
    assert _call(house, token, headers=list(forged.items()), base_url="http://evil.test").status_code == 200
    house.street.nonce = house.authenticator.nonce()
    proof = house.street.proof("POST", ROUTE, token, htu=f"http://evil.test{ROUTE}")
    answer = house.call(token, proof, headers=list(forged.items()), base_url="http://evil.test")
    assert (answer.status_code, answer.json["rule"]) == (401, "A7")


def test_after_the_token_key_was_rotated_old_tokens_last_until_the_old_key_is_removed(
    house: House, clock: FixedClock
) -> None:
    old = house.token(house.street)
    folder: Path = house.server.keys.folder
    house.server.keys.publish("token")
    Keys(folder).activate("token")

    def restarted() -> Authenticator:
        return Authenticator(issuer=BASE_URL, resource=BASE_URL, keys=Keys(folder), clock=clock)

    second = restarted()
    house.street.nonce = second.nonce()
    caller, _ = second.check("POST", ROUTE, f"DPoP {old}", [house.street.proof("POST", ROUTE, old)])
    assert caller.party == STREET
    Keys(folder).remove_retiring("token")
    third = restarted()
    house.street.nonce = third.nonce()
    with pytest.raises(Unauthenticated) as caught:
        third.check("POST", ROUTE, f"DPoP {old}", [house.street.proof("POST", ROUTE, old)])
    assert caught.value.rule == "A3"


def test_one_proof_sent_by_many_threads_at_once_opens_once(house: House) -> None:
    token = house.token(house.street)
    proof = house.street.proof("POST", ROUTE, token)

    def attempt(_: int) -> str:
        try:
            caller, used = house.authenticator.check("POST", ROUTE, f"DPoP {token}", [proof])
            house.authenticator.used.claim(used)
            return caller.party
        except Unauthenticated as error:
            return str(error.rule)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(64)))
    assert sorted(results) == sorted([STREET] + ["A8"] * 63)


def test_every_refusal_has_a_sentence_in_both_languages_and_says_what_to_do(house: House) -> None:
    token = house.token(house.street)
    answers = [
        house.call(None),
        house.call(token, scheme="Bearer"),
        house.call("x"),
        house.call(token),
        _call(house, token, query_string={"access_token": "x"}),
    ]
    for answer in answers:
        assert answer.json["detail_zh"].endswith("。")
        assert answer.json["detail_en"].endswith(".")
        assert answer.json["fix"]


def test_the_grant_of_the_token_reaches_the_handler(house: House) -> None:
    asked = details(standard="person-basic/1.0.0", datatypes=["name"])
    token = house.token(house.street, authorization_details=asked)
    caller, _ = house.authenticator.check("POST", ROUTE, f"DPoP {token}", [house.street.proof("POST", ROUTE, token)])
    assert caller.grant is not None
    assert (caller.grant.agreement_id, caller.grant.standard) == ("agr_1", "person-basic/1.0.0")
    assert caller.grant.fields == ("name",)
    assert (caller.client, caller.key_thumbprint) == (house.street.client_id, house.street.key.thumbprint)
