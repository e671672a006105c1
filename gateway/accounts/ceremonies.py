"""What was asked of one browser and must come back from it, once and soon: challenges, states, a sign-in half done."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from gateway.accounts import store
from gateway.db import Database
from gateway.lib.clock import Clock

LIVES = timedelta(minutes=5)


class Ceremonies:
    """``holder`` is what the browser's cookie holds; ``kind`` what was asked for. One of a kind at a time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def put(self, holder: str, kind: str, value: str) -> None:
        now = self._clock.now()
        with self._database.write() as conn:
            store.put_ceremony(conn, _id(holder, kind), value, now + LIVES)

    def look(self, holder: str, kind: str) -> str | None:
        """What was put, leaving it there; None when nothing was, or too long ago."""
        with self._database.read() as conn:
            return store.get_ceremony(conn, _id(holder, kind), self._clock.now())

    def take(self, holder: str, kind: str) -> str | None:
        """What was put; nobody takes it a second time."""
        with self._database.write() as conn:
            found = store.get_ceremony(conn, _id(holder, kind), self._clock.now())
            taken = store.end_ceremony(conn, _id(holder, kind))
        return found if taken else None

    def tidy(self, now: datetime) -> None:
        with self._database.write() as conn:
            store.forget_ceremonies(conn, now)


def _id(holder: str, kind: str) -> str:
    return hashlib.sha256(f"{kind}\0{holder}".encode()).hexdigest()
