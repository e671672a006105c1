"""The period a figure speaks of: one whole day, month, quarter, half-year or year, and nothing in between.

A period that may begin on any day would give the difference between two figures, and with it a single person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))  # a day is a day of the counter, whatever zone an instant was written in

# every → (spelling, months of one period, how to write it)
_SHAPES = {
    "day": (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), 0, "2026-11-01"),
    "month": (re.compile(r"([0-9]{4})-([0-9]{2})"), 1, "2026-11"),
    "quarter": (re.compile(r"([0-9]{4})-Q([1-4])"), 3, "2026-Q4"),
    "half-year": (re.compile(r"([0-9]{4})-H([12])"), 6, "2026-H2"),
    "year": (re.compile(r"([0-9]{4})"), 12, "2026"),
}


class PeriodInvalid(ValueError):
    """Not a period of the indicator; says how one is written."""

    def __init__(self, every: str) -> None:
        example = _SHAPES[every][2]
        self.zh = f"该指标按 {every} 统计，时期应写作 {example} 的样式"
        self.en = f"the indicator is computed for each {every}; write the period like {example}"
        super().__init__(self.en)


@dataclass(frozen=True, slots=True)
class Period:
    """A period by its label; ``start`` and ``end`` are its first and last day."""

    label: str
    start: date
    end: date

    @classmethod
    def of(cls, label: str, every: str) -> Period:
        """Read ``2026-11-01``, ``2026-11``, ``2026-Q4``, ``2026-H2`` or ``2026``. Raises PeriodInvalid."""
        shape, months, _ = _SHAPES[every]
        found = shape.fullmatch(label) if label.isascii() else None
        try:
            if found is None:
                raise ValueError
            if not months:
                day = date.fromisoformat(label)
                return cls(label, day, day)
            year = int(found[1])
            first = (int(found[2]) - 1) * months if months < 12 else 0
            if not 0 <= first < 12:
                raise ValueError
            following = date(year + (first + months) // 12, (first + months) % 12 + 1, 1)
            return cls(label, date(year, first + 1, 1), following - timedelta(days=1))
        except (ValueError, OverflowError):
            raise PeriodInvalid(every) from None

    def holds(self, day: date) -> bool:
        return self.start <= day <= self.end

    def day(self, name: str) -> date:
        """``period_start``, ``period_end``, or a date in ISO 8601."""
        return {"period_start": self.start, "period_end": self.end}.get(name) or date.fromisoformat(name)


def day_of(text: str) -> date:
    """The day of a date, or the day in China of an instant (RFC 3339)."""
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text).astimezone(CHINA).date()


def completed_years(birth: date, on: date) -> int:
    """Age on a day; on the birthday itself the year is completed, 29 February counts from 1 March."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
