"""Did the holder of this public key sign exactly this? Compact JWS (RFC 7515) by the people and systems of a party.

The gateway's own signatures are ES256; parties choose their keys: ES256, PS256 or Ed25519 (RFC 7518, 8037, 9864).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from tongqu_client import _jose
from tongqu_client._canonical import MalformedJson, strict_loads

_MAX_TOKEN = 16 * 1024  # characters
_RSA_BITS = range(2048, 4097)
_KEY_TYPES = {"ES256": "EC", "PS256": "RSA", "Ed25519": "OKP", "EdDSA": "OKP"}


def key_id(token: str) -> str:
    """The ``kid`` of a compact JWS that nobody has verified yet. Raises JoseInvalid."""
    return str(_header(token.split(".")[0]).get("kid", ""))


def key_in(token: str) -> dict[str, Any]:
    """The public key that a JWS carries in its header (RFC 7515 §4.1.3): proof of possession, never of identity."""
    jwk = _header(token.split(".")[0]).get("jwk")
    if not isinstance(jwk, dict) or "d" in jwk:
        raise _jose.JoseInvalid("expected a public key (jwk) in the header")
    return jwk


def signed(token: str, jwk: Mapping[str, Any], *, typ: str, payload: bytes, detached: bool = False) -> None:
    """Raise JoseInvalid unless the key ``jwk`` signed exactly ``payload`` as a ``typ``.

    ``detached``: the token leaves the payload out (RFC 7515 appendix F).
    """
    if len(token) > _MAX_TOKEN or token.count(".") != 2 or not token.isascii():
        raise _jose.JoseInvalid("not a compact JWS")
    head, middle, signature = token.split(".")
    header = _header(head)
    if header.get("typ") != typ:
        raise _jose.JoseInvalid(f"expected typ {typ}")
    if middle != ("" if detached else _jose.encode(payload)):
        raise _jose.JoseInvalid("something else was signed")
    if header.get("kid") != _jose.thumbprint(jwk):
        raise _jose.JoseInvalid("it names another key")
    _check(str(header.get("alg")), jwk, _jose.decode(signature), f"{head}.{_jose.encode(payload)}".encode("ascii"))


def _header(text: str) -> dict[str, Any]:
    try:
        header = strict_loads(_jose.decode(text))
    except MalformedJson as error:
        raise _jose.JoseInvalid(str(error)) from None
    if not isinstance(header, dict) or "crit" in header or "b64" in header:
        raise _jose.JoseInvalid("expected a header without crit and b64")
    return header


def _check(alg: str, jwk: Mapping[str, Any], signature: bytes, data: bytes) -> None:
    if _KEY_TYPES.get(alg) != jwk.get("kty") or jwk.get("alg", alg) != alg:
        raise _jose.JoseInvalid("the algorithm does not fit the key")
    try:
        if alg == "ES256":
            _jose.verify_raw(_jose.public_key(jwk), signature, data)
        elif alg == "PS256":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
            _rsa(jwk).verify(signature, data, pss, hashes.SHA256())
        else:
            if jwk.get("crv") != "Ed25519":
                raise _jose.JoseInvalid("expected a key on Ed25519")
            ed25519.Ed25519PublicKey.from_public_bytes(_jose.decode(str(jwk.get("x", "")))).verify(signature, data)
    except InvalidSignature:
        raise _jose.JoseInvalid("the signature does not fit the content and the key") from None
    except ValueError as error:
        raise _jose.JoseInvalid(str(error)) from None


def _rsa(jwk: Mapping[str, Any]) -> rsa.RSAPublicKey:
    modulus, exponent = (int.from_bytes(_jose.decode(str(jwk.get(name, ""))), "big") for name in ("n", "e"))
    if modulus.bit_length() not in _RSA_BITS:
        raise _jose.JoseInvalid("expected an RSA key of 2048 to 4096 bits")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()
