"""The OAuth endpoints and what clients must know of them before their first request.

POST /oauth/token        client_credentials or token exchange, private_key_jwt, DPoP (RFC 6749, 8693, 7523, 9449) and,
                         for queries, authorization_details (RFC 9396)
POST /oauth/revoke       RFC 7009
POST /oauth/introspect   RFC 7662
GET  /oauth/jwks         RFC 7517
GET  /.well-known/oauth-authorization-server   RFC 8414
GET  /.well-known/oauth-protected-resource     RFC 9728
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from authlib.common.security import is_secure_transport
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Blueprint, Request, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from gateway import problems
from gateway.errors import TongquError
from gateway.identity import metadata
from gateway.identity.actions import Identity
from gateway.identity.client_auth import ClientAssertions
from gateway.identity.grants import TOKEN_PATH, CheckGrant, Parts
from gateway.identity.guard import Authenticator
from gateway.identity.oauth import Server
from gateway.identity.officer_assertion import OfficerAssertions
from gateway.identity.refusals import Refused, refusal
from gateway.identity.spent import Spent
from gateway.lib import logs
from gateway.lib.clock import Clock
from gateway.lib.keys import Keys


class TokenServer:
    """The authorization server. Raises ValueError for an issuer that is neither https nor on this machine."""

    def __init__(
        self,
        identity: Identity,
        authenticator: Authenticator,
        keys: Keys,
        clock: Clock,
        *,
        check_grant: CheckGrant,
        mtls_url: str = "",
    ) -> None:
        if not is_secure_transport(authenticator.issuer):
            raise ValueError(f"issuer: expected https, or http on this machine, got {authenticator.issuer}")
        self.authenticator = authenticator
        self._mtls_url = mtls_url
        self.keys = keys
        self.spent = Spent(identity.log, clock, authenticator.revocations)
        assertions = ClientAssertions(authenticator.issuer, identity.standing, clock)
        officers = OfficerAssertions(authenticator.issuer, identity.officer_standing, clock)
        self._server = Server(Parts(identity, authenticator, assertions, officers, self.spent, check_grant, clock))

    def refresh(self) -> None:
        """Take over the revocations on disk: at the start, and every now and then where several processes serve."""
        self.spent.refresh()

    def blueprint(self) -> Blueprint:
        """The routes, for ``app.register_blueprint``."""
        blp = Blueprint("oauth", __name__)
        issuer, resource = self.authenticator.issuer, self.authenticator.resource
        with_certificates = self.authenticator.certificates is not None

        @blp.post(TOKEN_PATH)
        def token() -> Response:
            return self._form(lambda: self._server.create_token_response())

        @blp.post("/oauth/revoke")
        def revoke() -> Response:
            return self._form(lambda: self._server.create_endpoint_response(RevocationEndpoint.ENDPOINT_NAME))

        @blp.post("/oauth/introspect")
        def introspect() -> Response:
            return self._form(lambda: self._server.create_endpoint_response(IntrospectionEndpoint.ENDPOINT_NAME))

        @blp.get("/oauth/jwks")
        def jwks() -> Response:
            return _public(self.keys.jwks())

        @blp.get("/.well-known/oauth-authorization-server")
        def authorization_server() -> Response:
            return _public(metadata.authorization_server(issuer, resource, with_certificates, self._mtls_url))

        @blp.get(metadata.RESOURCE_PATH)
        def protected_resource() -> Response:
            return _public(metadata.protected_resource(issuer, resource, with_certificates))

        blp.after_request(self._with_nonce)
        blp.register_error_handler(Exception, self._surprise)
        return blp

    def _form(self, answer: Callable[[], Response]) -> Response:
        try:
            _check_form(request)
        except Refused as error:
            return self._server.handle_error_response(None, error)
        return answer()

    def _with_nonce(self, response: Response) -> Response:
        response.headers["DPoP-Nonce"] = self.authenticator.nonce()
        return response

    def _surprise(self, error: Exception) -> Response:
        """Whatever Authlib did not foresee, in the form that an OAuth client reads."""
        if isinstance(error, HTTPException):
            refused = Refused("invalid_request", error.name, status=error.code or 400)
        elif isinstance(error, TongquError):
            status = problems.status_of(error)
            refused = refusal("temporarily_unavailable" if error.retryable else "invalid_request", error, status)
        else:
            logs.error("an OAuth request failed unexpectedly", error=type(error).__name__)
            refused = Refused("server_error", "An unexpected error was recorded.", status=500)
        return self._server.handle_error_response(None, refused)


# ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _check_form(given: Request) -> None:
    """RFC 6749 sections 2.3.1 and 3.2: one form in the body, no parameter twice, none in the address."""
    if given.mimetype != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "Expected the content type application/x-www-form-urlencoded.")
    if given.args:
        raise Refused("invalid_request", "Parameters belong in the body, not in the address.")
    if any(len(values) > 1 for _, values in given.form.lists()):
        raise Refused("invalid_request", "A parameter appears twice.")
    if given.path == TOKEN_PATH and not given.form.get("grant_type"):
        raise Refused("invalid_request", "The parameter grant_type is missing.")


def _public(document: Mapping[str, Any]) -> Response:
    response = jsonify(document)
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
