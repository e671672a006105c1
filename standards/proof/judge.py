"""What one change of one element does to the values that the old version takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from standards import algebra
from standards.proof.search import Effort
from standards.proof.texts import Undecided, taken_away
from standards.proof.values import Nothing, Smallest

Schema = Mapping[str, Any]
Lift = Callable[[Any], Any]  # from a value in its place to a whole record of the old version around it


@dataclass(frozen=True, slots=True)
class Judgement:
    """``compatible``: every value stays. ``breaking``: ``example`` is a record that is lost. ``unproven``: ``why``."""

    verdict: str
    example: Any = None
    why: Undecided | None = None


STAYS = Judgement("compatible")


class Judge:
    """Judges changes of one comparison; all of them together may cost ``effort``."""

    def __init__(self, effort: Effort) -> None:
        self._effort = effort
        self._smallest = Smallest(effort)

    def lost(self, find: Callable[[], Any], lift: Lift) -> Judgement:
        """Breaking if ``find`` has a value that is lost and a record can hold it there."""
        try:
            value = find()
            return STAYS if value is None else Judgement("breaking", lift(value))
        except Nothing:
            return STAYS
        except Undecided as why:
            return Judgement("unproven", None, why)

    def every(self, schema: Schema, lift: Lift) -> Judgement:
        """All values of the schema are lost: its type changes, or it is taken out."""
        return self.lost(lambda: self._smallest.value(schema), lift)

    def without(self, schema: Schema, lift: Lift) -> Judgement:
        """Objects without some optional field are lost."""
        return self.lost(lambda: self._smallest.object(schema, {}), lift)

    def text(self, old: Schema, keyword: str, value: Any, lift: Lift) -> Judgement:
        """A limit of a text is now ``value``; None: it is gone."""
        if value is None:
            return STAYS
        return self.lost(lambda: taken_away(old, keyword, value, self._effort), lift)

    def number(self, old: Schema, keyword: str, value: int | None, lift: Lift) -> Judgement:
        """A bound of a whole number is now ``value``; None: it is gone."""
        if value is None:
            return STAYS
        low, high = old.get("minimum"), old.get("maximum")
        if low is not None and high is not None and low > high:
            return STAYS
        if keyword == "minimum":
            nearest = low if low is not None else min(value - 1, value - 1 if high is None else high)
            is_lost = nearest < value
        else:
            nearest = high if high is not None else max(value + 1, value + 1 if low is None else low)
            is_lost = nearest > value
        return self.lost(lambda: nearest if is_lost else None, lift)

    def count(self, old: Schema, keyword: str, value: int | None, lift: Lift) -> Judgement:
        """A bound on the number of items is now ``value``; None: it is gone."""
        least = old.get("minItems", 0)
        if value is None or (keyword == "minItems" and least >= value):
            return STAYS
        if keyword == "maxItems" and value >= old.get("maxItems", value + 1):
            return STAYS
        count = least if keyword == "minItems" else value + 1
        return self.lost(lambda: self._smallest.list(old, None, count), lift)

    def unknown(self, old: Schema, new: Schema) -> Judgement:
        """A keyword that the dialect does not have: only the algebra can say that nothing is lost."""
        if algebra.covers(new, old):
            return STAYS
        return Judgement(
            "unproven", None, Undecided("没有这个关键字的判定方法", "there is no decision for this keyword")
        )

    def member(self, holder: Schema, name: str, lift: Lift) -> Lift:
        """How a value becomes a record: as this member of the object."""
        return lambda value: lift(self._smallest.object(holder, {name: value}))

    def item(self, holder: Schema, lift: Lift) -> Lift:
        """… as an item of the list."""
        return lambda value: lift(self._smallest.list(holder, value, 1))
