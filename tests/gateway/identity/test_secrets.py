"""No token, proof, assertion or key reaches a log, however talkative the logs are made (threat T33)."""

from __future__ import annotations

import logging

import pytest

from tests.gateway.identity.house import ROUTE, House
from tests.gateway.identity.sender import REMOVE


def test_nothing_secret_is_logged_at_debug(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    assertion = house.street.assertion()
    replayed = house.bureau.assertion()
    token = house.token(house.street, client_assertion=assertion)
    proof = house.street.proof("POST", ROUTE, token)
    for answer in (
        house.call(token, proof),
        house.call(token, proof),
        house.call(token, scheme="Bearer"),
        house.call(token, "broken proof of great secrecy"),
        house.ask_token(house.bureau, client_assertion=replayed),
        house.ask_token(house.bureau, client_assertion=replayed),
        house.ask_token(house.bureau, client_assertion=replayed[:-8]),
        house.post("/oauth/introspect", house.street.form(token=token, grant_type=REMOVE)),
        house.post("/oauth/revoke", house.street.form(token=token, grant_type=REMOVE)),
    ):
        assert answer.status_code in (200, 400, 401)
    written = caplog.text + "".join(capsys.readouterr())
    assert written, "otherwise this proves nothing"
    secrets = [token, assertion, replayed, proof, "great secrecy"]
    secrets += [part for secret in secrets[:4] for part in secret.split(".")]
    private = house.server.keys.token.private_jwk()["d"]
    assert [secret for secret in [*secrets, private] if secret in written] == []


def test_authlibs_loggers_stay_quiet_when_the_root_logger_is_set_to_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert not logging.getLogger("authlib.oauth2.rfc6749.grants.client_credentials").isEnabledFor(logging.INFO)


def test_keys_show_nothing_of_themselves_when_printed(house: House) -> None:
    keys = house.server.keys
    for text in (repr(keys), repr(keys.token), str(keys.receipt), repr(house.authenticator), repr(keys.__dict__)):
        assert keys.token.private_jwk()["d"] not in text
