"""Signing in with an identity provider: OpenID Connect, code flow only, as FAPI 2.0 wants it of a client.

Every answer is bound to the browser that was sent away (state, single use), to the request (PKCE S256, RFC 7636; nonce)
and to the provider (a redirect address of its own; ``iss``, RFC 9207; issuer and audience of the ID token). Algorithms
are ours, never those that metadata name, so that ``none`` has no way in. An answer without an ID token is a failure.

Who somebody is, is ``iss`` and ``sub`` together, linked to an account beforehand. E-mail, names and other claims are
not read: whoever can choose them there must not become somebody else here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from gateway.accounts.ceremonies import Ceremonies
from gateway.config import OidcProvider, is_loopback
from gateway.errors import ProviderUnavailable, SignInRefused
from gateway.lib.clock import Clock
from gateway.lib.jose import JoseInvalid, PublicKey, parse, public_key, strict_object

TIMEOUT_S: Final = (3.05, 5.0)
MAX_ANSWER: Final = 256 * 1024
MAX_ID_TOKEN: Final = 8192
METADATA_FOR_S: Final = 3600.0
KEYS_AT_MOST_EVERY_S: Final = 60.0  # for a key that is not known; else anybody's tokens could make us ask for ever
LEEWAY_S: Final = 10
ISSUED_WITHIN_S: Final = 300
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Sent:
    """What we kept when a browser was sent away. ``purpose``: what for, in the caller's words."""

    nonce: str
    verifier: str
    purpose: str


