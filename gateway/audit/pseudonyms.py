"""Residents and cases in the log: by a keyed hash, never by name or number.

A bare hash would do nothing: there are fewer than 10^11 identity numbers, and a dictionary of them is made in minutes.
With a secret per resident and epoch the same person has the same pseudonym within an epoch, so look-ups can be counted.
Once that person's secret is destroyed (``gateway audit shred``), or the epoch's, nobody can tell any more which
pseudonym was theirs, and the tree still verifies. Decision 0031.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import digest
from typing import TYPE_CHECKING, Protocol

from gateway.lib.subject_key import HANDLE_BYTES, Forgotten, SubjectKey

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

SECRET_BYTES = 32
PSEUDONYM_BYTES = 16  # 128 bits: no two residents meet
_CASE = b"\x00case"  # no scheme is written like this
_SIDECAR = b"\x00sidecar"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resident's secret is found again, by those who hold the keys. It tells nothing without them."""

    epoch: int
    layer: int
    handle: bytes = field(repr=False)


class Epoch(Protocol):
    """The secret of one epoch."""

    def pseudonym(self, what: bytes, handle: bytes) -> bytes: ...

    def case(self, text: bytes) -> bytes: ...

    def layer(self, handle: bytes) -> int: ...

    def box_key(self, layer: int, handle: bytes) -> bytes:
        """What this resident's part of the sidecar is sealed with. Raises Forgotten."""
        ...


class Pseudonyms:
    """``secrets``: by epoch (a number), the key of that epoch. The latest makes new pseudonyms.

    ``index``: what handles are made with.
    """

    def __init__(self, secrets: Mapping[int, bytes | SubjectKey], index: bytes = b"\x00" * SECRET_BYTES) -> None:
        self._index = index
        self._last = (b"", b"")
        self.replace(secrets)

    def replace(self, secrets: Mapping[int, bytes | SubjectKey]) -> None:
        """Other keys from now on: somebody was forgotten, or an epoch began."""
        short = [secret for secret in secrets.values() if isinstance(secret, bytes) and len(secret) < SECRET_BYTES]
        if not secrets or short:
            raise ValueError(f"expected at least one epoch, each with a key of {SECRET_BYTES} bytes or more")
        self._epochs: dict[int, Epoch] = {
            epoch: _Whole(secret) if isinstance(secret, bytes) else _Personal(secret)
            for epoch, secret in secrets.items()
        }
        self.epoch = max(secrets)

    def subject(self, scheme: str, id: str) -> str:
        """A resident's pseudonym in the present epoch: ``s:<epoch>:<22 characters>``."""
        return self._subject(self.epoch, scheme, id)

    def subjects(self, scheme: str, id: str) -> list[str]:
        """The resident's pseudonyms in all epochs whose key still exists, the latest first: for searching."""
        return [self._subject(epoch, scheme, id) for epoch in sorted(self._epochs, reverse=True)]

    def case(self, text: str) -> str:
        """The pseudonym of a case number: ``c:<epoch>:<22 characters>``."""
        return f"c:{self.epoch}:{_text(self._epochs[self.epoch].case(text.encode()))}"

    def place(self, scheme: str, id: str) -> Place:
        """Where this resident's secret of the present epoch is."""
        handle = self.handle(scheme, id)
        return Place(self.epoch, self._epochs[self.epoch].layer(handle), handle)

    def places(self, scheme: str, id: str) -> list[Place]:
        """Where this resident's secrets are, in every epoch whose key still exists."""
        handle = self.handle(scheme, id)
        return [Place(epoch, key.layer(handle), handle) for epoch, key in self._epochs.items()]

    def box_key(self, place: Place) -> bytes:
        """Raises Forgotten, also when the epoch's key is gone."""
        if place.epoch not in self._epochs:
            raise Forgotten
        return self._epochs[place.epoch].box_key(place.layer, place.handle)

    def handle(self, scheme: str, id: str) -> bytes:
        what = _what(scheme, id)
        last = self._last
        if last[0] != what:  # a query asks for the pseudonym, then for the place of the same resident
            last = self._last = (what, digest(self._index, what, "sha256")[:HANDLE_BYTES])
        return last[1]

    def cases(self, text: str) -> list[str]:
        """The case number's pseudonyms in all epochs, as ``subjects``."""
        epochs = sorted(self._epochs.items(), reverse=True)
        return [f"c:{number}:{_text(epoch.case(text.encode()))}" for number, epoch in epochs]

    def _subject(self, epoch: int, scheme: str, id: str) -> str:
        found = self._epochs[epoch].pseudonym(_what(scheme, id), self.handle(scheme, id))
        return f"s:{epoch}:{_text(found)}"


class _Personal:
    """An epoch in which every resident has a secret of their own."""

    def __init__(self, key: SubjectKey) -> None:
        self._key = key
        self._last = (
            b"",
            0,
            b"",
        )  # a query asks for the pseudonym, then for the place and the key of the same resident

    def pseudonym(self, what: bytes, handle: bytes) -> bytes:
        layer, leaf = self._key.leaf(handle)
        self._last = (handle, layer, leaf)
        return digest(leaf, what, "sha256")

    def case(self, text: bytes) -> bytes:
        return digest(self._key.common, _CASE + b"\x00" + text, "sha256")

    def layer(self, handle: bytes) -> int:
        known, layer, _ = self._last
        return layer if known == handle else self._key.leaf(handle)[0]

    def box_key(self, layer: int, handle: bytes) -> bytes:
        known, its, leaf = self._last
        return digest(
            leaf if known == handle and its == layer else self._key.leaf_in(layer, handle), _SIDECAR, "sha256"
        )


class _Whole:
    """An epoch with one secret for all (before decision 0031): it can only be destroyed as a whole."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._keyed = _keyed(secret)

    def pseudonym(self, what: bytes, handle: bytes) -> bytes:
        return self._hash(what)

    def case(self, text: bytes) -> bytes:
        return self._hash(_CASE + b"\x00" + text)

    def layer(self, handle: bytes) -> int:
        return 0

    def box_key(self, layer: int, handle: bytes) -> bytes:
        return digest(self._secret, _SIDECAR + handle, "sha256")

    def _hash(self, text: bytes) -> bytes:
        inner, outer = (half.copy() for half in self._keyed)
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


def _what(scheme: str, id: str) -> bytes:
    return scheme.encode() + b"\x00" + id.encode()


def _text(hashed: bytes) -> str:
    return base64.urlsafe_b64encode(hashed[:PSEUDONYM_BYTES]).decode().rstrip("=")


def _keyed(secret: bytes) -> tuple[Hash, Hash]:
    """HMAC-SHA-256 (RFC 2104) with the key taken in already: every query makes two pseudonyms."""
    block = (secret if len(secret) <= 64 else sha256(secret).digest()).ljust(64, b"\x00")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))
