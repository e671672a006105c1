"""Residents and cases in the log: by a keyed hash, never by name or number.

A bare hash would do nothing: there are fewer than 10^11 identity numbers, and a dictionary of them is made in minutes.
With a secret key per epoch the same person has the same pseudonym within an epoch, so look-ups can be counted; once the
epoch's key is destroyed, nobody can find a person in those years any more, and the tree still verifies.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

SECRET_BYTES = 32
PSEUDONYM_BYTES = 16  # 128 bits: no two residents meet
_CASE = b"\x00case"  # no scheme is written like this


class Pseudonyms:
    """``secrets``: by epoch (a number), the key of that epoch. The latest makes new pseudonyms."""

    def __init__(self, secrets: Mapping[int, bytes]) -> None:
        if not secrets or any(len(secret) < SECRET_BYTES for secret in secrets.values()):
            raise ValueError(f"expected at least one epoch, each with a key of {SECRET_BYTES} bytes or more")
        self._secrets = dict(secrets)
        self.epoch = max(secrets)

    def subject(self, scheme: str, id: str) -> str:
        """A resident's pseudonym in the present epoch: ``s:<epoch>:<22 characters>``."""
        return self._subject(self.epoch, scheme, id)

    def subjects(self, scheme: str, id: str) -> list[str]:
        """The resident's pseudonyms in all epochs whose key still exists, the latest first: for searching."""
        return [self._subject(epoch, scheme, id) for epoch in sorted(self._secrets, reverse=True)]

    def case(self, text: str) -> str:
        """The pseudonym of a case number: ``c:<epoch>:<22 characters>``."""
        return f"c:{self.epoch}:{self._hash(self.epoch, _CASE, text)}"

    def _subject(self, epoch: int, scheme: str, id: str) -> str:
        return f"s:{epoch}:{self._hash(epoch, scheme.encode(), id)}"

    def _hash(self, epoch: int, what: bytes, text: str) -> str:
        digest = hmac.digest(self._secrets[epoch], what + b"\x00" + text.encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:PSEUDONYM_BYTES]).decode().rstrip("=")
