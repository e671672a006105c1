"""Identifiers that sort by the time they were made (ULID: 48 bits of milliseconds, 80 random bits), and randomness."""

from __future__ import annotations

import os
import time
from collections import deque

RANDOM_BYTES = 16  # in one piece of randomness
_AHEAD = 256  # pieces asked of the kernel at once: each call costs a switch of threads

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I, L, O, U
_CHARACTERS = _ALPHABET.encode() * 8  # of each byte five bits count: every character is as likely as the others
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = tuple(range(40, 0, -10))  # 4 pairs of the 10 characters of milliseconds; the fifth changes with each

_pieces: deque[bytes] = deque()  # taken by one caller each: popping is atomic
_latest = (0, "00000000")  # so many times 1,024 milliseconds, and their characters
os.register_at_fork(after_in_child=_pieces.clear)


def random_piece() -> bytes:
    """RANDOM_BYTES from the kernel's generator, for ids and salts. Keys are made with ``secrets``."""
    try:
        return _pieces.pop()
    except IndexError:
        fresh = os.urandom(RANDOM_BYTES * _AHEAD)
        _pieces.extend(fresh[at : at + RANDOM_BYTES] for at in range(RANDOM_BYTES, len(fresh), RANDOM_BYTES))
        return fresh[:RANDOM_BYTES]


def new_id(prefix: str = "") -> str:
    """A new identifier: ``new_id("agr")`` → ``agr_01KAR3…`` (prefix, underscore, 26 characters).

    Unguessable in its last 80 bits, but being unguessable is never access control.
    """
    global _latest
    now, latest = time.time_ns() // 1_000_000, _latest
    if latest[0] != now >> 10:
        _latest = latest = (now >> 10, "".join([_PAIRS[now >> shift & 1023] for shift in _SHIFTS]))
    text = latest[1] + _PAIRS[now & 1023] + random_piece().translate(_CHARACTERS).decode()
    return f"{prefix}_{text}" if prefix else text
