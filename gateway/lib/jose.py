"""Signed tokens (JWS, RFC 7515) and public keys (JWK, RFC 7517): the only place that knows joserfc.

Nothing here returns a bool: what does not verify raises JoseInvalid. A reader is stricter than the RFCs where other
readers disagree: no ``crit``, no ``b64`` (RFC 7797), no duplicate members, no NaN, canonical base64url only. Unknown
header parameters are ignored, as RFC 7515 §4 asks. ES256, the algorithm of every query, goes to ``cryptography``
directly; the others go through joserfc.
"""

from __future__ import annotations

import binascii
import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc import jwk
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from gateway.lib.canonical_json import MalformedJson, strict_loads

# The algorithms of our profile (FAPI 2.0 §5.4.1). EdDSA means Ed25519 here, which RFC 9864 also calls by that name.
ALGORITHMS: Final = ("ES256", "PS256", "Ed25519", "EdDSA")
MAX_BYTES: Final = 8192  # of one compact token; the longest honest one (a PS256 proof) has about 1,200
CACHED_HEADER: Final = 1200  # characters; longer ones are parsed each time, so that a flood cannot fill the memory
RSA_BITS: Final = (2048, 4096)  # shorter is weak, longer makes each verification a burden
RSA_MAX_EXPONENT: Final = 1 << 32  # a huge exponent would make verification as dear as signing

_KEY_TYPES: Final = {"ES256": "EC", "PS256": "RSA", "Ed25519": "OKP", "EdDSA": "OKP"}
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_COORDINATE_CHARACTERS: Final = 43  # base64url of 32 bytes: one spelling, hence one thumbprint per key
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")  # base64 to base64url (RFC 4648 §5)
_FROM_URL: Final = bytes.maketrans(b"-_+/=", b"+/...")  # a dot is refused as a character of neither
_PADDING: Final = (b"", b"", b"==", b"=")  # by the characters modulo 4; of one alone no byte can be made
_LAST: Final = ("", "", "AQgw", "AEIMQUYcgkosw048")  # characters that leave no loose bits at the end
_SHA256: Final = ec.ECDSA(hashes.SHA256())
_REGISTRY: Final = JWSRegistry(algorithms=("PS256", "Ed25519"), strict_check_header=False)
_VERIFIERS: Final = {
    "PS256": _REGISTRY.get_alg("PS256"),
    "Ed25519": _REGISTRY.get_alg("Ed25519"),
    "EdDSA": _REGISTRY.get_alg("Ed25519"),  # never Ed448, which the bare name would allow
}


class JoseInvalid(ValueError):
    """This is no valid token or key. The message says why and never holds the token."""


# ── public keys ───────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of our profile: EC P-256, RSA of 2048 to 4096 bits, or Ed25519."""

    kty: str
    thumbprint: str  # RFC 7638, SHA-256, base64url
    members: Mapping[str, str]  # exactly the members that the thumbprint is made of
    declared_alg: str | None  # the JWK's own "alg": then it is for that one only
    native: Any  # cryptography's key (EC) or joserfc's (RSA, OKP)

    def jwk(self) -> dict[str, str]:
        """As a JWK with its ``kid``."""
        return {**self.members, "kid": self.thumbprint}

    def verify(self, alg: str, signature: bytes, data: bytes) -> None:
        """Raise JoseInvalid unless this key made ``signature`` over ``data`` by ``alg``."""
        if _KEY_TYPES.get(alg) != self.kty:
            raise JoseInvalid("the algorithm does not fit the key")
        if self.declared_alg is not None and self.declared_alg != alg:
            raise JoseInvalid("the key is declared for another algorithm")
        if alg == "ES256":
            _verify_es256(self.native, signature, data)
        elif not _VERIFIERS[alg].verify(data, signature, self.native):
            raise JoseInvalid("the signature does not verify")


def public_key(value: Any) -> PublicKey:
    """Read a public JWK. Raises JoseInvalid for anything else: secrets, private members, other curves, weak RSA."""
    if not isinstance(value, Mapping) or not isinstance(value.get("kty"), str):
        raise JoseInvalid("expected a JWK, an object with kty")
    kty = value["kty"]
    if kty not in _MEMBERS:
        raise JoseInvalid("expected a key of type EC, RSA or OKP")
    if not _PRIVATE.isdisjoint(value):
        raise JoseInvalid("the key holds private members; send the public key only")
    members = {name: value[name] for name in _MEMBERS[kty] if isinstance(value.get(name), str)}
    if len(members) != len(_MEMBERS[kty]):
        raise JoseInvalid(f"a member is missing; a {kty} key has {', '.join(_MEMBERS[kty])}")
    if kty in _CURVES and members["crv"] != _CURVES[kty]:
        raise JoseInvalid(f"expected the curve {_CURVES[kty]}")
    coordinates = [members[name] for name in ("x", "y") if name in members]
    if any(len(text) != _COORDINATE_CHARACTERS for text in coordinates):
        raise JoseInvalid("a coordinate must be the base64url of exactly 32 bytes")
    _check_use(value)
    native = _import_native(kty, members)
    return PublicKey(kty, str(jwk.thumbprint(dict(members))), members, value.get("alg"), native)


