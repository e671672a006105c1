"""What differs between two versions of a standard, change by change, each judged by itself.

The changes of one element are independent: a value that the new version refuses is refused by one of its limits, so
that a version breaks records exactly if one of its changes does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from standards import change_words as words
from standards.change_meaning import annotated
from standards.change_words import Name
from standards.proof.judge import STAYS, Judge, Judgement, Lift
from standards.proof.search import Effort
from standards.renames import renamed
from standards.validate import pointer

Schema = Mapping[str, Any]
Place = tuple[str, ...]

LEVELS = ("none", "patch", "minor", "major")
_HANDLED = {"type", "enum", "properties", "required", "items", "unevaluatedProperties"}
_TEXT_LIMITS = ("minLength", "maxLength", "pattern", "format")
_COUNTS = ("minItems", "maxItems")
_NUMBERS = ("minimum", "maximum")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    ``pointer``: JSON Pointer into the new version, into the old one for what is gone. ``verdict``: ``compatible``,
    ``breaking`` or ``unproven``, for records. ``bump``: what it asks of the version number, ``patch``, ``minor`` or
    ``major``. ``element``: the dotted path of the data element, empty for the standard as a whole. ``example``: for a
    breaking change a record that the old version takes and the new one refuses; it holds made-up values only.
    """

    pointer: str
    kind: str
    zh: str
    en: str
    verdict: str
    bump: str
    element: str
    example: dict[str, Any] | None = field(default=None, repr=False)
    why_zh: str = ""
    why_en: str = ""
    renamed_to: str | None = None


def changes(old: Schema, new: Schema, effort: Effort) -> Iterator[Change]:
    """All changes from ``old`` to ``new``; both have passed standards.check."""
    walk = _Walk(Judge(effort))
    whole = Name.of_standard(old)
    for kind, sentence, bump in annotated(old, new, whole):
        yield _change(kind, sentence, STAYS, (kind,), "", bump)
    yield from walk.object(old, new, (), "", lambda record: record, whole)


