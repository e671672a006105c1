"""Authlib's authorization server, made to obey our profile: docs/deviations.md says what it does by itself.

At the token endpoint the order is: nonce and proof, then the assertion, then burn it. A client that is told to use a
nonce may send the same assertion again. Errors are those of RFC 6749 section 5.2, with our sentences beside them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Error, OAuth2Payload, OAuth2Request, UnsupportedGrantTypeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Request, Response, jsonify, request

from gateway.errors import NonceRequired, TokenInvalid, TongquError, Unauthenticated
from gateway.identity.actions import Identity
from gateway.identity.client_auth import MAX_EXPIRED_S, Authenticated, ClientAssertions, ClientUnknown
from gateway.identity.details import parse_details
from gateway.identity.guard import Authenticator
from gateway.identity.model import ADMIN_SCOPE, QUERY_SCOPE, Caller
from gateway.identity.spent import AssertionReplayed, Spent
from gateway.identity.tokens import LIFETIME_S

CheckGrant = Callable[[str, Mapping[str, Any]], dict[str, Any]]  # (party, requested) → granted; raises TongquError
METHOD: Final = "private_key_jwt"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105  # an address
BURNT_FOR_S: Final = MAX_EXPIRED_S + 10  # beyond its exp, for clocks of several machines

# At DEBUG Authlib writes whole access tokens into the log. No setting of ours may ever turn that on.
logging.getLogger("authlib").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server is made of beside Authlib."""

    identity: Identity
    authenticator: Authenticator
    assertions: ClientAssertions
    spent: Spent
    check_grant: CheckGrant


