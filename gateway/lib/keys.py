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
    keys/retired.json            public halves of signing keys that are no more
    keys/withdrawal.key          what the printed codes for withdrawing a consent are hashed with
    keys/sampling.key            what the seeds of the review sample are made from
    keys/accounts.key            what is kept of accounts is sealed with: whose they are, secrets of one-time codes

A signing key is ``published`` (in the JWKS, not yet used), then ``active`` (signs), then ``retiring`` (only verifies),
then removed: its private half is destroyed, its public half goes to keys/retired.json, so that what it signed can be
verified for years. Publish at least 24 hours before activating, so that every cached JWKS has it. Running processes see
each step within a second, and at once when a token names a key they do not know (``refresh``).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gateway.lib import jose, logs
from gateway.lib.clock import SystemClock, rfc3339
from gateway.lib.durable import write_file
from gateway.lib.jose import JoseInvalid, PublicKey, SigningKey
from gateway.lib.subject_key import SubjectKey

PURPOSES: Final = ("token", "receipt", "response", "request")
STATES: Final = ("published", "active", "retiring")
SECRET_BYTES: Final = 32
RETIRED: Final = "retired.json"
_WATCHED: Final = (".jwk", RETIRED)
_PRIVATE_MODE: Final = 0o600


class KeysUnusable(Exception):
    """A key is missing, damaged, or readable by others. The message names the file and the remedy, never the key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One signing key and where it is in its life. ``since``: RFC 3339 by state, as far as known."""

    key: SigningKey = field(repr=False)
    state: str
    since: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Signing:
    """All signing keys at one moment. Replaced whole, so that readers need no lock."""

    seen: object  # what the folder looked like
    by_purpose: Mapping[str, Sequence[Stored]]
    active: Mapping[str, SigningKey]
    retired: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> _Signing:
        seen = _looks(folder)
        by_purpose = {purpose: _signing_keys(folder, purpose) for purpose in PURPOSES}
        active = {purpose: _the_active(folder, purpose, keys) for purpose, keys in by_purpose.items()}
        return cls(seen, by_purpose, active, _retired(folder))


class Keys:
    """The keys of one installation. Signing keys change while it runs; secrets are read once."""

    def __init__(self, folder: Path) -> None:
        """Read all keys in ``folder``. Raises KeysUnusable."""
        self.folder = folder
        self._signing = _Signing.read(folder)
        self._unusable: object = None  # how the folder looked when it could not be read
        self.version = 0  # grows with each change of the signing keys
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
                first = Stored(SigningKey.generate(), "active", {"active": _time(None)})
                _write_signing_key(folder, purpose, first)
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
        return self._signing.active["token"]

    @property
    def receipt(self) -> SigningKey:
        return self._signing.active["receipt"]

    @property
    def response(self) -> SigningKey:
        return self._signing.active["response"]

    @property
    def request(self) -> SigningKey:
        return self._signing.active["request"]

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

    def check_forgettable(self) -> None:
        """Raises KeysUnusable while an epoch of the older kind exists: one secret is everybody's there."""
        for epoch in sorted(self.pseudonym_secrets):
            if isinstance(self.pseudonym_secrets[epoch], bytes):
                raise KeysUnusable(
                    f"{self.folder / f'pseudonym-{epoch}.key'}: epoch {epoch} has one secret for all; only the whole "
                    "epoch can be destroyed / 该期共用一把密钥，只能整期销毁"
                )

    def forget(self, epoch: int, handle: bytes) -> None:
        """Cut one resident's secret of this epoch out, durably; then wipe what stood there, as far as a disk allows.

        If we stop before the new file stands, nothing is forgotten; after it, the resident is. Raises KeysUnusable.
        """
        path = self.folder / f"pseudonym-{epoch}.tree"
        self.check_forgettable()
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

    def refresh(self) -> bool:
        """Take over what was rotated since; whether anything was. A folder that cannot be read changes nothing: the
        keys at hand go on, and the operator is told."""
        try:
            looks = _looks(self.folder)
        except OSError:  # a file was just replaced: the next look sees it
            return False
        if looks in (self._signing.seen, self._unusable):
            return False
        try:
            self._signing = _Signing.read(self.folder)
        except KeysUnusable as error:
            self._unusable = looks
            logs.error("changed keys cannot be used; those at hand go on", reason=str(error))
            return False
        self.version += 1
        return True

    def verifiers(self, purpose: str) -> Mapping[str, PublicKey]:
        """By kid, every key whose signatures for this purpose still count."""
        return {each.key.kid: each.key.public for each in self.stored(purpose) if each.state != "published"}

    def verifier(self, purpose: str, kid: str) -> PublicKey | None:
        """One of them. A key that is not known was perhaps activated by another process a moment ago."""
        found = self.verifiers(purpose).get(kid)
        return self.verifiers(purpose).get(kid) if found is None and self.refresh() else found

    def stored(self, purpose: str) -> Sequence[Stored]:
        return self._signing.by_purpose[purpose]

    def jwks(self) -> dict[str, Any]:
        """The JWK Set (RFC 7517 §5) of all public signing keys; ``tongqu_purpose`` says what each may sign."""
        return {
            "keys": [
                {**each.key.public_jwk(), "tongqu_purpose": purpose}
                for purpose in PURPOSES
                for each in self.stored(purpose)
            ]
        }

    def retired(self) -> list[dict[str, Any]]:
        """Public keys that sign no more, with ``tongqu_state`` ``retired`` and the time until which they did."""
        return [dict(each) for each in self._signing.retired]

    # ── rotation; running processes see it by themselves ──────────────────────────────────────────────────────────────
    def publish(self, purpose: str, now: datetime | None = None) -> str:
        """Make the next key and publish it. Returns its kid."""
        if any(each.state == "published" for each in self.stored(purpose)):
            raise KeysUnusable(f"{purpose}: a next key is published already; activate it first / 已有待启用的密钥")
        key = SigningKey.generate()
        _write_signing_key(self.folder, purpose, Stored(key, "published", {"published": _time(now)}))
        return key.kid

    def upcoming(self, purpose: str) -> Stored | None:
        """The key that is published and not yet used."""
        return next((each for each in self.stored(purpose) if each.state == "published"), None)

    def activate(self, purpose: str, now: datetime | None = None) -> str:
        """Let the published key sign from now on; the one before it retires. Returns the kid of the new one.

        The old key steps down first. If we stop between the two writes, no key is active and one is published: then
        that one signs, here and after a restart.
        """
        upcoming = self.upcoming(purpose)
        if upcoming is None:
            raise KeysUnusable(f"{purpose}: no key is published; publish one a day ahead / 没有已发布的后续密钥")
        at = _time(now)
        for old in self.stored(purpose):
            if old.state == "active":
                retiring = Stored(old.key, "retiring", {**old.since, "retiring": at})
                _write_signing_key(self.folder, purpose, retiring)
        active = Stored(upcoming.key, "active", {**upcoming.since, "active": at})
        _write_signing_key(self.folder, purpose, active)
        return upcoming.key.kid

    def remove_retiring(self, purpose: str, now: datetime | None = None) -> list[str]:
        """Destroy retired private keys. Do so no sooner than a token lives (300 s) plus 60 s after activation.

        Their public halves are kept first: if we stop in between, a key is listed as retired and still verifies.
        Returns the kids removed.
        """
        gone = [each for each in self.stored(purpose) if each.state == "retiring"]
        kids = [each.key.kid for each in gone]
        if not gone:
            return []
        kept = [each for each in _retired(self.folder) if each["kid"] not in kids]
        kept += [_as_retired(purpose, each, _time(now)) for each in gone]
        write_file(self.folder / RETIRED, (json.dumps(kept, indent=1) + "\n").encode(), mode=_PRIVATE_MODE)
        for kid in kids:
            (self.folder / f"{purpose}-{kid}.jwk").unlink()
        return kids


