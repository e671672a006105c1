"""A clerk asks, through the agency's system: the agency vouches for the clerk, the gateway writes down who asked
(RFC 8693). Each way in which an assertion can be wrong is refused by the code of RFC 8693 section 2.2.2."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.identity.model import OPERATOR, Caller
from tests.clock import FixedClock
from tests.gateway.identity.house import BASE_URL, POLICE, ROUTE, STREET, House
from tests.gateway.identity.sender import REMOVE, Key, b64, details

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"


class Agency:
    """The street office's own identity system: it knows its clerks and signs for them."""

    def __init__(self, house: House, party: str = STREET) -> None:
        self.house, self.party = house, party
        self.key = Key.make()
        house.identity.add_assertion_key(OPERATOR, party, key=self.key.public)
        self.clerk = house.identity.add_officer(OPERATOR, party, role="clerk", title="窗口经办人").id

    def assertion(self, *, key: Key | None = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        now, key = self.house.street.now(), key or self.key
        usual = {
            "iss": self.party,
            "sub": self.clerk,
            "aud": BASE_URL,
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            "role": ["clerk"],
            "unit": "公共服务办",
            "acr": "mfa",
            "amr": ["otp"],
            "auth_time": now - 60,
        }
        whole = {name: value for name, value in {**usual, **claims}.items() if value is not REMOVE}
        head = {"alg": key.alg, "typ": "tongqu-officer+jwt", "kid": key.thumbprint, **(header or {})}
        return key.jws({name: value for name, value in head.items() if value is not REMOVE}, whole)


def ask(house: House, assertion: str, **form: Any) -> Any:
    asked = {
        "grant_type": EXCHANGE,
        "subject_token": assertion,
        "subject_token_type": JWT,
        "authorization_details": details(),
        **form,
    }
    return house.ask_token(house.street, **asked)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def caller_of(house: House, token: str) -> Caller:
    house.street.nonce = house.authenticator.nonce()
    proof = house.street.proof("POST", ROUTE, token)
    return house.authenticator.check("POST", ROUTE, f"DPoP {token}", [proof])[0]


def opens(house: House, token: str) -> tuple[int, str | None]:
    house.street.nonce = house.authenticator.nonce()
    answer = house.call(token, house.street.proof("POST", ROUTE, token))
    return answer.status_code, answer.json.get("rule")


@pytest.fixture
def agency(house: House) -> Agency:
    return Agency(house)


@pytest.fixture(scope="module")
def shared_agency(shared_house: House) -> Agency:
    """For the tables of refusals, which change nothing."""
    return Agency(shared_house)


def test_the_token_is_the_officers_and_the_client_is_the_actor(house: House, agency: Agency) -> None:
    answer = ask(house, agency.assertion())
    assert answer.status_code == 200, answer.json
    assert answer.json["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert answer.json["token_type"] == "DPoP"
    claims = claims_of(answer.json["access_token"])
    assert claims["sub"] == agency.clerk
    assert claims["act"] == {"sub": house.street.client_id}
    assert claims["client_id"] == house.street.client_id
    assert (claims["acr"], claims["amr"], claims["roles"]) == ("mfa", ["otp"], ["clerk"])
    assert answer.json["authorization_details"] == claims["authorization_details"]
    assert opens(house, answer.json["access_token"]) == (200, None)


def test_the_handler_learns_who_asks_and_what_was_vouched_for(house: House, agency: Agency) -> None:
    case = b64(hashlib.sha256(b"SQ-2026-1").digest())
    about = b64(hashlib.sha256(b"jti-of-the-assertion\ncn.resident-id\n11").digest())
    assertion = agency.assertion(jti="jti-of-the-assertion", case_ref=case, subject_ref_digest=about)
    answer = ask(house, assertion)
    caller = caller_of(house, answer.json["access_token"])
    assert caller.officer == agency.clerk
    assert caller.actor() == {"party": STREET, "client": house.street.client_id, "officer": agency.clerk}
    said = caller.assertion
    assert said is not None
    assert (said.officer, said.roles, said.unit) == (agency.clerk, ("clerk",), "公共服务办")
    assert said.auth_time is not None
    assert int(said.auth_time.timestamp()) == house.street.now() - 60
    assert said.is_for_case("SQ-2026-1")
    assert not said.is_for_case("SQ-2026-2")
    assert said.is_about("cn.resident-id", "11")
    assert not said.is_about("cn.resident-id", "12")


def test_a_system_that_asks_for_itself_has_no_officer(house: House) -> None:
    caller = caller_of(house, house.token(house.street))
    assert (caller.officer, caller.assertion) == (None, None)


def test_an_officer_with_a_key_may_vouch_for_itself_and_for_nobody_else(house: House, agency: Agency) -> None:
    own = Key.make("Ed25519")
    officer = house.identity.add_officer(OPERATOR, STREET, role="signatory", title="主任", key=own.public)
    unsaid = dict.fromkeys(("role", "acr", "amr", "auth_time"), REMOVE)
    for said in ({}, {"role": ["signatory"]}):
        assert ask(house, agency.assertion(key=own, sub=officer.id, **{**unsaid, **said})).status_code == 200
    for said in ({"role": ["clerk"]}, {"acr": "aal3"}, {"amr": ["hwk"]}, {"auth_time": house.street.now()}):
        refused = ask(house, agency.assertion(key=own, sub=officer.id, **{**unsaid, **said}))
        assert refused.status_code == 400 and refused.json["code"] == "officer_assertion_invalid"
        assert "agency" in refused.json["detail_en"]
    refused = ask(house, agency.assertion(key=own))
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_request")


# name → (changes of the claims, changes of the header)
DEFECTS: dict[str, Any] = {
    "expired": lambda now: ({"iat": now - 310, "exp": now - 10}, {}),
    "lives for 301 seconds": lambda now: ({"exp": now + 301}, {}),
    "lives for 30 years": lambda now: ({"exp": now + 946_080_000}, {}),
    "lives for ever": lambda now: ({"exp": REMOVE}, {}),
    "without a beginning": lambda now: ({"iat": REMOVE}, {}),
    "ends before it begins": lambda now: ({"iat": now + 5, "exp": now + 5}, {}),
    "issued 11 seconds from now": lambda now: ({"iat": now + 11}, {}),
    "not yet valid": lambda now: ({"nbf": now + 11}, {}),
    "for another server": lambda now: ({"aud": "https://other.test"}, {}),
    "for a list of servers": lambda now: ({"aud": [BASE_URL]}, {}),
    "for the token endpoint": lambda now: ({"aud": f"{BASE_URL}/oauth/token"}, {}),
    "for nobody": lambda now: ({"aud": REMOVE}, {}),
    "by another agency": lambda now: ({"iss": POLICE}, {}),
    "by nobody": lambda now: ({"iss": REMOVE}, {}),
    "about nobody": lambda now: ({"sub": REMOVE}, {}),
    "about an officer that is not there": lambda now: ({"sub": "off_nobody"}, {}),
    "about a number": lambda now: ({"sub": 7}, {}),
    "without jti": lambda now: ({"jti": REMOVE}, {}),
    "with a short jti": lambda now: ({"jti": "1234567"}, {}),
    "with a jti that is not ASCII": lambda now: ({"jti": "断言断言断言断言"}, {}),
    "for another client": lambda now: ({"client_id": "cli_other"}, {}),
    "signed in tomorrow": lambda now: ({"auth_time": now + 86_400}, {}),
    "signed in at a text": lambda now: ({"auth_time": "today"}, {}),
    "role is no list": lambda now: ({"role": "clerk"}, {}),
    "role holds numbers": lambda now: ({"role": [1]}, {}),
    "too many roles": lambda now: ({"role": ["x"] * 17}, {}),
    "a unit with a line break": lambda now: ({"unit": "a\nb"}, {}),
    "an acr that is a list": lambda now: ({"acr": ["mfa"]}, {}),
    "amr is no list": lambda now: ({"amr": {"otp": 1}}, {}),
    "case_ref is the number itself": lambda now: ({"case_ref": "SQ-2026-1"}, {}),
    "subject_ref_digest is no digest": lambda now: ({"subject_ref_digest": "!" * 43}, {}),
    "typ JWT": lambda now: ({}, {"typ": "JWT"}),
    "without typ": lambda now: ({}, {"typ": REMOVE}),
    "typ of an access token": lambda now: ({}, {"typ": "at+jwt"}),
    "unsigned": lambda now: ({}, {"alg": "none"}),
    "signed with the public key as secret": lambda now: ({}, {"alg": "HS256"}),
    "crit": lambda now: ({}, {"crit": ["exp"]}),
    "b64": lambda now: ({}, {"b64": True}),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defective_assertion_is_an_invalid_request(shared_house: House, shared_agency: Agency, defect: str) -> None:
    claims, header = DEFECTS[defect](shared_house.street.now())
    answer = ask(shared_house, shared_agency.assertion(header=header, **claims))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert (answer.json["code"], answer.json["rule"]) == ("officer_assertion_invalid", "A10")
    assert answer.json["detail_zh"]
    entry = shared_house.entries()[answer.json["log_index"]]
    assert (entry["type"], entry["code"], entry["rule"]) == ("identity.refused", "officer_assertion_invalid", "A10")


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "no subject token": ({"subject_token": REMOVE}, "invalid_request"),
    "no type of it": ({"subject_token_type": REMOVE}, "invalid_request"),
    "an access token": ({"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}, "invalid_request"),
    "an actor token": ({"actor_token": "x"}, "invalid_request"),
    "a refresh token wanted": (
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        "invalid_request",
    ),
    "another audience": ({"audience": "https://other.test"}, "invalid_target"),
    "another resource": ({"resource": "https://other.test"}, "invalid_target"),
    "a scope the client does not have": ({"scope": "admin"}, "invalid_scope"),
    "another purpose": ({"authorization_details": details(purpose="curiosity")}, "invalid_authorization_details"),
    "a secret": ({"client_secret": "x"}, "invalid_client"),
}


@pytest.mark.parametrize("defect", FORMS)
def test_a_defective_exchange_gets_the_error_that_the_rfcs_name(
    shared_house: House, shared_agency: Agency, defect: str
) -> None:
    changes, error = FORMS[defect]
    answer = ask(shared_house, shared_agency.assertion(), **changes)
    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_a_refused_purpose_is_written_down_with_the_officer_and_does_not_use_up_the_assertion(
    house: House, agency: Agency
) -> None:
    assertion = agency.assertion()
    refused = ask(house, assertion, authorization_details=details(purpose="curiosity"))
    assert house.entries()[refused.json["log_index"]]["actor"]["officer"] == agency.clerk
    assert ask(house, assertion).status_code == 200


def test_an_assertion_counts_once(house: House, agency: Agency) -> None:
    assertion = agency.assertion()
    assert ask(house, assertion).status_code == 200
    again = ask(house, assertion)
    assert (again.status_code, again.json["error"], again.json["rule"]) == (400, "invalid_request", "A10")
    assert house.entries()[-1]["actor"]["officer"] == agency.clerk


def test_a_neighbour_can_neither_vouch_for_our_officer_nor_use_what_we_signed(house: House, agency: Agency) -> None:
    other = Agency(house, POLICE)
    for forged in (
        other.assertion(sub=agency.clerk),  # says it is the police, for our clerk
        agency.assertion(key=other.key),  # says it is us, with their key
        other.assertion(),  # their own clerk, through our client
    ):
        answer = ask(house, forged)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    stolen = house.ask_token(
        house.police, grant_type=EXCHANGE, subject_token=agency.assertion(), subject_token_type=JWT
    )
    assert (stolen.status_code, stolen.json["error"]) == (400, "invalid_request")


def test_other_tokens_of_ours_are_no_assertions(house: House, agency: Agency) -> None:
    token = ask(house, agency.assertion()).json["access_token"]
    for wrong in (token, house.street.assertion(), house.street.proof("POST", "/oauth/token"), "x", "", "a.b.c"):
        answer = ask(house, wrong)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    as_client = house.ask_token(house.street, client_assertion=agency.assertion())
    assert (as_client.status_code, as_client.json["error"]) == (400, "invalid_client")


def test_a_suspended_officer_gets_no_token_and_the_one_at_hand_ends_at_once(house: House, agency: Agency) -> None:
    token = ask(house, agency.assertion()).json["access_token"]
    assert opens(house, token) == (200, None)
    house.identity.suspend_officer(OPERATOR, agency.clerk)
    assert opens(house, token) == (401, "A5")
    told = house.post("/oauth/introspect", house.street.form(token=token, grant_type=REMOVE)).json
    assert told == {"active": False}
    refused = ask(house, agency.assertion())
    assert (refused.json["error"], refused.json["code"]) == ("invalid_request", "officer_suspended")
    assert house.entries()[-1]["actor"]["officer"] == agency.clerk


def test_a_dropped_assertion_key_ends_what_rests_on_it(house: House, agency: Agency) -> None:
    token = ask(house, agency.assertion()).json["access_token"]
    house.identity.remove_assertion_key(OPERATOR, STREET, agency.key.thumbprint)
    assert opens(house, token) == (401, "A5")
    assert ask(house, agency.assertion()).status_code == 400


def test_a_suspended_party_ends_its_officers_tokens(house: House, agency: Agency) -> None:
    token = ask(house, agency.assertion()).json["access_token"]
    house.identity.suspend_party(OPERATOR, STREET)
    assert opens(house, token) == (401, "A5")


def test_introspection_shows_officer_and_actor(house: House, agency: Agency, clock: FixedClock) -> None:
    token = ask(house, agency.assertion()).json["access_token"]
    told = house.post("/oauth/introspect", house.street.form(token=token, grant_type=REMOVE)).json
    assert (told["active"], told["sub"], told["act"]) == (True, agency.clerk, {"sub": house.street.client_id})
    assert house.post("/oauth/introspect", house.police.form(token=token, grant_type=REMOVE)).json == {"active": False}
