"""A client gives a token back, and asks what a token is worth (RFC 7009, RFC 7662)."""

from __future__ import annotations

import pytest

from gateway.identity.guard import Authenticator
from gateway.identity.model import OPERATOR
from gateway.identity.server import TokenServer
from tests.clock import FixedClock
from tests.gateway.identity.house import BASE_URL, ROUTE, STREET, House, check_grant
from tests.gateway.identity.sender import REMOVE, Sender


def _form(sender: Sender, token: str) -> dict[str, str]:
    return sender.form(token=token, grant_type=REMOVE)


def _opens(house: House, token: str) -> bool:
    house.street.nonce = house.authenticator.nonce()
    return house.call(token, house.street.proof("POST", ROUTE, token)).status_code == 200


def test_a_revoked_token_opens_nothing_any_more(house: House) -> None:
    token, other = house.token(house.street), house.token(house.street)
    assert _opens(house, token)
    answer = house.post("/oauth/revoke", _form(house.street, token))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    house.street.nonce = house.authenticator.nonce()
    refused = house.call(token, house.street.proof("POST", ROUTE, token))
    assert (refused.status_code, refused.json["code"], refused.json["rule"]) == (401, "token_revoked", "A5")
    assert _opens(house, other), "another token of the same client is not touched"
    assert house.post("/oauth/revoke", _form(house.street, token)).status_code == 200, "twice does no harm"


def test_a_revocation_outlives_a_restart_and_reaches_other_processes(house: House, clock: FixedClock) -> None:
    token, keys = house.token(house.street), house.server.keys
    beside = Authenticator(issuer=BASE_URL, resource=BASE_URL, keys=keys, clock=clock)
    other_process = TokenServer(house.identity, beside, keys, clock, check_grant=check_grant)
    assert house.post("/oauth/revoke", _form(house.street, token)).status_code == 200
    other_process.refresh()
    house.street.nonce = beside.nonce()
    with pytest.raises(Exception, match="revoked"):
        beside.check("POST", ROUTE, f"DPoP {token}", [house.street.proof("POST", ROUTE, token)])


def test_only_its_own_client_may_revoke_a_token(house: House) -> None:
    live, dead = house.token(house.street), house.token(house.street)
    assert house.post("/oauth/revoke", _form(house.street, dead)).status_code == 200
    answers = []
    for other in (house.police, house.bureau):
        for token in (live, dead):
            answer = house.post("/oauth/revoke", _form(other, token))
            assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")
            last = house.entries()[-1]
            assert last["actor"] == {"party": _party(house, other), "client": other.client_id, "officer": None}
            assert (last["type"], last["code"], last["rule"]) == ("identity.refused", "token_of_another_client", "A6")
            answers.append({name: value for name, value in answer.json.items() if name != "log_index"})
    assert all(each == answers[0] for each in answers), "whether it still opens anything does not show"
    assert house.street.client_id not in str(answers) and STREET not in str(answers), "nor whose it is"
    assert _opens(house, live)


def _party(house: House, sender: Sender) -> str:
    return house.identity.client(sender.client_id).party


def test_to_revoke_something_that_is_no_token_succeeds(house: House) -> None:
    assert house.post("/oauth/revoke", _form(house.street, "nothing")).status_code == 200  # RFC 7009 section 2.2


def test_nobody_revokes_or_asks_without_an_assertion(house: House) -> None:
    for path in ("/oauth/revoke", "/oauth/introspect"):
        answer = house.post(path, {"token": "x"})
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")
        missing = house.post(path, house.street.form(grant_type=REMOVE))
        assert (missing.status_code, missing.json["error"]) == (400, "invalid_request")


def test_a_client_learns_what_its_own_token_is_worth(house: House) -> None:
    token = house.token(house.street)
    answer = house.post("/oauth/introspect", _form(house.street, token)).json
    assert answer["active"] is True
    assert (answer["token_type"], answer["client_id"]) == ("DPoP", house.street.client_id)
    assert answer["cnf"] == {"jkt": house.street.key.thumbprint}
    assert answer["authorization_details"][0]["agreement_id"] == "agr_1"


def test_another_client_learns_nothing_but_the_data_bureau_does(house: House) -> None:
    token = house.token(house.street)
    assert house.post("/oauth/introspect", _form(house.police, token)).json == {"active": False}
    last = house.entries()[-1]
    assert (last["type"], last["code"]) == ("identity.refused", "token_of_another_client"), "how did they come by it?"
    assert last["actor"]["client"] == house.police.client_id
    assert house.post("/oauth/introspect", _form(house.bureau, token)).json["active"] is True


def test_a_dead_token_is_not_active(house: House, clock: FixedClock) -> None:
    expired, revoked, suspended = (house.token(house.street) for _ in range(3))
    assert house.post("/oauth/introspect", _form(house.street, "x")).json == {"active": False}
    house.post("/oauth/revoke", _form(house.street, revoked))
    assert house.post("/oauth/introspect", _form(house.street, revoked)).json == {"active": False}
    house.identity.suspend_client(OPERATOR, house.street.client_id)
    assert house.post("/oauth/introspect", _form(house.bureau, suspended)).json == {"active": False}
    house.identity.resume_client(OPERATOR, house.street.client_id)
    clock.advance(seconds=300)
    assert house.post("/oauth/introspect", _form(house.street, expired)).json == {"active": False}


def test_an_endpoint_takes_one_form_in_the_body_and_nothing_else(house: House) -> None:
    token = house.token(house.street)
    form = _form(house.street, token)
    for path in ("/oauth/revoke", "/oauth/introspect"):
        for wrong in (
            house.http.post(f"{path}?token={token}", data=form, base_url=BASE_URL),
            house.http.post(path, json=form, base_url=BASE_URL),
            house.post(path, {**form, "token": [token, token]}),
        ):
            assert (wrong.status_code, wrong.json["error"]) == (400, "invalid_request")
        assert house.http.get(path, query_string={"token": token}, base_url=BASE_URL).status_code == 405
    assert _opens(house, token)


def test_a_wrong_or_unknown_hint_changes_nothing(house: House) -> None:
    token = house.token(house.street)
    for hint in ("access_token", "refresh_token", "saml", ""):  # RFC 7009 sections 2.1 and 2.2
        told = house.post("/oauth/introspect", {**_form(house.street, token), "token_type_hint": hint})
        assert told.json["active"] is True
    assert house.post("/oauth/revoke", {**_form(house.street, token), "token_type_hint": "saml"}).status_code == 200
    assert not _opens(house, token)


def test_an_assertion_used_for_one_endpoint_is_used_up_for_all(house: House) -> None:
    token = house.token(house.street)
    form = _form(house.street, token)
    assert house.post("/oauth/introspect", form).json["active"] is True
    again = house.post("/oauth/revoke", form)
    assert (again.status_code, again.json["error"]) == (400, "invalid_client")
    assert _opens(house, token)


def test_a_suspended_client_learns_and_revokes_nothing(house: House) -> None:
    token = house.token(house.street)
    house.identity.suspend_client(OPERATOR, house.street.client_id)
    for path in ("/oauth/revoke", "/oauth/introspect"):
        answer = house.post(path, _form(house.street, token))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")


def test_what_is_no_access_token_of_ours_is_not_active(house: House) -> None:
    receipt = house.server.keys.receipt.sign_jwt("at+jwt", {"iss": BASE_URL, "aud": BASE_URL})
    for other in (house.street.assertion(), house.street.proof("POST", ROUTE), receipt, "令牌", "x" * 20_000):
        assert house.post("/oauth/introspect", _form(house.street, other)).json == {"active": False}
