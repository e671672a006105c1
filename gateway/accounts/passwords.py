"""Passwords: argon2id (RFC 9106), with as much memory as the server can spare and no more people at once than that.

Who is unknown costs as much time as who is known: their password is compared with a hash that nothing matches.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.accounts.model import normal_password
from gateway.errors import Busy

TIME_COST, MEMORY_KIB, LANES = 3, 64 * 1024, 4  # RFC 9106 section 4, second recommended option
AT_ONCE = 4  # times 64 MiB: what sign-ins may take of the machine
PATIENCE_S = 5.0


class Passwords:
    """Hashes and compares; raises Busy when too many people sign in at once."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)
        self._turns = BoundedSemaphore(AT_ONCE)
        self._nobody = _hash_of_nobody()

    def hash(self, password: str) -> str:
        with self._turn():
            return self._hasher.hash(normal_password(password))

    def matches(self, hash: str | None, password: str) -> bool:
        """Whether the password belongs to the hash; never, but just as slowly, when there is no hash."""
        with self._turn():
            try:
                return self._hasher.verify(hash or self._nobody, normal_password(password)) and hash is not None
            except (VerificationError, InvalidHashError):
                return False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=PATIENCE_S):
            raise Busy("同时登录的人过多。", "Too many people sign in at once; try again shortly.", retry_after=5)
        try:
            yield
        finally:
            self._turns.release()


def _hash_of_nobody() -> str:
    """A hash in the right form with the right costs, of no password that anybody knows."""
    salt, tag = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p={LANES}${salt}${tag}"
