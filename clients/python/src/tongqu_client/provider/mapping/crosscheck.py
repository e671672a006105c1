"""An identity number tells birth date and sex (GB 11643): so it tells which columns are of the same person.

Digits 7–14 are the birth date; digit 17 is odd for men and even for women.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standards.crosswalk_steps import Step, make, resident_id
from standards.crosswalk_values import Untranslatable

ENOUGH = 4  # rows that must be comparable
AGREES, DISAGREES = 0.95, 0.8

Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Agreement:
    """``rows`` could be compared, a ``share`` of them agrees."""

    rows: int
    share: float

    @property
    def holds(self) -> bool:
        return self.rows >= ENOUGH and self.share >= AGREES

    @property
    def fails(self) -> bool:
        return self.rows >= ENOUGH and self.share < DISAGREES


def births(rows: Sequence[Cells], identity: str, column: str, chain: Sequence[Any]) -> Agreement:
    """How often the date in a column is the birth date of the identity number beside it."""
    months = any(isinstance(step, dict) and "missing_day" in step for step in chain)

    def told(number: str) -> str:
        return f"{number[6:10]}-{number[10:12]}-{'01' if months else number[12:14]}"

    return _compare(rows, identity, column, chain, told)


def sexes(rows: Sequence[Cells], identity: str, column: str, chain: Sequence[Any]) -> Agreement:
    """How often the sex that a column gives is that of the identity number beside it."""
    return _compare(rows, identity, column, chain, sex_of)


def sex_of(number: str) -> str:
    """GB/T 2261.1: 1 male, 2 female."""
    return "1" if int(number[16]) % 2 else "2"


def sex_by_word(rows: Sequence[Cells], identity: str, column: str) -> dict[str, str] | None:
    """What each word of a sex column means by the identity numbers, if every word means one thing nearly always."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        number, word = _number(row.get(identity)), row.get(column)
        if number and word:
            counted[word.strip()][sex_of(number)] += 1
    meant = {}
    for word, sexes_of in counted.items():
        (sex, times), total = sexes_of.most_common(1)[0], sexes_of.total()
        if total < 2 or times < AGREES * total:
            return None
        meant[word] = sex
    return meant if len(set(meant.values())) > 1 else None


def _compare(rows: Sequence[Cells], identity: str, column: str, chain: Sequence[Any], told: Any) -> Agreement:
    steps = [make(*((one, {}) if isinstance(one, str) else (one["fn"], one))) for one in chain]
    same = compared = 0
    for row in rows:
        number, value = _number(row.get(identity)), _result(steps, row.get(column))
        if number and value:
            compared += 1
            same += value[:10] == told(number)
    return Agreement(compared, same / compared if compared else 0.0)


def _number(text: str | None) -> str | None:
    try:
        return resident_id(text) if text else None
    except Untranslatable:
        return None


def _result(steps: Sequence[Step], text: str | None) -> str | None:
    value: Any = text
    try:
        for step in steps:
            value = step.run(value) if value else None
    except Untranslatable:
        return None
    return value if isinstance(value, str) else None
