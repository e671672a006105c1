"""Who is asking? The one check in front of both halves of the gateway.

    A1 no token   A2 sent as Bearer   A3 not valid   A4 expired
    A5 revoked, its client's key was dropped, or its client, party or officer is suspended
    A6 bound to another client's key   A7 proof not valid   A8 proof used before   A9 nonce missing or too old

``Authenticator`` is pure computation and serves the path of a query; ``Guard`` stands in front of the handlers of the
control plane and also asks the database whether client and party still stand, which a query asks by itself.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

from flask import g, request

from gateway.audit.log import Log
from gateway.errors import (
    MalformedRequest,
    NonceRequired,
    ProofInvalid,
    ProofReplayed,
    ScopeMissing,
    TokenAsBearer,
    TokenMissing,
    TokenOfAnotherClient,
    TokenRevoked,
    TongquError,
    Unauthenticated,
)
from gateway.identity import store
from gateway.identity.certificates import CertificateInvalid, Certificates, Shown, read_header
from gateway.identity.dpop import KeyMismatch, Proofs
from gateway.identity.metadata import RESOURCE_PATH
from gateway.identity.model import Caller
from gateway.identity.replay import ProcessMemory, UsedProof, UsedProofs
from gateway.identity.tokens import Revocations, Tokens, digest_of, key_dropped, officer_gone, revoked
from gateway.lib.clock import Clock
from gateway.lib.jose import ALGORITHMS, encode64
from gateway.lib.keys import Keys

_CODES: Final[tuple[tuple[type[TongquError], str], ...]] = (  # RFC 6750 section 3.1, RFC 9449 sections 7.1 and 9
    (ProofInvalid, "invalid_dpop_proof"),
    (ProofReplayed, "invalid_dpop_proof"),
    (NonceRequired, "use_dpop_nonce"),
    (ScopeMissing, "insufficient_scope"),
    (Unauthenticated, "invalid_token"),
)

P = ParamSpec("P")
R = TypeVar("R")


class Sent(NamedTuple):
    """What a token that came is known by. It is not held itself, for many wait for their turn; nothing is verified."""

    scheme: str  # lower case
    digest: bytes  # of the token
    client: str  # whose genuine token it is if it was seen before, else an empty text


class Authenticator:
    """Checks who sent a request. No input or output, safe for threads, about 100 µs, nearly all of it one signature."""

    def __init__(
        self,
        *,
        issuer: str,
        resource: str,
        keys: Keys,
        clock: Clock,
        memory: UsedProofs | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        """``issuer`` is also the public address that proofs must name; it has no path. ``certificates`` None: no proxy
        is trusted to show any, and the header is not looked at."""
        self.certificates = certificates
        self.used = memory or ProcessMemory()
        self.issuer = issuer
        self.resource = resource
        self.tokens = Tokens(issuer=issuer, resource=resource, keys=keys, clock=clock)
        self.proofs = Proofs(issuer, keys.dpop_nonce_secret, clock, self.used)

    @property
    def revocations(self) -> Revocations:
        return self.tokens.revocations

    def nonce(self) -> str:
        """For the DPoP-Nonce header of every response."""
        return self.proofs.nonce()

    def check(
        self,
        method: str,
        url_path: str,
        authorization: str | None,
        dpop: Sequence[str],
        client_cert: Sequence[str] = (),
    ) -> tuple[Caller, UsedProof | None]:
        """As ``check_sent``, of the Authorization header."""
        return self.check_sent(method, url_path, self.sent(authorization), authorization, dpop, client_cert)

    def sent(self, authorization: str | None) -> Sent:
        """The token of this header; an empty one if there is none. Some microseconds."""
        scheme, token = _parts(authorization)
        digest = digest_of(token)
        return Sent(scheme.lower(), digest, self.tokens.client_of(digest))

    def check_sent(
        self,
        method: str,
        url_path: str,
        sent: Sent,
        authorization: str | None,
        dpop: Sequence[str],
        client_cert: Sequence[str] = (),
    ) -> tuple[Caller, UsedProof | None]:
        """The caller and the proof, which ``used`` is still to be asked about; or one of the errors A1 to A9.

        ``url_path`` as the server routes it (percent-decoded, without query); ``sent``: of this ``authorization``;
        ``dpop`` and ``client_cert`` all values of those headers. No proof for whoever shows the certificate that the
        token is bound to (RFC 8705). An error carries ``actor`` when a genuine token was misused; whoever called this
        then writes ``identity.refused``.
        """
        _, token = _parts(authorization)
        if not token or sent.scheme not in ("dpop", "bearer"):
            raise _no_token()
        if sent.scheme == "bearer":
            return self._by_certificate(token, sent.digest, client_cert), None
        caller = self.tokens.check(token, sent.digest)
        if caller.by_certificate:
            raise misused(_of_another_client(), caller)
        try:
            return caller, self.proofs.check(
                dpop, method, url_path, token_hash=encode64(sent.digest), jkt=caller.key_thumbprint
            )
        except KeyMismatch:
            raise misused(_of_another_client(), caller) from None

    def _by_certificate(self, token: str, digest: bytes, client_cert: Sequence[str]) -> Caller:
        """A token bound to a certificate comes as Bearer (RFC 8705 section 3), over a connection that shows it."""
        error = TokenAsBearer(
            "访问令牌绑定了密钥，不得以 Bearer 方式出示。",
            "Access tokens are bound to a key and must not be sent as Bearer.",
            rule="A2",
            fix_zh="请使用 Authorization: DPoP <令牌>，并附 DPoP 证明（RFC 9449）。",
            fix_en="Send Authorization: DPoP <token> together with a DPoP proof (RFC 9449).",
        )
        try:
            caller = self.tokens.check(token, digest)
        except Unauthenticated:  # no live token of ours: nobody's secret is out
            raise error from None
        if not caller.by_certificate:
            raise misused(error, caller)
        shown = self.shown(client_cert)
        if shown is None or not hmac.compare_digest(shown.thumbprint, caller.key_thumbprint):
            raise misused(_of_another_client(), caller)
        return caller

    def shown(self, client_cert: Sequence[str]) -> Shown | None:
        """The certificate that a trusted proxy says the sender holds; None for none, and for what is none."""
        try:
            return read_header(client_cert) if self.certificates is not None else None
        except CertificateInvalid:
            return None

    def challenge(self, error: TongquError) -> str:
        """The WWW-Authenticate field (RFC 9449 section 7.1, RFC 9728 section 5.1)."""
        parameters = {"algs": " ".join(ALGORITHMS)}
        if not isinstance(error, TokenMissing):  # RFC 6750 section 3.1: no error for who sent no credentials
            parameters["error"] = next(code for kind, code in _CODES if isinstance(error, kind))
            parameters["error_description"] = _ascii(error.detail_en)
        if isinstance(error, ScopeMissing) and "scope" in error.members:
            parameters["scope"] = str(error.members["scope"])
        parameters["resource_metadata"] = self.issuer + RESOURCE_PATH
        return "DPoP " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())


class Guard:
    """Stands in front of Flask handlers. Refused misuse of a genuine token becomes an entry in the log."""

    def __init__(self, authenticator: Authenticator, log: Log) -> None:
        self._authenticator = authenticator
        self._log = log

    def needs(self, *scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """A decorator: the handler runs only for a caller with at least one of ``scopes``, found in ``flask.g.caller``.

        Raises the errors of ``Authenticator.check``, MalformedRequest for a token outside the header, ScopeMissing.
        """

        def decorate(handler: Callable[P, R]) -> Callable[P, R]:
            @functools.wraps(handler)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                g.caller = self._caller(scopes)
                return handler(*args, **kwargs)

            return guarded

        return decorate

    def welcomes(self, handler: Callable[P, R]) -> Callable[P, R]:
        """The handler runs for anybody: ``flask.g.caller`` is None for who sends no token. A bad one is refused."""

        @functools.wraps(handler)
        def welcomed(*args: P.args, **kwargs: P.kwargs) -> R:
            g.caller = self._caller(None) if "Authorization" in request.headers else None
            return handler(*args, **kwargs)

        return welcomed

    def _caller(self, scopes: Sequence[str] | None) -> Caller:
        refuse_token_outside_header(request.args, request.form)
        try:
            caller, proof = self._authenticator.check(
                request.method,
                request.path,
                request.headers.get("Authorization"),
                request.headers.getlist("DPoP"),
                request.headers.getlist("Client-Cert"),
            )
            if proof is not None:
                self._claim(caller, proof)
        except Unauthenticated as error:
            if error.actor is not None:
                error.members["log_index"] = self._note(error, error.actor)
            raise
        self._check_standing(caller)
        if scopes is not None and caller.scopes.isdisjoint(scopes):
            wanted = " ".join(scopes)
            raise ScopeMissing(
                f"令牌缺少权限：需要 {wanted} 之一。", f"The token lacks the scope: one of {wanted}.", scope=wanted
            )
        return caller

    def _claim(self, caller: Caller, proof: UsedProof) -> None:
        try:
            self._authenticator.used.claim(proof)
        except ProofReplayed as error:
            raise misused(error, caller) from None

    def _check_standing(self, caller: Caller) -> None:
        with self._log.database.read() as conn:
            client = store.get_client(conn, caller.client)
            party = store.get_party(conn, caller.party)
            officer = store.officer_standing(conn, caller.officer) if caller.officer else None
            if store.is_revoked(conn, caller.token_id):
                raise revoked()
        if client is None or party is None or client.state != "active" or party.state != "active":
            raise TokenRevoked(
                "该客户端或其单位已被暂停。",
                "The client or its party is suspended.",
                rule="A5",
                fix_zh="请联系政务数据共享主管部门。",
                fix_en="Ask the data bureau.",
            )
        if not client.has_key(caller.client_key):
            raise key_dropped()
        if not caller.still_speaks(officer):
            raise officer_gone()

    def _note(self, error: Unauthenticated, actor: Mapping[str, str | None]) -> int:
        with self._log.transaction() as tx:
            entry = {"type": "identity.refused", "actor": dict(actor), "code": error.code, "rule": error.rule}
            return tx.append(entry).index


def refuse_token_outside_header(*places: Mapping[str, Any]) -> None:
    """Raises MalformedRequest for a token in the address or in a form: both end up in other people's logs."""
    if any("access_token" in place for place in places):
        raise MalformedRequest(
            "访问令牌不得放在网址或表单中。",
            "An access token must not be in the address or in a form.",
            rule="A1",
            fix_zh="请使用 Authorization: DPoP <令牌>。",
            fix_en="Send it as Authorization: DPoP <token>.",
        )