def _check_use(value: Mapping[str, Any]) -> None:
    if value.get("use", "sig") != "sig":
        raise JoseInvalid("the key is not for signatures (use)")
    operations = value.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise JoseInvalid("the key is not for verifying (key_ops)")
    if "alg" in value and value["alg"] not in ALGORITHMS:
        raise JoseInvalid("the key is declared for an algorithm that is not used here")


def _import_native(kty: str, members: Mapping[str, Any]) -> Any:
    try:
        if kty == "RSA":
            modulus, exponent = (int.from_bytes(decode64(members[name])) for name in ("n", "e"))
            if not RSA_BITS[0] <= modulus.bit_length() <= RSA_BITS[1] or not 3 <= exponent < RSA_MAX_EXPONENT:
                raise JoseInvalid("an RSA key must have 2048 to 4096 bits and a short public exponent")
        key = jwk.import_key(dict(members))
        return key.public_key if kty == "EC" else key
    except JoseInvalid:
        raise
    except (JoseError, ValueError, TypeError, binascii.Error):
        raise JoseInvalid("the members do not make a valid key") from None


def _verify_es256(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    if len(signature) != 64:  # RFC 7518 §3.4: r and s, 32 bytes each; DER is not accepted
        raise JoseInvalid("an ES256 signature has 64 bytes")
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    try:
        key.verify(der, data, _SHA256)
    except InvalidSignature:
        raise JoseInvalid("the signature does not verify") from None


@functools.lru_cache(maxsize=2048)
def _cached_key(header_text: str) -> PublicKey:
    return public_key(_header(header_text).get("jwk"))


# ── reading tokens ────────────────────────────────────────────────────────────────────────────────────────────────────
class Unverified(NamedTuple):
    """A well-formed compact JWS whose signature nobody has checked yet."""

    header: Mapping[str, Any]
    header_text: str  # the encoded header, a key for caches
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        return str(self.header["alg"])

    def claims(self) -> dict[str, Any]:
        """The payload as a JSON object. Raises JoseInvalid."""
        return strict_object(self.payload)

    def check_signature(self, key: PublicKey) -> None:
        """Raise JoseInvalid unless ``key`` signed this."""
        key.verify(self.alg, self.signature, self.signing_input)


def parse(token: str, *, algs: Collection[str] = ALGORITHMS, max_bytes: int = MAX_BYTES) -> Unverified:
    """Read a compact JWS without believing it. Raises JoseInvalid."""
    if len(token) > max_bytes:
        raise JoseInvalid(f"longer than {max_bytes} bytes")
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise JoseInvalid("expected a compact JWS: three parts with dots between")
    head, payload, signature = parts
    header = _cached_header(head) if len(head) <= CACHED_HEADER else _header(head)
    if header["alg"] not in algs:
        raise JoseInvalid("the algorithm is not one of " + ", ".join(algs))
    signing_input = token[: -1 - len(signature)].encode("ascii")
    return Unverified(header, head, decode64(payload), signing_input, decode64(signature))


def parse_detached(token: str, payload: bytes, *, algs: Collection[str] = ALGORITHMS) -> Unverified:
    """Read a compact JWS whose payload travels apart from it (RFC 7515 appendix F). Raises JoseInvalid."""
    jws = parse(token, algs=algs)
    if jws.payload:
        raise JoseInvalid("expected a detached JWS: nothing between the two dots")
    signing_input = f"{jws.header_text}.{encode64(payload)}".encode("ascii")
    return Unverified(jws.header, jws.header_text, payload, signing_input, jws.signature)


def _header(text: str) -> Mapping[str, Any]:
    header = strict_object(decode64(text))
    if not isinstance(header.get("alg"), str):
        raise JoseInvalid("the header names no algorithm")
    if "crit" in header or "b64" in header:
        raise JoseInvalid("crit and b64 are not accepted")
    if not isinstance(header.get("typ", ""), str) or not isinstance(header.get("kid", ""), str):
        raise JoseInvalid("typ and kid must be strings")
    return header


# A client's header is the same for each of its tokens, and this is a pure function of its text.
_cached_header = functools.lru_cache(maxsize=2048)(_header)


def verify(
    token: str,
    key: PublicKey | Callable[[Mapping[str, Any]], PublicKey],
    *,
    typ: str,
    algs: Collection[str] = ALGORITHMS,
    max_bytes: int = MAX_BYTES,
) -> dict[str, Any]:
    """The claims of a compact JWS that ``key`` signed and whose header says ``typ``.

    ``key`` may be a function from the header to the key; it raises JoseInvalid when it knows none. Times, issuer and
    audience are *not* checked here. Raises JoseInvalid.
    """
    return verified(token, key, typ=typ, algs=algs, max_bytes=max_bytes).claims()


def verified(
    token: str,
    key: PublicKey | Callable[[Mapping[str, Any]], PublicKey],
    *,
    typ: str,
    algs: Collection[str] = ALGORITHMS,
    max_bytes: int = MAX_BYTES,
) -> Unverified:
    """As ``verify``, for a payload whose exact bytes matter. Raises JoseInvalid."""
    jws = parse(token, algs=algs, max_bytes=max_bytes)
    if jws.header.get("typ") != typ:
        raise JoseInvalid(f"expected typ {typ}")
    jws.check_signature(key if isinstance(key, PublicKey) else key(jws.header))
    return jws


def key_in(jws: Unverified) -> PublicKey:
    """The public key that a token carries in its own header (``jwk``). It proves possession, never identity.

    Never parsed twice: a sender's header is the same each time. Raises JoseInvalid.
    """
    if len(jws.header_text) <= CACHED_HEADER:
        return _cached_key(jws.header_text)
    return public_key(jws.header.get("jwk"))


def strict_object(data: bytes) -> dict[str, Any]:
    """One JSON object that every reader understands alike, or JoseInvalid. Bounded by the size of the token."""
    if b"\\u0000" in data:  # nothing that has a name holds it, and PostgreSQL cannot look it up
        raise JoseInvalid("expected no U+0000")
    try:
        value = strict_loads(data)
    except MalformedJson:
        raise JoseInvalid("expected one JSON object in UTF-8, without duplicate members") from None
    if not isinstance(value, dict):
        raise JoseInvalid("expected a JSON object")
    return value


def decode64(text: str) -> bytes:
    """base64url without padding; one text per value (RFC 7515 §2). Raises JoseInvalid."""
    loose = len(text) % 4
    try:
        data = binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + _PADDING[loose], strict_mode=True)
    except ValueError:  # binascii.Error is one, and what is not ASCII another
        raise JoseInvalid("not base64url") from None
    if loose and text[-1] not in _LAST[loose]:
        raise JoseInvalid("not base64url")
    return data


