"""Receipts: the gateway's signed word on what left, for whom, under what, and where its log says so. No network.

A receipt is a compact JWS (typ ``tongqu-receipt+jwt``, ES256). It promises that the entry with ``leaf_hash`` stands at
``index`` of the log within ``mmd`` seconds; a receipt whose entry is not there after that is proof of misbehaviour.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from tongqu_client import _jose
from tongqu_client._canonical import NotCanonical, canonical, digest_bytes
from tongqu_client.errors import ProofInvalid, ReceiptInvalid
from tongqu_client.verify import merkle, signers
from tongqu_client.verify.notes import Checkpoint, TlogProof
from tongqu_client.verify.trust import TrustStore

TYPE = "tongqu-receipt+jwt"
RECORD_TYPE = "tongqu-record-signature+jws"
_DIGEST = re.compile(r"sha-256:([0-9a-f]{64})")
_SALT_SIZE = 16  # bytes


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """A receipt that held. ``checkpoint`` is None until its inclusion in the log was verified too.

    ``request_checked`` and ``response_checked`` say whether the digests were compared with a request and an answer.
    """

    token: str
    claims: Mapping[str, Any]
    query: str
    consumer: str
    provider: str
    client: str
    agreement: str
    purpose: str
    standard: str
    fields: tuple[str, ...]
    issued: datetime
    index: int
    leaf_hash: bytes
    merge_delay: int  # seconds
    request_checked: bool = False
    response_checked: bool = False
    checkpoint: Checkpoint | None = None

    @property
    def origin(self) -> str:
        """The log in which ``index`` counts."""
        return str(self.claims["log"]["origin"])

    def fits(self, release: Mapping[str, Any], permit: Mapping[str, Any] | None) -> bool:
        """Does the receipt say what the log says? ``permit``: the entry before it; None where it was pruned."""
        claims, source = self.claims, release.get("source")
        same = release.get("query") == self.query and release.get("consent") == claims.get("consent")
        same = same and isinstance(source, Mapping) and source.get("party") == self.provider
        if permit is None or not same:
            return same
        actor = permit.get("actor")
        told = (actor.get("party"), actor.get("client")) if isinstance(actor, Mapping) else None
        return told == (self.consumer, self.client) and all(
            permit.get(name) == claims.get(name)
            for name in ("query", "agreement", "purpose", "standard", "request_digest")
        )


def verify_receipt(
    receipt: str,
    trust: TrustStore,
    *,
    request: Mapping[str, Any] | None = None,
    response: Mapping[str, Any] | None = None,
) -> VerifiedReceipt:
    """Check signature, purpose of the key, issuer, log and, where given, the salted digests.

    ``request``: the query's JSON body as sent. ``response``: the answer's JSON body; its ``data``, ``source`` and
    ``withheld`` are what the digest covers. Raises ReceiptInvalid. Not checked here: that the log holds the entry, see
    ``verify_inclusion``.
    """
    claims = _claims(receipt, trust)
    verified = _read(receipt, claims)
    if claims["iss"] != trust.issuer or trust.log_key_of(claims["log"]["origin"]) is None:
        raise ReceiptInvalid(
            "回执出自另一个网关或另一份日志。", "The receipt comes from another gateway or names another log."
        )
    salt = _salt(claims)
    if request is not None:
        _compare(claims["request_digest"], salt, dict(request), "查询内容", "the request")
        _same_terms(verified, request)
    if response is not None:
        core = {name: response.get(name) for name in ("data", "source", "withheld")}
        _compare(claims["response_digest"], salt, core, "答复内容", "the answer")
        provider_signature(verified, response.get("data"))
    return replace(verified, request_checked=request is not None, response_checked=response is not None)


def verify_inclusion(leaf_hash: bytes, proof: TlogProof | str, trust: TrustStore) -> Checkpoint:
    """The log that ``trust`` names holds this leaf where the proof says. Returns the checkpoint that signs it.

    Raises CheckpointInvalid for a checkpoint that the log's key did not sign, ProofInvalid for everything else.
    """
    parsed = TlogProof.parse(proof) if isinstance(proof, str) else proof
    checkpoint = trust.open_checkpoint(parsed.checkpoint)
    merkle.verify_inclusion(parsed.index, checkpoint.size, leaf_hash, parsed.hashes, checkpoint.root)
    return checkpoint


def verify_promise(receipt: VerifiedReceipt, proof: TlogProof | str, trust: TrustStore) -> VerifiedReceipt:
    """The log keeps what the receipt promised: that leaf at that index. Raises ProofInvalid kin."""
    parsed = TlogProof.parse(proof) if isinstance(proof, str) else proof
    if parsed.index != receipt.index:
        raise ProofInvalid(
            f"证明的是第 {parsed.index} 条，而回执说的是第 {receipt.index} 条。",
            f"The proof is for entry {parsed.index}, the receipt is for entry {receipt.index}.",
        )
    checkpoint = verify_inclusion(receipt.leaf_hash, parsed, trust)
    if checkpoint.origin != receipt.origin:
        raise ProofInvalid(
            f"证明出自 {checkpoint.origin}，而回执说的是 {receipt.origin}。",
            f"The proof is of the log {checkpoint.origin}, the receipt names {receipt.origin}.",
        )
    return replace(receipt, checkpoint=checkpoint)


def provider_signature(receipt: VerifiedReceipt, data: Any) -> str | None:
    """The thumbprint of the key with which the department itself signed these records; None where it did not.

    A detached JWS (typ RECORD_TYPE) over the RFC 8785 bytes of {query, records, standard}, with its public key in it:
    not even the gateway can have changed them. Whose key it is, the log says. Raises ReceiptInvalid.
    """
    token = receipt.claims.get("provider_evidence")
    if token is None:
        return None
    try:
        jwk = signers.key_in(str(token))
        payload = canonical({"query": receipt.query, "records": data, "standard": receipt.standard})
        signers.signed(str(token), jwk, typ=RECORD_TYPE, payload=payload, detached=True)
        return _jose.thumbprint(jwk)
    except (_jose.JoseInvalid, NotCanonical) as error:
        raise ReceiptInvalid(
            "提供部门自己的签名与记录不符：记录在部门签名之后被改动过。",
            f"The department's own signature does not fit the records ({error}): "
            "they were changed after it signed them.",
        ) from None


def parse_digest(text: object) -> bytes:
    """``sha-256:<hex>`` → 32 bytes. Raises ValueError."""
    match = _DIGEST.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("expected sha-256: and 64 hexadecimal digits")
    return bytes.fromhex(match[1])


def _claims(receipt: str, trust: TrustStore) -> dict[str, Any]:
    try:
        compact = _jose.read_compact(receipt.strip(), typ=TYPE)
        key = trust.key("receipt", compact.header.get("kid"), compact.claims.get("iat"))
        if key is None:
            raise _jose.JoseInvalid("signed by a key that is not one of the gateway's receipt keys")
        return compact.verify(key)
    except _jose.JoseInvalid as error:
        raise ReceiptInvalid(
            "回执的签名不成立：它被改动过，或不是这个网关签发的。",
            f"The receipt's signature does not hold ({error}): it was changed, or this gateway did not issue it.",
        ) from None


def _read(receipt: str, claims: Mapping[str, Any]) -> VerifiedReceipt:
    try:
        log = claims["log"]
        index, merge_delay = log["index"], log["mmd"]
        if not isinstance(index, int) or not isinstance(merge_delay, int) or index < 0:
            raise TypeError("index and mmd are whole numbers")
        return VerifiedReceipt(
            token=receipt.strip(),
            claims=claims,
            query=str(claims["query"]),
            consumer=str(claims["consumer"]),
            provider=str(claims["provider"]),
            client=str(claims["client"]),
            agreement=str(claims["agreement"]["id"]),
            purpose=str(claims["purpose"]),
            standard=str(claims["standard"]),
            fields=tuple(claims["fields"]),
            issued=datetime.fromtimestamp(claims["iat"], timezone.utc),
            index=index,
            leaf_hash=parse_digest(log["leaf_hash"]),
            merge_delay=merge_delay,
        )
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise ReceiptInvalid(
            "回执缺少应有的内容。", f"The receipt lacks what it should hold ({type(error).__name__})."
        ) from None


def _salt(claims: Mapping[str, Any]) -> bytes:
    try:
        salt = _jose.decode(str(claims["salt"]))
        parse_digest(claims["request_digest"])
        parse_digest(claims["response_digest"])
    except (KeyError, ValueError):
        raise ReceiptInvalid("回执的盐或摘要有误。", "The receipt's salt or digests are not well-formed.") from None
    if len(salt) != _SALT_SIZE:
        raise ReceiptInvalid("回执的盐长度不对。", f"Expected a salt of {_SALT_SIZE} bytes in the receipt.")
    return salt


def _compare(expected: str, salt: bytes, value: Any, zh: str, en: str) -> None:
    try:
        found = digest_bytes(salt + canonical(value))
    except NotCanonical:
        raise ReceiptInvalid(f"{zh}无法规范化。", f"There is no canonical form of {en}.") from None
    if found != expected:
        raise ReceiptInvalid(
            f"{zh}与回执不符：内容被改动过，或回执属于另一次查询。",
            f"The receipt is not for {en}: the content was changed, or it is the receipt of another query.",
        )


def _same_terms(receipt: VerifiedReceipt, request: Mapping[str, Any]) -> None:
    said = {"agreement": receipt.agreement, "purpose": receipt.purpose, "standard": receipt.standard}
    for name, value in said.items():
        if request.get(name) != value:
            raise ReceiptInvalid(f"回执的 {name} 与查询不同。", f"The receipt names another {name} than the request.")
