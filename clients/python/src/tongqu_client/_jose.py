"""Keys and compact signatures (RFC 7515, 7517, 7638), ES256 only, on ``cryptography``.

ES256 is what the gateway signs with and what every client here signs with; one algorithm leaves nothing to confuse.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tongqu_client._canonical import MalformedJson, canonical, strict_loads
from tongqu_client.errors import KeyUnusable

KeySource = str | Path | bytes | Mapping[str, Any] | ec.EllipticCurvePrivateKey

_COORDINATE = 32  # bytes of one P-256 coordinate, and of r and s in a signature (RFC 7518 §3.4)
_MAX_COMPACT = 16 * 1024  # characters; a receipt has about 1,500
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class JoseInvalid(ValueError):
    """This is no well-formed signature of ours. The message says why, never what it signs."""


def encode(data: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Read base64url; raises JoseInvalid for padding, other characters and spare bits, so no text has two spellings."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise JoseInvalid("not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise JoseInvalid("base64url with spare bits")
    return data


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint of an EC, OKP or RSA public key."""
    names = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}.get(
        str(jwk.get("kty"))
    )
    if names is None or not all(isinstance(jwk.get(name), str) for name in names):
        raise JoseInvalid("a JWK of an unknown kind")
    return encode(hashlib.sha256(canonical({name: jwk[name] for name in names})).digest())


def public_key(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """The P-256 public key of a JWK. Raises JoseInvalid for any other key and for a point off the curve."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise JoseInvalid("expected an EC key on P-256")
    x, y = decode(str(jwk.get("x", ""))), decode(str(jwk.get("y", "")))
    if len(x) != _COORDINATE or len(y) != _COORDINATE:
        raise JoseInvalid("a coordinate of the wrong length")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
    try:
        return numbers.public_key()
    except ValueError:
        raise JoseInvalid("a point that is not on the curve") from None


def verify_raw(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    """Check an ES256 signature in its JOSE form, r ‖ s. Raises JoseInvalid."""
    if len(signature) != 2 * _COORDINATE:
        raise JoseInvalid("a signature of the wrong length")
    r, s = (int.from_bytes(half, "big") for half in (signature[:_COORDINATE], signature[_COORDINATE:]))
    try:
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise JoseInvalid("the signature does not fit the content and the key") from None


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact JWS, read but *not* verified: never use ``claims`` before ``verify``."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    def verify(self, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
        """The claims, once the signature is proved. Raises JoseInvalid."""
        verify_raw(key, self.signature, self.signed)
        return self.claims


def read_compact(text: str, *, typ: str) -> Compact:
    """Take a compact JWS apart: ES256, this ``typ``, JSON objects, no ``crit`` and no ``b64``. Raises JoseInvalid."""
    if len(text) > _MAX_COMPACT or text.count(".") != 2:
        raise JoseInvalid("not a compact JWS")
    first, second, third = text.split(".")
    try:
        header, claims = strict_loads(decode(first)), strict_loads(decode(second))
    except MalformedJson as error:
        raise JoseInvalid(str(error)) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise JoseInvalid("header or content is no JSON object")
    if header.get("alg") != "ES256" or "crit" in header or "b64" in header:
        raise JoseInvalid("expected alg ES256 and no crit or b64")
    if header.get("typ") != typ:
        raise JoseInvalid(f"expected typ {typ}")
    return Compact(header, claims, f"{first}.{second}".encode("ascii"), decode(third))


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A client's private key. Its repr shows the thumbprint only."""

    private: ec.EllipticCurvePrivateKey
    public_jwk: dict[str, str]
    thumbprint: str

    def __repr__(self) -> str:
        return f"SigningKey({self.thumbprint})"

    @classmethod
    def load(cls, source: KeySource) -> SigningKey:
        """From a JWK (mapping or text), a PEM text, a path to either, or a key object. Raises KeyUnusable."""
        private = source if isinstance(source, ec.EllipticCurvePrivateKey) else _private_key(source)
        if not isinstance(private.curve, ec.SECP256R1):
            raise KeyUnusable("需要 P-256 曲线上的私钥（ES256）。", "Expected a private key on P-256 (ES256).")
        numbers = private.public_key().public_numbers()
        x, y = (encode(number.to_bytes(_COORDINATE, "big")) for number in (numbers.x, numbers.y))
        jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        return cls(private, jwk, thumbprint(jwk))

    def sign_raw(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """A compact JWS over ``claims``; ``alg`` is added to the header."""
        head = encode(canonical({"alg": "ES256", **header}))
        signed = f"{head}.{encode(canonical(dict(claims)))}"
        return f"{signed}.{encode(self.sign_raw(signed.encode('ascii')))}"


def _private_key(source: str | Path | bytes | Mapping[str, Any]) -> ec.EllipticCurvePrivateKey:
    if isinstance(source, Mapping):
        return _from_jwk(source)
    text = _read(source)
    try:
        if text.lstrip().startswith(b"{"):
            return _from_jwk(strict_loads(text))
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError):
        raise KeyUnusable(
            "读不出私钥：需要 JWK（JSON）或未加密的 PEM。",
            "No private key found: expected a JWK (JSON) or an unencrypted PEM.",
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyUnusable("需要 P-256 曲线上的私钥（ES256）。", "Expected a private key on P-256 (ES256).")
    return key


def _read(source: str | Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str) and source.lstrip().startswith(("{", "-----BEGIN")):
        return source.encode("utf-8")
    try:
        return Path(source).read_bytes()
    except (OSError, ValueError):
        raise KeyUnusable(
            "打不开私钥文件；请检查路径与读取权限。", "The key file cannot be opened; check its path and permissions."
        ) from None


def _from_jwk(jwk: Mapping[str, Any]) -> ec.EllipticCurvePrivateKey:
    try:
        secret = decode(str(jwk.get("d", "")))
        if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or len(secret) != _COORDINATE:
            raise JoseInvalid("expected a private EC key on P-256")
        private = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
        if private.public_key().public_numbers() != public_key(jwk).public_numbers():
            raise JoseInvalid("the public part is not that of the private part")
    except ValueError:
        raise KeyUnusable(
            "JWK 须为 P-256 的 EC 私钥（含 d、x、y），且公私两部分相符。",
            "The JWK must be a private EC key on P-256 (with d, x, y) whose two parts belong together.",
        ) from None
    return private
