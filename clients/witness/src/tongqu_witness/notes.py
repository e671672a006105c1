"""Signed notes and checkpoints as text (C2SP signed-note, tlog-checkpoint). Strict: one spelling for everything."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 0x01
MAX_SIGNATURES = 32
_SIGNATURE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteInvalid(Exception):
    """Not a note or checkpoint of the format. The message says what was expected."""


class NotSigned(Exception):
    """The trusted key did not sign it, or a signature that claims to be its own is wrong."""


def base64_exact(text: str) -> bytes:
    """Standard base64, its only spelling. Raises NoteInvalid."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("expected base64") from None
    if base64.b64encode(data).decode() != text:
        raise NoteInvalid("expected base64 without spare bits")
    return data


def number_exact(text: str) -> int:
    """A decimal number without leading zeros, below 2^63. Raises NoteInvalid."""
    if not _NUMBER.fullmatch(text) or int(text) >= 1 << 63:
        raise NoteInvalid("expected a decimal number without leading zeros")
    return int(text)


@dataclass(frozen=True, slots=True)
class LogKey:
    """A log's public key (vkey, Ed25519). Its name is the log's origin."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> LogKey:
        """Raises NoteInvalid."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        material = base64_exact(encoded)
        if not name or re.search(r"[\s\x00-\x20]", name) or len(material) != 33 or material[0] != ED25519:
            raise NoteInvalid("expected a log's Ed25519 verifier key: <name>+<8 hex>+<base64>, type 1")
        key = cls(name, material[1:])
        if key.key_id.hex() != key_id:
            raise NoteInvalid("the key id is not that of name and key: was the text copied whole?")
        return key

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([ED25519]) + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log. ``text``: what is signed, extension lines included; ``signatures``: (name, id and bytes)."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, note: str) -> Checkpoint:
        """Read; nothing is verified. Raises NoteInvalid."""
        text, gap, block = note.rpartition("\n\n")
        if not gap or not block.endswith("\n") or any(letter < " " and letter != "\n" for letter in note):
            raise NoteInvalid("expected a text, an empty line and signature lines")
        lines = text.split("\n")
        if len(lines) < 3 or not all(lines):
            raise NoteInvalid("expected at least three lines: origin, size, root")
        root = base64_exact(lines[2])
        if len(root) != 32:
            raise NoteInvalid("expected a root of 32 bytes")
        signatures = block[:-1].split("\n")
        if len(signatures) > MAX_SIGNATURES:
            raise NoteInvalid(f"expected at most {MAX_SIGNATURES} signatures")
        return cls(lines[0], number_exact(lines[1]), root, text + "\n", tuple(map(_signature, signatures)))

    def signature_of(self, key: LogKey) -> str:
        """The signature line of this key. Raises NotSigned."""
        lines = []
        for name, raw in self.signatures:
            if name != key.name or raw[:4] != key.key_id:
                continue
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], self.text.encode())
            except (InvalidSignature, ValueError):
                raise NotSigned(f"a signature that claims the key of {name} is wrong") from None
            lines.append(signature_line(name, raw))
        if not lines:
            raise NotSigned("no signature by the log's key")
        return lines[0]


def signature_line(name: str, raw: bytes) -> str:
    return f"\u2014 {name} {base64.b64encode(raw).decode()}\n"


def _signature(line: str) -> tuple[str, bytes]:
    match = _SIGNATURE.fullmatch(line)
    if match is None:
        raise NoteInvalid("expected signature lines: em dash, key name, base64")
    raw = base64_exact(match[2])
    if len(raw) <= 4:
        raise NoteInvalid("expected a key id and a signature")
    return match[1], raw
