"""How often an agreement was used, counted in the transaction of the log entry that uses it.

A legal quota is a promise to the resident, so it is kept in the database beside the log, never in a cache: fifty
parallel queries at a quota of two give two permits, in one process or in many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_, update

from gateway.audit.log import Transaction
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


def _used_many(tx: Transaction, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    rows = tx.conn.execute(select(QUOTA_USE).where(tuple_(QUOTA_USE.c.agreement, QUOTA_USE.c.window).in_(keys)))
    return {(row.agreement, row.window): row.used for row in rows}


def _store(tx: Transaction, before: dict[tuple[str, str], int], after: dict[tuple[str, str], int]) -> None:
    for key, count in after.items():
        if key not in before:
            tx.conn.execute(QUOTA_USE.insert().values(agreement=key[0], window=key[1], used=count))
        elif before[key] != count:
            tx.conn.execute(
                update(QUOTA_USE)
                .where(QUOTA_USE.c.agreement == key[0], QUOTA_USE.c.window == key[1])
                .values(used=count)
            )


@dataclass(frozen=True, slots=True)
class Reserve:
    """Guard: count one use, or reject with Exhausted. Read-then-write is safe: appenders hold the log's head row."""

    agreement: str
    window: str
    limit: int

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Reserve]) -> list[Exhausted | None]:
        before = _used_many(tx, list({(g.agreement, g.window) for g in guards}))
        after = dict(before)
        outcomes: list[Exhausted | None] = []
        for guard in guards:
            count = after.get((guard.agreement, guard.window), 0)
            if count >= guard.limit:
                outcomes.append(Exhausted(count))
            else:
                after[guard.agreement, guard.window] = count + 1
                outcomes.append(None)
        _store(tx, before, after)
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
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for guard in guards:
            counts[guard.agreement, guard.window] += 1
        before = _used_many(tx, list(counts))
        _store(tx, before, {key: max(0, before[key] - n) for key, n in counts.items() if key in before})
        return [None] * len(guards)

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Refund]) -> None:
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for guard in guards:
            counts[guard.agreement, guard.window] += 1
        before = _used_many(tx, list(counts))
        _store(tx, before, {key: before[key] + n for key, n in counts.items() if key in before})
