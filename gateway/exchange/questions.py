"""How many different yes-or-no questions were asked about one resident under one agreement (threat T17).

Three different questions tell at most three bits. The same question may be asked again: it tells nothing new, but for
what has happened since. Counted in the transaction of the entry that asks; a question is spent even when the department
fails, for asking it again is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from gateway.audit.log import Transaction
from gateway.exchange.store import QUESTION

Key = tuple[str, str, str]  # agreement, subject, window


@dataclass(frozen=True, slots=True)
class Spent:
    """One more question would have been too many; ``asked`` were."""

    asked: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Guard: put down the questions, or reject with Spent when they would be more than ``limit`` different ones.

    The last guard of its entry: taken back, a question would be forgotten that an earlier entry had asked, too.
    """

    agreement: str
    subject: str  # pseudonym
    window: str
    names: tuple[str, ...]
    limit: int

    @property
    def key(self) -> Key:
        return (self.agreement, self.subject, self.window)

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Ask]) -> list[Spent | None]:
        asked = _asked(tx, {guard.key for guard in guards})
        outcomes: list[Spent | None] = []
        new: list[dict[str, str]] = []
        for guard in guards:
            known = asked.setdefault(guard.key, set())
            fresh = [name for name in dict.fromkeys(guard.names) if name not in known]
            if len(known) + len(fresh) > guard.limit and fresh:
                outcomes.append(Spent(len(known)))
                continue
            known.update(fresh)
            agreement, subject, window = guard.key
            new += [{"agreement": agreement, "subject": subject, "window": window, "predicate": name} for name in fresh]
            outcomes.append(None)
        if new:
            tx.conn.execute(QUESTION.insert(), new)
        return outcomes

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Ask]) -> None:
        raise AssertionError("questions are settled last, so that none is put down in vain")


def _asked(tx: Transaction, keys: set[Key]) -> dict[Key, set[str]]:
    found: dict[Key, set[str]] = {}
    one_of = or_(
        *(
            and_(QUESTION.c.agreement == agreement, QUESTION.c.subject == subject, QUESTION.c.window == window)
            for agreement, subject, window in keys
        )
    )
    for row in tx.conn.execute(select(QUESTION).where(one_of)):
        found.setdefault((row.agreement, row.subject, row.window), set()).add(row.predicate)
    return found
