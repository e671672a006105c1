"""Signed notes, checkpoints and proofs as text (C2SP signed-note, tlog-checkpoint, tlog-proof). Nothing reads a file.

Strict throughout: one spelling for each number and each base64, so that no changed byte goes unseen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tongqu_client.errors import CheckpointInvalid, ConfigError, ProofInvalid
from tongqu_client.verify import merkle

_ED25519 = 0x01  # signature type of C2SP signed-note
_MAX_NOTE = 1 << 20  # bytes; a checkpoint with 16 post-quantum cosignatures has about 60,000
_MAX_PROOF = 64  # hashes; a tree of 2^63 leaves is 63 high
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"


def base64_exact(text: str) -> bytes:
    """Standard base64 with padding and no spare bits. Raises ValueError."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise ValueError("base64 with spare bits")
    return data


def number_exact(text: str) -> int:
    """A decimal number without leading zeros, below 10^19. Raises ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a plain decimal number")
    return int(text)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """``<name>+<key id, 8 hex>+<base64(0x01 ‖ Ed25519 public key)>``."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises ConfigError, also when the key id is not that of the name and the key."""
        try:
            name, key_id, encoded = text.split("+", 2)
            material = base64_exact(encoded)
            if not name or re.search(r"\s", name) or len(material) != 33 or material[0] != _ED25519:
                raise ValueError("not an Ed25519 verifier key")
            expected = hashlib.sha256(name.encode("utf-8") + b"\n" + material).digest()[:4]
            if key_id != expected.hex():
                raise ValueError("the key id is not that of name and key")
        except ValueError as error:
            raise ConfigError(
                "日志公钥（vkey）有误，请向网关或审计机关重新索取信任文件。",
                f"The log's verifier key is not valid ({error}); ask the gateway or the auditor for the trust file.",
            ) from None
        return cls(name, expected, material[1:])

    def __str__(self) -> str:
        material = base64.b64encode(bytes([_ED25519]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{material}"


def open_note(note: str | bytes, key: VerifierKey) -> str:
    """The text of a signed note, once ``key`` is proved to have signed it. Raises CheckpointInvalid.

    Signatures by other keys are ignored, as the format demands; a wrong one by ``key`` refuses the whole note.
    """
    text, _ = _split(note)
    good = 0
    for name, signature in signatures_of(note):
        if name != key.name or signature[:4] != key.key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode("utf-8"))
        except InvalidSignature:
            raise CheckpointInvalid(
                "检查点的签名与内容不符：它被改动过，或不是这份日志签的。",
                "The checkpoint's signature does not fit its text: it was changed, or this log did not sign it.",
            ) from None
        good += 1
    if not good:
        raise CheckpointInvalid(
            f"检查点没有日志密钥 {key.name} 的签名。", f"The checkpoint bears no signature of the log key {key.name}."
        )
    return text


def signatures_of(note: str | bytes) -> list[tuple[str, bytes]]:
    """(key name, key id and signature) of each signature line; nothing is verified. Raises CheckpointInvalid."""
    found = []
    for line in _split(note)[1]:
        match = _SIGNATURE.fullmatch(line)
        try:
            if match is None:
                raise ValueError("no signature line")
            found.append((match[1], base64_exact(match[2])))
        except ValueError:
            raise CheckpointInvalid(
                "检查点的签名行无法读取。", "A signature line of the checkpoint cannot be read."
            ) from None
    return found


def _split(note: str | bytes) -> tuple[str, list[str]]:
    try:
        whole = note.decode("utf-8") if isinstance(note, bytes) else note
        size = len(whole.encode("utf-8"))
    except UnicodeError:
        raise CheckpointInvalid("检查点不是 UTF-8 文本。", "The checkpoint is not UTF-8 text.") from None
    text, gap, rest = whole.rpartition("\n\n")
    if not gap or not text or not rest.endswith("\n") or size > _MAX_NOTE:
        raise CheckpointInvalid("检查点的格式不对。", "The checkpoint is not a signed note.")
    if any(character < " " and character != "\n" for character in whole):
        raise CheckpointInvalid("检查点含有控制字符。", "The checkpoint holds control characters.")
    return text + "\n", rest[:-1].split("\n")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The signed head of a log: its origin, how many entries it has, and their root. ``note`` is the signed text."""

    origin: str
    size: int
    root: bytes
    note: str

    @property
    def text(self) -> str:
        """What was signed: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"

    @classmethod
    def open(cls, note: str | bytes, key: VerifierKey) -> Checkpoint:
        """Verify the signature of ``key`` and read the three lines. Raises CheckpointInvalid."""
        text = open_note(note, key)
        try:
            origin, size, root = text[:-1].split("\n")
            checkpoint = cls(
                origin, number_exact(size), base64_exact(root), note.decode() if isinstance(note, bytes) else note
            )
        except ValueError:
            raise CheckpointInvalid(
                "检查点应为三行：来源、大小、根。", "Expected three lines in the checkpoint: origin, size, root."
            ) from None
        if origin != key.name or len(checkpoint.root) != merkle.HASH_SIZE:
            raise CheckpointInvalid(
                f"检查点的来源不是 {key.name}，或根的长度不对。",
                f"The checkpoint's origin is not {key.name}, or its root has the wrong length.",
            )
        if checkpoint.size == 0 and checkpoint.root != merkle.EMPTY_ROOT:
            raise CheckpointInvalid("空日志的根不对。", "The root of the empty log is wrong.")
        return checkpoint


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A ``c2sp.org/tlog-proof@v1`` text, read but not verified."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    @classmethod
    def parse(cls, text: str) -> TlogProof:
        """Raises ProofInvalid."""
        head, gap, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        try:
            if not gap or lines[0] != _PROOF_HEADER:
                raise ValueError("no header")
            rest = lines[2:] if lines[1].startswith("extra ") else lines[1:]
            word, _, index = rest[0].partition(" ")
            hashes = tuple(base64_exact(line) for line in rest[1:])
            if word != "index" or len(hashes) > _MAX_PROOF:
                raise ValueError("no index line, or too many hashes")
            return cls(number_exact(index), hashes, checkpoint)
        except (ValueError, IndexError):
            raise ProofInvalid(
                "日志证明的格式不对（应为 c2sp.org/tlog-proof@v1）。",
                "The proof is not well-formed (expected c2sp.org/tlog-proof@v1).",
            ) from None
