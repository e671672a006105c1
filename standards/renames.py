"""Which element that is gone lives on under another name: a suggestion, for people and for the migration crosswalk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_NAMES = frozenset({"title", "x-en", "description", "x-element"})


def renamed(gone: Mapping[str, Schema], come: Mapping[str, Schema]) -> dict[str, str]:
    """From old names to new ones. Two elements are held for the same only if each is the other's only likeness."""
    found: dict[str, str] = {}
    for alike in (_same_element, _same_title, _same_shape):
        rest = {key: part for key, part in gone.items() if key not in found}
        free = {key: part for key, part in come.items() if key not in found.values()}
        pairs = [(old, new) for old in rest for new in free if alike(rest[old], free[new])]
        found.update(_unique(pairs))
    return found


def _unique(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    olds, news = [old for old, _ in pairs], [new for _, new in pairs]
    return ((old, new) for old, new in pairs if olds.count(old) == 1 and news.count(new) == 1)


def _same_element(old: Schema, new: Schema) -> bool:
    return "x-element" in old and old["x-element"] == new.get("x-element") and old.get("type") == new.get("type")


def _same_title(old: Schema, new: Schema) -> bool:
    same = old.get("title") == new.get("title") or old.get("x-en") == new.get("x-en")
    return same and old.get("type") == new.get("type")


def _same_shape(old: Schema, new: Schema) -> bool:
    """Everything equal but what it is called, and told apart by more than its type."""
    bare = {key: value for key, value in old.items() if key not in _NAMES}
    return ("enum" in old or "pattern" in old) and bare == {k: v for k, v in new.items() if k not in _NAMES}
