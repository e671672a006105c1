"""Refusals that somebody should look at today: an entry ``alarm.raised`` beside the refusal's own.

The same officer at the same agreement for the same reason is told once in ten minutes by each process: a walk through
five hundred numbers is one alarm, and the five hundred refusals are in the log anyway.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from gateway.audit.log import Log
from gateway.errors import LogUnavailable
from gateway.exchange.model import Query, Reason

ALARMING = frozenset({"own_record", "conflict_of_interest", "protected_person", "officer_quota_exceeded"})
QUIET_S = 600.0
MAX_KEPT = 10_000

logger = structlog.get_logger(__name__)

Key = tuple[str, str | None, str, str]


class Alarms:
    """Used by the event loop only."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._told: OrderedDict[Key, float] = OrderedDict()

    async def tell(self, query: Query, reasons: Sequence[Reason]) -> None:
        """Write an alarm for each reason that deserves one. The refusal is durable already; nothing waits for this."""
        caller = query.caller
        for reason in reasons:
            key = (caller.client, caller.officer, query.agreement, reason.code)
            if reason.code in ALARMING and self._is_new(key):
                await self._write(query, reason)

    def _is_new(self, key: Key) -> bool:
        now = time.monotonic()
        if self._told.get(key, now - QUIET_S) > now - QUIET_S:
            return False
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > MAX_KEPT:
            self._told.popitem(last=False)
        return True

    async def _write(self, query: Query, reason: Reason) -> None:
        try:
            await self._log.append(
                {"type": "alarm.raised", "actor": query.caller.actor(), "code": reason.code, "query": query.id}
            )
        except LogUnavailable:
            logger.error("an alarm could not be logged", request_id=query.id, code=reason.code)
