"""What counts only once, or no longer: used client assertions and revoked tokens. On disk, shared by all processes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from gateway.db import Database
from gateway.identity import store
from gateway.identity.tokens import Revocations
from gateway.lib.clock import Clock, rfc3339


class AssertionReplayed(Exception):
    """This client assertion was used before."""


class Spent:
    """Both memories of one gateway. ``revocations`` is this process's view of the second, for the path of a query."""

    def __init__(self, database: Database, clock: Clock, revocations: Revocations) -> None:
        self._database = database
        self._clock = clock
        self._revocations = revocations

    def burn(self, client_id: str, jti: str, expires: float, keep_s: float) -> None:
        """Use up an assertion; it is remembered until it expires (Unix seconds) and ``keep_s`` longer.

        Durable when this returns: if we stop right after, the assertion is used and no token was issued for it. Raises
        AssertionReplayed.
        """
        until = datetime.fromtimestamp(expires, UTC) + timedelta(seconds=keep_s)
        digest = hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()
        with self._database.write() as conn:
            try:
                store.burn(conn, client_id, digest, until, self._clock.now())
            except store.Duplicate:
                raise AssertionReplayed from None

    def revoke(self, jti: str, expires: datetime) -> None:
        """From now on this token opens nothing; in other processes from their next ``refresh``."""
        with self._database.write() as conn:
            store.revoke(conn, jti, expires, self._clock.now())
        self._revocations.add(jti, rfc3339(expires))

    def refresh(self) -> None:
        """Take over what other processes, or this one before a restart, have revoked."""
        now = self._clock.now()
        with self._database.read() as conn:
            self._revocations.load(store.revoked_tokens(conn, now), rfc3339(now))