@dataclass
class _Known:
    """What was learned from the provider, and when (monotonic seconds)."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    metadata_at: float = float("-inf")
    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    keys_at: float = float("-inf")


class RelyingParty:
    """Us, as one provider knows us."""

    def __init__(self, provider: OidcProvider, public_url: str, ceremonies: Ceremonies, clock: Clock) -> None:
        self.provider, self._ceremonies, self._clock = provider, ceremonies, clock
        self.redirect_uri = f"{public_url}/sign-in/with/{provider.id}/back"
        self._known, self._lock = _Known(), threading.Lock()

    # ── away ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def send_away(self, holder: str, purpose: str) -> str:
        """Where to send the browser (OIDC Core section 3.1.2.1). ``holder``: what its cookie holds."""
        metadata = self._metadata()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        self._ceremonies.put(holder, self._kind(state), json.dumps([nonce, verifier, purpose]))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint: str = metadata["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    # ── and back ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def recall(self, holder: str, answer: Mapping[str, str]) -> Sent:
        """With what this browser was sent away; only once. Raises SignInRefused when it was not, or too long ago."""
        kept = self._ceremonies.take(holder, self._kind(answer.get("state", "")))
        if kept is None:
            raise _refused("state")
        return Sent(*json.loads(kept))

    def receive(self, sent: Sent, answer: Mapping[str, str]) -> tuple[str, str]:
        """Who came back with this answer: issuer and subject. Raises SignInRefused, ProviderUnavailable."""
        metadata = self._metadata()
        issuer = answer.get("iss")
        promised = metadata.get("authorization_response_iss_parameter_supported") is True
        if issuer != self.provider.issuer and (issuer is not None or promised):
            raise _refused("iss")
        if "error" in answer or not answer.get("code"):
            raise _refused("answer")
        tokens = self._exchange(metadata, answer["code"], sent.verifier)
        claims = self._claims(tokens.get("id_token"))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), sent.nonce.encode()):
            raise _refused("nonce")
        return self.provider.issuer, claims["sub"]

    def _exchange(self, metadata: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        secret = self.provider.secret()
        if secret is None:
            form["client_id"] = self.provider.client_id
        auth = (self.provider.client_id, secret) if secret is not None else None
        return self._fetch("POST", metadata["token_endpoint"], data=form, auth=auth)

    def _claims(self, token: Any) -> Mapping[str, Any]:
        """Check the ID token (OIDC Core section 3.1.3.7)."""
        if not isinstance(token, str):
            raise _refused("id_token")
        try:
            jws = parse(token, max_bytes=MAX_ID_TOKEN)
            if jws.header.get("typ", "JWT").upper() != "JWT":
                raise JoseInvalid("an ID token has the type JWT or none")
            jws.check_signature(self._key(jws.header.get("kid", "")))
            claims = jws.claims()
        except JoseInvalid:
            raise _refused("id_token") from None
        now, ours = self._clock.now().timestamp(), self.provider.client_id
        fits = (
            claims.get("iss") == self.provider.issuer
            and claims.get("aud") in (ours, [ours])
            and claims.get("azp", ours) == ours
            and isinstance(claims.get("sub"), str)
            and 0 < len(claims["sub"]) <= 255
            and _is_time(claims.get("exp"))
            and _is_time(claims.get("iat"))
            and claims["exp"] > now - LEEWAY_S
            and abs(now - claims["iat"]) <= ISSUED_WITHIN_S
        )
        if not fits:
            raise _refused("id_token")
        return claims

    # ── what the provider says of itself ──────────────────────────────────────────────────────────────────────────────
    def _metadata(self) -> Mapping[str, Any]:
        """OpenID Connect Discovery section 4; the issuer must be exactly the one we were configured with."""
        with self._lock:
            if time.monotonic() - self._known.metadata_at < METADATA_FOR_S:
                return self._known.metadata
        found = self._fetch("GET", f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.provider.issuer or not all(_is_safe(found.get(name)) for name in _ENDPOINTS):
            raise _refused("metadata")
        with self._lock:
            self._known.metadata, self._known.metadata_at = found, time.monotonic()
        return found

    def _key(self, kid: str) -> PublicKey:
        with self._lock:
            stale = time.monotonic() - self._known.keys_at >= KEYS_AT_MOST_EVERY_S
            if kid in self._known.keys or not stale:
                return self._one(self._known.keys, kid)
            self._known.keys_at = time.monotonic()
        listed = self._fetch("GET", self._metadata()["jwks_uri"]).get("keys")
        keys: dict[str, PublicKey] = {}
        for each in listed if isinstance(listed, list) else []:
            try:
                keys[str(each.get("kid", ""))] = public_key(each)
            except (JoseInvalid, AttributeError):
                continue  # a key for something else
        with self._lock:
            self._known.keys = keys
        return self._one(keys, kid)

    @staticmethod
    def _one(keys: Mapping[str, PublicKey], kid: str) -> PublicKey:
        if kid not in keys:
            raise JoseInvalid("the provider has published no such key")
        return keys[kid]

    @staticmethod
    def _fetch(method: str, url: str, **more: Any) -> dict[str, Any]:
        """One small JSON object; no redirects, nothing from the environment."""
        import requests  # 4 MB that a gateway without identity providers and witnesses never needs

        try:
            with requests.Session() as session:
                session.trust_env = False
                asked = {"Accept": "application/json"}
                with session.request(
                    method, url, timeout=TIMEOUT_S, allow_redirects=False, stream=True, headers=asked, **more
                ) as answer:
                    body = answer.raw.read(MAX_ANSWER + 1, decode_content=True)
                    status = answer.status_code
        except (requests.RequestException, OSError):
            raise _away() from None
        if status >= 500:
            raise _away()
        if status != 200 or len(body) > MAX_ANSWER:
            raise _refused("answer")
        try:
            return strict_object(body)
        except JoseInvalid:
            raise _refused("answer") from None

    @staticmethod
    def _kind(state: str) -> str:
        return f"oidc.{state[:100]}"


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_safe(url: object) -> bool:
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    host = parts.hostname or ""
    return host != "" and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def _refused(what: str) -> SignInRefused:
    return SignInRefused(
        f"统一身份认证的答复无效（{what}），请重新登录。",
        f"The identity provider's answer is not valid ({what}); sign in again.",
    )


def _away() -> ProviderUnavailable:
    return ProviderUnavailable(
        "暂时无法连接统一身份认证，请稍后再试，或用账户名和密码登录。",
        "The identity provider cannot be reached; try later, or use your account and password.",
    )
