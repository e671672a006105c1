"""The signed proof handed back with a record: what left, for whom, under what, and where the log says so.

The digests are salted: a bare digest of a request that holds a resident's number falls to a dictionary, and the log
that carries the digests is public. The salt is in the receipt, which only the caller gets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.exchange.model import Permit, Query
from gateway.lib.ids import new_id, random_piece
from gateway.lib.jose import encode64

TYPE = "tongqu-receipt+jwt"
MAXIMUM_MERGE_DELAY_S = 60  # a leaf that no checkpoint covers after this long is signed proof of misbehaviour

Sign = Callable[[str, Mapping[str, Any]], str]  # (typ, claims) → compact JWS under the receipt key


def new_salt() -> bytes:
    return random_piece()


def salted_digest(salt: bytes, data: bytes) -> str:
    """``sha-256:<hex>`` over the salt and the RFC 8785 bytes of a JSON value."""
    return "sha-256:" + hashlib.sha256(salt + data).hexdigest()


@dataclass(frozen=True, slots=True)
class Draft:
    """The claims of a receipt that are known before its entry has an index."""

    claims: dict[str, Any]

    @classmethod
    def of(
        cls,
        query: Query,
        permit: Permit,
        *,
        provider: str,
        agreement: Mapping[str, str],
        salt: bytes,
        request_digest: str,
        answer: bytes,
        provider_evidence: str | None = None,
    ) -> Draft:
        """``request_digest``: as in the authorized entry; ``answer``: the RFC 8785 bytes of what is released.

        ``provider_evidence``: the department's own signature over exactly these records, where it gave one.
        """
        consent = permit.consent
        return cls(
            {
                "jti": new_id("rct"),
                "query": query.id,
                "consumer": query.caller.party,
                "provider": provider,
                "client": query.caller.client,
                "agreement": dict(agreement),
                "consent": {"id": consent.id, "digest": consent.digest} if consent else None,
                "purpose": query.purpose,
                "standard": query.standard,
                "fields": list(permit.disclosed),
                "salt": encode64(salt),
                "request_digest": request_digest,
                "response_digest": salted_digest(salt, answer),
                **({"provider_evidence": provider_evidence} if provider_evidence is not None else {}),
            }
        )


def sign(draft: Draft, *, issuer: str, origin: str, index: int, leaf_hash: bytes, at: datetime, sign_with: Sign) -> str:
    """The receipt: a compact JWS (RFC 7515) over the draft and the place of the entry in the log."""
    return sign_with(
        TYPE,
        {
            "iss": issuer,
            "iat": int(at.timestamp()),
            **draft.claims,
            "log": {
                "origin": origin,
                "index": index,
                "leaf_hash": "sha-256:" + leaf_hash.hex(),
                "mmd": MAXIMUM_MERGE_DELAY_S,
            },
        },
    )