class _Walk:
    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def object(self, old: Schema, new: Schema, place: Place, path: str, lift: Lift, name: Name) -> Iterator[Change]:
        """The members of an object: those that came, went, were renamed or changed."""
        mine, theirs = old["properties"], new["properties"]
        gone = {key: mine[key] for key in mine if key not in theirs}
        come = {key: theirs[key] for key in theirs if key not in mine}
        pairs = renamed(mine, theirs)
        for key, part in gone.items():
            judgement = self._judge.every(part, self._judge.member(old, key, lift))
            kind = "element_renamed" if key in pairs else "element_removed"
            sentence = words.element(kind, name.of(part, key), key, pairs.get(key))
            yield _change(kind, sentence, judgement, (*place, "properties", key), path + key, renamed_to=pairs.get(key))
        for key, part in come.items():
            is_new_name = key in pairs.values()
            if not is_new_name or self._becomes_required(old, new, key, pairs):
                yield self._added(old, new, key, part, place, path, lift, name)
        for key in mine:
            if key in theirs:
                inner = (*place, "properties", key)
                yield from self._required(old, new, key, place, path, lift, name)
                lifted = self._judge.member(old, key, lift)
                yield from self._element(mine[key], theirs[key], inner, path + key, lifted, name.of(mine[key], key))

    @staticmethod
    def _becomes_required(old: Schema, new: Schema, key: str, pairs: Mapping[str, str]) -> bool:
        before = next(was for was, now in pairs.items() if now == key)
        return key in new.get("required", ()) and before not in old.get("required", ())

    def _added(
        self, old: Schema, new: Schema, key: str, part: Schema, place: Place, path: str, lift: Lift, name: Name
    ) -> Change:
        required = key in new.get("required", ())
        kind = "element_added_required" if required else "element_added"
        judgement = self._judge.without(old, lift) if required else STAYS
        sentence = words.element(kind, name.of(part, key), key, None)
        return _change(kind, sentence, judgement, (*place, "properties", key), path + key)

    def _required(
        self, old: Schema, new: Schema, key: str, place: Place, path: str, lift: Lift, name: Name
    ) -> Iterator[Change]:
        before, after = key in old.get("required", ()), key in new.get("required", ())
        if before != after:
            kind = "required_added" if after else "required_dropped"
            judgement = self._judge.without(old, lift) if after else STAYS
            sentence = words.element(kind, name.of(old["properties"][key], key), key, None)
            yield _change(kind, sentence, judgement, (*place, "required"), path + key)

    def _element(self, old: Schema, new: Schema, place: Place, path: str, lift: Lift, name: Name) -> Iterator[Change]:
        if old == new:
            return
        for kind, sentence, bump in annotated(old, new, name):
            yield _change(kind, sentence, STAYS, (*place, kind), path, bump)
        if old.get("type") != new.get("type"):
            sentence = words.limit("type", name, old.get("type"), new.get("type"))
            yield _change("type", sentence, self._judge.every(old, lift), (*place, "type"), path)
            return
        yield from self._codes(old, new, place, path, lift, name)
        for keyword in sorted((old.keys() | new.keys()) - _HANDLED):
            before, after = old.get(keyword), new.get(keyword)
            if before != after and (judgement := self._limit(old, new, keyword, lift)) is not None:
                sentence = words.limit(keyword, name, before, after)
                yield _change(keyword, sentence, judgement, (*place, keyword), path)
        if "properties" in old and "properties" in new:
            yield from self.object(old, new, place, f"{path}.", lift, name)
        if "items" in old and "items" in new:
            yield from self._items(old, new, place, path, lift, name)

    def _items(self, old: Schema, new: Schema, place: Place, path: str, lift: Lift, name: Name) -> Iterator[Change]:
        inner = self._judge.item(old, lift)
        yield from self._element(old["items"], new["items"], (*place, "items"), path, inner, name)

    def _limit(self, old: Schema, new: Schema, keyword: str, lift: Lift) -> Judgement | None:
        """The judgement on one keyword; None for an annotation, which says nothing about records."""
        value = new.get(keyword)
        if keyword in _TEXT_LIMITS:
            return self._judge.text(old, keyword, value, lift)
        if keyword in _NUMBERS:
            return self._judge.number(old, keyword, value, lift)
        if keyword in _COUNTS:
            return self._judge.count(old, keyword, value, lift)
        if keyword.startswith("x-") or keyword in ("title", "description"):
            return None
        return self._judge.unknown(old, new)

    def _codes(self, old: Schema, new: Schema, place: Place, path: str, lift: Lift, name: Name) -> Iterator[Change]:
        """The values of a code: those that came and those that went, or the whole list."""
        before, after = old.get("enum"), new.get("enum")
        where = (*place, "enum")
        if before == after:
            return
        if before is None or after is None:
            kind = "enum_set" if before is None else "enum_dropped"
            sentence = words.codes(kind, name, before or after or [], old if after is None else new)
            yield _change(kind, sentence, self._judge.text(old, "enum", after, lift), where, path)
            return
        gone = [value for value in before if value not in after]
        come = [value for value in after if value not in before]
        if come:
            yield _change("enum_added", words.codes("enum_added", name, come, new), STAYS, where, path)
        if gone:
            sentence = words.codes("enum_removed", name, gone, old)
            yield _change("enum_removed", sentence, self._judge.text(old, "enum", after, lift), where, path)
        if not come and not gone:
            yield _change("enum_order", words.codes("enum_order", name, [], new), STAYS, where, path, "patch")


def _change(
    kind: str,
    sentence: tuple[str, str],
    judgement: Judgement,
    place: Place,
    path: str,
    bump: str | None = None,
    renamed_to: str | None = None,
) -> Change:
    why = judgement.why
    return Change(
        pointer(place),
        kind,
        *sentence,
        judgement.verdict,
        bump or ("minor" if judgement.verdict == "compatible" else "major"),
        path,
        judgement.example,
        why.zh if why else "",
        why.en if why else "",
        renamed_to,
    )
