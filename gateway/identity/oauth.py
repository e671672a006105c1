"""Authlib's authorization server, made to obey our profile: docs/deviations.md says what it does by itself.

At the token endpoint the order is: nonce and proof, then the assertion, then burn it. A client that is told to use a
nonce may send the same assertion again. Errors are those of RFC 6749 section 5.2, with our sentences beside them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Error, OAuth2Payload, OAuth2Request, UnsupportedGrantTypeError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Request, Response, jsonify, request

from gateway.errors import TokenInvalid, TokenOfAnotherClient
from gateway.identity.certificates import CertificateInvalid, Shown
from gateway.identity.client_auth import Authenticated, ClientUnknown
from gateway.identity.grant_types import CLIENT_CREDENTIALS, METHODS, TOKEN_EXCHANGE
from gateway.identity.grants import BURNT_FOR_S, ClientCredentials, Parts, TokenExchange
from gateway.identity.model import ADMIN_SCOPE, Caller
from gateway.identity.refusals import Refused
from gateway.identity.spent import AssertionReplayed

# At DEBUG Authlib writes whole access tokens into the log. No setting of ours may ever turn that on.
logging.getLogger("authlib").setLevel(logging.WARNING)


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Authlib's server, without its configuration: nothing is stored, no client is looked up by Authlib."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(query_client=lambda client_id: None, save_token=lambda token, request: None)
        self.parts = parts
        self.register_client_auth_method("private_key_jwt", self._authenticate)
        self.register_grant(ClientCredentials)
        self.register_grant(TokenExchange)
        self.register_endpoint(_Revocation)
        self.register_endpoint(_Introspection)

    def create_oauth2_request(self, given: Any) -> OAuth2Request:
        return given if isinstance(given, _Request) else _Request(self.parts.authenticator.issuer, request)

    def authenticate_client(self, request: _Request, methods: Any, endpoint: str = "token") -> Any:
        """One answer for whatever is wrong, whoever asks."""
        try:
            return super().authenticate_client(request, methods, endpoint)
        except ClientUnknown:
            raise Refused(
                "invalid_client",
                "Client authentication failed: private_key_jwt with aud = issuer, exp within 300 s and a new jti.",
                detail_zh="客户端身份验证失败：应使用 private_key_jwt，aud 为签发者，有效期至多 300 秒，jti 不重复。",
            ) from None

    def _authenticate(self, _query_client: object, request: _Request) -> _Client:
        """By an assertion, which counts once (RFC 7523 section 3, jti), or by a certificate (RFC 8705 section 2)."""
        if "client_assertion" not in request.form and (shown := self.parts.authenticator.shown(request.client_cert)):
            return self._by_certificate(request, shown)
        found = self.parts.assertions.authenticate(request.form)
        try:
            self.parts.spent.burn(found.client.id, found.jti, found.expires, BURNT_FOR_S)
        except AssertionReplayed:
            self.note(_Client(found), "invalid_client", "A8")  # somebody intercepted it, or the client is broken
            raise ClientUnknown from None
        return _Client(found)

    def note(self, client: _Client, code: str, rule: str) -> int:
        """Write that this client misused something genuine. Returns the index of the entry, durable by now."""
        actor = {"party": client.party.id, "client": client.client.id, "officer": None}
        with self.parts.identity.log.transaction() as tx:
            return tx.append({"type": "identity.refused", "actor": actor, "code": code, "rule": rule}).index

    def _by_certificate(self, request: _Request, shown: Shown) -> _Client:
        parts, certificates = self.parts, self.parts.authenticator.certificates
        standing = parts.identity.standing(request.form.get("client_id", ""))
        if certificates is None or standing is None or "client_secret" in request.form:
            raise ClientUnknown
        client, party = standing
        try:
            certificates.check(client.certificate, shown, parts.clock.now())
        except CertificateInvalid:
            raise ClientUnknown from None
        if client.state != "active" or party.state != "active":
            raise ClientUnknown
        return _Client(Authenticated(client, party, client.vouched_by_certificate or "", "", 0))

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Response:
        response = jsonify(payload)
        response.status_code = status_code
        response.headers["Cache-Control"] = "no-store"
        if isinstance(payload, dict) and "retry_after" in payload:
            response.headers["Retry-After"] = str(payload["retry_after"])
        return response

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Response:
        if isinstance(error, UnsupportedGrantTypeError):  # Authlib's own sentence repeats what was sent
            error = Refused(
                "unsupported_grant_type", f"The grant types here are {CLIENT_CREDENTIALS} and {TOKEN_EXCHANGE}."
            )
        return super().handle_error_response(request, error)  # type: ignore[no-any-return]


class _Payload(OAuth2Payload):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form

    @property
    def data(self) -> Mapping[str, str]:
        return self._form


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """The request at its configured address: what its Host header says plays no part. Its parameters come from the
    body only."""

    def __init__(self, issuer: str, flask_request: Request) -> None:
        super().__init__(flask_request.method, issuer + flask_request.path, headers=flask_request.headers)
        # RFC 7009 section 2.2: a hint that is not known influences nothing; Authlib refuses it, so it never sees one.
        self._form = {name: value for name, value in flask_request.form.items() if name != "token_type_hint"}
        self.payload = _Payload(self._form)
        self.dpop = flask_request.headers.getlist("DPoP")
        self.client_cert = flask_request.headers.getlist("Client-Cert")

    @property
    def form(self) -> Mapping[str, str]:
        return self._form


class _Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, found: Authenticated) -> None:
        self.client, self.party, self.key = found.client, found.party, found.key
        self.scopes: frozenset[str] = found.client.scopes

    def get_client_id(self) -> str:
        return self.client.id

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in (CLIENT_CREDENTIALS, TOKEN_EXCHANGE)


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    CLIENT_AUTH_METHODS = list(METHODS)  # noqa: RUF012  # Authlib's way of setting it

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _Token.read(self.server.parts, token_string)

    def authenticate_token(self, request: _Request, client: _Client) -> _Token | None:
        """RFC 7009 section 2.1: another client's token is refused, and its client told so.

        It is the same for a token that still opens something and for one that no longer does. That the text is a token
        of ours is no secret: it is a signed JWT, and the keys are public.
        """
        self.check_params(request, client)
        token = self.query_token(request.form["token"], None)
        if token is not None and not token.check_client(client):
            index = self.server.note(client, TokenOfAnotherClient.code, "A6")
            raise Refused(
                "unauthorized_client",
                "The token was issued to another client, which alone can revoke it. If found, tell the data bureau.",
                detail_zh="该令牌是发给另一个客户端的，只有该客户端可以撤销。如系拾得，请告知政务数据共享主管部门。",
                code=TokenOfAnotherClient.code,
                rule="A6",
                log_index=index,
            )
        return token

    def revoke_token(self, token: _Token, request: _Request) -> None:
        self.server.parts.spent.revoke(token.caller.token_id, token.caller.expires)


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # Authlib has no types
    CLIENT_AUTH_METHODS = list(METHODS)  # noqa: RUF012  # Authlib's way of setting it

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _Token.read(self.server.parts, token_string)

    def check_permission(self, token: _Token, client: _Client, request: _Request) -> bool:
        """Its own client, and the data bureau. The only audience there is is the gateway itself, which need not ask."""
        if token.check_client(client) or ADMIN_SCOPE in client.scopes:
            return True
        self.server.note(client, TokenOfAnotherClient.code, "A6")  # how did it come by it?
        return False

    def introspect_token(self, token: _Token) -> dict[str, Any]:
        kind = "Bearer" if token.caller.by_certificate else "DPoP"
        return {"active": True, "token_type": kind, **token.claims}


class _Token:
    """A token of ours, as Authlib's endpoints ask about it."""

    def __init__(self, parts: Parts, claims: Mapping[str, Any], caller: Caller) -> None:
        self._parts, self.claims, self.caller = parts, claims, caller

    @classmethod
    def read(cls, parts: Parts, text: str) -> _Token | None:
        tokens = parts.authenticator.tokens
        try:
            return cls(parts, tokens.claims(text), tokens.read(text))
        except TokenInvalid:
            return None

    def check_client(self, client: _Client) -> bool:
        return self.caller.client == client.get_client_id()

    def is_expired(self) -> bool:
        return self._parts.authenticator.tokens.is_expired(self.caller)

    def is_revoked(self) -> bool:
        standing = self._parts.identity.standing(self.caller.client)
        if standing is None or not standing[0].has_key(self.caller.client_key):
            return True
        suspended = "suspended" in (standing[0].state, standing[1].state)
        if not self._parts.identity.speaks(self.caller):
            return True
        return suspended or self._parts.spent.is_revoked(self.caller.token_id)
