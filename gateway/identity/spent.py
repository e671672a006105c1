"""What counts only once, or no longer: used client assertions and revoked tokens. On disk, shared by all processes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from gateway.audit.log import Log
from gateway.identity import store
from gateway.identity.tokens import Revocations, revocation_key
from gateway.lib.clock import Clock, rfc3339


class AssertionReplayed(Exception):
    """This client assertion was used before."""


class Spent:
    """Both memories of one gateway. ``revocations`` is this process's view of the second, for the path of a query."""

    def __init__(self, log: Log, clock: Clock, revocations: Revocations) -> None:
        self._log = log
        self._database = log.database
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
        """From now on this token opens nothing, in any process: queries compare its revision when they are written,
        all others read the database."""
        now = self._clock.now()
        with self._log.transaction() as tx:
            store.revoke(tx.conn, jti, expires, now)
            tx.changed(revocation_key(jti))
        self._revocations.add(jti, rfc3339(expires))

    def is_revoked(self, jti: str) -> bool:
        with self._database.read() as conn:
            return store.is_revoked(conn, jti)

    def refresh(self) -> None:
        """Take over what other processes, or this one before a restart, have revoked: it then is refused sooner."""
        now = self._clock.now()
        with self._database.read() as conn:
            self._revocations.load(store.revoked_tokens(conn, now), rfc3339(now))
