"""The gateway's own keys, one file each, by purpose. A key for one purpose is never used for another.

    keys/<purpose>-<kid>.jwk     ES256 private JWK; purposes: token, receipt, response, request
    keys/checkpoint.key          the seed of the log's Ed25519 key
    keys/pseudonym-<epoch>.tree  what the log's pseudonyms of one epoch are made with, and its sidecar is sealed with:
                                 one resident's part can be cut out of it (lib/subject_key.py); destroy it, and all
                                 pseudonyms of the epoch mean nothing. Older epochs: pseudonym-<epoch>.key, one secret
    keys/subject-index.key       what a resident's place in that tree is found with
    keys/sidecar.key             what those places are sealed with, beside the sealed identities (audit/sidecar.py)
    keys/dpop-nonce.key          what nonces are made with
    keys/idempotency.key         what kept answers are sealed with
    keys/withdrawal.key          what the printed codes for withdrawing a consent are hashed with
    keys/sampling.key            what the seeds of the review sample are made from
    keys/accounts.key            what is kept of accounts is sealed with: whose they are, secrets of one-time codes

A signing key is ``published`` (in the JWKS, not yet used), then ``active`` (signs), then ``retiring`` (only verifies),
then its file is deleted. Publish at least 24 hours before activating, so that every cached JWKS has it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gateway.lib import jose
from gateway.lib.durable import write_file
from gateway.lib.jose import JoseInvalid, PublicKey, SigningKey
from gateway.lib.subject_key import SubjectKey

PURPOSES: Final = ("token", "receipt", "response", "request")
STATES: Final = ("published", "active", "retiring")
SECRET_BYTES: Final = 32
_PRIVATE_MODE: Final = 0o600


class KeysUnusable(Exception):
    """A key is missing, damaged, or readable by others. The message names the file and the remedy, never the key."""


class Keys:
    """The keys of one installation, read once. Rotation is seen after a restart."""

    def __init__(self, folder: Path) -> None:
        """Read all keys in ``folder``. Raises KeysUnusable."""
        self.folder = folder
        self._by_purpose = {purpose: _signing_keys(folder, purpose) for purpose in PURPOSES}
        self._active = {purpose: _the_active(folder, purpose, keys) for purpose, keys in self._by_purpose.items()}
        self.checkpoint_seed = _secret(folder / "checkpoint.key")
        self.dpop_nonce_secret = _secret(folder / "dpop-nonce.key")
        self.idempotency_secret = _secret(folder / "idempotency.key")
        self.withdrawal_secret = _secret(folder / "withdrawal.key")
        self.sampling_secret = _secret(folder / "sampling.key")
        self.accounts_secret = _secret(folder / "accounts.key")
        self.subject_index_secret = _secret(folder / "subject-index.key")
        self.sidecar_secret = _secret(folder / "sidecar.key")
        self.pseudonym_secrets = self.read_epochs()

    @classmethod
    def create(cls, folder: Path) -> Keys:
        """Make whatever is missing, then read. Keys that exist stay as they are, so this may be run again."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for purpose in PURPOSES:
            if not any(folder.glob(f"{purpose}-*.jwk")):
                _write_signing_key(folder, purpose, SigningKey.generate(), "active")
        for name in (
            "checkpoint",
            "dpop-nonce",
            "idempotency",
            "withdrawal",
            "accounts",
            "sampling",
            "subject-index",
            "sidecar",
        ):
            _make_secret(folder / f"{name}.key")
        if not any(folder.glob("pseudonym-*")):
            write_file(folder / "pseudonym-1.tree", SubjectKey.generate().encode(), mode=_PRIVATE_MODE)
        return cls(folder)

    @property
    def token(self) -> SigningKey:
        return self._active["token"]

    @property
    def receipt(self) -> SigningKey:
        return self._active["receipt"]

    @property
    def response(self) -> SigningKey:
        return self._active["response"]

    @property
    def request(self) -> SigningKey:
        return self._active["request"]

    # ── pseudonyms ────────────────────────────────────────────────────────────────────────────────────────────────────
    def read_epochs(self) -> dict[int, bytes | SubjectKey]:
        """The keys of all epochs as they are on disk now. Raises KeysUnusable."""
        found = dict(_epochs(self.folder))
        if not found:
            raise KeysUnusable(f"{self.folder}: no pseudonym-<epoch>.tree; run `gateway init` / 缺少假名密钥")
        return found

    def epochs_changed(self) -> int:
        """A number that changes when somebody was forgotten, here or by another process."""
        return max((path.stat().st_mtime_ns for path in self.folder.glob("pseudonym-*")), default=0)

    def forget(self, epoch: int, handle: bytes) -> None:
        """Cut one resident's secret of this epoch out, durably; then wipe what stood there, as far as a disk allows.

        If we stop before the new file stands, nothing is forgotten; after it, the resident is. Raises KeysUnusable for
        an epoch of the older kind, whose one secret is everybody's.
        """
        path = self.folder / f"pseudonym-{epoch}.tree"
        if not path.exists():
            raise KeysUnusable(
                f"{path}: epoch {epoch} has one secret for all; only the whole epoch can be destroyed "
                "/ 该期共用一把密钥，只能整期销毁"
            )
        with path.open("r+b") as old:
            key = SubjectKey.decode(old.read())
            write_file(path, key.without(handle).encode(), mode=_PRIVATE_MODE)
            old.seek(0)
            old.write(bytes(os.fstat(old.fileno()).st_size))
            old.flush()
            os.fsync(old.fileno())
        self.pseudonym_secrets = self.read_epochs()

    @property
    def pseudonym_epoch(self) -> int:
        """The epoch that new pseudonyms belong to: the latest."""
        return max(self.pseudonym_secrets)

    def verifiers(self, purpose: str) -> Mapping[str, PublicKey]:
        """By kid, every key whose signatures for this purpose still count."""
        return {key.kid: key.public for state, key in self._by_purpose[purpose] if state != "published"}

    def jwks(self) -> dict[str, Any]:
        """The JWK Set (RFC 7517 §5) of all public signing keys; ``tongqu_purpose`` says what each may sign."""
        return {
            "keys": [
                {**key.public_jwk(), "tongqu_purpose": purpose}
                for purpose in PURPOSES
                for _, key in self._by_purpose[purpose]
            ]
        }

    # ── rotation; each takes effect when the gateway is started again ────────────────────────────────────────────────
    def publish(self, purpose: str) -> str:
        """Make the next key and publish it. Returns its kid."""
        if any(state == "published" for state, _ in self._by_purpose[purpose]):
            raise KeysUnusable(f"{purpose}: a next key is published already; activate it first / 已有待启用的密钥")
        key = SigningKey.generate()
        _write_signing_key(self.folder, purpose, key, "published")
        return key.kid

    def activate(self, purpose: str) -> str:
        """Let the published key sign from now on; the one before it retires. Returns the kid of the new one.

        The old key steps down first. If we stop between the two writes, no key is active and one is published: then
        that one signs, here and after a restart.
        """
        upcoming = [key for state, key in self._by_purpose[purpose] if state == "published"]
        if not upcoming:
            raise KeysUnusable(f"{purpose}: no key is published; publish one a day ahead / 没有已发布的后续密钥")
        if self._active[purpose].kid != upcoming[0].kid:
            _write_signing_key(self.folder, purpose, self._active[purpose], "retiring")
        _write_signing_key(self.folder, purpose, upcoming[0], "active")
        return upcoming[0].kid

    def remove_retiring(self, purpose: str) -> list[str]:
        """Delete retired keys. Do so no sooner than a token lives (300 s) plus 60 s after activation.

        A receipt's key is better kept in trust.json: receipts are verified years later. Returns the kids removed.
        """
        gone = [key.kid for state, key in self._by_purpose[purpose] if state == "retiring"]
        for kid in gone:
            (self.folder / f"{purpose}-{kid}.jwk").unlink()
        return gone


