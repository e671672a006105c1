"""The two ways to a token: a system asks for itself (RFC 6749 section 4.4) or for one of its officers (RFC 8693).

Both prove possession of a key first, then who the client is, then what the token is to be for. What counts once is
used up last, so that a request refused for its contents costs its sender nothing but that request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from gateway.errors import NonceRequired, TongquError, Unauthenticated
from gateway.identity.actions import Identity
from gateway.identity.certificates import CertificateInvalid, Shown
from gateway.identity.client_auth import MAX_EXPIRED_S, ClientAssertions
from gateway.identity.details import parse_details
from gateway.identity.grant_types import ACCESS_TOKEN, CLIENT_CREDENTIALS, JWT, METHODS, TOKEN_EXCHANGE
from gateway.identity.guard import Authenticator
from gateway.identity.model import QUERY_SCOPE, Assertion
from gateway.identity.officer_assertion import OfficerAssertions, Vouched, invalid
from gateway.identity.refusals import Refused, refusal
from gateway.identity.spent import AssertionReplayed, Spent
from gateway.identity.tokens import LIFETIME_S
from gateway.lib.clock import Clock

# (party, requested, what was vouched for) → granted; raises TongquError
CheckGrant = Callable[[str, Mapping[str, Any], Assertion | None], dict[str, Any]]
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105  # an address
BURNT_FOR_S: Final = MAX_EXPIRED_S + 10  # beyond its exp, for clocks of several machines


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server is made of beside Authlib."""

    identity: Identity
    authenticator: Authenticator
    assertions: ClientAssertions
    officers: OfficerAssertions
    spent: Spent
    check_grant: CheckGrant
    clock: Clock


class _Grant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]  # Authlib has no types
    """What both grants have in common. ``officer``: for whom the client acts, where it acts for somebody."""

    TOKEN_ENDPOINT_AUTH_METHODS = list(METHODS)  # noqa: RUF012  # Authlib's way of setting it
    TOKEN_ENDPOINT_HTTP_METHODS = ["POST"]  # noqa: RUF012

    officer: Vouched | None = None

    @property
    def parts(self) -> Parts:
        found: Parts = self.server.parts
        return found

    def validate_token_request(self) -> None:
        self.shown = self.parts.authenticator.shown(self.request.client_cert) if not self.request.dpop else None
        self.bound_to = self.shown.thumbprint if self.shown is not None else self._proved()
        self.request.client = self.authenticate_token_endpoint_client()
        if self.shown is not None:
            self._check_certificate(self.shown)
        form: Mapping[str, str] = self.request.form
        resource = self.parts.authenticator.resource
        if any(form.get(name, resource) != resource for name in ("resource", "audience")):
            raise Refused("invalid_target", f"The only resource here is {resource}.")
        self.officer = self._vouched(form)
        self.scopes = self._scopes(form.get("scope"), "authorization_details" in form)
        self.details = self._details(form.get("authorization_details"))
        if self.officer is not None:
            self._burn(self.officer)

    def _check_certificate(self, shown: Shown) -> None:
        """Without a proof the token is bound to the certificate, which must be the client's own (RFC 8705)."""
        certificates = self.parts.authenticator.certificates
        assert certificates is not None
        try:
            certificates.check(self.client.client.certificate, shown, self.parts.clock.now())
        except CertificateInvalid:
            raise Refused(
                "invalid_dpop_proof",
                "Neither a proof of possession (DPoP) nor the certificate that is registered for this client.",
                detail_zh="既没有持有证明（DPoP），也没有出示该客户端登记的证书。",
            ) from None

    def _proved(self) -> str:
        try:
            proof = self.parts.authenticator.proofs.check(self.request.dpop, "POST", TOKEN_PATH)
            self.parts.authenticator.used.claim(proof)
        except Unauthenticated as error:
            code = "use_dpop_nonce" if isinstance(error, NonceRequired) else "invalid_dpop_proof"
            raise refusal(code, error) from None
        return proof.jkt

    def _vouched(self, form: Mapping[str, str]) -> Vouched | None:
        return None

    def _burn(self, officer: Vouched) -> None:
        try:
            self.parts.spent.burn(f"party:{self.client.party.id}", officer.jti, officer.expires, BURNT_FOR_S)
        except AssertionReplayed:
            raise self._officer_refused(invalid("it was used before")) from None

    def _officer_refused(self, error: TongquError) -> Refused:
        error.members["reason"] = error.code
        return refusal("invalid_request", self._noted(error))  # RFC 8693 section 2.2.2

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
        resource = self.parts.authenticator.resource
        vouched = None if self.officer is None else self.officer.assertion
        try:
            granted = self.parts.check_grant(self.client.party.id, parse_details(text, resource), vouched)
        except TongquError as error:
            if error.retryable:
                raise
            raise refusal("invalid_authorization_details", self._noted(error)) from None
        return {**granted, "locations": [resource]}

    def _noted(self, error: TongquError) -> TongquError:
        """A query that ends here, at the token, is a refused query like any other: it has its entry."""
        officer = error.members.get("officer") or (self.officer.assertion.officer if self.officer else None)
        actor = {"party": self.client.party.id, "client": self.client.client.id, "officer": officer}
        code = str(error.members.get("reason", error.code))
        with self.parts.identity.log.transaction() as tx:
            entry = {"type": "identity.refused", "actor": actor, "code": code, "rule": error.rule}
            error.members["log_index"] = tx.append(entry).index
        return error

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        issued = self.parts.authenticator.tokens.issue(
            self.client.client,
            self.client.party,
            client_key=self.client.key,
            scopes=self.scopes,
            jkt=self.bound_to,
            by_certificate=self.shown is not None,
            details=self.details,
            officer=self.officer,
        )
        answer: dict[str, Any] = {
            "access_token": issued.token,
            "token_type": "DPoP" if self.shown is None else "Bearer",  # RFC 8705 section 3
            "expires_in": LIFETIME_S,
            "scope": issued.claims["scope"],
        }
        if self.details is not None:
            answer["authorization_details"] = [self.details]  # RFC 9396 section 7
        return 200, answer, []


class ClientCredentials(_Grant):
    """A system asks for itself."""

    GRANT_TYPE = CLIENT_CREDENTIALS


class TokenExchange(_Grant):
    """A system asks for an officer whose agency vouches for it: delegation, RFC 8693 section 1.1."""

    GRANT_TYPE = TOKEN_EXCHANGE

    def _vouched(self, form: Mapping[str, str]) -> Vouched:
        if form.get("subject_token_type") != JWT:
            raise Refused("invalid_request", f"Expected the subject_token_type {JWT}.")
        if "actor_token" in form or "actor_token_type" in form:
            raise Refused("invalid_request", "The actor is the client itself: leave out actor_token.")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise Refused("invalid_request", f"The only requested_token_type here is {ACCESS_TOKEN}.")
        try:
            return self.parts.officers.check(form.get("subject_token", ""), self.client.client)
        except TongquError as error:
            raise self._officer_refused(error) from None

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        status, answer, headers = super().create_token_response()
        return status, {**answer, "issued_token_type": ACCESS_TOKEN}, headers
