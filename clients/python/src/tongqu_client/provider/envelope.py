"""Does this request really come from the gateway, for this service, now, and only once?

The envelope is the header ``Tongqu-Request`` of standards/provider-openapi.yaml: a compact JWS (RFC 7515) with ES256
over P-256 (RFC 7518 section 3.4). Every check raises; nothing here returns a bool.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tongqu_client._jose import JoseInvalid, public_key, read_compact, thumbprint
from tongqu_client.provider.errors import ConfigInvalid, KitError

TYP = "tongqu-request+jwt"
MAX_ENVELOPE = 8192  # characters
MAX_LIFETIME = 60  # seconds between iat and exp
LEEWAY = 30  # seconds our clock may run behind the gateway's
REFRESH_SECONDS = 60  # an unknown kid makes us fetch the keys again, at most this often
_HEADER_MEMBERS = {"typ", "alg", "kid"}  # anything else (jwk, jku, x5c, crit, b64 …) is refused, not ignored


class EnvelopeInvalid(Exception):
    """Not a request of the gateway. ``why`` is a short code for the answer and the local log; no personal data."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The verified claims."""

    jti: str
    expires: int
    agreement: str
    agreement_digest: str
    purpose: str
    consumer: str
    standard: str
    fields: tuple[str, ...]
    query: str


class Trust:
    """The gateway's issuer and its keys of purpose ``request``.

    ``fetch`` gets the trust document again when a key id is unknown (the gateway has changed its key); the issuer it
    was pinned with may not change. Without ``fetch`` the pinned keys are all there is.
    """

    def __init__(self, document: Mapping[str, Any], fetch: Callable[[], Mapping[str, Any]] | None = None) -> None:
        self.issuer, self._keys = _read(document)
        self._fetch = fetch
        self._fetched = -float(REFRESH_SECONDS)

    @classmethod
    def load(cls, path: Path, fetch: Callable[[], Mapping[str, Any]] | None = None) -> Trust:
        """Read the pinned file. Raises ConfigInvalid."""
        try:
            document = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise ConfigInvalid(
                f"没有 {path.name}：先运行 tongqu provider register 或 init --trust，固定网关的公钥",
                f"there is no {path.name}: run tongqu provider register, or init --trust, to pin the gateway's keys",
            ) from None
        except ValueError:
            raise ConfigInvalid(f"{path.name} 不是 JSON", f"{path.name} is not JSON") from None
        return cls(document, fetch)

    @property
    def fingerprints(self) -> list[str]:
        """The ids of the keys, RFC 7638 thumbprints."""
        return sorted(self._keys)

    def key(self, kid: str) -> ec.EllipticCurvePublicKey:
        """The key of this id. Raises EnvelopeInvalid."""
        if kid not in self._keys:
            self._refresh()
        try:
            return self._keys[kid]
        except KeyError:
            raise EnvelopeInvalid("unknown_key") from None

    def _refresh(self) -> None:
        if self._fetch is None or time.monotonic() - self._fetched < REFRESH_SECONDS:
            return
        self._fetched = time.monotonic()
        try:
            issuer, keys = _read(self._fetch())
        except (OSError, ValueError, KitError):
            return  # the gateway cannot be reached: the keys we hold stay in force, the unknown one stays unknown
        if issuer == self.issuer:
            self._keys = keys


def _read(document: Mapping[str, Any]) -> tuple[str, dict[str, ec.EllipticCurvePublicKey]]:
    try:
        issuer = document["issuer"]
        jwks = [jwk for jwk in document["jwks"]["keys"] if jwk.get("tongqu_purpose") == "request"]
        keys = {thumbprint(jwk): public_key(jwk) for jwk in jwks}
    except (KeyError, TypeError, AttributeError, ValueError):
        keys = {}
    if not keys or not isinstance(issuer, str):
        raise ConfigInvalid(
            "信任文件应有 issuer 与用途为 request 的 P-256 公钥",
            "a trust document must have an issuer and P-256 keys of purpose request",
        )
    return issuer, keys


def verify(header: str | None, body: bytes, *, trust: Trust, service: str, now: float) -> Envelope:
    """Check header, signature, issuer, audience, times and body digest, in this order; ``now`` in Unix seconds.

    *Not* checked here: whether the jti was used before (ledger.py) and whether the agreement is served (app.py).
    Raises EnvelopeInvalid.
    """
    if not header:
        raise EnvelopeInvalid("missing")
    claims = _signed_claims(header, trust)
    if claims.get("iss") != trust.issuer:
        raise EnvelopeInvalid("wrong_issuer")
    if claims.get("aud") != service or not isinstance(claims.get("aud"), str):
        raise EnvelopeInvalid("wrong_audience")
    issued, expires = (_whole(claims, name) for name in ("iat", "exp"))
    if issued > now + LEEWAY:
        raise EnvelopeInvalid("from_the_future")
    if now >= expires:
        raise EnvelopeInvalid("expired")
    if expires - issued > MAX_LIFETIME:
        raise EnvelopeInvalid("too_long_lived")
    if claims.get("body_digest") != "sha-256:" + hashlib.sha256(body).hexdigest():
        raise EnvelopeInvalid("body_altered")
    return _envelope(claims, expires)


def _signed_claims(compact: str, trust: Trust) -> Mapping[str, Any]:
    if len(compact) > MAX_ENVELOPE:
        raise EnvelopeInvalid("malformed")
    try:
        envelope = read_compact(compact, typ=TYP)
        if set(envelope.header) != _HEADER_MEMBERS or not isinstance(envelope.header["kid"], str):
            raise EnvelopeInvalid("wrong_header")
        return envelope.verify(trust.key(envelope.header["kid"]))
    except JoseInvalid:
        raise EnvelopeInvalid("bad_signature") from None


def _envelope(claims: Mapping[str, Any], expires: int) -> Envelope:
    agreement = claims.get("agreement")
    if not isinstance(agreement, dict):
        raise EnvelopeInvalid("wrong_claims")
    texts = [claims.get(name) for name in ("jti", "purpose", "consumer", "standard", "query")]
    texts += [agreement.get("id"), agreement.get("digest")]
    asked = claims.get("fields")
    if not all(isinstance(text, str) and text for text in texts) or not isinstance(asked, list):
        raise EnvelopeInvalid("wrong_claims")
    jti, purpose, consumer, standard, query, agreement_id, digest = (str(text) for text in texts)
    return Envelope(jti, expires, agreement_id, digest, purpose, consumer, standard, tuple(map(str, asked)), query)


def _whole(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise EnvelopeInvalid("wrong_claims")
    return value
