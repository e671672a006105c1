"""How often one officer used one agreement, counted in the transaction of the log entry that uses it (threat T16).

Kept beside quota.py, and for the same reason in the database: an officer who walks five hundred numbers through four
workers is stopped at the same number as through one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, tuple_, update

from gateway.audit.log import Transaction
from gateway.exchange.store import OFFICER_USE

Key = tuple[str, str, str]  # agreement, officer, window


@dataclass(frozen=True, slots=True)
class Exhausted:
    """One of the officer's windows was full; what each of them held then."""

    used: Mapping[str, int]  # window → count


@dataclass(frozen=True, slots=True)
class Count:
    """Guard: count one use in each window, or reject with Exhausted. ``limits``: window → limit."""

    agreement: str
    officer: str
    limits: tuple[tuple[str, int], ...]

    def counted(self) -> list[Key]:
        return [(self.agreement, self.officer, window) for window, _ in self.limits]

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Count]) -> list[Exhausted | None]:
        before = _used(tx, [key for guard in guards for key in guard.counted()])
        after = Counter(before)
        outcomes: list[Exhausted | None] = []
        for guard in guards:
            if any(after[key] >= limit for key, (_, limit) in zip(guard.counted(), guard.limits, strict=True)):
                outcomes.append(Exhausted({key[2]: after[key] for key in guard.counted()}))
            else:
                after.update(guard.counted())
                outcomes.append(None)
        _store(tx, before, after)
        return outcomes

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Count]) -> None:
        keys = [key for guard in guards for key in guard.counted()]
        before = _used(tx, keys)
        after = Counter(before)
        after.subtract(keys)
        _store(tx, before, {key: max(0, count) for key, count in after.items() if key in before})


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Guard that never rejects: the department gave nothing, so nothing was used."""

    of: Count

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[GiveBack]) -> list[None]:
        Count.undo(tx, [guard.of for guard in guards])
        return [None] * len(guards)

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[GiveBack]) -> None:
        raise AssertionError("an outcome carries no guard that rejects")


def _used(tx: Transaction, keys: Sequence[Key]) -> dict[Key, int]:
    columns = tuple_(OFFICER_USE.c.agreement, OFFICER_USE.c.officer, OFFICER_USE.c.window)
    rows = tx.conn.execute(select(OFFICER_USE).where(columns.in_(list(set(keys)))))
    return {(row.agreement, row.officer, row.window): row.used for row in rows}


def _store(tx: Transaction, before: Mapping[Key, int], after: Mapping[Key, int]) -> None:
    """Read-then-write is safe: appenders hold the log's head row."""
    for key, count in after.items():
        agreement, officer, window = key
        if key not in before:
            tx.conn.execute(
                OFFICER_USE.insert().values(agreement=agreement, officer=officer, window=window, used=count)
            )
        elif before[key] != count:
            tx.conn.execute(
                update(OFFICER_USE)
                .where(OFFICER_USE.c.agreement == agreement)
                .where(OFFICER_USE.c.officer == officer, OFFICER_USE.c.window == window)
                .values(used=count)
            )
