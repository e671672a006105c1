"""Identifiers that sort by the time they were made (ULID: 48 bits of milliseconds, 80 random bits)."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I, L, O, U


def new_id(prefix: str = "") -> str:
    """A new identifier: ``new_id("agr")`` → ``agr_01KAR3…`` (prefix, underscore, 26 characters).

    Unguessable in its last 80 bits, but being unguessable is never access control.
    """
    number = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))
    return f"{prefix}_{text}" if prefix else text
