"""Which look-ups people must review: drawn so that nobody, the operator included, can choose them (plain Python).

Before a day begins its seed is committed to in the log (``review.sample_committed``: a hash). After the day the seed is
told (``review.sampled``), and whoever has the log can draw again:

    key      = HMAC-SHA256(seed, root of the tree of all entries before the first entry of the next day)
    entry n  is drawn if the first 8 bytes of HMAC-SHA256(key, n as 8 bytes) < percent/100 · 2^64

Who writes the day's last entries could try until the root suits him, but does not know the seed; who knows the seed
does not know the root while the day lasts.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import date
from hashlib import sha256


def seed_of(secret: bytes, day: date) -> bytes:
    """The seed of one day. The secret stays in its file: a seed that was told says nothing of the next one."""
    return hmac.digest(secret, b"review sample " + day.isoformat().encode(), "sha256")


def commitment(seed: bytes, day: date, percent: int) -> str:
    return "sha-256:" + sha256(seed + f" {day.isoformat()} {percent}".encode()).hexdigest()


def draw(seed: bytes, root: bytes, percent: int, numbers: Iterable[int]) -> list[int]:
    """Of these entries, those that the sample drew."""
    key = hmac.digest(seed, root, "sha256")
    below = percent * 2**64 // 100
    return [n for n in numbers if int.from_bytes(hmac.digest(key, n.to_bytes(8), "sha256")[:8]) < below]
