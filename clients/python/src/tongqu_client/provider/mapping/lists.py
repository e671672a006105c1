"""Lists in a flat table: the row as the one item of its record, or rows that somebody must put together first.

If the subject is another in every row, a tenant's columns in it are the one tenant of that record (the crosswalk's
``"each": ""``). If it comes again, the rows are items of one record, and a crosswalk, which looks at one row, waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from standards import Standard

from tongqu_client.provider.mapping.doubt import Certainty, Doubt
from tongqu_client.provider.mapping.model import Choice
from tongqu_client.provider.mapping.profile import Profile

EVERY_ROW = 0.98  # different subjects among the rows
_TO_JOIN = (
    "属列表 {} 的一项：一行一项的表须先合并成列表（如数据库视图输出 JSON），对照表再用 each",
    "part of the list {}: rows that are its items must first be put together, for the crosswalk's each",
)
_ONE = ("作为列表 {} 的唯一一项", "as the only item of the list {}")
_LACKS = (
    "属列表 {} 的一项，但缺少必填的 {}，给出后（{}）才提供",
    "part of the list {}, but {} is required with it: give it ({})",
)


def in_lists(standard: Standard, choices: Sequence[Choice], profiles: Mapping[str, Profile]) -> list[Choice]:
    """Parts of list items: of the row's own item if it can be whole and the row is a record, else waiting."""
    lists = [element.path for element in standard.elements if element.kind == "array"]
    single = _a_record_each(standard, choices, profiles)
    result = list(choices)
    for path in lists:
        parts = [index for index, choice in enumerate(result) if _within(choice.element.path, lists) == path]
        found = [index for index in parts if result[index].state != "open"]
        if not any(result[index].columns for index in found):
            continue
        lacking = [
            result[index].element.path
            for index in parts
            if result[index].element.required and result[index].state in ("open", "waiting")
        ]
        flat = "." not in path and all(result[index].element.path.count(".") == 1 for index in found)
        for index in found:
            result[index] = _placed(result[index], path, lacking, whole=single and flat)
    return result


def _within(path: str, lists: Sequence[str]) -> str | None:
    """The innermost list an element is part of the items of."""
    return max((one for one in lists if path.startswith(f"{one}.")), key=len, default=None)


def _a_record_each(standard: Standard, choices: Sequence[Choice], profiles: Mapping[str, Profile]) -> bool:
    """Whether every row is of another subject."""
    subject = next((one for one in choices if one.element.path == standard.subject_field), None)
    if subject is None or len(subject.columns) != 1 or subject.state != "mapped":
        return False
    seen = profiles[subject.columns[0]]
    return seen.count > 0 and seen.distinct >= EVERY_ROW * seen.count


def _placed(choice: Choice, path: str, lacking: Sequence[str], *, whole: bool) -> Choice:
    if not whole or choice.state == "waiting":
        zh, en = (text.format(path) for text in _TO_JOIN)
    elif lacking:
        flags = " ".join(f"--set {one}=…" for one in lacking)
        zh, en = _LACKS[0].format(path, "、".join(lacking), flags), _LACKS[1].format(path, ", ".join(lacking), flags)
    else:
        zh, en = (text.format(path) for text in _ONE)
    waits = not whole or bool(lacking)
    certainty: Certainty | None = choice.certainty
    if certainty == "certain":
        certainty = "likely"
    return replace(
        choice,
        state="waiting" if waits else choice.state,
        certainty=certainty if not waits or certainty else "likely",
        doubts=(*choice.doubts, Doubt(zh, en)),
        zh=f"{choice.zh}；{zh}",
        en=f"{choice.en}; {en}",
    )


def required_lists(standard: Standard, choices: Sequence[Choice], skip: Collection[str]) -> list[Choice]:
    """Lists the standard requires at the top and no row gives."""
    given = {one.element.path.partition(".")[0] for one in choices if one.state not in ("open", "waiting")}
    zh, en = "标准必填的列表，单元格给不出", "a list the standard requires, which no cell can give"
    return [
        Choice(element, True, "open", zh=zh, en=en)
        for element in standard.elements
        if element.kind == "array"
        and element.required
        and "." not in element.path
        and element.path not in {*skip, *given}
    ]


def as_rules(standard: Standard, rules: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Rules by path, those of a list's items put into the rule of the list."""
    lists = [element.path for element in standard.elements if element.kind == "array"]
    found: dict[str, Any] = {}
    for path, rule in rules.items():
        holder = _within(path, lists)
        if holder is None:
            found[path] = rule
        else:
            found.setdefault(holder, {"each": "", "targets": {}})["targets"][path.removeprefix(f"{holder}.")] = rule
    return found
