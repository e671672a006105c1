"""The data bureau's signature under a standard: a detached JWS (RFC 7515 appendix F) over its RFC 8785 bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tongqu_client import _jose
from tongqu_client._canonical import MalformedJson, NotCanonical, canonical, digest_bytes, strict_loads
from tongqu_client.errors import StandardUnproven

SIGNATURE_TYPE = "tongqu-standard-signature+jws"


@dataclass(frozen=True, slots=True)
class VerifiedStandard:
    """Which key signed which schema; ``party`` and ``officer`` are the gateway's word for whose key it is."""

    id: str
    digest: str
    key: str  # RFC 7638 thumbprint: compare it with one that the bureau gave you in another way
    party: str | None
    officer: str | None


def verify_standard(schema: bytes, manifest: bytes, *, key: str | None = None) -> VerifiedStandard:
    """Check ``schema`` (the file) against the answer of ``/v1/standards/{name}/{version}/signature``.

    ``key``: the thumbprint that the bureau's key must have; None takes the key that the manifest brings along, which
    proves only that schema and manifest belong together. Raises StandardUnproven. Not checked: when it was signed.
    """
    document, told = _object(schema, "标准", "the standard"), _object(manifest, "签名文件", "the signature file")
    try:
        payload = canonical(document)
    except NotCanonical:
        raise _unproven("标准无法写成规范形式", "the standard has no canonical form") from None
    digest, name = digest_bytes(payload), "/".join(str(document.get("$id", "")).rsplit("/", 2)[1:])
    if (told.get("standard"), told.get("digest")) != (name, digest):
        raise _unproven("标准正文与签名文件所说的不一致", "the schema is not the one that the signature file speaks of")
    if not isinstance(told.get("jws"), str):
        origin = (str(told.get("origin_zh", "未签署")), str(told.get("origin_en", "unsigned")))
        raise _unproven(f"没有签名（{origin[0]}，摘要 {digest}）", f"there is no signature ({origin[1]}, {digest})")
    thumbprint = _verified(told["jws"], payload, told.get("key"))
    if key is not None and key != thumbprint:
        raise _unproven(
            f"签名密钥是 {thumbprint}，不是所要求的", f"it was signed by the key {thumbprint}, not by yours"
        )
    return VerifiedStandard(name, digest, thumbprint, told.get("party"), told.get("officer"))


def _verified(jws: str, payload: bytes, jwk: Any) -> str:
    """The thumbprint of the key that signed."""
    try:
        head, middle, signature = jws.split(".")
        if middle:
            raise _jose.JoseInvalid("expected a detached signature")
        header = strict_loads(_jose.decode(head))
        thumbprint = _jose.thumbprint(jwk)
        if header.get("alg") != "ES256" or header.get("typ") != SIGNATURE_TYPE or header.get("kid") != thumbprint:
            raise _jose.JoseInvalid("expected alg ES256, our typ and the kid of this key")
        if "crit" in header or "b64" in header:
            raise _jose.JoseInvalid("crit and b64 are not accepted")
        signed = f"{head}.{_jose.encode(payload)}".encode("ascii")
        _jose.verify_raw(_jose.public_key(jwk), _jose.decode(signature), signed)
    except (_jose.JoseInvalid, MalformedJson, ValueError, AttributeError) as error:
        raise _unproven(f"签名与标准正文和公钥不符（{error}）", f"the signature does not fit: {error}") from None
    return thumbprint


def _object(data: bytes, zh: str, en: str) -> dict[str, Any]:
    try:
        value = strict_loads(data)
    except MalformedJson as error:
        raise _unproven(f"{zh}不是有效的 JSON（{error}）", f"{en} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise _unproven(f"{zh}应为 JSON 对象", f"{en} must be a JSON object")
    return value


def _unproven(zh: str, en: str) -> StandardUnproven:
    return StandardUnproven(f"{zh}。", f"Not proved: {en}.")