class Refused(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """An error of RFC 6749 section 5.2. ``members`` are added to the JSON: detail_zh, rule, reason …"""

    def __init__(self, error: str, description: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(_ascii(description), error=error, status_code=status)
        self.members = members

    def get_body(self) -> list[tuple[str, Any]]:
        body: list[tuple[str, Any]] = super().get_body()
        return [*body, *((name, value) for name, value in self.members.items() if value is not None)]


def refusal(code: str, error: TongquError, status: int = 400) -> Refused:
    """One of our errors in OAuth's clothes."""
    return Refused(
        code,
        error.detail_en,
        status=status,
        code=error.members.get("reason"),
        detail_zh=error.detail_zh,
        detail_en=error.detail_en,
        rule=error.rule,
        retry_after=error.members.get("retry_after"),
        log_index=error.members.get("log_index"),
    )


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Authlib's server, without its configuration: nothing is stored, no client is looked up by Authlib."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(query_client=lambda client_id: None, save_token=lambda token, request: None)
        self.parts = parts
        self.register_client_auth_method(METHOD, self._authenticate)
        self.register_grant(_ClientCredentials)
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
        """An assertion counts once (RFC 7523 section 3, jti)."""
        found = self.parts.assertions.authenticate(request.form)
        try:
            self.parts.spent.burn(found.client.id, found.jti, found.expires, BURNT_FOR_S)
        except AssertionReplayed:
            actor = {"party": found.party.id, "client": found.client.id, "officer": None}
            with self.parts.identity.log.transaction() as tx:  # somebody intercepted it, or the client is broken
                tx.append({"type": "identity.refused", "actor": actor, "code": "invalid_client", "rule": "A8"})
            raise ClientUnknown from None
        return _Client(found)

    def handle_response(self, status_code: int, payload: Any, headers: Any) -> Response:
        response = jsonify(payload)
        response.status_code = status_code
        response.headers["Cache-Control"] = "no-store"
        if isinstance(payload, dict) and "retry_after" in payload:
            response.headers["Retry-After"] = str(payload["retry_after"])
        return response

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Response:
        if isinstance(error, UnsupportedGrantTypeError):  # Authlib's own sentence repeats what was sent
            error = Refused("unsupported_grant_type", "The only grant type here is client_credentials.")
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
        self._form = flask_request.form
        self.payload = _Payload(self._form)
        self.dpop = flask_request.headers.getlist("DPoP")

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
        return method == METHOD

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]  # noqa: RUF012  # Authlib's way of setting it

    def validate_token_request(self) -> None:
        parts: Parts = self.server.parts
        try:
            proof = parts.authenticator.proofs.check(self.request.dpop, "POST", TOKEN_PATH)
            parts.authenticator.used.claim(proof)
        except Unauthenticated as error:
            code = "use_dpop_nonce" if isinstance(error, NonceRequired) else "invalid_dpop_proof"
            raise refusal(code, error) from None
        self.jkt = proof.jkt
        super().validate_token_request()
        form: Mapping[str, str] = self.request.form
        if form.get("resource", parts.authenticator.resource) != parts.authenticator.resource:
            raise Refused("invalid_target", f"The only resource here is {parts.authenticator.resource}.")
        self.scopes = self._scopes(form.get("scope"), "authorization_details" in form)
        self.details = self._details(form.get("authorization_details"))

    def _scopes(self, asked: str | None, with_details: bool) -> frozenset[str]:
        """What was asked; when nothing was, a query if an agreement is named, else everything but queries."""
        allowed: frozenset[str] = self.client.scopes
        if asked is None:
            scopes = allowed & {QUERY_SCOPE} if with_details else allowed - {QUERY_SCOPE}
        else:
            scopes = frozenset(asked.split())
        if not scopes or not scopes <= allowed:
            raise Refused(
                "invalid_scope",
                f"This client may ask for: {' '.join(sorted(allowed))}.",
                detail_zh=f"该客户端可申请的权限：{' '.join(sorted(allowed))}。",
            )
        if (QUERY_SCOPE in scopes) is not with_details:
            raise Refused(
                "invalid_authorization_details",
                f"The scope {QUERY_SCOPE} and authorization_details naming one agreement go together.",
                detail_zh=f"权限 {QUERY_SCOPE} 须与指明一个协议的 authorization_details 一起申请。",
            )
        return scopes

    def _details(self, text: str | None) -> dict[str, Any] | None:
        if text is None:
            return None
        parts: Parts = self.server.parts
        resource = parts.authenticator.resource
        try:
            granted = parts.check_grant(self.client.party.id, parse_details(text, resource))
        except TongquError as error:
            if error.retryable:
                raise
            raise refusal("invalid_authorization_details", self._noted(error)) from None
        return {**granted, "locations": [resource]}

    def _noted(self, error: TongquError) -> TongquError:
        """A query that ends here, at the token, is a refused query like any other: it has its entry."""
        actor = {"party": self.client.party.id, "client": self.client.client.id, "officer": None}
        code = str(error.members.get("reason", error.code))
        with self.server.parts.identity.log.transaction() as tx:
            entry = {"type": "identity.refused", "actor": actor, "code": code, "rule": error.rule}
            error.members["log_index"] = tx.append(entry).index
        return error

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        parts: Parts = self.server.parts
        issued = parts.authenticator.tokens.issue(
            self.client.client,
            self.client.party,
            client_key=self.client.key,
            scopes=self.scopes,
            jkt=self.jkt,
            details=self.details,
        )
        answer: dict[str, Any] = {
            "access_token": issued.token,
            "token_type": "DPoP",
            "expires_in": LIFETIME_S,
            "scope": issued.claims["scope"],
        }
        if self.details is not None:
            answer["authorization_details"] = [self.details]  # RFC 9396 section 7
        return 200, answer, []


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    CLIENT_AUTH_METHODS = [METHOD]  # noqa: RUF012  # Authlib's way of setting it

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _Token.read(self.server.parts, token_string)

    def revoke_token(self, token: _Token, request: _Request) -> None:
        self.server.parts.spent.revoke(token.caller.token_id, token.caller.expires)


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # Authlib has no types
    CLIENT_AUTH_METHODS = [METHOD]  # noqa: RUF012  # Authlib's way of setting it

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        return _Token.read(self.server.parts, token_string)

    def check_permission(self, token: _Token, client: _Client, request: _Request) -> bool:
        """Its own client, and the data bureau. The only audience there is is the gateway itself, which need not ask."""
        return token.check_client(client) or ADMIN_SCOPE in client.scopes

    def introspect_token(self, token: _Token) -> dict[str, Any]:
        return {"active": True, "token_type": "DPoP", **token.claims}


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
        return suspended or self._parts.spent.is_revoked(self.caller.token_id)


def _ascii(text: str) -> str:
    """RFC 6749 section 5.2: what error_description may hold."""
    return "".join(c for c in text if " " <= c <= "~" and c not in '"\\')
