"""Is this a sharing agreement? Each fault by JSON Pointer, in Chinese and English, never with the value that was sent.

Three passes, and a later one runs only when the earlier found nothing: texts fit to be kept for ever, the shape
(agreement.schema.json), and what the shape cannot say: that the standards, fields, parties and legal bases exist and
fit together. What is named in the world outside the document comes in as ``World``; nothing here reads a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any

import jsonschema_rs

from gateway.agreements.shape import Problem, misshapen, pointer, unkeepable
from gateway.lib.clock import parse_rfc3339

SCHEMA: dict[str, Any] = json.loads((files(__package__) / "agreement.schema.json").read_text(encoding="utf-8"))
SCHEMA_NAME: str = SCHEMA["properties"]["schema"]["const"]
MAX_PROBLEMS = 50  # named in one answer; more of the same helps nobody

_VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA, offline=True)


@dataclass(frozen=True, slots=True)
class Published:
    """What an agreement must know of a published standard: ``fields`` are all paths, ``name`` or ``address.street``."""

    digest: str
    fields: frozenset[str]
    has_jurisdiction: bool
    predicates: Mapping[str, str] = field(default_factory=dict)  # its yes-or-no questions → what they mean, as a digest


@dataclass(frozen=True, slots=True)
class World:
    """What the document names and must find. ``lawful_bases``: code → does this basis mean consent (PIPL 13)?
    ``withdrawn``: standards that serve no more → what to use instead.
    """

    now: datetime
    standards: Mapping[str, Published] = field(default_factory=dict)
    parties: frozenset[str] = frozenset()
    lawful_bases: Mapping[str, bool] = field(default_factory=dict)
    withdrawn: Mapping[str, str | None] = field(default_factory=dict)


def problems(document: Any, world: World) -> tuple[Problem, ...]:
    """Every fault found in the first pass that finds any; empty when the document is sound."""
    found = tuple(unkeepable(document)) or tuple(misshapen(document, _VALIDATOR)) or tuple(_sense(document, world))
    return found[:MAX_PROBLEMS]


# ── sense ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _sense(document: Mapping[str, Any], world: World) -> Iterator[Problem]:
    yield from _parties(document, world)
    yield from _bases(document, world)
    yield from _unique(document, "purposes", "code")
    yield from _unique(document, "items", "standard")
    for position, item in enumerate(document["items"]):
        yield from _item(position, item, document, world)
    yield from _hours(document)
    yield from _hidden_from_the_resident(document)
    yield from _validity(document, world)


def _parties(document: Mapping[str, Any], world: World) -> Iterator[Problem]:
    first, second = document["parties"]
    if first["role"] == second["role"]:
        yield Problem("/parties", "须有一个 provider 和一个 consumer", "expected one provider and one consumer")
    if first["party"] == second["party"]:
        yield Problem("/parties", "双方不得为同一单位", "the two parties must differ")
    for position, party in enumerate(document["parties"]):
        if party["party"] not in world.parties:
            yield Problem(
                pointer("parties", position, "party"), "没有这个在册单位", "no active party is registered under this id"
            )


def _bases(document: Mapping[str, Any], world: World) -> Iterator[Problem]:
    yield from _unique(document, "legal_basis", "id")
    for position, basis in enumerate(document["legal_basis"]):
        if basis["type"] not in world.lawful_bases:
            yield Problem(
                pointer("legal_basis", position, "type"),
                f"应为代码表 lawful-basis（个人信息保护法第十三条）中的代码：{', '.join(world.lawful_bases)}",
                f"expected a code of lawful-basis (PIPL 13): {', '.join(world.lawful_bases)}",
            )


def _unique(document: Mapping[str, Any], member: str, key: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, entry in enumerate(document[member]):
        if entry[key] in seen:
            yield Problem(pointer(member, position, key), "不得重复", "the same value stands here twice")
        seen.add(entry[key])


def _item(position: int, item: Mapping[str, Any], document: Mapping[str, Any], world: World) -> Iterator[Problem]:
    at = ("items", position)
    yield from _consent_rule(position, item, document, world)
    for name in item["masks"]:
        if name not in item["fields"]:
            yield Problem(pointer(*at, "masks", name), "只能脱敏已授权的字段", "only a granted field can be masked")
    standard = world.standards.get(item["standard"])
    if standard is None:
        yield Problem(
            pointer(*at, "standard"), "没有已发布的这个标准或版本", "no such standard or version is published"
        )
        return
    if item["standard"] in world.withdrawn:
        instead = world.withdrawn[item["standard"]]
        yield Problem(
            pointer(*at, "standard"),
            "该标准版本已废止" + (f"，请改用 {instead}" if instead else ""),
            "this version of the standard is withdrawn" + (f"; use {instead}" if instead else ""),
        )
    if item["schema_digest"] != standard.digest:
        yield Problem(
            pointer(*at, "schema_digest"), "与已发布的标准不一致", "differs from the digest of the published standard"
        )
    for place, name in enumerate(item["fields"]):
        parents = [name[:dot] for dot, letter in enumerate(name) if letter == "."]
        if name not in standard.fields:
            yield Problem(pointer(*at, "fields", place), "该标准没有这个字段", "the standard has no such field")
        elif any(parent in item["fields"] for parent in parents):
            # Otherwise a mask on the part could be walked round by asking for the whole.
            yield Problem(pointer(*at, "fields", place), "已被上级字段包含", "already granted as part of another field")
    yield from _predicates(at, item, standard)
    if document["jurisdiction"] is not None and not standard.has_jurisdiction:
        yield Problem(
            "/jurisdiction",
            f"标准 {item['standard']} 没有辖区字段，无法按辖区限定",
            f"{item['standard']} has no field that says where a person lives, so it cannot be limited to divisions",
        )


def _predicates(at: tuple[str, int], item: Mapping[str, Any], standard: Published) -> Iterator[Problem]:
    if not item["fields"] and not item.get("predicates"):
        yield Problem(pointer(*at, "fields"), "至少授权一个字段或一道判断题", "grant at least one field or question")
    seen: set[str] = set()
    for place, each in enumerate(item.get("predicates", ())):
        if each["name"] not in standard.predicates:
            yield Problem(
                pointer(*at, "predicates", place, "name"),
                "该标准没有这道判断题",
                "the standard has no such question",
            )
        elif each["digest"] != standard.predicates[each["name"]]:
            yield Problem(
                pointer(*at, "predicates", place, "digest"),
                "与已公布的判断题不一致",
                "differs from the digest of the published question",
            )
        if each["name"] in seen:
            yield Problem(pointer(*at, "predicates", place, "name"), "不得重复", "the same value stands here twice")
        seen.add(each["name"])
    if "question_budget" in item and not item.get("predicates"):
        yield Problem(
            pointer(*at, "question_budget"), "没有授权判断题", "there are no questions that it could be the budget of"
        )


def _consent_rule(
    position: int, item: Mapping[str, Any], document: Mapping[str, Any], world: World
) -> Iterator[Problem]:
    basis = next((basis for basis in document["legal_basis"] if basis["id"] == item["legal_basis"]), None)
    if basis is None:
        yield Problem(
            pointer("items", position, "legal_basis"), "legal_basis 中没有这个编号", "no legal_basis has this id"
        )
    elif world.lawful_bases.get(basis["type"]) and item["consent"] != "required":
        yield Problem(
            pointer("items", position, "consent"),
            "以个人同意为合法性基础时应为 required",
            "must be 'required' when consent is the legal basis",
        )


def _hours(document: Mapping[str, Any]) -> Iterator[Problem]:
    hours = document["access"]["hours"]
    if hours is not None and hours["from"] >= hours["until"]:
        yield Problem("/access/hours/until", "须晚于 from", "must be later than 'from'")


def _hidden_from_the_resident(document: Mapping[str, Any]) -> Iterator[Problem]:
    """PIPL 17, 18 and 35: who is not told at once must not be told by a law, which is named."""
    told_at_once, basis = document["subject_visibility"] == "immediate", document.get("subject_visibility_basis")
    if not told_at_once and basis is None:
        yield Problem(
            "/subject_visibility_basis",
            "推迟或不告知当事人须写明法律依据（个人信息保护法第十八条、第三十五条）",
            "name the law by which the resident is told later or not at all (PIPL 18 and 35)",
        )


def _validity(document: Mapping[str, Any], world: World) -> Iterator[Problem]:
    instants: dict[str, datetime] = {}
    for name, text in document["validity"].items():
        try:
            if text is not None:
                instants[name] = parse_rfc3339(text)
        except ValueError:
            yield Problem(pointer("validity", name), "没有这个时刻", "there is no such instant")
    if "from" not in instants or "until" not in instants:
        return
    if instants["until"] <= instants["from"]:
        yield Problem("/validity/until", "须晚于 from", "must be later than 'from'")
    if instants["until"] <= world.now:
        yield Problem("/validity/until", "已经过去", "has already passed")
    if "review_by" in instants and not instants["from"] < instants["review_by"] < instants["until"]:
        yield Problem("/validity/review_by", "须在有效期之内", "must lie between 'from' and 'until'")
