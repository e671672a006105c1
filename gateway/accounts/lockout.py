"""How often somebody may fail. By account and address together, so that nobody can lock others out from elsewhere; by
address alone, against trying one password on many accounts; by account alone, against many addresses.

Kept in the database, so that all processes count together, under keyed hashes: neither name nor address is stored.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.accounts import store

FREE_TRIES = 5  # by account and address, before waiting begins; NIST SP 800-63B section 3.2.2 allows up to 100
FIRST_WAIT = timedelta(minutes=1)  # doubled with each further failure
LONGEST_WAIT = timedelta(hours=1)
TRIES_OF_ADDRESS = 50  # an office behind one address mistypes less than that in an hour
TRIES_OF_ACCOUNT = 100
FORGET_AFTER = timedelta(days=1)
WINDOW = timedelta(hours=1)


class Lockout:
    """``secret``: what the keys of the table are hashed with."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def waits_until(self, conn: Connection, username: str, address: str, now: datetime) -> datetime | None:
        """When this account may be tried again from this address; None: now."""
        both, by_address, by_account = self._keys(username, address)
        waits = []
        if both and (found := store.get_failures(conn, both)):
            count, last = found
            if count >= FREE_TRIES:
                waits.append(last + min(FIRST_WAIT * 2 ** min(count - FREE_TRIES, 10), LONGEST_WAIT))
        for key, most in ((by_address, TRIES_OF_ADDRESS), (by_account, TRIES_OF_ACCOUNT)):
            found = store.get_failures(conn, key) if key else None
            if found and found[0] >= most:
                waits.append(found[1] + WINDOW)
        until = max(waits, default=now)
        return until if until > now else None

    def failed(self, conn: Connection, username: str, address: str, now: datetime) -> bool:
        """Count a failure. Returns whether waiting begins or grows with it."""
        both, by_address, by_account = self._keys(username, address)
        tries = self._count(conn, by_address, WINDOW, now)
        if not both:
            return tries >= TRIES_OF_ADDRESS
        self._count(conn, by_account, WINDOW, now)
        return self._count(conn, both, FORGET_AFTER, now) >= FREE_TRIES

    def succeeded(self, conn: Connection, username: str, address: str, now: datetime) -> None:
        """The pair begins anew; the address does not, else one own account would free it to try others."""
        store.set_failures(conn, self._keys(username, address)[0], 0, now)

    @staticmethod
    def _count(conn: Connection, key: str, window: timedelta, now: datetime) -> int:
        found = store.get_failures(conn, key)
        count = found[0] + 1 if found and now - found[1] < window else 1
        store.set_failures(conn, key, count, now)
        return count

    def _keys(self, username: str, address: str) -> tuple[str, str, str]:
        pairs = (f"pair\0{username}\0{address}", f"address\0{address}", f"account\0{username}")
        both, by_address, by_account = (
            hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:32] for text in pairs
        )
        # A passkey names no account before it is right, and cannot be guessed: what one person fails with must not keep
        # out all others of the same office, so only the address counts.
        return (both, by_address, by_account) if username else ("", by_address, "")
