"""What people must review: a sample that nobody can choose (sampling.py), and what the risk rules find.

``commit_due`` writes the commitment of a day before it begins; ``draw_due`` draws each day that is over. Both may be
run again at any time, by any process: what was done stays done. The queue counts what was reviewed against what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from gateway.audit.filter import Filter
from gateway.audit.log import Log
from gateway.audit.search import Search
from gateway.audit.store import Rows
from gateway.cases import sampling, store
from gateway.cases.actions import open_in, overseers_only
from gateway.cases.model import REVIEW_WORKDAYS, Case, Item, Person, Progress
from gateway.db import Database
from gateway.errors import Forbidden, InvalidRequest, NotFound, WrongState
from gateway.lib.clock import Clock, rfc3339
from gateway.lib.ids import new_id
from standards import workdays

OUTCOMES = ("in_order", "case")
SAMPLE = "sample"
SAME_FOR = 30  # days in which the same finding is one
AHEAD = 1  # the commitment of tomorrow stands today
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Risk:
    """What a risk rule found on a day: ``search`` is the text that finds its entries again."""

    code: str
    day: date
    search: str
    count: int
    party: str | None


class Reviews:
    """The review queue of one gateway. ``percent`` of each day's releases are drawn; ``risks`` tells of one day."""

    def __init__(
        self,
        database: Database,
        log: Log,
        clock: Clock,
        search: Search,
        secret: bytes,
        *,
        percent: int,
        risks: Callable[[date], Iterable[Risk]] = lambda _: (),
    ) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._search = search
        self._secret = secret
        self.percent = percent
        self._risks = risks

    # ── what the calendar makes necessary ─────────────────────────────────────────────────────────────────────────────
    def tidy(self) -> None:
        self.commit_due()
        self.draw_due()

    def commit_due(self) -> None:
        """Commit to the seeds of today, if that was missed, and of tomorrow.

        A day that was committed to late is drawn from what was released after the commitment.
        """
        today = workdays.day_of(self._clock.now())
        days = [today + _DAY * ahead for ahead in range(AHEAD + 1)]
        with self._database.read() as conn:
            missing = [day for day in days if store.sample_of(conn, day) is None]
        for day in missing:
            with self._log.transaction() as tx:
                if store.sample_of(tx.conn, day) is not None:
                    continue
                seed = sampling.seed_of(self._secret, day)
                commitment = sampling.commitment(seed, day, self.percent)
                entry = {"type": "review.sample_committed", "day": day.isoformat(), "percent": self.percent}
                at = tx.append({**entry, "commitment": commitment})
                store.add_sample(tx.conn, day, self.percent, at.index)

    def draw_due(self) -> int:
        """Draw from each day that is over, and ask the risk rules about it. Returns how many items were made."""
        today = workdays.day_of(self._clock.now())
        with self._database.read() as conn:
            days = store.undrawn_samples(conn, today)
        return sum(self._draw(row) for row in days)

    def _draw(self, row: Any) -> int:
        day = date.fromisoformat(row.day)
        begins, ends = (rfc3339(workdays.start_of(each)) for each in (day, day + _DAY))
        later = self._search.find(Filter.of(since=ends), after=-1, limit=1, each="entry").found
        with self._database.read() as conn:
            size = later[0].index if later else Rows(conn).head().size
            root = self._log.root(conn, size)
        wanted = Filter.of(type="exchange.released", since=begins, until=ends)
        released = self._search.every(wanted, each="entry", below=size)
        parties = {found.index: found.row.party if found.row else None for found in released}
        numbers = sorted(number for number in parties if number > row.commitment)
        seed = sampling.seed_of(self._secret, day)
        drawn = sampling.draw(seed, root, row.percent, numbers)
        made = [self._item(SAMPLE, day, entry=number, party=parties[number]) for number in drawn]
        made += [
            self._item(risk.code, day, search=risk.search, party=risk.party, count=risk.count)
            for risk in self._risks(day)
        ]
        ids = sorted(new_id("rev") for _ in made)  # made within a millisecond they would stand in any order
        made = [replace(item, id=id) for item, id in zip(made, ids, strict=True)]
        with self._log.transaction() as tx:
            found = store.sample_of(tx.conn, day)
            if found is None or found.drawn_by is not None:
                return 0
            at = tx.append(
                {
                    "type": "review.sampled",
                    "day": row.day,
                    "percent": row.percent,
                    "commitment": row.commitment,
                    "seed": seed.hex(),
                    "size": size,
                    "population": len(numbers),
                    "drawn": len(drawn),
                }
            )
            since = day - _DAY * SAME_FOR
            made = [each for each in made if not store.was_found(tx.conn, each, since)]
            store.add_items(tx.conn, made)
            store.set_drawn(tx.conn, row.day, at.index)
        return len(made)

    def _item(self, reason: str, day: date, **members: Any) -> Item:
        return Item("", day.isoformat(), reason, self._clock.now(), **members)

    # ── what people do ────────────────────────────────────────────────────────────────────────────────────────────────
    def queue(
        self,
        person: Person,
        *,
        reviewed: bool = False,
        reason: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> tuple[Item, ...]:
        overseers_only(person)
        with self._database.read() as conn:
            return store.queue(conn, reviewed=reviewed, reason=reason, before=before, limit=min(limit, 200))

    def get(self, person: Person, item_id: str) -> Item:
        overseers_only(person)
        with self._database.read() as conn:
            return _found(store.find_item(conn, item_id))

    def progress(self, person: Person, since: date, until: date) -> Progress:
        """Of the days [since, until)."""
        overseers_only(person)
        now = self._clock.now()
        late = now
        while workdays.deadline(late, REVIEW_WORKDAYS) > now:
            late -= _DAY
        with self._database.read() as conn:
            return store.progress(conn, since, until, late)

    def review(self, person: Person, item_id: str, outcome: str) -> tuple[Item, Case | None]:
        """Say that it is in order, or open a case about it. Nobody reviews what their own party did."""
        overseers_only(person)
        if outcome not in OUTCOMES:
            zh, en = f"应为以下之一：{'、'.join(OUTCOMES)}", f"expected one of: {', '.join(OUTCOMES)}"
            error = {"pointer": "/outcome", "zh": zh, "en": en}
            raise InvalidRequest(f"outcome：{zh}。", f"outcome: {en}.", errors=[error])
        now = self._clock.now()
        with self._log.transaction() as tx:
            item = _found(store.find_item(tx.conn, item_id))
            if item.outcome is not None:
                raise WrongState("该条已核查。", "It was reviewed already.", state=item.outcome)
            if item.party is not None and item.party == person.party:
                raise Forbidden("不能核查本单位的查询。", "Nobody reviews what their own party did.")
            case = None
            if outcome == "case":
                case = open_in(
                    tx,
                    now,
                    "review",
                    by=person,
                    party=item.party,
                    source=item.reason,
                    entries=[] if item.entry is None else [item.entry],
                    searches=[] if item.search is None else [item.search],
                )
            item = replace(
                item, outcome=outcome, reviewed_at=now, reviewed_by=person.id, case=case.id if case else None
            )
            tx.append(
                {
                    "type": "review.reviewed",
                    "actor": person.actor(),
                    "by": person.id,
                    "item": item.id,
                    "reason": item.reason,
                    "entry": item.entry,
                    "outcome": outcome,
                    "file": item.case,
                }
            )
            store.set_reviewed(tx.conn, item)
        return item, case


def _found(item: Item | None) -> Item:
    if item is None:
        raise NotFound("核查队列中没有这一条。", "There is no such item in the review queue.")
    return item
