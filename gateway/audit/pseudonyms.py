"""Residents and cases in the log: by a keyed hash, never by name or number.

A bare hash would do nothing: there are fewer than 10^11 identity numbers, and a dictionary of them is made in minutes.
With a secret key per epoch the same person has the same pseudonym within an epoch, so look-ups can be counted; once the
epoch's key is destroyed, nobody can find a person in those years any more, and the tree still verifies.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

SECRET_BYTES = 32
PSEUDONYM_BYTES = 16  # 128 bits: no two residents meet
_CASE = b"\x00case"  # no scheme is written like this


class Pseudonyms:
    """``secrets``: by epoch (a number), the key of that epoch. The latest makes new pseudonyms."""

    def __init__(self, secrets: Mapping[int, bytes]) -> None:
        if not secrets or any(len(secret) < SECRET_BYTES for secret in secrets.values()):
            raise ValueError(f"expected at least one epoch, each with a key of {SECRET_BYTES} bytes or more")
        self._keyed = {epoch: _keyed(secret) for epoch, secret in secrets.items()}
        self.epoch = max(secrets)

    def subject(self, scheme: str, id: str) -> str:
        """A resident's pseudonym in the present epoch: ``s:<epoch>:<22 characters>``."""
        return self._subject(self.epoch, scheme, id)

    def subjects(self, scheme: str, id: str) -> list[str]:
        """The resident's pseudonyms in all epochs whose key still exists, the latest first: for searching."""
        return [self._subject(epoch, scheme, id) for epoch in sorted(self._keyed, reverse=True)]

    def case(self, text: str) -> str:
        """The pseudonym of a case number: ``c:<epoch>:<22 characters>``."""
        return f"c:{self.epoch}:{self._hash(self.epoch, _CASE, text)}"

    def cases(self, text: str) -> list[str]:
        """The case number's pseudonyms in all epochs, as ``subjects``."""
        return [f"c:{epoch}:{self._hash(epoch, _CASE, text)}" for epoch in sorted(self._keyed, reverse=True)]

    def _subject(self, epoch: int, scheme: str, id: str) -> str:
        return f"s:{epoch}:{self._hash(epoch, scheme.encode(), id)}"

    def _hash(self, epoch: int, what: bytes, text: str) -> str:
        inner, outer = (half.copy() for half in self._keyed[epoch])
        inner.update(what + b"\x00" + text.encode())
        outer.update(inner.digest())
        return base64.urlsafe_b64encode(outer.digest()[:PSEUDONYM_BYTES]).decode().rstrip("=")


def _keyed(secret: bytes) -> tuple[Hash, Hash]:
    """HMAC-SHA-256 (RFC 2104) with the key taken in already: every query makes two pseudonyms."""
    block = (secret if len(secret) <= 64 else sha256(secret).digest()).ljust(64, b"\x00")
    return sha256(bytes(byte ^ 0x36 for byte in block)), sha256(bytes(byte ^ 0x5C for byte in block))
