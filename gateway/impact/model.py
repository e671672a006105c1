"""What a change of a standard touches (plain Python). Names of fields and counts only: nothing of any person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from standards.changes import Change

RANK = ("compatible", "unproven", "breaking")


@dataclass(frozen=True, slots=True)
class Usage:
    """How often one party asked for an element and how often it was released. ``last``: RFC 3339 UTC."""

    consumer: str
    asked: int
    delivered: int
    last: str


@dataclass(frozen=True, slots=True)
class TouchedElement:
    """One changed element; ``element`` empty: the standard as a whole. ``verdict``: the worst of its changes."""

    element: str
    verdict: str
    changes: tuple[Change, ...]
    usage: tuple[Usage, ...]

    @property
    def asked(self) -> int:
        return sum(each.asked for each in self.usage)

    @property
    def delivered(self) -> int:
        return sum(each.delivered for each in self.usage)


@dataclass(frozen=True, slots=True)
class TouchedAgreement:
    """``fields``: those of its fields that change. ``breaks``: one of them is not proved to be compatible."""

    id: str
    version: int
    state: str
    consumer: str
    provider: str
    fields: tuple[str, ...]
    breaks: bool


@dataclass(frozen=True, slots=True)
class TouchedService:
    """``fits``: its crosswalk passes the checks against the new version, or its records are proved to obey it."""

    id: str
    party: str
    state: str
    has_crosswalk: bool
    targets: tuple[str, ...]
    fits: bool
    problems: tuple[tuple[str, str], ...]  # zh, en


@dataclass(frozen=True, slots=True)
class TouchedDocument:
    """A form or an indicator that names changed elements."""

    kind: str
    id: str
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concerned:
    """A party that must hear of the change, and as what: ``consumer``, ``provider``."""

    party: str
    roles: tuple[str, ...]
    asked: int


def touches(element: str, field: str) -> bool:
    """Whether a field is the element, holds it or is part of it. The empty element is the whole standard."""
    return not element or element == field or element.startswith(f"{field}.") or field.startswith(f"{element}.")


def touched(elements: Iterable[str], fields: Iterable[str]) -> tuple[str, ...]:
    """Those fields that one of the elements touches."""
    known = tuple(elements)
    return tuple(field for field in fields if any(touches(element, field) for element in known))


def worst(changes: Iterable[Change]) -> str:
    """``compatible``, ``unproven`` or ``breaking``; what only alters the meaning but asks for a major is unproven."""
    found = [
        "unproven" if change.verdict == "compatible" and change.bump == "major" else change.verdict
        for change in changes
    ]
    return max(found, key=RANK.index, default="compatible")


def by_element(changes: Iterable[Change]) -> dict[str, tuple[Change, ...]]:
    """Changes of each element. Wording is left out: it touches nobody."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        if change.bump != "patch":
            found.setdefault(change.element, []).append(change)
    return {element: tuple(every) for element, every in found.items()}


def mentioned(document: Mapping[str, Any], standard_id: str, elements: Iterable[str]) -> tuple[str, ...]:
    """Of these elements, those that a form or indicator names.

    A form names ``standard/version#path``. An indicator names its standard once, and its elements by their paths.
    """
    words = set(_words(document))
    if document.get("standard") == standard_id:
        named = words
    else:
        start = f"{standard_id}#"
        named = {word.removeprefix(start) for word in words if word.startswith(start)}
    return tuple(element for element in elements if touched([element], named)) if named else ()


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _words(part)
    elif isinstance(value, list):
        for part in value:
            yield from _words(part)
