"""What the people whom one officer looks up in a day have in common: one surname, or numbers beside one another.

Neither is in the log, which has no names and no numbers, so it is noticed here, where both pass through. Nothing of it
is kept: the day's count is in this process's memory under a key that ends with it, and the alarm says which rule it
was and at which query. Several processes each count what they answered, so over four of them a walk is noticed later.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any

from gateway.exchange.model import Query
from gateway.lib.clock import Clock
from standards import workdays
from standards.generate_words import LONG_SURNAMES

SAME_SURNAME, SEQUENCE = "same_surname", "sequence"
SURNAMES = 8  # residents of one surname in an officer's day, and at least half of those whose names were seen
NUMBERS = 5  # residents of one division and day of birth (GB 11643: the first fourteen characters)
NEWBORN = timedelta(days=366)  # children of one day are registered together
MAX_OFFICERS = 10_000
MAX_RESIDENTS = 2_000  # of one officer in one day; more are another rule's business
MAX_COUNTED = 200_000  # of all officers, about 300 bytes each; who asked longest ago is forgotten first


@dataclass(slots=True)
class _Day:
    """One officer's day. The tags tell nothing without the key; residents are the log's pseudonyms."""

    residents: set[str] = field(default_factory=set)
    named: int = 0
    surnames: defaultdict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    numbers: defaultdict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    told: set[str] = field(default_factory=set)


class Likeness:
    """Used by the event loop only."""

    def __init__(self, clock: Clock, *, max_counted: int = MAX_COUNTED) -> None:
        self._clock = clock
        self._max_counted = max_counted
        self._counted = 0  # residents of all these days
        self._today = date.min
        self._key = secrets.token_bytes(32)
        self._days: OrderedDict[str, _Day] = OrderedDict()

    def seen(self, query: Query, records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Count a look-up that was answered. Returns the codes of what has become conspicuous just now."""
        officer = query.caller.officer
        if officer is None or not records:  # a system asks for itself; nobody was found
            return []
        today = workdays.day_of(self._clock.now())
        day = self._day(officer, today)
        if query.subject in day.residents or len(day.residents) >= MAX_RESIDENTS:
            return []
        day.residents.add(query.subject)
        self._counted += 1
        self._forget()
        codes = []
        if (family := surname(records[0].get("name"))) is not None:
            day.named += 1
            count = self._count(day.surnames, family)
            if count >= SURNAMES and 2 * count >= day.named:
                codes.append(SAME_SURNAME)
        if (near := neighbourhood(query, today)) is not None and self._count(day.numbers, near) >= NUMBERS:
            codes.append(SEQUENCE)
        fresh = [code for code in codes if code not in day.told]
        day.told.update(fresh)
        return fresh

    def _day(self, officer: str, today: date) -> _Day:
        if today != self._today:  # nobody's yesterday is asked for
            self._days.clear()
            self._today, self._counted = today, 0
        day = self._days.get(officer)
        if day is None:
            day = self._days[officer] = _Day()
        self._days.move_to_end(officer)
        return day

    def _forget(self) -> None:
        """Whoever asked longest ago, where there are too many; never the one who asks."""
        while len(self._days) > 1 and (len(self._days) > MAX_OFFICERS or self._counted > self._max_counted):
            _, gone = self._days.popitem(last=False)
            self._counted -= len(gone.residents)

    def _count(self, counts: defaultdict[bytes, int], value: str) -> int:
        tag = blake2b(value.encode(), digest_size=8, key=self._key).digest()
        counts[tag] += 1
        return counts[tag]


def surname(name: object) -> str | None:
    """The family name of a name in Chinese characters, or None where the first characters are no such."""
    if not isinstance(name, str) or not 2 <= len(name) <= 4 or not all("\u4e00" <= char <= "\u9fff" for char in name):
        return None
    return name[:2] if name[:2] in LONG_SURNAMES and len(name) > 2 else name[0]


def neighbourhood(query: Query, today: date) -> str | None:
    """Division and day of birth of a resident's number; None for other schemes and for the newborn."""
    number = query.subject_id
    if query.subject_scheme != "cn.resident-id" or len(number) != 18:
        return None
    try:
        born = date.fromisoformat(number[6:14])
    except ValueError:
        return None
    return number[:14] if today - born > NEWBORN else None