def _parts(authorization: str | None) -> tuple[str, str]:
    """Scheme and token of the header; empty if there is none."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    return scheme, token.strip()


def _no_token() -> TokenMissing:
    return TokenMissing(
        "请求没有携带访问令牌；应为 Authorization: DPoP <令牌>。",
        "The request carries no access token; expected Authorization: DPoP <token>.",
        rule="A1",
        fix_zh="先向 /oauth/token 申请令牌。",
        fix_en="Get a token from /oauth/token first.",
    )


def _of_another_client() -> TokenOfAnotherClient:
    return TokenOfAnotherClient(
        "令牌绑定的密钥或证书与所出示的不同：令牌属于另一个客户端。",
        "The token is bound to another key or certificate than the one shown: it belongs to another client.",
        rule="A6",
        fix_zh="请用申请令牌时的密钥生成持有证明，或出示申请时的证书。",
        fix_en="Prove possession by the key or the certificate that the token was requested with.",
    )


_Misused = TypeVar("_Misused", bound=Unauthenticated)


def misused(error: _Misused, caller: Caller) -> _Misused:
    """The error of a request that carried a genuine token: whose it is belongs into the log."""
    error.actor = caller.actor()
    return error


def _ascii(text: str) -> str:
    """RFC 6750 section 3: printable ASCII without quote and backslash."""
    return "".join(c for c in text if " " <= c <= "~" and c not in '"\\')
