"""Checkpoints: the signed head of the log as a text that anybody can verify (C2SP signed-note, tlog-checkpoint,
tlog-proof). Text in, text out; nothing here reads or writes a file.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01  # signature type, C2SP signed-note
KEY_ID_BYTES = 4
MAX_NOTE_BYTES = 65_536  # room for far more than the 16 signatures that every verifier must accept
PROOF_HEADER = "c2sp.org/tlog-proof@v1"

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
KEY_NAME = re.compile(r"[^\s+\x00-\x20]+")
_SIGNATURE_LINE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+=*)")


class CheckpointInvalid(Exception):
    """A note, key or signature that is not what it should be. The message says what was expected."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: ``size`` entries have this ``root``."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64_text(self.root)}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A log's public key, written ``<name>+<key id>+<base64>`` (a *vkey*)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64_text(bytes([ED25519]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a vkey. Raises CheckpointInvalid."""
        name, _, rest = text.partition("+")
        key_id, _, material = rest.partition("+")
        decoded = unbase64(material, "vkey")
        if len(decoded) != 33 or decoded[0] != ED25519:
            raise CheckpointInvalid("vkey: expected an Ed25519 key (type 1, 32 bytes)")
        key = cls(name, decoded[1:])
        if not KEY_NAME.fullmatch(name) or key.key_id.hex() != key_id:
            raise CheckpointInvalid("vkey: its key id is not the one of its name and key")
        return key

    def verify(self, note: str) -> str:
        """The text of a note that this key signed. Raises CheckpointInvalid.

        Signatures by other keys are ignored; every signature that claims this key must be right.
        """
        text, signatures = split_note(note)
        mine = [raw for name, raw in signatures if name == self.name and raw[:KEY_ID_BYTES] == self.key_id]
        if not mine:
            raise CheckpointInvalid(f"no signature by {self.name}")
        for raw in mine:
            try:
                Ed25519PublicKey.from_public_bytes(self.public).verify(raw[KEY_ID_BYTES:], text.encode())
            except InvalidSignature:
                raise CheckpointInvalid(f"the signature by {self.name} is wrong") from None
        return text


class CheckpointKey:
    """The log's own signing key. Its name is the log's origin."""

    def __init__(self, origin: str, private: Ed25519PrivateKey) -> None:
        if not KEY_NAME.fullmatch(origin):
            raise ValueError(f"origin: expected a name without spaces and plus signs, got {origin!r}")
        self.origin = origin
        self._private = private
        self.verifier = VerifierKey(origin, private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, origin: str) -> CheckpointKey:
        return cls(origin, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, origin: str, seed: bytes) -> CheckpointKey:
        """``seed``: the 32 bytes of an Ed25519 private key (RFC 8032)."""
        return cls(origin, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes, for keeping them."""
        return self._private.private_bytes_raw()

    @property
    def vkey(self) -> str:
        return str(self.verifier)

    def sign(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note."""
        if checkpoint.origin != self.origin:
            raise ValueError(f"this key signs for {self.origin}, not for {checkpoint.origin}")
        text = checkpoint.text()
        signature = self.verifier.key_id + self._private.sign(text.encode())
        return f"{text}\n\u2014 {self.origin} {base64_text(signature)}\n"


def cosigned(note: str, lines: Sequence[str]) -> str:
    """The note with further signature lines."""
    return note + "".join(lines)


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Verify a signed checkpoint and read it. Raises CheckpointInvalid."""
    checkpoint = _parse_text(key.verify(note))
    if checkpoint.origin != key.name:
        raise CheckpointInvalid(f"expected the origin {key.name}")
    return checkpoint


def _parse_text(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise CheckpointInvalid("expected three lines (origin, size, root) and no extension")
    origin, size, root = lines[:3]
    decoded = unbase64(root, "root")
    if not origin or not _DECIMAL.fullmatch(size) or len(decoded) != 32:
        raise CheckpointInvalid("expected an origin, a decimal size and a root of 32 bytes")
    return Checkpoint(origin, int(size), decoded)


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The signed text, and (key name, key id and signature) of each line; nothing is verified."""
    if len(note) > MAX_NOTE_BYTES or any(character < " " and character != "\n" for character in note):
        raise CheckpointInvalid("a note too long, or with control characters")
    text, blank, block = note.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise CheckpointInvalid("expected a text, an empty line and signature lines, each with its line end")
    signatures = []
    for line in block[:-1].split("\n"):
        match = _SIGNATURE_LINE.fullmatch(line)
        if match is None:
            raise CheckpointInvalid("expected a signature line: em dash, name, base64")
        raw = unbase64(match[2], "signature")
        if len(raw) <= KEY_ID_BYTES:
            raise CheckpointInvalid("a signature too short to hold its key id")
        signatures.append((match[1], raw))
    return text + "\n", signatures


# ── tlog-proof: one entry's inclusion as a self-contained text ────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class TlogProof:
    index: int
    hashes: tuple[bytes, ...]
    note: str  # the signed checkpoint


def proof_text(index: int, hashes: Sequence[bytes], note: str) -> str:
    """Write a tlog-proof file."""
    return "\n".join([PROOF_HEADER, f"index {index}", *map(base64_text, hashes), "", note])


def parse_proof(text: str) -> TlogProof:
    """Read a tlog-proof file; nothing of it is verified yet. Raises CheckpointInvalid."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != PROOF_HEADER or not lines:
        raise CheckpointInvalid(f"expected the line {PROOF_HEADER}, an index, hashes, an empty line and a checkpoint")
    if lines[0].startswith("extra "):
        lines.pop(0)  # opaque and not authenticated: of no use to us
    word, _, number = (lines.pop(0) if lines else "").partition(" ")
    hashes = tuple(unbase64(line, "hash") for line in lines)
    if word != "index" or not _DECIMAL.fullmatch(number) or any(len(value) != 32 for value in hashes):
        raise CheckpointInvalid("expected a decimal index and hashes of 32 bytes")
    return TlogProof(int(number), hashes, note)


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unbase64(text: str, what: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointInvalid(f"{what}: not base64") from None
    if base64_text(decoded) != text:  # one spelling only: no stray bits, no missing padding
        raise CheckpointInvalid(f"{what}: not the only base64 spelling of its bytes")
    return decoded
