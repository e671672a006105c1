"""How many yes-or-no questions were asked about one resident, and by one officer (threats T16, T17).

Four limits, of which the first is the agreement's own and the others are everybody's:
    the agreement   so many *different* questions about one resident in its window: three tell at most three bits
    the office      likewise in a month under all its agreements together, so that two agreements are no second budget
    the question    the same one about one resident so often on a day: who asks every hour watches somebody
    the officer     so many on a day, about whomever: nobody walks through the numbers with yes or no either

The same question may be asked again: it tells nothing new, but for what has happened since. Counted in the transaction
of the entry that asks; a question is spent even when the department fails, for asking it again is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, delete, or_, select

from gateway.audit.log import Transaction
from gateway.exchange.store import OFFICER_QUESTION, PARTY_QUESTION, QUESTION

BY_PARTY: Final = 6  # different ones about one resident and month, or what the agreement allows if that is more
SAME_A_DAY: Final = 10
BY_OFFICER_A_DAY: Final = 200

Key = tuple[str, str, str]  # agreement, subject, window
PartyKey = tuple[str, str, str]  # party, subject, month
OfficerKey = tuple[str, str]  # officer, day


@dataclass(frozen=True, slots=True)
class Spent:
    """One more question would have been too many; ``asked`` were."""

    asked: int


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when. ``standard``: without its version, for a new one asks the same."""

    party: str
    officer: str | None
    standard: str
    day: str  # YYYY-MM-DD


@dataclass(frozen=True, slots=True)
class Ask:
    """Guard: put down the questions, or reject with Spent when they would be more than one of the limits.

    The last guard of its entry: taken back, a question would be forgotten that an earlier entry had asked, too.
    """

    agreement: str
    subject: str  # pseudonym
    window: str
    names: tuple[str, ...]
    limit: int
    by: Asker | None = None

    @property
    def key(self) -> Key:
        return (self.agreement, self.subject, self.window)

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Ask]) -> list[Spent | None]:
        counts = _Counts(tx, guards)
        outcomes = [counts.settle(guard) for guard in guards]
        counts.write(tx)
        return outcomes

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Ask]) -> None:
        raise AssertionError("questions are settled last, so that none is put down in vain")


class _Counts:
    """What the tables say, and what is to be written. Appenders hold the log's head row: read-then-write is safe."""

    def __init__(self, tx: Transaction, guards: Sequence[Ask]) -> None:
        askers = [(guard.by, guard.subject) for guard in guards if guard.by is not None]
        self._asked = _asked(tx, {guard.key for guard in guards})
        self._of_party = _of_party(tx, {(by.party, subject, by.day[:7]) for by, subject in askers})
        self._of_officer = _of_officer(tx, {(by.officer, by.day) for by, _ in askers if by.officer is not None})
        self._new: list[dict[str, str]] = []
        self._party_changed: set[tuple[PartyKey, str]] = set()
        self._officer_changed: set[OfficerKey] = set()

    def settle(self, guard: Ask) -> Spent | None:
        names = tuple(dict.fromkeys(guard.names))
        known = self._asked.setdefault(guard.key, set())
        fresh = [name for name in names if name not in known]
        if fresh and len(known) + len(fresh) > guard.limit:
            return Spent(len(known))
        if guard.by is not None and (spent := self._settle_asker(guard, guard.by, names)) is not None:
            return spent
        known.update(fresh)
        agreement, subject, window = guard.key
        self._new += [
            {"agreement": agreement, "subject": subject, "window": window, "predicate": name} for name in fresh
        ]
        return None

    def _settle_asker(self, guard: Ask, by: Asker, names: tuple[str, ...]) -> Spent | None:
        key = (by.party, guard.subject, by.day[:7])
        seen = self._of_party.setdefault(key, {})
        questions = [f"{by.standard}#{name}" for name in names]
        fresh = sum(question not in seen for question in questions)
        if fresh and len(seen) + fresh > max(BY_PARTY, guard.limit):
            return Spent(len(seen))
        today = {question: _on(seen.get(question), by.day) for question in questions}
        if max(today.values(), default=0) >= SAME_A_DAY:
            return Spent(max(today.values()))
        if by.officer is not None:
            officer = (by.officer, by.day)
            asked = self._of_officer.get(officer, 0)
            if asked + len(names) > BY_OFFICER_A_DAY:
                return Spent(asked)
            self._of_officer[officer] = asked + len(names)
            self._officer_changed.add(officer)
        for question in questions:
            seen[question] = (by.day, today[question] + 1)
            self._party_changed.add((key, question))
        return None

    def write(self, tx: Transaction) -> None:
        """Also forgets what no limit needs any more about the same resident and officer."""
        if self._new:
            tx.conn.execute(QUESTION.insert(), self._new)
        for key, question in sorted(self._party_changed):
            party, subject, month = key
            table = PARTY_QUESTION.c
            same = and_(table.party == party, table.subject == subject)
            old = or_(table.month < month, and_(table.month == month, table.question == question))
            tx.conn.execute(delete(PARTY_QUESTION).where(same, old))
            day, on_day = self._of_party[key][question]
            row = {"party": party, "subject": subject, "month": month, "question": question}
            tx.conn.execute(PARTY_QUESTION.insert().values(row | {"day": day, "on_day": on_day}))
        for officer, day in sorted(self._officer_changed):
            tx.conn.execute(
                delete(OFFICER_QUESTION).where(OFFICER_QUESTION.c.officer == officer, OFFICER_QUESTION.c.day <= day)
            )
            asked = self._of_officer[officer, day]
            tx.conn.execute(OFFICER_QUESTION.insert().values(officer=officer, day=day, asked=asked))


def _on(seen: tuple[str, int] | None, day: str) -> int:
    return seen[1] if seen is not None and seen[0] == day else 0


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


def _of_party(tx: Transaction, keys: set[PartyKey]) -> dict[PartyKey, dict[str, tuple[str, int]]]:
    found: dict[PartyKey, dict[str, tuple[str, int]]] = {}
    table = PARTY_QUESTION.c
    for party, subject, month in keys:
        mine = and_(table.party == party, table.subject == subject, table.month == month)
        rows = tx.conn.execute(select(PARTY_QUESTION).where(mine))
        found[party, subject, month] = {row.question: (row.day, row.on_day) for row in rows}
    return found


def _of_officer(tx: Transaction, keys: set[OfficerKey]) -> dict[OfficerKey, int]:
    found: dict[OfficerKey, int] = {}
    for officer, day in keys:
        mine = and_(OFFICER_QUESTION.c.officer == officer, OFFICER_QUESTION.c.day == day)
        found[officer, day] = tx.conn.execute(select(OFFICER_QUESTION.c.asked).where(mine)).scalar() or 0
    return found
