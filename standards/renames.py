"""Which element that is gone lives on under another name: a suggestion, for people and for the migration crosswalk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
Fields = Mapping[str, Schema]


def renamed(old: Fields, new: Fields) -> dict[str, str]:
    """From old names to new ones, of the members of one object.

    Two elements are held for the same if they have the same title and type, or are the only ones that take the same
    shared element (``x-element``) in either version; and only if neither has a second likeness.
    """
    gone = [key for key in old if key not in new]
    come = [key for key in new if key not in old]
    found = _unique([(was, now) for was in gone for now in come if _same_title(old[was], new[now])])
    by_element = [
        (was, now)
        for was in gone
        for now in come
        if was not in found and now not in found.values() and _same_element(old, was, new, now)
    ]
    return {**found, **_unique(by_element)}


def _unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
    olds, news = [old for old, _ in pairs], [new for _, new in pairs]
    return {old: new for old, new in pairs if olds.count(old) == 1 and news.count(new) == 1}


def _same_title(old: Schema, new: Schema) -> bool:
    same = old.get("title") == new.get("title") or old.get("x-en") == new.get("x-en")
    return same and old.get("type") == new.get("type")


def _same_element(old: Fields, was: str, new: Fields, now: str) -> bool:
    element = old[was].get("x-element")
    return (
        element is not None
        and [key for key in old if old[key].get("x-element") == element] == [was]
        and [key for key in new if new[key].get("x-element") == element] == [now]
        and old[was].get("type") == new[now].get("type")
    )
