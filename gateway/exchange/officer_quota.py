"""How often one officer used one agreement, counted in the transaction of the log entry that uses it (threat T16).

Kept beside quota.py, and for the same reason in the database: an officer who walks five hundred numbers through four
workers is stopped at the same number as through one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.audit.log import Transaction
from gateway.exchange.counts import Counts, Key
from gateway.exchange.store import OFFICER_USE


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
        table = Counts(tx.conn, OFFICER_USE)
        before = table.read([key for guard in guards for key in guard.counted()])
        after = Counter(before)
        outcomes: list[Exhausted | None] = []
        for guard in guards:
            if any(after[key] >= limit for key, (_, limit) in zip(guard.counted(), guard.limits, strict=True)):
                outcomes.append(Exhausted({key[2]: after[key] for key in guard.counted()}))
            else:
                after.update(guard.counted())
                outcomes.append(None)
        table.write(before, after)
        return outcomes

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Count]) -> None:
        keys = [key for guard in guards for key in guard.counted()]
        table, counts = Counts(tx.conn, OFFICER_USE), Counter(keys)
        before = table.read(keys)
        table.write(before, {key: max(0, used - counts[key]) for key, used in before.items()})


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
