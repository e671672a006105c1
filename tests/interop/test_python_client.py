"""requests-oauth2client, a Python library by others, gets a token and asks, as its own documentation shows it."""

from __future__ import annotations

import json
from typing import Any

import requests
from requests_oauth2client import DPoPKey, DPoPToken, OAuth2Client, PrivateKeyJwt

from tests.interop.place import Place


def _client(place: Place) -> OAuth2Client:
    alg = {"Ed25519": "EdDSA"}.get(place.alg, place.alg)  # this library knows the name before RFC 9864
    client: OAuth2Client = OAuth2Client.from_discovery_endpoint(
        f"{place.base_url}/.well-known/oauth-authorization-server",
        issuer=place.base_url,
        auth=PrivateKeyJwt(place.client_id, {**place.key, "alg": alg}, aud=place.base_url),
        dpop_bound_access_tokens=True,
        testing=True,  # http, because the gateway is on this machine
    )
    return client


def _token(client: OAuth2Client, place: Place, **more: Any) -> DPoPToken:
    token = client.client_credentials(authorization_details=json.dumps([dict(place.details)]), **more)
    assert isinstance(token, DPoPToken)
    return token


def test_the_library_gets_a_bound_token_and_asks_three_times(place: Place) -> None:
    client = _client(place)
    token = _token(client, place)
    assert token.authorization_details[0]["agreement_id"] == place.details["agreement_id"]
    with requests.Session() as session:
        for _ in range(3):
            answer = session.post(place.url, json=dict(place.body), auth=token, timeout=10)
            assert answer.status_code == 200, answer.text
            assert answer.json() | dict(place.answer) == answer.json()
    client.session.close()


def test_it_works_with_keys_of_other_kinds(place_of_alg: Place) -> None:
    client = _client(place_of_alg)
    dpop_key = DPoPKey.generate(alg="ES256")
    token = _token(client, place_of_alg, dpop_key=dpop_key)
    with requests.Session() as session:
        assert session.post(place_of_alg.url, json={}, auth=token, timeout=10).status_code == 200
    client.session.close()


def test_the_library_exchanges_an_officers_assertion_and_asks(place: Place) -> None:
    client = _client(place)
    token = client.token_exchange(
        subject_token=place.officer(),
        dpop=True,  # for this grant the library does not take it from the client's settings
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",  # a name
        requested_token_type="urn:ietf:params:oauth:token-type:access_token",
        authorization_details=json.dumps([dict(place.details)]),
    )
    assert isinstance(token, DPoPToken)
    assert client.introspect_token(token)["sub"] == place.officer_id
    with requests.Session() as session:
        answer = session.post(place.url, json=dict(place.body), auth=token, timeout=10)
        assert answer.status_code == 200, answer.text
    client.session.close()


def test_the_library_gives_its_token_back(place: Place) -> None:
    client = _client(place)
    token = _token(client, place)
    assert client.introspect_token(token)["active"] is True
    assert client.revoke_access_token(token) is True
    assert client.introspect_token(token) == {"active": False}
    client.session.close()