def _looks(folder: Path) -> object:
    """Changes whenever a signing key does: each write is a rename, hence a new file."""
    with os.scandir(folder) as entries:
        seen = [(each.name, each.inode(), each.stat().st_mtime_ns) for each in entries if each.name.endswith(_WATCHED)]
    return tuple(sorted(seen))


def _time(now: datetime | None) -> str:
    return rfc3339(now or SystemClock().now())


def _as_retired(purpose: str, stored: Stored, removed: str) -> dict[str, Any]:
    """``tongqu_until``: when it made its last signature."""
    since = stored.since
    dates = {"tongqu_from": since.get("active"), "tongqu_until": since.get("retiring", removed)}
    return {
        **stored.key.public_jwk(),
        "tongqu_purpose": purpose,
        "tongqu_state": "retired",
        **{name: value for name, value in dates.items() if value is not None},
    }


def _retired(folder: Path) -> list[dict[str, Any]]:
    path = folder / RETIRED
    if not path.exists():
        return []
    try:
        listed = json.loads(_read_private(path))
        for each in listed:
            jose.public_key({name: each[name] for name in ("kty", "crv", "x", "y")})
    except (ValueError, TypeError, KeyError):
        raise KeysUnusable(f"{path}: expected a list of public keys / 退役密钥清单损坏") from None
    return list(listed)


def _signing_keys(folder: Path, purpose: str) -> list[Stored]:
    return [_read_signing_key(path, purpose) for path in sorted(folder.glob(f"{purpose}-*.jwk"))]


def _read_signing_key(path: Path, purpose: str) -> Stored:
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
    since = members.get("tongqu_since")
    return Stored(key, str(state), since if isinstance(since, dict) else {})


def _the_active(folder: Path, purpose: str, keys: Sequence[Stored]) -> SigningKey:
    active = [each.key for each in keys if each.state == "active"]
    active = active or [each.key for each in keys if each.state == "published"]  # see Keys.activate
    if len(active) != 1:
        remedy = "set all but one to retiring / 请将旧密钥改为退役" if active else "run `gateway init` / 缺少签名密钥"
        raise KeysUnusable(f"{folder}: expected one active {purpose} key, found {len(active)}; {remedy}")
    return active[0]


def _write_signing_key(folder: Path, purpose: str, stored: Stored) -> None:
    said = {"tongqu_purpose": purpose, "tongqu_state": stored.state, "tongqu_since": dict(stored.since)}
    text = json.dumps({**stored.key.private_jwk(), **said}, indent=1) + "\n"
    write_file(folder / f"{purpose}-{stored.key.kid}.jwk", text.encode(), mode=_PRIVATE_MODE)


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
