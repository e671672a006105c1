"""Sessions of signed-in people, kept in the database, so that ending one ends it (ASVS 5.0 chapter 7).

The browser holds 256 random bits in a cookie; the table holds their digest. Signing in and stepping up give a new value
and end the old one, so that a value planted beforehand is worth nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.accounts import store
from gateway.accounts.events import record
from gateway.accounts.model import Account, Limits, Session
from gateway.audit.log import Log
from gateway.db import Database
from gateway.errors import Forbidden
from gateway.identity import store as identity_store
from gateway.lib.clock import Clock

TOKEN_BYTES = 32
NOTED_EVERY = timedelta(minutes=1)  # how exactly the last use is known; a write with each page would be too dear
SECOND_FACTORS = ("passkey", "totp", "recovery")


class SessionStore:
    """The sessions of one gateway."""

    def __init__(self, database: Database, log: Log, clock: Clock, limits: Limits) -> None:
        self.database, self.log, self.clock, self.limits = database, log, clock, limits

    def begin(self, account: Account, method: str, device: str) -> str:
        """A new session; returns what goes into the cookie. ``method``: what was shown last of all factors."""
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self.clock.now()
        stepped_up = now if method in SECOND_FACTORS else None
        session = Session(digest_of(token), account.id, method, now, now, stepped_up, device)
        with self.log.transaction() as tx:
            store.insert_session(tx.conn, session)
            record(tx, "signed_in", account, method=method)
        return token

    def find(self, token: str) -> tuple[Session, Account] | None:
        """Whose session this is; None when it is over, or when account or party may not act any more."""
        now = self.clock.now()
        with self.database.read() as conn:
            found = store.get_session(conn, digest_of(token))
            if found is None:
                return None
            session, account = found
            party = identity_store.get_party(conn, account.party) if account.party else None
        stands = account.state == "active" and (account.party is None or (party and party.state == "active"))
        if not stands or self.limits.over(session, now):
            return None
        if now - session.used >= NOTED_EVERY:
            with self.database.write() as conn:
                store.use_session(conn, session.id, now)
        return session, account

    def step_up(self, token: str, method: str) -> str:
        """The same session under a new value, a second factor having been shown. The old value is worth nothing.

        Raises Forbidden when the session ended meanwhile.
        """
        new, now = secrets.token_urlsafe(TOKEN_BYTES), self.clock.now()
        with self.log.transaction() as tx:
            found = store.get_session(tx.conn, digest_of(token))
            if found is None:
                raise Forbidden(
                    "您的登录已在别处结束，请重新登录。", "Your session was ended elsewhere; sign in again."
                )
            session, account = found
            store.end_session(tx.conn, session.id)
            store.insert_session(tx.conn, replace(session, id=digest_of(new), used=now, stepped_up=now))
            record(tx, "stepped_up", account, method=method)
        return new

    def end(self, token: str) -> None:
        with self.log.transaction() as tx:
            found = store.get_session(tx.conn, digest_of(token))
            if found is not None:
                store.end_session(tx.conn, found[0].id)
                record(tx, "signed_out", found[1])

    def end_others(self, account: Account, token: str | None) -> None:
        """Sign out everywhere else; with ``token`` None, here too."""
        with self.log.transaction() as tx:
            store.end_sessions(tx.conn, account.id, but=digest_of(token) if token else None)
            record(tx, "signed_out", account, outcome="everywhere")

    def of(self, account: Account) -> list[Session]:
        now = self.clock.now()
        with self.database.read() as conn:
            return [each for each in store.list_sessions(conn, account.id) if not self.limits.over(each, now)]

    def tidy(self, now: datetime) -> None:
        with self.database.write() as conn:
            store.forget_sessions(conn, now - self.limits.total, now - self.limits.idle)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
