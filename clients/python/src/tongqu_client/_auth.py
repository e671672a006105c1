"""Access tokens: private_key_jwt (RFC 7523) and DPoP (RFC 9449), the gateway's nonces, and a memory of live tokens.

A token is bound to one agreement and purpose (authorization_details, RFC 9396) and to this client's key; or, for a
client without a key, to the certificate that it shows (RFC 8705). Nothing here is written to disk.
"""

from __future__ import annotations

import email.utils
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tongqu_client import _problems, errors
from tongqu_client._http import Call, Deadline, Reply, Transport
from tongqu_client._jose import SigningKey, encode
from tongqu_client._officer import Binding, Officer
from tongqu_client._signed_requests import signed_request

ASSERTION_LIFE = 60  # seconds; the gateway accepts up to 300
MARGIN = 30  # seconds before its end from which a token is not used any more
MAX_SKEW = 10  # seconds by which the gateway lets our clock be ahead
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_DEAD = frozenset({"invalid_token", "token_expired", "token_revoked"})


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is for. Control-plane scopes need no agreement."""

    scope: str
    agreement: str | None = None
    purpose: str | None = None
    standard: str | None = None
    binding: Binding | None = None  # only where an officer asks

    def details(self) -> str | None:
        """The ``authorization_details`` parameter: a JSON array of one object."""
        if self.agreement is None:
            return None
        detail = {"type": "gov_record_request", "agreement_id": self.agreement, "purpose": self.purpose}
        return json.dumps([{**detail, **({"standard": self.standard} if self.standard else {})}], ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Token:
    value: str = field(repr=False)
    usable_until: float  # by the monotonic clock


class Nonces:
    """The last DPoP nonce of each origin; the token endpoint and the API may keep their own (RFC 9449 §8, §9)."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def get(self, url: str, role: str) -> str | None:
        origin = _origin(url)
        return self._known.get((origin, role)) or self._known.get((origin, "as" if role == "rs" else "rs"))

    def note(self, reply: Reply, role: str) -> bool:
        """Keep the nonce that a reply brings. True when it brought one."""
        nonce = reply.headers.get("dpop-nonce")
        if nonce:
            self._known[_origin(reply.call.url), role] = nonce
        return bool(nonce)


