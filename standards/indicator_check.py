"""Is this document an indicator that every source computes alike? What is proved before it is compiled.

The closed schema (indicator.schema.json); that the standard exists; that each comparison fits its element and each
constant is a value the element can have; that no range is empty; that nothing picks out a person by number or name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from standards import registry
from standards.indicator_conditions import condition as compiled
from standards.indicator_elements import Finding, kind_of, used
from standards.rules import Problem
from standards.standard import Standard
from standards.validate import Validator, beyond_bounds

SCHEMA = Path(__file__).parent / "indicator.schema.json"
MAX_COMPARISONS = 200  # in one indicator; each is looked at once for each record
LONGEST_LOCAL_CODE = 16  # characters; a longer text about a person may be a name, an address or a number


def problems(document: object) -> list[Problem]:
    """Everything that keeps this document from being compiled to an indicator; an empty list if nothing does."""
    if not isinstance(document, dict):
        return [Problem("", "not_an_object", "统计指标应为 JSON 对象", "an indicator is a JSON object")]
    if too_big := beyond_bounds(document):
        return [Problem("", "too_large", too_big.zh, too_big.en)]
    if found := _validator().errors(document):
        return [Problem(one.pointer, f"meta:{one.rule}", one.zh, one.en) for one in found]
    try:
        standard = registry.get(document["standard"])
    except registry.UnknownStandard:
        return [Problem("/standard", "standard_unknown", "没有这个标准或版本", "no such standard or version")]
    comparisons = list(_comparisons_of(document))
    if len(comparisons) > MAX_COMPARISONS:
        return [Problem("", "too_large", f"比较多于 {MAX_COMPARISONS} 个", f"more than {MAX_COMPARISONS} comparisons")]
    return [problem for place, one in comparisons for problem in _comparison(one, standard, place)]


@cache
def _validator() -> Validator:
    return Validator.of_ours(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _comparisons_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each comparison with its place: in the population, the filter and the part of a ratio."""
    if "where" in document["population"]:
        yield from _comparisons(document["population"]["where"], "/population/where")
    if "filter" in document:
        yield from _comparisons(document["filter"], "/filter")
    if "part" in document["aggregation"]:
        yield from _comparisons(document["aggregation"]["part"], "/aggregation/part")


def _comparisons(condition: Mapping[str, Any], place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "not" in condition:
        yield from _comparisons(condition["not"], f"{place}/not")
    elif "element" in condition:
        yield place, condition
    else:
        ((joined, parts),) = condition.items()
        for index, part in enumerate(parts):
            yield from _comparisons(part, f"{place}/{joined}/{index}")


def _comparison(condition: Mapping[str, Any], standard: Standard, place: str) -> Iterator[Problem]:
    try:
        compiled(condition, standard, place)
    except Finding as finding:
        yield finding.problem
        return
    ((operator, wanted),) = ((key, value) for key, value in condition.items() if key != "element")
    if operator in ("is", "in") and _names_somebody(standard, condition["element"]):
        yield Problem(
            f"{place}/{operator}",
            "names_somebody",
            "不得按证件号码、姓名等逐个挑出当事人",
            "no indicator picks out people by number, name or the like",
        )
    elif operator in ("between", "age") and _is_empty(wanted, operator):
        yield Problem(f"{place}/{operator}", "empty_range", "范围内没有值", "there is nothing in this range")


def _names_somebody(standard: Standard, path: str) -> bool:
    element = used(standard, path, "").element
    about_people = element.sensitivity != "none"
    long = kind_of(element) == "text" and int(element.schema.get("maxLength", 0)) > LONGEST_LOCAL_CODE
    return path == standard.subject_field or kind_of(element) == "resident" or (about_people and long)


def _is_empty(wanted: Mapping[str, Any], operator: str) -> bool:
    if operator == "age":
        return int(wanted.get("at_least", 0)) >= int(wanted.get("less_than", 1000))
    first, last = str(wanted.get("from", "")), str(wanted.get("to", "9999-12-31"))
    return not first.startswith("period_") and not last.startswith("period_") and first > last  # ISO 8601 sorts as text
