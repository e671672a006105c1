"""What must be readable again, but by this gateway only: whose account it is, and the secrets of one-time codes.

AES-256-GCM with a key made of keys/accounts.key for each purpose (HKDF, RFC 5869); what it belongs to is authenticated
along, so that no sealed value can be moved to another account.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed value is not what was sealed for this account, or the key has changed."""


class Sealer:
    """Seals values of one purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tongqu accounts " + purpose.encode()).derive(secret)
        self._aead = AESGCM(key)

    def seal(self, value: bytes, of: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, value, of.encode())

    def open(self, sealed: bytes, of: str) -> bytes:
        """Raises SealBroken."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], of.encode())
        except (InvalidTag, ValueError):
            raise SealBroken("a sealed value of an account cannot be opened with keys/accounts.key") from None
