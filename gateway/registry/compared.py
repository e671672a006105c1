"""What two versions are compared: published ones by number, drafts as they are. And the comparison as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import standards
from gateway.registry.model import Acting, refused
from gateway.registry.shelf import Shelf
from standards.changes import Change
from standards.compare import Comparison, Direction
from standards.drafting import DraftRefused, expand
from standards.migration import Migration
from standards.rules import Problem
from standards.validate import Validator

# Faults of a draft that leave it comparable: its code lists, who it is about, how its patterns are written
TOLERATED = frozenset(
    {"pattern_form", "pattern_effort", "not_of_the_list", "code_list_unknown", "subject_unchecked", "field_unknown"}
    | {"not_a_code", "empty_range"}
)
MAX_CHANGES = 500  # told in one answer


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison. ``label``: ``name/version``, or ``draft`` for a document that was sent."""

    label: str
    document: Mapping[str, Any]
    faults: tuple[Problem, ...] = ()  # what would keep it from being published, and does not keep it from this


def side(shelf: Shelf, who: Acting | None, name: str, given: str | dict[str, Any], member: str) -> Side:
    """A version of this standard by its number, or a document, which is checked like any draft.

    ``member``: where it stands in the request. Raises UnknownStandard, or InvalidRequest with every fault.
    """
    if isinstance(given, str):
        found = shelf.get(who, f"{name}/{given}")
        return Side(found.id, found.document)
    return Side("draft", *complete(given, f"/{member}"))


def complete(draft: Any, place: str = "") -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """A document that can be compared, if need be with its shared elements written out, and its remaining faults.

    To compare is not to publish: it may depart from the dictionary, from its code lists and from the rules on how a
    pattern is written. It must have the form of a standard, refer to nothing, and compile. Raises InvalidRequest.
    """
    if not _in_the_way(draft):
        return dict(draft), tuple(standards.check(draft))
    if not isinstance(draft, dict):
        raise refused([{"pointer": place, "zh": "应为 JSON 对象", "en": "expected a JSON object"}])
    try:
        document = expand(draft)
    except DraftRefused as refusal:
        raise refused(_errors(refusal.problems, place)) from None
    if found := _in_the_way(document):
        raise refused(_errors(found, place))
    return document, tuple(standards.check(document))


def _in_the_way(document: object) -> list[Problem]:
    """What is wrong with a document so that it cannot be compared."""
    found = [problem for problem in standards.check(document) if problem.code not in TOLERATED]
    if not found and isinstance(document, dict):
        try:
            Validator.of(document)
        except ValueError:
            return [
                Problem(
                    "", "does_not_compile", "无法编译：请检查各字段的 pattern", "cannot be compiled: see each pattern"
                )
            ]
    return found


def _errors(problems: Iterable[Problem], place: str) -> list[dict[str, str]]:
    return [{"pointer": place + each.pointer, "zh": each.zh, "en": each.en} for each in problems]


def told(comparison: Comparison) -> dict[str, Any]:
    """A comparison as JSON."""
    return {
        "verdict": comparison.verdict,
        "level": comparison.level,
        "bump": comparison.bump,
        "changes": [_change(each) for each in comparison.changes[:MAX_CHANGES]],
        "truncated": len(comparison.changes) > MAX_CHANGES,
        "example": comparison.example,
        "why_zh": comparison.why_zh,
        "why_en": comparison.why_en,
        "forward": _direction(comparison.forward),
    }


def faults(old: Side, new: Side) -> list[dict[str, str]]:
    """What would keep either document from being published."""
    return [*_errors(old.faults, "/from"), *_errors(new.faults, "/to")]


def suggested(migration: Migration) -> dict[str, Any]:
    """A crosswalk between two versions as JSON."""
    gaps = [{"target": each.target, "zh": each.zh, "en": each.en} for each in migration.gaps]
    return {"crosswalk": migration.document, "usable": migration.usable, "lossless": migration.lossless, "gaps": gaps}


def _direction(direction: Direction) -> dict[str, Any]:
    return {name: getattr(direction, name) for name in ("verdict", "example", "why_zh", "why_en")}


def _change(change: Change) -> dict[str, Any]:
    told_members = ("pointer", "kind", "element", "zh", "en", "verdict", "bump", "why_zh", "why_en", "renamed_to")
    return {name: getattr(change, name) for name in told_members}
