"""Two versions of a standard: does the new one take every record that the old one takes? Proved, or shown by example.

>>> comparison = compare(old, new)
>>> comparison.verdict, comparison.bump
('breaking', 'major')
>>> comparison.example          # the old version takes it, the new one refuses it
{'idNumber': '990000180001010017', …}

*Compatible* is a proof: searches over automata of all texts that end without finding anything, agreed to by a second
implementation where it knows an answer. *Breaking* is an example that the validator of records has tried on both
versions. What is neither is *unproven*, and a person decides. Why these and no others: docs/decisions/0020.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from standards import algebra
from standards.changes import LEVELS, Change, changes
from standards.proof.search import MAX_EFFORT, Effort
from standards.rules import too_large
from standards.validate import Validator

Schema = Mapping[str, Any]
_DISAGREEMENT = (
    "两种独立判定方法的结论不一致，需由人判断",
    "two independent ways of deciding do not agree: a person must decide",
)


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a comparison: ``compatible``, ``breaking`` with an example, or ``unproven`` and why."""

    verdict: str
    example: dict[str, Any] | None = field(default=None, repr=False)
    why_zh: str = ""
    why_en: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of ``compare``.

    ``verdict``: ``identical``, ``compatible`` (every record of the old version obeys the new one), ``breaking`` (then
    ``example`` is a record that the old version takes and the new one refuses) or ``unproven`` (then ``why_zh`` and
    ``why_en``). ``forward`` is the other direction: whether a reader built for the old version takes all records of the
    new one; its example is a record that only the new version takes.
    """

    verdict: str
    changes: tuple[Change, ...]
    example: dict[str, Any] | None = field(repr=False)
    why_zh: str
    why_en: str
    forward: Direction

    @property
    def bump(self) -> str:
        """What the version number must grow by: ``none``, ``patch``, ``minor`` or ``major``."""
        asked = max((LEVELS.index(change.bump) for change in self.changes), default=0)
        return "major" if self.verdict in ("breaking", "unproven") else LEVELS[asked]

    @property
    def level(self) -> str:
        """``FULL``, ``BACKWARD`` (old records obey the new version), ``FORWARD`` (new ones obey the old), ``NONE``."""
        backward = self.verdict in ("identical", "compatible")
        forward = self.forward.verdict == "compatible"
        return {(True, True): "FULL", (True, False): "BACKWARD", (False, True): "FORWARD"}.get(
            (backward, forward), "NONE"
        )


def compare(old: Schema, new: Schema, effort: int = MAX_EFFORT) -> Comparison:
    """Compare two schemas that have passed standards.check. Usually milliseconds; at most a few seconds.

    ``effort``: about how many operations each direction may take, a microsecond each; what is not decided by then is
    unproven. Raises KeyError or ValueError for documents that are no standards.
    """
    before, after = _compiled(old), _compiled(new)
    found = tuple(changes(old, new, Effort(effort)))
    backward = _direction(found, before, after)
    forward = _direction(tuple(changes(new, old, Effort(effort))), after, before)
    verdict = backward.verdict if found else "identical"
    return Comparison(verdict, found, backward.example, backward.why_zh, backward.why_en, forward)


def _compiled(schema: Schema) -> Validator:
    made = Validator.of(dict(schema))  # refuses what is larger than any standard before anything of it is looked at
    if too_large(schema):  # an example would be written out
        raise ValueError("with each list at its shortest a record still has too many values")
    return made


def _direction(found: tuple[Change, ...], taking: Validator, refusing: Validator) -> Direction:
    examples = [change.example for change in found if change.example is not None]
    for example in examples:
        if taking.ok(example) and not refusing.ok(example):
            return Direction("breaking", example)
    if examples:
        return Direction("unproven", None, *_DISAGREEMENT)
    undecided = [change for change in found if change.verdict == "unproven"]
    if undecided:
        return Direction("unproven", None, _sum(undecided, "zh"), _sum(undecided, "en"))
    if found and algebra.covers(refusing.schema, taking.schema) is False:
        return Direction("unproven", None, *_DISAGREEMENT)
    return Direction("compatible")


def _sum(undecided: list[Change], language: str) -> str:
    """Which changes cannot be decided, and why."""
    mark = "；" if language == "zh" else "; "
    return mark.join(f"{getattr(change, language)} – {getattr(change, f'why_{language}')}" for change in undecided[:5])