def encode64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode()


# ── signing ───────────────────────────────────────────────────────────────────────────────────────────────────────────
class SigningKey:
    """A private P-256 key, its thumbprint as ``kid``. Signs by ES256, the only algorithm we emit."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        self._heads: dict[str, str] = {}  # encoded headers by typ: the same for every token of that type
        numbers = private.public_key().public_numbers()
        self.public = public_key(
            {
                "kty": "EC",
                "crv": "P-256",
                "x": encode64(numbers.x.to_bytes(32)),
                "y": encode64(numbers.y.to_bytes(32)),
            }
        )
        self.kid = self.public.thumbprint

    @classmethod
    def generate(cls) -> SigningKey:
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_jwk(cls, value: Any) -> SigningKey:
        """Read a private JWK. Raises JoseInvalid."""
        if not isinstance(value, Mapping) or value.get("kty") != "EC" or not isinstance(value.get("d"), str):
            raise JoseInvalid("expected a private JWK of type EC")
        public = public_key({name: value[name] for name in _MEMBERS["EC"] if name in value})
        try:
            private = ec.derive_private_key(int.from_bytes(decode64(value["d"])), ec.SECP256R1())
        except ValueError:
            raise JoseInvalid("d is not a private key of P-256") from None
        key = cls(private)
        if key.kid != public.thumbprint:
            raise JoseInvalid("d does not belong to x and y")
        return key

    def private_jwk(self) -> dict[str, str]:
        """With the secret ``d``: for a file of mode 0600, and nothing else."""
        secret = self._private.private_numbers().private_value.to_bytes(32)
        return {**self.public.members, "d": encode64(secret), "kid": self.kid, "use": "sig", "alg": "ES256"}

    def public_jwk(self) -> dict[str, str]:
        return {**self.public.members, "kid": self.kid, "use": "sig", "alg": "ES256"}

    def sign_jwt(self, typ: str, claims: Mapping[str, Any], **header: Any) -> str:
        """A compact JWS over a JSON object. Further ``header`` parameters may be named, such as ``jwk``."""
        return self.sign_payload(typ, orjson.dumps(claims), **header)

    def sign_payload(self, typ: str, payload: bytes, **header: Any) -> str:
        """A compact JWS over exactly these bytes."""
        head = self._head(typ, header) if header else self._heads.get(typ)
        if head is None:
            head = self._heads[typ] = self._head(typ, {})
        signing_input = f"{head}.{encode64(payload)}"
        return f"{signing_input}.{encode64(self.sign_raw(signing_input.encode('ascii')))}"

    def sign_detached(self, typ: str, payload: bytes) -> str:
        """A compact JWS over exactly these bytes that leaves them out (RFC 7515 appendix F)."""
        header, _, signature = self.sign_payload(typ, payload).split(".")
        return f"{header}..{signature}"

    def _head(self, typ: str, more: Mapping[str, Any]) -> str:
        return encode64(orjson.dumps({"alg": "ES256", "typ": typ, "kid": self.kid, **more}))

    def sign_raw(self, data: bytes) -> bytes:
        """The 64 bytes r‖s of ECDSA over P-256 with SHA-256 (RFC 7518 §3.4, RFC 9421 §3.3.4)."""
        r, s = decode_dss_signature(self._private.sign(data, _SHA256))
        return r.to_bytes(32) + s.to_bytes(32)
