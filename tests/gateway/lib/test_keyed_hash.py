"""A keyed hash is the HMAC-SHA-256 that everybody else computes."""

from __future__ import annotations

import hmac

import pytest

from gateway.lib.keyed_hash import KeyedHash


@pytest.mark.parametrize("length", [0, 1, 32, 63, 64, 65, 200])
def test_it_is_hmac_for_keys_of_every_length(length: int) -> None:
    key = bytes(range(length))
    made = KeyedHash(key)
    for text in (b"", b"x", b"x" * 63, b"x" * 64, b"x" * 1000):
        assert made.of(text) == hmac.digest(key, text, "sha256") == made.of(text)
