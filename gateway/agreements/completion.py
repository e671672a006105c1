"""From what a party sends to a whole document: the members that only the gateway knows. Plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.agreements.document import SCHEMA, Published
from gateway.agreements.shape import Problem, pointer


def completed(
    content: Any, fixed: Mapping[str, Any], published: Callable[[str], Published | None]
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The document with what only the gateway knows: ``fixed`` members, the digests of standards, empty masks.

    A member that was sent all the same must be right; where it is not, that is a problem.
    """
    if not isinstance(content, Mapping):
        return {}, (Problem("", "应为一个 JSON 对象", "expected a JSON object"),)
    wrong = tuple(
        Problem(pointer(name), f"应为 {value}，或不填", f"expected {value}, or leave it out")
        for name, value in fixed.items()
        if content.get(name, value) != value
    )
    items = content.get("items")
    if isinstance(items, list):
        content = {**content, "items": [_pinned(item, published) for item in items]}
    return {**content, **fixed}, wrong


def _pinned(item: Any, published: Callable[[str], Published | None]) -> Any:
    if not isinstance(item, Mapping):
        return item
    standard = published(item["standard"]) if isinstance(item.get("standard"), str) else None
    pin: dict[str, Any] = {"schema_digest": standard.digest} if standard and item.get("schema_digest") is None else {}
    if standard and isinstance(item.get("predicates"), list):
        pin["predicates"] = [_meant(each, standard) for each in item["predicates"]]
    return {"masks": {}, "min_proof_level": 1, **item, **pin}


def _meant(question: Any, standard: Published) -> Any:
    """A question by its name alone gets the digest of what it means."""
    if not isinstance(question, Mapping) or question.get("digest") is not None:
        return question
    digest = standard.predicates.get(question["name"]) if isinstance(question.get("name"), str) else None
    return {**question, "digest": digest} if digest else question


@dataclass(frozen=True, slots=True)
class Named:
    """What a document speaks of, sound or not: enough to look it up."""

    parties: tuple[str, ...]
    standards: tuple[str, ...]


def named_in(content: Any) -> Named:
    return Named(_named(content, "parties", "party"), _named(content, "items", "standard"))


def _named(content: Any, member: str, key: str) -> tuple[str, ...]:
    entries = content.get(member) if isinstance(content, Mapping) else None
    bounded = entries[: SCHEMA["properties"][member]["maxItems"]] if isinstance(entries, list) else ()
    values = (entry.get(key) for entry in bounded if isinstance(entry, Mapping))
    return tuple(value for value in values if isinstance(value, str))


def same_parties(newer: Mapping[str, Any], older: Mapping[str, Any]) -> tuple[Problem, ...]:
    """A new version is between the same two, in the same roles; anything else is another agreement."""
    roles = [{entry["role"]: entry["party"] for entry in each["parties"]} for each in (newer, older)]
    if roles[0] == roles[1]:
        return ()
    return (Problem("/parties", "新版本的双方须与原协议相同", "a new version must be between the same two parties"),)
