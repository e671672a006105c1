"""A client finds out, before its first request, what it must send where (RFC 8414, RFC 9728, RFC 7517)."""

from __future__ import annotations

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from gateway.identity.guard import Authenticator
from gateway.identity.metadata import authorization_server
from gateway.identity.server import TokenServer
from tests.clock import FixedClock
from tests.gateway.identity.house import BASE_URL, House


def _get(house: House, path: str) -> dict[str, object]:
    answer = house.http.get(path, base_url="http://evil.test")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    document: dict[str, object] = answer.json
    return document


def test_the_servers_metadata_is_valid_and_names_every_endpoint(house: House) -> None:
    document = _get(house, "/.well-known/oauth-authorization-server")
    # RFC 8414 asks for the member, not for a value in it; Authlib's check knows no server without such an endpoint.
    AuthorizationServerMetadata({**document, "response_types_supported": ["code"]}).validate()
    assert document["issuer"] == BASE_URL, "the configured address, whatever the Host header says"
    assert document["token_endpoint"] == f"{BASE_URL}/oauth/token"
    assert document["revocation_endpoint"] == f"{BASE_URL}/oauth/revoke"
    assert document["introspection_endpoint"] == f"{BASE_URL}/oauth/introspect"
    assert document["jwks_uri"] == f"{BASE_URL}/oauth/jwks"
    assert document["grant_types_supported"] == [
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ]
    assert document["response_types_supported"] == []
    assert document["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert "RS256" not in str(document)
    assert "none" not in document["token_endpoint_auth_signing_alg_values_supported"]  # type: ignore[operator]
    assert document["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "Ed25519", "EdDSA"]
    assert document["authorization_details_types_supported"] == ["gov_record_request"]


def test_where_certificates_are_shown_is_named_only_where_they_are() -> None:
    """RFC 8705 section 5: the same endpoints, at another address."""
    named = authorization_server(BASE_URL, BASE_URL, True, "https://mtls.test:8443")
    assert named["mtls_endpoint_aliases"] == {
        "token_endpoint": "https://mtls.test:8443/oauth/token",
        "revocation_endpoint": "https://mtls.test:8443/oauth/revoke",
        "introspection_endpoint": "https://mtls.test:8443/oauth/introspect",
    }
    assert named["token_endpoint"] == f"{BASE_URL}/oauth/token" and named["issuer"] == BASE_URL
    for without in ((True, ""), (False, "https://mtls.test:8443")):
        assert "mtls_endpoint_aliases" not in authorization_server(BASE_URL, BASE_URL, *without)


def test_every_endpoint_that_is_named_is_there(house: House) -> None:
    document = _get(house, "/.well-known/oauth-authorization-server")
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        path = str(document[name]).removeprefix(BASE_URL)
        assert house.post(path, {"grant_type": "x"}).status_code == 400


def test_the_resources_metadata_asks_for_bound_tokens_in_the_header(house: House) -> None:
    document = _get(house, "/.well-known/oauth-protected-resource")
    assert document["resource"] == BASE_URL
    assert document["authorization_servers"] == [BASE_URL]
    assert document["bearer_methods_supported"] == ["header"]
    assert document["dpop_bound_access_tokens_required"] is True


def test_the_jwks_has_one_public_key_per_purpose_and_no_secret(house: House) -> None:
    keys = house.http.get("/oauth/jwks").json["keys"]
    assert sorted(key["tongqu_purpose"] for key in keys) == ["receipt", "request", "response", "token"]
    assert len({key["kid"] for key in keys}) == 4
    for key in keys:
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
        assert "d" not in key


def test_a_next_key_is_published_before_it_signs(house: House) -> None:
    upcoming = house.server.keys.publish("token")
    rebuilt = type(house.server.keys)(house.server.keys.folder)
    assert upcoming in [key["kid"] for key in rebuilt.jwks()["keys"]]
    assert rebuilt.token.kid != upcoming
    assert upcoming not in rebuilt.verifiers("token")


def test_an_issuer_on_the_network_without_tls_is_refused_at_the_start_not_at_a_request(house: House) -> None:
    for issuer, fine in (("http://gw.internal", False), ("http://127.0.0.1:8080", True), ("http://localhost:1", True)):
        keys, clock = house.server.keys, FixedClock()
        authenticator = Authenticator(issuer=issuer, resource=issuer, keys=keys, clock=clock)
        if fine:
            TokenServer(house.identity, authenticator, keys, clock, check_grant=lambda party, asked: {})
        else:
            with pytest.raises(ValueError, match="https"):
                TokenServer(house.identity, authenticator, keys, clock, check_grant=lambda party, asked: {})
