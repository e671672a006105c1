"""Cosignatures of witnesses on a checkpoint (C2SP tlog-cosignature): Ed25519 (0x04) and ML-DSA-44 (0x06, FIPS 204).

A cosignature says: of this log I never saw anything that contradicts this head, and I saw it at this time.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tongqu_client.errors import CheckpointInvalid, ConfigError
from tongqu_client.verify.notes import Checkpoint, base64_exact, signatures_of

ED25519 = 0x04
ML_DSA_44 = 0x06
_KEY_BYTES = {ED25519: 32, ML_DSA_44: 1312}
_SIGNATURE_BYTES = {ED25519: 64, ML_DSA_44: 2420}
_LABEL = b"subtree/v1\n\x00"
_MAX_TIME = 2**63 - 1


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """``<name>+<key id, 8 hex>+<base64(type ‖ public key)>``, type 4 or 6."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """Raises ConfigError, also when the key id is not that of the name and the key."""
        try:
            name, key_id, encoded = text.split("+", 2)
            material = base64_exact(encoded)
            key = cls(name, material[0] if material else 0, material[1:])
            if not name or re.search(r"\s", name) or len(name.encode()) > 255:
                raise ValueError("no key name")
            if len(key.public) != _KEY_BYTES.get(key.kind):
                raise ValueError("neither an Ed25519 (type 4) nor an ML-DSA-44 (type 6) cosigner's key")
            if key.key_id.hex() != key_id:
                raise ValueError("the key id is not that of name and key")
        except ValueError as error:
            raise ConfigError(
                "见证人的公钥（vkey）有误，请向见证机关重新索取。",
                f"A witness's verifier key is not valid ({error}); ask the witness for it again.",
            ) from None
        return key

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode("utf-8") + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def time_of(self, checkpoint: Checkpoint) -> int | None:
        """When this witness cosigned (seconds since 1970), None if it did not. Raises CheckpointInvalid for a
        signature that claims this key and is wrong: such a note is refused as a whole (C2SP signed-note)."""
        times = [
            self._verify(checkpoint, raw[4:])
            for name, raw in signatures_of(checkpoint.note)
            if name == self.name and raw[:4] == self.key_id
        ]
        return max(times, default=None)

    def _verify(self, checkpoint: Checkpoint, signature: bytes) -> int:
        if len(signature) != 8 + _SIGNATURE_BYTES[self.kind]:
            raise self._wrong()
        (time,) = struct.unpack(">Q", signature[:8])
        if not 0 < time <= _MAX_TIME:
            raise self._wrong()
        message = self._message(checkpoint, time)
        try:
            if self.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature[8:], message)
            else:
                self._verify_ml_dsa(signature[8:], message)
        except (InvalidSignature, ValueError):
            raise self._wrong() from None
        return int(time)

    def _verify_ml_dsa(self, signature: bytes, message: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

            MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (ImportError, UnsupportedAlgorithm):
            raise ConfigError(
                f"本机的 cryptography 不支持 ML-DSA-44，无法核验见证人 {self.name} 的签名；请升级到 50 以上。",
                f"This machine's cryptography cannot check the ML-DSA-44 signature of {self.name}; "
                "it takes version 50 or later.",
            ) from None

    def _message(self, checkpoint: Checkpoint, time: int) -> bytes:
        if self.kind == ED25519:
            return f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()
        name, origin = self.name.encode(), checkpoint.origin.encode()
        if len(origin) > 255:
            raise ValueError("an origin too long to be cosigned")
        return b"".join(
            (_LABEL, bytes([len(name)]), name, struct.pack(">Q", time), bytes([len(origin)]), origin,
             struct.pack(">QQ", 0, checkpoint.size), checkpoint.root)
        )  # fmt: skip

    def _wrong(self) -> CheckpointInvalid:
        return CheckpointInvalid(
            f"检查点上见证人 {self.name} 的签名不成立：被改动过，或不是它签的。",
            f"The cosignature of the witness {self.name} does not hold: it was changed, or that witness did not sign.",
        )