def _signing_keys(folder: Path, purpose: str) -> list[tuple[str, SigningKey]]:
    return [_read_signing_key(path, purpose) for path in sorted(folder.glob(f"{purpose}-*.jwk"))]


def _read_signing_key(path: Path, purpose: str) -> tuple[str, SigningKey]:
    try:
        members = jose.strict_object(_read_private(path))
        key = SigningKey.from_jwk(members)
    except JoseInvalid as error:
        raise KeysUnusable(f"{path}: {error} / 密钥文件损坏") from None
    state = members.get("tongqu_state")
    if members.get("tongqu_purpose") != purpose or state not in STATES or path.name != f"{purpose}-{key.kid}.jwk":
        raise KeysUnusable(
            f"{path}: expected the purpose {purpose} and a state of {', '.join(STATES)} / 用途或状态不符"
        )
    return str(state), key


def _the_active(folder: Path, purpose: str, keys: list[tuple[str, SigningKey]]) -> SigningKey:
    active = [key for state, key in keys if state == "active"]
    active = active or [key for state, key in keys if state == "published"]  # see Keys.activate
    if len(active) != 1:
        remedy = "set all but one to retiring / 请将旧密钥改为退役" if active else "run `gateway init` / 缺少签名密钥"
        raise KeysUnusable(f"{folder}: expected one active {purpose} key, found {len(active)}; {remedy}")
    return active[0]


def _write_signing_key(folder: Path, purpose: str, key: SigningKey, state: str) -> None:
    document = {**key.private_jwk(), "tongqu_purpose": purpose, "tongqu_state": state}
    text = json.dumps(document, indent=1) + "\n"
    write_file(folder / f"{purpose}-{key.kid}.jwk", text.encode(), mode=_PRIVATE_MODE)


def _epochs(folder: Path) -> Iterator[tuple[int, bytes | SubjectKey]]:
    for path in folder.glob("pseudonym-*"):
        number = path.stem.removeprefix("pseudonym-")
        if not number.isdecimal() or path.suffix not in (".key", ".tree"):
            raise KeysUnusable(f"{path}: expected pseudonym-<number>.tree (or .key) / 文件名应含期号")
        yield int(number), _secret(path) if path.suffix == ".key" else _tree(path)


def _tree(path: Path) -> SubjectKey:
    try:
        return SubjectKey.decode(_read_private(path))
    except ValueError:
        raise KeysUnusable(f"{path}: damaged; restore it / 密钥文件损坏") from None


def _make_secret(path: Path) -> None:
    if not path.exists():
        text = jose.encode64(secrets.token_bytes(SECRET_BYTES)) + "\n"
        write_file(path, text.encode(), mode=_PRIVATE_MODE)


def _secret(path: Path) -> bytes:
    with contextlib.suppress(JoseInvalid, UnicodeDecodeError):
        secret = jose.decode64(_read_private(path).decode("ascii").strip())
        if len(secret) == SECRET_BYTES:
            return secret
    raise KeysUnusable(f"{path}: expected the base64url of {SECRET_BYTES} bytes / 密钥文件损坏")


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise KeysUnusable(f"{path}: missing; run `gateway init` / 缺少密钥文件，请先运行 gateway init") from None
    except OSError as error:
        raise KeysUnusable(f"{path}: cannot be read ({error.strerror}) / 无法读取密钥文件") from None
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise KeysUnusable(f"{path}: others may read it; chmod 600 {path.name} / 其他用户可读，请收紧权限")
        return file.read()
