"""How often an agreement was used, counted in the transaction of the log entry that uses it.

A legal quota is a promise to the resident, so it is kept in the database beside the log, never in a cache: fifty
parallel queries at a quota of two give two permits, in one process or in many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.audit.log import Transaction
from gateway.exchange.counts import Counts, Key
from gateway.exchange.store import QUOTA_USE


def used(conn: Connection, agreement: str, window: str) -> int:
    """How many queries of this window were permitted so far."""
    row = conn.execute(
        select(QUOTA_USE.c.used).where(QUOTA_USE.c.agreement == agreement, QUOTA_USE.c.window == window)
    ).first()
    return row.used if row else 0


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The quota was used up when the entry was to be written; ``used`` is the count found then."""

    used: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """Guard: count one use, or reject with Exhausted. Read-then-write is safe: appenders hold the log's head row."""

    agreement: str
    window: str
    limit: int

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Reserve]) -> list[Exhausted | None]:
        table = Counts(tx.conn, QUOTA_USE)
        before = table.read([(guard.agreement, guard.window) for guard in guards])
        after = dict(before)
        outcomes: list[Exhausted | None] = []
        for guard in guards:
            count = after.get((guard.agreement, guard.window), 0)
            if count >= guard.limit:
                outcomes.append(Exhausted(count))
            else:
                after[guard.agreement, guard.window] = count + 1
                outcomes.append(None)
        table.write(before, after)
        return outcomes

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Reserve]) -> None:
        Refund.settle(tx, [Refund(g.agreement, g.window) for g in guards])


@dataclass(frozen=True, slots=True)
class Refund:
    """Guard that never rejects: give one use back, because the department gave nothing."""

    agreement: str
    window: str

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Refund]) -> list[None]:
        cls._add(tx, guards, -1)
        return [None] * len(guards)

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Refund]) -> None:
        cls._add(tx, guards, 1)

    @classmethod
    def _add(cls, tx: Transaction, guards: Sequence[Refund], each: int) -> None:
        """Of what was counted only, and never below nothing."""
        counts = Counter[Key]((guard.agreement, guard.window) for guard in guards)
        table = Counts(tx.conn, QUOTA_USE)
        before = table.read(list(counts))
        table.write(before, {key: max(0, used + each * counts[key]) for key, used in before.items()})
