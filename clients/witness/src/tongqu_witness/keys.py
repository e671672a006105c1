"""The witness's own keys and what it signs (C2SP tlog-cosignature): Ed25519, and ML-DSA-44 where this machine has it.

The second is for decades: what was signed with it stays good when quantum computers break the first (FIPS 204).
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tongqu_witness import files
from tongqu_witness.notes import Checkpoint, signature_line

ED25519 = 0x04
ML_DSA_44 = 0x06
SEED_BYTES = 32
_LABEL = b"subtree/v1\n\x00"
_FILES = {ED25519: "ed25519.key", ML_DSA_44: "ml-dsa-44.key"}


class KeyUnusable(Exception):
    """A key is missing, damaged, or readable by others."""


@dataclass(frozen=True, slots=True)
class CosignerKey:
    name: str
    kind: int
    public: bytes
    sign: Callable[[bytes], bytes]

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """What logs and verifiers are given."""
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def cosign(self, checkpoint: Checkpoint, at: int) -> str:
        """The signature line. ``at``: seconds since 1970, never 0."""
        raw = self.key_id + struct.pack(">Q", at) + self.sign(self._message(checkpoint, at))
        return signature_line(self.name, raw)

    def _message(self, checkpoint: Checkpoint, at: int) -> bytes:
        if self.kind == ED25519:
            return f"cosignature/v1\ntime {at}\n{checkpoint.text}".encode()
        name, origin = self.name.encode(), checkpoint.origin.encode()
        head = _LABEL + bytes([len(name)]) + name + struct.pack(">Q", at) + bytes([len(origin)]) + origin
        return head + struct.pack(">QQ", 0, checkpoint.size) + checkpoint.root


def make(folder: Path) -> list[str]:
    """Make the key files that this machine can use. Returns their names; existing ones stay."""
    made = []
    for kind, file in _FILES.items():
        if (kind == ED25519 or _ml_dsa(bytes(SEED_BYTES)) is not None) and not (folder / file).exists():
            text = base64.b64encode(secrets.token_bytes(SEED_BYTES)).decode() + "\n"
            files.write(folder / file, text.encode(), mode=0o600)
            made.append(file)
    return made


def read(folder: Path, name: str) -> list[CosignerKey]:
    """Raises KeyUnusable."""
    if not name or re.search(r"[\s+\x00-\x20]", name) or len(name.encode()) > 255:
        raise KeyUnusable("the name must be 1 to 255 bytes, without spaces and plus signs, such as audit.example/w1")
    ed25519 = Ed25519PrivateKey.from_private_bytes(_seed(folder / _FILES[ED25519]))
    keys = [CosignerKey(name, ED25519, ed25519.public_key().public_bytes_raw(), ed25519.sign)]
    if (folder / _FILES[ML_DSA_44]).exists():
        second = _ml_dsa(_seed(folder / _FILES[ML_DSA_44]))
        if second is None:
            raise KeyUnusable("there is an ML-DSA-44 key, which this machine's cryptography does not support (50 does)")
        keys.append(CosignerKey(name, ML_DSA_44, *second))
    return keys


def _ml_dsa(seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]] | None:
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        key = MLDSA44PrivateKey.from_seed_bytes(seed)
    except (ImportError, UnsupportedAlgorithm):
        return None
    return key.public_key().public_bytes_raw(), key.sign


def _seed(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise KeyUnusable(f"{path}: others may read it; chmod 600 {path.name} / 其他用户可读，请收紧权限")
            seed = base64.b64decode(file.read().strip(), validate=True)
    except (OSError, ValueError):
        raise KeyUnusable(f"{path}: missing or damaged; run tongqu-witness init / 密钥缺失或损坏") from None
    if len(seed) != SEED_BYTES:
        raise KeyUnusable(f"{path}: expected {SEED_BYTES} bytes in base64 / 密钥损坏")
    return seed
