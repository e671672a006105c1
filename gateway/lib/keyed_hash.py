"""HMAC-SHA-256 (RFC 2104) with the key taken in beforehand: a text costs half of what ``hmac.digest`` needs for it."""

from __future__ import annotations

from hashlib import sha256

_BLOCK = 64  # bytes that SHA-256 takes in at once
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class KeyedHash:
    """Never changed once it is made; safe for threads."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = sha256(block.translate(_INNER))
        self._outer = sha256(block.translate(_OUTER))

    def of(self, text: bytes) -> bytes:
        """The 32 bytes that only holders of the key can make of ``text``."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()
