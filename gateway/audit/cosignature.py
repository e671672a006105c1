"""Cosignatures: the word of a witness that it knows of no contradiction to a checkpoint (C2SP tlog-cosignature).

Two kinds: Ed25519 (``cosignature/v1``, type 0x04) and ML-DSA-44 (FIPS 204, type 0x06), which a quantum computer does
not forge either. Text and bytes in, times out; nothing here reads or writes anything.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from gateway.audit.checkpoint import (
    KEY_ID_BYTES,
    KEY_NAME,
    Checkpoint,
    CheckpointInvalid,
    base64_text,
    split_note,
    unbase64,
)

ED25519 = 0x04
ML_DSA_44 = 0x06
MAX_TIME = 2**63 - 1

_KEY_BYTES = {ED25519: 32, ML_DSA_44: 1312}
_SIGNATURE_BYTES = {ED25519: 64, ML_DSA_44: 2420}
_LABEL = b"subtree/v1\n\x00"
_MAX_NAME = 255  # its length stands in one byte


@dataclass(frozen=True, slots=True)
class Cosignature:
    """``line``: the signature line as the witness sent it; ``at``: seconds since 1970."""

    line: str
    at: int


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's public key (vkey with type 4 or 6)."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """Read a vkey. Raises CheckpointInvalid."""
        name, _, rest = text.partition("+")
        key_id, _, material = rest.partition("+")
        decoded = unbase64(material, "vkey")
        key = cls(name, decoded[0] if decoded else 0, decoded[1:])
        if len(key.public) != _KEY_BYTES.get(key.kind):
            raise CheckpointInvalid("witness vkey: expected Ed25519 (type 4, 32 bytes) or ML-DSA-44 (type 6, 1312)")
        if not KEY_NAME.fullmatch(name) or len(name.encode()) > _MAX_NAME or key.key_id.hex() != key_id:
            raise CheckpointInvalid("witness vkey: its key id is not the one of its name and key")
        return key

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:KEY_ID_BYTES]

    @property
    def id(self) -> str:
        """Name and key id: what tells this key from others."""
        return f"{self.name}+{self.key_id.hex()}"

    def __str__(self) -> str:
        return f"{self.id}+{base64_text(bytes([self.kind]) + self.public)}"

    def cosignature(self, checkpoint: Checkpoint, note: str) -> Cosignature | None:
        """This key's cosignature in ``note``, which is signed text of ``checkpoint``; the latest if there are several.

        Raises CheckpointInvalid if one that claims this key is wrong.
        """
        _, signatures = split_note(note)
        found = [
            Cosignature(f"\u2014 {name} {base64_text(raw)}\n", self._verify(checkpoint, raw[KEY_ID_BYTES:]))
            for name, raw in signatures
            if name == self.name and raw[:KEY_ID_BYTES] == self.key_id
        ]
        return max(found, key=lambda each: each.at, default=None)

    def _verify(self, checkpoint: Checkpoint, signature: bytes) -> int:
        if len(signature) == 8 + _SIGNATURE_BYTES[self.kind]:
            at: int = struct.unpack(">Q", signature[:8])[0]
            if 0 < at <= MAX_TIME and self._signed(message(self.kind, self.name, checkpoint, at), signature[8:]):
                return at
        raise CheckpointInvalid(f"the cosignature by {self.name} is wrong")

    def _signed(self, data: bytes, signature: bytes) -> bool:
        try:
            if self.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, data)
            else:
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, data)
        except InvalidSignature:
            return False
        return True


def message(kind: int, name: str, checkpoint: Checkpoint, at: int) -> bytes:
    """What a witness signs."""
    if kind == ED25519:
        return f"cosignature/v1\ntime {at}\n{checkpoint.text()}".encode()
    cosigner, origin = name.encode(), checkpoint.origin.encode()
    if len(origin) > _MAX_NAME:
        raise CheckpointInvalid("an origin of more than 255 bytes cannot be cosigned with ML-DSA-44")
    return b"".join(
        (_LABEL, bytes([len(cosigner)]), cosigner, struct.pack(">Q", at), bytes([len(origin)]), origin,
         struct.pack(">QQ", 0, checkpoint.size), checkpoint.root)
    )  # fmt: skip