class Authorizer:
    """Makes the two headers of an authorized request, fetching and remembering tokens as needed. Safe for threads.

    ``key`` None: the transport shows a certificate instead, and tokens are sent as ``Bearer`` without a proof.
    """

    def __init__(
        self,
        transport: Transport,
        base_url: str,
        client_id: str,
        key: SigningKey | None,
        language: str,
        officer: Officer | None = None,
        sign_requests: bool = False,
    ) -> None:
        self._transport, self._base_url, self._client_id, self._key = transport, base_url, client_id, key
        self._language, self.officer, self._sign_requests = language, officer, sign_requests
        self._nonces = Nonces()
        self._tokens: dict[Grant, Token] = {}
        self._server: tuple[str, str] | None = None  # issuer, token endpoint
        self._mtls_base: str | None = None  # where certificates are shown, if not at base_url
        self._lock = threading.RLock()

    def for_officer(self, officer: Officer | None) -> Authorizer:
        """The same system, asking for somebody; it has tokens of its own."""
        return Authorizer(
            self._transport,
            self._base_url,
            self._client_id,
            self._key,
            self._language,
            officer,
            self._sign_requests,
        )

    def send(self, call: Call, grant: Grant, deadline: Deadline) -> Reply:
        """One authorized attempt. A new nonce and a dead token are answered by one repetition each."""
        renewed = challenged = False
        while True:
            token = self.token(grant, deadline)
            headers = {**call.headers, **self._shown(call, token)}
            if self._key is not None and self._sign_requests and "Content-Digest" in headers:
                headers |= signed_request(call, headers, self._key)
            sent = Call(call.method, call.url, headers, call.body, call.repeatable)
            reply = self._transport.send(sent, deadline, self._address(call.url))
            fresh = self._nonces.note(reply, "rs")
            code = _code(reply) if reply.status == 401 else None
            if code == "use_dpop_nonce" and fresh and not challenged:
                challenged = True
            elif code in _DEAD and not renewed:
                renewed = True
                self.forget(grant)
            else:
                return reply

    def _shown(self, call: Call, token: str) -> dict[str, str]:
        if self._key is None:
            return {"Authorization": f"Bearer {token}"}
        return {"Authorization": f"DPoP {token}", "DPoP": self._proof(self._key, call, "rs", token)}

    def _address(self, url: str) -> str:
        """Where a request goes that names the gateway's public address."""
        return url if self._mtls_base is None else self._mtls_base + url.removeprefix(self._base_url)

    def forget(self, grant: Grant) -> None:
        with self._lock:
            self._tokens.pop(grant, None)

    def token(self, grant: Grant, deadline: Deadline) -> str:
        """A token that will live for a while yet. Raises Unauthorized and Denied kin."""
        with self._lock:
            known = self._tokens.get(grant)
            if known is None or known.usable_until <= time.monotonic():
                self._tokens = {each: old for each, old in self._tokens.items() if old.usable_until > time.monotonic()}
                known = self._tokens[grant] = self._request_token(grant, deadline)
            return known.value

    def _request_token(self, grant: Grant, deadline: Deadline) -> Token:
        issuer, endpoint = self._discover(deadline)
        asked = time.monotonic()

        def attempt() -> Reply:
            reply = self._post_token(issuer, endpoint, grant, deadline)
            if self._nonces.note(reply, "as") and _code(reply) == "use_dpop_nonce":
                reply = self._post_token(issuer, endpoint, grant, deadline)  # a new assertion too: its jti is used
                self._nonces.note(reply, "as")
            if reply.status != 200:
                raise self._refused(reply)
            return reply

        document = self._transport.repeat(attempt, repeatable=True, deadline=deadline).json()
        wanted = "DPoP" if self._key is not None else "Bearer"
        if not isinstance(document, dict) or str(document.get("token_type")).lower() != wanted.lower():
            raise errors.UnexpectedReply(
                f"令牌端点没有给出 {wanted} 令牌。", f"The token endpoint gave no {wanted} token."
            )
        value, life = document.get("access_token"), document.get("expires_in", 0)
        if not isinstance(value, str) or not isinstance(life, (int, float)):
            raise errors.UnexpectedReply("令牌端点的答复不完整。", "The token endpoint's answer is incomplete.")
        return Token(value, asked + max(life - MARGIN, life / 2))

    def _post_token(self, issuer: str, endpoint: str, grant: Grant, deadline: Deadline) -> Reply:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "scope": grant.scope,
        }
        if self._key is not None:
            form |= {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": self._assertion(self._key, issuer)}
        if self.officer is not None:
            assertion = self.officer.assertion(issuer, self._client_id, grant.binding)
            form |= {"grant_type": _EXCHANGE, "subject_token": assertion, "subject_token_type": _JWT}
        if (details := grant.details()) is not None:
            form["authorization_details"] = details
        call = Call("POST", endpoint, {"Accept": "application/json", "Accept-Language": self._language})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._key is not None:
            headers["DPoP"] = self._proof(self._key, call, "as", None)
        body = urlencode(form).encode("ascii")
        return self._transport.send(
            Call("POST", endpoint, {**call.headers, **headers}, body), deadline, self._address(endpoint)
        )

    def _assertion(self, key: SigningKey, issuer: str) -> str:
        now = int(time.time())
        claims = {"iss": self._client_id, "sub": self._client_id, "aud": issuer, "jti": secrets.token_urlsafe(16)}
        times = {"iat": now, "exp": now + ASSERTION_LIFE}
        return key.sign({"typ": "JWT", "kid": key.thumbprint}, {**claims, **times})

    def _proof(self, key: SigningKey, call: Call, role: str, token: str | None) -> str:
        """A DPoP proof (RFC 9449 §4.2); ``htu`` is the address without query and fragment."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": call.method,
            "htu": urlsplit(call.url)._replace(query="", fragment="").geturl(),
            "iat": int(time.time()),
        }
        if token is not None:
            claims["ath"] = encode(hashlib.sha256(token.encode("ascii")).digest())
        if nonce := self._nonces.get(call.url, role):
            claims["nonce"] = nonce
        return key.sign({"typ": "dpop+jwt", "jwk": key.public_jwk}, claims)

    def _discover(self, deadline: Deadline) -> tuple[str, str]:
        """Issuer and token endpoint, from the RFC 8414 metadata. Read once.

        Both must be of the gateway's own origin: otherwise the assertion, and our word, would go to somebody else.
        """
        if self._server is None:
            call = Call(
                "GET", f"{self._base_url}/.well-known/oauth-authorization-server", {"Accept": "application/json"}
            )
            document = self._transport.repeat(
                lambda: _problems.successful(self._transport.send(call, deadline)), repeatable=True, deadline=deadline
            ).json()
            server = (
                (document.get("issuer"), document.get("token_endpoint")) if isinstance(document, dict) else (None, None)
            )
            for found in server:
                if not isinstance(found, str) or _origin(found) != _origin(self._base_url):
                    raise errors.ConfigError(
                        f"网关自称地址是 {found}，与所用地址 {self._base_url} 不同；请改用网关公布的地址。",
                        f"The gateway calls itself {found}, you asked {self._base_url}; use the address it publishes.",
                    )
            if self._key is None:
                self._mtls_base = _mtls_base(document)
            self._server = (str(server[0]), str(server[1]))
        return self._server

    def _refused(self, reply: Reply) -> errors.GatewayError:
        error = _problems.from_oauth(
            reply.document(),
            status=reply.status,
            retry_after=reply.retry_after,
            request_id=reply.headers.get("x-request-id"),
        )
        if isinstance(error, errors.Unauthorized) and (skew := _skew(reply)) and abs(skew) > MAX_SKEW:
            ahead_zh, ahead_en = ("快", "ahead") if skew > 0 else ("慢", "behind")
            return errors.ClockSkew(
                f"本机时钟{ahead_zh}了约 {abs(skew):.0f} 秒，网关因此不接受签名；请校准时钟（NTP）。",
                f"This machine's clock is about {abs(skew):.0f} s {ahead_en}: signatures are refused; set it (NTP).",
            )
        return error


def _mtls_base(document: dict[str, Any]) -> str | None:
    """RFC 8705 section 5: where clients show certificates; None where that is the usual address. Raises ConfigError."""
    if document.get("tls_client_certificate_bound_access_tokens") is not True:
        raise errors.ConfigError(
            "网关不接受证书；请给出 key。", "The gateway takes no certificates (RFC 8705); give a key."
        )
    aliases = document.get("mtls_endpoint_aliases")
    alias = aliases.get("token_endpoint") if isinstance(aliases, dict) else None
    if alias is None:
        return None
    if not isinstance(alias, str) or urlsplit(alias).scheme != "https" or not urlsplit(alias).hostname:
        raise errors.ConfigError(
            "网关公布的证书地址（mtls_endpoint_aliases）不是 https 地址。",
            "The address for certificates that the gateway publishes (mtls_endpoint_aliases) is not https.",
        )
    return urlsplit(alias)._replace(path="", query="", fragment="").geturl()


def _code(reply: Reply) -> str | None:
    """The code of an error reply: a problem's ``code``, OAuth's ``error``, or the one in WWW-Authenticate."""
    document = reply.document() or {}
    challenge = reply.headers.get("www-authenticate", "")
    if 'error="use_dpop_nonce"' in challenge:
        return "use_dpop_nonce"
    found = document.get("code") or document.get("error")
    return found if isinstance(found, str) else ("invalid_token" if 'error="invalid_token"' in challenge else None)


def _skew(reply: Reply) -> float | None:
    """Seconds by which our clock is ahead of the gateway's, from its Date header."""
    try:
        return time.time() - email.utils.parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None


def _origin(url: str) -> str:
    """Scheme, host and port in their one spelling."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"
