"""Do two pieces of public information contradict each other? From their fields alone (standard information-release).

Two contradict each other when they hold on one day, in one place, on one matter, neither takes the place of the other,
and they state different things about one aspect (a time limit, a fee, a place). Which one is right is not judged here:
``stronger`` only says which of the two comes from the office in charge of the matter, where just one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any

Notice = Mapping[str, Any]  # a record of information-release/1.0.0
IN_FORCE = "valid"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two notices that differ on one aspect of one matter.

    ``first`` and ``second``: index numbers, the older first. ``matter``: item code, or the name where there is none.
    ``values``: what each states, with its unit. ``stronger``: the index number of the one whose issuer is competent,
    None where both or neither are.
    """

    first: str
    second: str
    matter: str
    aspect: str
    values: tuple[str, str]
    stronger: str | None
    zh: str
    en: str


def contradictions(notices: Iterable[Notice]) -> list[Contradiction]:
    """Every contradiction among these notices, oldest pair first. The notices must obey the standard."""
    ordered = sorted(notices, key=lambda notice: (notice["publishedAt"], notice["releaseId"]))
    return [found for one, other in combinations(ordered, 2) for found in _between(one, other)]


def _between(one: Notice, other: Notice) -> Iterator[Contradiction]:
    if not _both_hold(one, other) or _replaces(one, other) or _replaces(other, one):
        return
    for matter in sorted(_matters(one) & _matters(other)):
        for aspect, first, second in _differing(one, other):
            yield _contradiction(one, other, matter, aspect, (first, second))


def _contradiction(one: Notice, other: Notice, matter: str, aspect: str, values: tuple[str, str]) -> Contradiction:
    strong = [notice["releaseId"] for notice in (one, other) if notice["competent"]]
    first, second = one["releaseId"], other["releaseId"]
    return Contradiction(
        first,
        second,
        matter,
        aspect,
        values,
        strong[0] if len(strong) == 1 else None,
        f"{first} 与 {second} 对同一事项的同一要点规定不同，且都标为有效；请由主管机关更正、废止或写明替代关系",
        f"{first} and {second} state different things about one aspect of one matter, and both are marked as in force; "
        "the office in charge must correct or repeal one, or say which supersedes which",
    )


def _both_hold(one: Notice, other: Notice) -> bool:
    """In force on a common day, in a common place: an area includes everything below it (a prefix of its code)."""
    same_place = one["divisionCode"].startswith(other["divisionCode"]) or other["divisionCode"].startswith(
        one["divisionCode"]
    )
    return one["status"] == other["status"] == IN_FORCE and same_place and _overlap(one, other)


def _overlap(one: Notice, other: Notice) -> bool:
    """Both days are included; without a first day it begins when it was published, without a last it goes on."""
    (start, end), (begin, finish) = _validity(one), _validity(other)
    return start <= finish and begin <= end


def _validity(notice: Notice) -> tuple[date, date]:
    start = notice.get("validFrom", notice["publishedAt"][:10])
    return date.fromisoformat(start), date.fromisoformat(notice.get("validTo", "9999-12-31"))


def _replaces(one: Notice, other: Notice) -> bool:
    return any(each["releaseId"] == other["releaseId"] for each in one.get("supersedes", ()))


def _matters(notice: Notice) -> set[str]:
    return {matter.get("itemCode", matter["name"]) for matter in notice["matters"]}


def _differing(one: Notice, other: Notice) -> Iterator[tuple[str, str, str]]:
    theirs = _stated(other)
    for aspect, values in _stated(one).items():
        if aspect in theirs and values.isdisjoint(theirs[aspect]):
            yield aspect, "、".join(sorted(values)), "、".join(sorted(theirs[aspect]))


def _stated(notice: Notice) -> dict[str, set[str]]:
    """Aspect → what is stated; several statements on one aspect (two places) are alternatives."""
    stated: dict[str, set[str]] = {}
    for each in notice.get("statements", ()):
        stated.setdefault(each["aspect"], set()).add(f"{each['value']} {each.get('unit', '')}".strip())
    return stated
