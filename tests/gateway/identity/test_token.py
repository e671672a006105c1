"""A client asks for a token. The list of refusals is that of the OpenID Foundation's FAPI 2.0 test plan for client
credentials, module by module; the way that works comes last, to prove that the others failed for their reasons."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.clock import FixedClock
from tests.gateway.identity.house import BASE_URL, STREET, House, admit
from tests.gateway.identity.sender import REMOVE, Key, details


def test_a_request_without_a_client_assertion_is_refused(house: House) -> None:
    answer = house.ask_token(house.bureau, client_assertion=REMOVE)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")


def test_a_request_without_a_client_id_works_because_the_assertion_names_the_client(house: House) -> None:
    assert house.ask_token(house.bureau, client_id=REMOVE).status_code == 200


def test_a_client_id_that_is_not_the_one_of_the_assertion_is_refused(house: House) -> None:
    answer = house.ask_token(house.bureau, client_id=house.street.client_id)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")


def test_a_request_without_a_proof_is_refused(house: House) -> None:
    answer = house.post("/oauth/token", house.bureau.form())
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")
    assert answer.headers["DPoP-Nonce"]


def test_a_proof_without_a_nonce_is_told_to_use_one(house: House) -> None:
    answer = house.post("/oauth/token", house.bureau.form(), house.bureau.proof("POST", "/oauth/token"))
    assert (answer.status_code, answer.json["error"]) == (400, "use_dpop_nonce")
    assert answer.headers["DPoP-Nonce"] == house.authenticator.nonce()


def test_the_same_assertion_may_be_sent_again_after_the_nonce_was_asked_for(house: House) -> None:
    sender, form = house.bureau, house.bureau.form()
    asked = house.post("/oauth/token", form, sender.proof("POST", "/oauth/token"))
    sender.nonce = asked.headers["DPoP-Nonce"]
    assert house.post("/oauth/token", form, sender.proof("POST", "/oauth/token")).status_code == 200


def test_an_assertion_counts_once(house: House) -> None:
    assertion = house.bureau.assertion()
    assert house.ask_token(house.bureau, client_assertion=assertion).status_code == 200
    again = house.ask_token(house.bureau, client_assertion=assertion)
    assert (again.status_code, again.json["error"]) == (400, "invalid_client")
    assert house.entries()[-1]["type"] == "identity.refused"
    assert house.entries()[-1]["actor"]["client"] == house.bureau.client_id


def test_two_clients_may_use_the_same_jti(house: House) -> None:
    assert house.ask_token(house.bureau, client_assertion=house.bureau.assertion(jti="a" * 20)).status_code == 200
    assert house.ask_token(house.police, client_assertion=house.police.assertion(jti="a" * 20)).status_code == 200


def test_a_proof_counts_once_at_the_token_endpoint_too(house: House) -> None:
    house.bureau.nonce = house.authenticator.nonce()
    proof = house.bureau.proof("POST", "/oauth/token")
    assert house.post("/oauth/token", house.bureau.form(), proof).status_code == 200
    again = house.post("/oauth/token", house.bureau.form(), proof)
    assert (again.status_code, again.json["error"], again.json["rule"]) == (400, "invalid_dpop_proof", "A8")


# name of the defect, changes of the claims, changes of the header (functions of now)
ASSERTION_DEFECTS: dict[str, Any] = {
    "expired five minutes ago": lambda now: ({"iat": now - 360, "exp": now - 300}, {}),
    "expired six seconds ago": lambda now: ({"exp": now - 6}, {}),
    "lives for 301 seconds": lambda now: ({"exp": now + 301}, {}),
    "lives for 30 years": lambda now: ({"exp": now + 30 * 365 * 86400}, {}),
    "lives for ever": lambda now: ({"exp": REMOVE}, {}),
    "expires at a text": lambda now: ({"exp": str(now + 60)}, {}),
    "expires at true": lambda now: ({"exp": True}, {}),
    "issued 11 seconds from now": lambda now: ({"iat": now + 11}, {}),
    "not valid before 11 seconds from now": lambda now: ({"nbf": now + 11}, {}),
    "audience is another server": lambda now: ({"aud": "https://other.test"}, {}),
    "audience is the token endpoint": lambda now: ({"aud": f"{BASE_URL}/oauth/token"}, {}),
    "audience is a list with the issuer": lambda now: ({"aud": [BASE_URL]}, {}),
    "audience is a list of two": lambda now: ({"aud": [BASE_URL, "https://other.test"]}, {}),
    "audience with a slash": lambda now: ({"aud": BASE_URL + "/"}, {}),
    "no audience": lambda now: ({"aud": REMOVE}, {}),
    "no subject": lambda now: ({"sub": REMOVE}, {}),
    "subject is a number": lambda now: ({"sub": 7, "iss": 7}, {}),
    "no issuer": lambda now: ({"iss": REMOVE}, {}),
    "issuer is somebody else": lambda now: ({"iss": "cli_other"}, {}),
    "an unknown client": lambda now: ({"iss": "cli_other", "sub": "cli_other"}, {}),
    "no jti": lambda now: ({"jti": REMOVE}, {}),
    "a short jti": lambda now: ({"jti": "1234567"}, {}),
    "a long jti": lambda now: ({"jti": "x" * 129}, {}),
    "a number as jti": lambda now: ({"jti": 12345678}, {}),
    "typ of an access token": lambda now: ({}, {"typ": "at+jwt"}),
    "typ of a proof": lambda now: ({}, {"typ": "dpop+jwt"}),
    "unsigned": lambda now: ({}, {"alg": "none"}),
    "signed with the public key as secret": lambda now: ({}, {"alg": "HS256"}),
    "critical header": lambda now: ({}, {"crit": ["exp"], "exp": 1}),
    "an empty list of critical headers": lambda now: ({}, {"crit": []}),
    "b64 header": lambda now: ({}, {"b64": True}),
}


@pytest.mark.parametrize("defect", ASSERTION_DEFECTS)
def test_a_defective_assertion_is_refused_in_the_same_words(shared_house: House, defect: str) -> None:
    house = shared_house
    claims, header = ASSERTION_DEFECTS[defect](house.bureau.now())
    answer = house.ask_token(
        house.bureau, client_id=REMOVE, client_assertion=house.bureau.assertion(header=header, **claims)
    )
    usual = house.ask_token(house.bureau, client_assertion="not a token")
    assert answer.status_code == 400
    assert answer.json == usual.json
    assert answer.json["error"] == "invalid_client"


def test_an_assertion_within_the_limits_of_time_is_taken(house: House, clock: FixedClock) -> None:
    now = int(clock.now().timestamp())
    for claims in ({"exp": now - 5}, {"exp": now + 300}, {"iat": now + 10, "nbf": now + 10}, {"iat": REMOVE}):
        assert house.ask_token(house.bureau, client_assertion=house.bureau.assertion(**claims)).status_code == 200


def test_rs256_is_refused_though_the_key_is_good_for_ps256(house: House, clock: FixedClock) -> None:
    sender = admit(house.identity, "data-bureau", {"admin"}, clock, "PS256")
    answer = house.ask_token(sender, client_assertion=sender.assertion(header={"alg": "RS256"}))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")
    assert house.ask_token(sender).status_code == 200


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "Ed25519"])
def test_each_algorithm_of_the_profile_works_for_assertion_and_proof(house: House, clock: FixedClock, alg: str) -> None:
    sender = admit(house.identity, STREET, {"exchange:query"}, clock, alg)
    token = house.token(sender, authorization_details=details())
    assert house.call(token, sender.proof("POST", "/v1/queries", token)).status_code == 200


def test_another_clients_key_is_refused(house: House) -> None:
    answer = house.ask_token(house.bureau, client_assertion=house.bureau.assertion(key=house.police.key))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")


def test_a_key_in_the_header_of_the_assertion_is_not_believed(house: House) -> None:
    stranger = Key.make()
    for header in ({"jwk": dict(stranger.public)}, {"jku": "https://evil.test/jwks"}, {"x5u": "https://evil.test/x"}):
        answer = house.ask_token(house.bureau, client_assertion=house.bureau.assertion(key=stranger, header=header))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")


def test_a_client_may_name_its_key_as_it_likes(house: House) -> None:
    for header in ({"kid": "key-1"}, {"kid": REMOVE}, {"typ": REMOVE}, {"typ": "client-authentication+jwt"}):
        assert house.ask_token(house.bureau, client_assertion=house.bureau.assertion(header=header)).status_code == 200


def test_a_suspended_client_gets_no_token_and_learns_no_more_than_a_stranger(house: House) -> None:
    actor = {"party": None, "client": None, "officer": None}
    house.identity.suspend_client(actor, house.bureau.client_id)
    answer = house.ask_token(house.bureau)
    assert answer.json == house.ask_token(house.bureau, client_assertion="nonsense").json
    house.identity.resume_client(actor, house.bureau.client_id)
    house.identity.suspend_party(actor, "data-bureau")
    assert house.ask_token(house.bureau).status_code == 400
    house.identity.resume_party(actor, "data-bureau")
    assert house.ask_token(house.bureau).status_code == 200


def test_after_a_rotation_the_old_key_opens_nothing(house: House) -> None:
    actor = {"party": None, "client": None, "officer": None}
    old, new, next_one = house.bureau.key, Key.make(), Key.make()
    house.identity.rotate_key(actor, house.bureau.client_id, key=new.public, keep=True)
    for key in (old, new):
        assertion = house.bureau.assertion(key=key)
        assert house.ask_token(house.bureau, client_assertion=assertion).status_code == 200
    house.identity.rotate_key(actor, house.bureau.client_id, key=next_one.public)
    for key, status in ((old, 400), (new, 400), (next_one, 200)):
        assertion = house.bureau.assertion(key=key)
        assert house.ask_token(house.bureau, client_assertion=assertion).status_code == status


FORM_DEFECTS: dict[str, tuple[dict[str, Any], str]] = {
    "another grant": ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
    "a refresh token": ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
    "no grant": ({"grant_type": REMOVE}, "invalid_request"),
    "a secret": ({"client_secret": "x"}, "invalid_client"),
    "another assertion type": ({"client_assertion_type": "x"}, "invalid_client"),
    "a scope the client does not have": ({"scope": "catalogue:write"}, "invalid_scope"),
    "a scope that does not exist": ({"scope": "everything"}, "invalid_scope"),
    "an empty scope": ({"scope": " "}, "invalid_scope"),
    "another resource": ({"resource": "https://other.test"}, "invalid_target"),
    "a query without an agreement": ({"scope": "exchange:query"}, "invalid_authorization_details"),
    "an agreement without a query": (
        {"scope": "agreements:read", "authorization_details": details()},
        "invalid_authorization_details",
    ),
    "details that are no JSON": ({"authorization_details": "{"}, "invalid_authorization_details"),
    "details that are one object": (
        {"authorization_details": details()[1:-1]},
        "invalid_authorization_details",
    ),
    "two details": (
        {"authorization_details": json.dumps(json.loads(details()) * 2)},
        "invalid_authorization_details",
    ),
    "no details": ({"authorization_details": "[]"}, "invalid_authorization_details"),
    "details of another type": ({"authorization_details": details(type="payment")}, "invalid_authorization_details"),
    "an unknown member": ({"authorization_details": details(admin=True)}, "invalid_authorization_details"),
    "no purpose": ({"authorization_details": details(purpose=REMOVE)}, "invalid_authorization_details"),
    "purpose is a number": ({"authorization_details": details(purpose=1)}, "invalid_authorization_details"),
    "fields that are no list": ({"authorization_details": details(datatypes="name")}, "invalid_authorization_details"),
    "fields that are no texts": ({"authorization_details": details(datatypes=[1])}, "invalid_authorization_details"),
    "an empty list of fields": ({"authorization_details": details(datatypes=[])}, "invalid_authorization_details"),
    "another action": ({"authorization_details": details(actions=["write"])}, "invalid_authorization_details"),
    "another place": (
        {"authorization_details": details(locations=["https://x.test"])},
        "invalid_authorization_details",
    ),
    "a member twice": (
        {"authorization_details": '[{"type":"gov_record_request","type":"x","agreement_id":"a","purpose":"p"}]'},
        "invalid_authorization_details",
    ),
    "details as long as a book": (
        {"authorization_details": details(datatypes=["x" * 20_000])},
        "invalid_authorization_details",
    ),
    "another agreement": ({"authorization_details": details(agreement_id="agr_2")}, "invalid_authorization_details"),
    "another purpose": ({"authorization_details": details(purpose="curiosity")}, "invalid_authorization_details"),
}


@pytest.mark.parametrize("defect", FORM_DEFECTS)
def test_a_defective_request_gets_the_error_that_the_rfcs_name(shared_house: House, defect: str) -> None:
    house = shared_house
    changes, error = FORM_DEFECTS[defect]
    answer = house.ask_token(house.street, **changes)
    assert (answer.status_code, answer.json["error"]) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["DPoP-Nonce"]
    description = answer.json.get("error_description", "")
    assert all(" " <= c <= "~" and c not in '"\\' for c in description)


def test_a_refusal_by_the_agreement_says_rule_and_reason_in_both_languages(house: House) -> None:
    answer = house.ask_token(house.street, authorization_details=details(purpose="curiosity")).json
    assert (answer["rule"], answer["code"]) == ("R3", "purpose_not_covered")
    assert (answer["detail_zh"], answer["detail_en"]) == ("协议未授权。", "The agreement does not allow it.")


def test_a_parameter_in_the_address_or_twice_is_refused(house: House) -> None:
    house.bureau.nonce = house.authenticator.nonce()
    form = house.bureau.form()
    for path, data in (
        ("/oauth/token?scope=admin", form),
        ("/oauth/token?grant_type=client_credentials", form),
        ("/oauth/token", {**form, "scope": ["admin", "admin"]}),
        ("/oauth/token", {**form, "client_assertion": [form["client_assertion"]] * 2}),
    ):
        answer = house.post(path, data, house.bureau.proof("POST", "/oauth/token"))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_body_that_is_no_form_is_refused(house: House) -> None:
    for more in ({"json": {}}, {"data": b"\xff\xfe", "content_type": "text/plain"}):
        answer = house.http.post("/oauth/token", base_url=BASE_URL, **more)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_forged_host_changes_nothing(house: House) -> None:
    sender = house.bureau
    sender.nonce = house.authenticator.nonce()
    forged = {"base_url": "http://evil.test"}
    answer = house.http.post(
        "/oauth/token",
        data=sender.form(),
        headers={"DPoP": sender.proof("POST", "/oauth/token"), "X-Forwarded-Host": "evil.test"},
        **forged,
    )
    assert answer.status_code == 200, "the configured address decides, not the Host header"
    wrong = sender.proof("POST", "/oauth/token", htu="http://evil.test/oauth/token")
    answer = house.http.post("/oauth/token", data=sender.form(), headers={"DPoP": wrong}, **forged)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")


def test_the_token_says_what_rfc_9068_asks_and_what_was_granted(house: House, clock: FixedClock) -> None:
    answer = house.ask_token(house.street, authorization_details=details(standard="person-basic/1.0.0"))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("DPoP", 300)
    assert "refresh_token" not in answer.json
    head, body, _ = answer.json["access_token"].split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
    now = int(clock.now().timestamp())
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert claims["iss"] == claims["aud"] == BASE_URL
    assert claims["sub"] == claims["client_id"] == house.street.client_id
    assert (claims["iat"], claims["exp"]) == (now, now + 300)
    assert len(base64.urlsafe_b64decode(claims["jti"] + "==")) == 16
    assert claims["cnf"] == {"jkt": house.street.key.thumbprint}
    assert claims["scope"] == answer.json["scope"] == "exchange:query"
    (granted,) = claims["authorization_details"]
    assert answer.json["authorization_details"] == [granted]
    assert granted["agreement_digest"] == "sha-256:" + "0" * 64
    assert granted["locations"] == [BASE_URL]


def test_without_a_scope_a_client_gets_everything_but_queries(house: House) -> None:
    assert house.ask_token(house.street).json["scope"] == "agreements:read"
    assert house.ask_token(house.police).json["scope"] == "catalogue:write"
