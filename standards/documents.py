"""The four kinds of document that departments write, each with its published meta-schema and its check.

``standard``, ``crosswalk``, ``form``, ``indicator``: declarative, closed, bounded, without references. Which kind a
document is shows in its members, and only there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from standards import crosswalk_check, form_check, indicator_check, indicators, rules
from standards.registry import REGISTRY
from standards.rules import Problem
from standards.standard import Standard
from standards.validate import beyond_bounds

Kind = Literal["standard", "crosswalk", "form", "indicator"]

META_SCHEMAS: Mapping[Kind, Path] = MappingProxyType(
    {
        "standard": rules.META_SCHEMA,
        "crosswalk": crosswalk_check.SCHEMA,
        "form": form_check.SCHEMA,
        "indicator": indicator_check.SCHEMA,
    }
)
NAMES: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        "standard": ("数据标准", "a standard"),
        "crosswalk": ("对照表", "a crosswalk"),
        "form": ("采集表单", "a form"),
        "indicator": ("统计指标", "an indicator"),
    }
)
_WITH_A_MARK: tuple[Kind, ...] = ("crosswalk", "form", "indicator")  # the member of this name holds kind and version


@cache
def meta_schema(kind: Kind) -> Mapping[str, Any]:
    """The published meta-schema of a kind. Its ``$id`` ends in ``/v1/meta/<kind>/<version>``."""
    document: dict[str, Any] = json.loads(META_SCHEMAS[kind].read_text(encoding="utf-8"))
    return MappingProxyType(document)


def kind_of(document: object) -> Kind:
    """Which kind of document this claims to be; what claims nothing is taken for a standard."""
    if isinstance(document, dict):
        for kind in _WITH_A_MARK:
            if kind in document:
                return kind
    return "standard"


def check(document: object, standards: Mapping[str, Standard] = REGISTRY) -> tuple[Kind, list[Problem]]:
    """The kind of a document, and everything that keeps it from being one; an empty list if nothing does.

    Crosswalks and forms are checked against the standards given, indicators against the published ones. Opens nothing,
    fetches nothing, and ends in bounded time whatever the document holds.
    """
    kind = kind_of(document)
    if kind == "form":
        return kind, form_check.check(document, standards)
    if kind == "indicator":
        return kind, indicators.check(document)
    if kind == "crosswalk":
        return kind, _crosswalk(document, standards)
    return kind, rules.check(document)


def _crosswalk(document: object, standards: Mapping[str, Standard]) -> list[Problem]:
    if too_big := beyond_bounds(document):
        return [Problem("", "too_large", too_big.zh, too_big.en)]
    named = document.get("standard") if isinstance(document, dict) else None
    if not isinstance(named, str) or named not in standards:
        return [Problem("/standard", "unknown_standard", "没有这个数据标准或版本", "no such standard or version")]
    try:
        crosswalk_check.checked(document, standards[named])
    except crosswalk_check.CrosswalkInvalid as error:
        return error.problems
    return []
