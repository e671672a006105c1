"""What somebody should look at today: an entry ``alarm.raised`` beside the refusal's or the release's own.

The same officer at the same agreement for the same reason is told once in ten minutes, however many processes serve: a
walk through five hundred numbers is one alarm, and the five hundred refusals are in the log anyway. Each process
remembers what it told or was told of, so that the database is asked once, not five hundred times.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select

from gateway.audit.log import Log, Transaction
from gateway.audit.writer import Rejected
from gateway.errors import LogUnavailable
from gateway.exchange.model import Query, Reason
from gateway.exchange.store import TOLD
from gateway.lib import logs
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import Clock, rfc3339

ALARMING = frozenset({"own_record", "conflict_of_interest", "protected_person", "officer_quota_exceeded"})
QUIET_S = 600.0
QUIET = timedelta(seconds=QUIET_S)
LOOK_AGAIN_S = 60.0
MAX_KEPT = 10_000


Key = tuple[str, str | None, str, str]


@dataclass(frozen=True, slots=True)
class Once:
    """Guard: put down that this is told, or reject with True when it was told within QUIET_S, by whichever process."""

    key: str
    now: datetime

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Once]) -> list[bool | None]:
        """Appenders hold the log's head row, so read-then-write is safe."""
        latest = max(guard.now for guard in guards)
        tx.conn.execute(delete(TOLD).where(TOLD.c.at <= rfc3339(latest - QUIET)))
        known = TOLD.c.key.in_({guard.key for guard in guards}) & (TOLD.c.at <= rfc3339(latest + QUIET))
        told = set(tx.conn.execute(select(TOLD.c.key).where(known)).scalars())
        outcomes: list[bool | None] = []
        for guard in guards:
            outcomes.append(True if guard.key in told else None)
            if guard.key not in told:
                told.add(guard.key)
                tx.conn.execute(delete(TOLD).where(TOLD.c.key == guard.key))  # from a clock that was far ahead
                tx.conn.execute(TOLD.insert().values(key=guard.key, at=rfc3339(guard.now)))
        return outcomes

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Once]) -> None:
        raise AssertionError("an alarm carries no guard but this one")


class Alarms:
    """Used by the event loop only."""

    def __init__(self, log: Log, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._told: OrderedDict[Key, float] = OrderedDict()

    async def tell(self, query: Query, reasons: Sequence[Reason]) -> None:
        """Write an alarm for each reason that deserves one. The refusal is durable already; nothing waits for this."""
        caller = query.caller
        for reason in reasons:
            key = (caller.client, caller.officer, query.agreement, reason.code)
            if reason.code in ALARMING and self._is_new(key):
                await self._write(query, reason.code, key)

    async def notice(self, query: Query, codes: Sequence[str]) -> None:
        """Write an alarm for each of these (likeness.py). The release is durable already."""
        for code in codes:
            key = (query.caller.client, query.caller.officer, query.agreement, code)
            if self._is_new(key):
                await self._write(query, code, key)

    def _is_new(self, key: Key) -> bool:
        now = time.monotonic()
        if self._told.get(key, now - QUIET_S) > now - QUIET_S:
            return False
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > MAX_KEPT:
            self._told.popitem(last=False)
        return True

    async def _write(self, query: Query, code: str, key: Key) -> None:
        entry = {"type": "alarm.raised", "actor": query.caller.actor(), "code": code, "query": query.id}
        try:
            await self._log.append(entry, guards=(Once(_name(key), self._clock.now()),))
        except Rejected:  # another process told it; look again in a minute, when that may be ten minutes ago
            self._told[key] = time.monotonic() - QUIET_S + LOOK_AGAIN_S
        except LogUnavailable:
            self._told.pop(key, None)  # the next refusal tries again
            logs.error("an alarm could not be logged", request_id=query.id, code=code)


def _name(key: Key) -> str:
    return sha256(canonical(list(key))).hexdigest()
