"""The other side: a client that signs by itself, right or wrong, sharing no code with what it tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.clock import FixedClock

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REMOVE: Any = object()  # as the value of a claim: leave it out


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number64(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


@dataclass(frozen=True)
class Key:
    """A private key and its public JWK, for one algorithm."""

    alg: str
    private: Any
    public: Mapping[str, str]

    @classmethod
    def make(cls, alg: str = "ES256") -> Key:
        if alg.startswith("ES"):
            curve: ec.EllipticCurve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[alg]
            private: Any = ec.generate_private_key(curve)
            numbers, size = private.public_key().public_numbers(), curve.key_size // 8
            name = {"ES256": "P-256", "ES384": "P-384"}[alg]
            jwk = {"kty": "EC", "crv": name, "x": b64(numbers.x.to_bytes(size)), "y": b64(numbers.y.to_bytes(size))}
        elif alg in ("EdDSA", "Ed25519"):
            private = ed25519.Ed25519PrivateKey.generate()
            jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(private.public_key().public_bytes_raw())}
        else:
            private = rsa_key(2048)
            jwk = rsa_jwk(2048)
        return cls(alg, private, jwk)

    @property
    def thumbprint(self) -> str:
        members = json.dumps(dict(sorted(self.public.items())), separators=(",", ":"))
        return b64(hashlib.sha256(members.encode()).digest())

    def signature(self, data: bytes, alg: str) -> bytes:
        if alg in ("ES256", "ES384"):
            digest = hashes.SHA256() if alg == "ES256" else hashes.SHA384()
            size = 32 if alg == "ES256" else 48
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size) + s.to_bytes(size)
        if alg in ("EdDSA", "Ed25519"):
            signed: bytes = self.private.sign(data)
            return signed
        if alg in ("PS256", "RS256") and self.public["kty"] != "RSA":
            return rsa_key(2048).sign(data, padding.PKCS1v15(), hashes.SHA256())
        if alg == "PS256":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            return bytes(self.private.sign(data, pss, hashes.SHA256()))
        if alg == "RS256":
            return bytes(self.private.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        if alg == "HS256":  # the classic confusion: the public key as the secret
            return hmac.digest(json.dumps(dict(self.public)).encode(), data, "sha256")
        return b""  # none

    def jws(self, header: Mapping[str, Any], payload: Mapping[str, Any] | bytes) -> str:
        """A compact JWS with exactly this header."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        data = f"{b64(json.dumps(header).encode())}.{b64(body)}"
        return f"{data}.{b64(self.signature(data.encode(), str(header.get('alg', self.alg))))}"


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Slow to make, so made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def rsa_jwk(bits: int) -> dict[str, str]:
    numbers = rsa_key(bits).public_key().public_numbers()
    return {"kty": "RSA", "n": number64(numbers.n), "e": number64(numbers.e)}


@dataclass
class Sender:
    """A client system: its id, its key for assertions, its key for proofs (the same, unless a test says otherwise)."""

    base_url: str
    client_id: str
    key: Key
    clock: FixedClock
    proof_key: Key = field(default=None)  # type: ignore[assignment]  # set below
    nonce: str | None = None

    def __post_init__(self) -> None:
        self.proof_key = self.proof_key or self.key

    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def with_key(self, key: Key) -> Sender:
        return replace(self, proof_key=key)

    def assertion(self, *, header: Mapping[str, Any] | None = None, key: Key | None = None, **claims: Any) -> str:
        key = key or self.key
        head = {"alg": key.alg, "typ": "JWT", "kid": key.thumbprint}
        usual = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.base_url,
            "iat": self.now(),
            "exp": self.now() + 60,
            "jti": secrets.token_urlsafe(16),
        }
        return key.jws(_changed(head, header or {}), _changed(usual, claims))

    def proof(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        header: Mapping[str, Any] | None = None,
        key: Key | None = None,
        **claims: Any,
    ) -> str:
        key = key or self.proof_key
        head = {"alg": key.alg, "typ": "dpop+jwt", "jwk": dict(key.public)}
        usual: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self.base_url + path,
            "iat": self.now(),
        }
        if self.nonce is not None:
            usual["nonce"] = self.nonce
        if token is not None:
            usual["ath"] = b64(hashlib.sha256(token.encode()).digest())
        return key.jws(_changed(head, header or {}), _changed(usual, claims))

    def form(self, **more: Any) -> dict[str, str]:
        usual = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
        }
        if "client_assertion" not in more:
            usual["client_assertion"] = self.assertion()
        return _changed(usual, more)


def _changed(usual: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**usual, **changes}.items() if value is not REMOVE}


def details(**changes: Any) -> str:
    """The authorization_details of a query under the agreement that these tests grant."""
    usual = {"type": "gov_record_request", "agreement_id": "agr_1", "purpose": "dibao.initial"}
    return json.dumps([_changed(usual, changes)])
