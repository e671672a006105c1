"""What a form asks that a department already holds: one source for each data item (一数一源).

Regulation on Government Data Sharing (政务数据共享条例), article 19: what sharing can give is not collected again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from standards.form_check import titled
from standards.standard import Element, Standard, UnknownField


@dataclass(frozen=True, slots=True)
class Finding:
    """One field of a form against what departments hold.

    ``held``: it asks people for an element that the holder has. ``alike``: it asks for something of the same name or
    title as an element that the holder has; a person decides. ``no_holder``: it is to be filled in, and nobody has it.
    ``element`` is ``standard#path``, the one that is held; holder and element are empty where there is none.
    """

    pointer: str
    kind: Literal["held", "alike", "no_holder"]
    element: str
    holder_zh: str
    holder_en: str
    zh: str
    en: str


def already_held(document: Mapping[str, Any], held: Iterable[Standard]) -> list[Finding]:
    """What a form that passed ``check`` asks of people although one of the standards in ``held`` has it.

    ``held``: the standards whose records some department serves. The number that says who a record is about must be
    asked, so it is no finding. A list without ``held`` findings may be published.
    """
    known = list(held)
    return [
        finding
        for index, one in enumerate(document["fields"])
        if (finding := _finding(one, known, f"/fields/{index}")) is not None
    ]


def _finding(field: Mapping[str, Any], held: list[Standard], place: str) -> Finding | None:
    same = _same(field["element"], held) if "element" in field else None
    if field.get("value") == "filled-in":
        if same is not None:
            return None
        return Finding(
            place,
            "no_holder",
            "",
            "",
            "",
            "没有部门提供这一项，无法预填",
            "no department serves it, so it cannot be filled in",
        )
    if same is not None:
        standard, element = same
        return None if element.path == standard.subject_field else _held("held", place, standard, element)
    if "new" in field:
        other = titled(field["new"]["title"], held) or _elsewhere(field["new"]["name"], held)
    else:
        other = _elsewhere(field["element"].partition("#")[2], held)
    return _held("alike", place, *other) if other else None


def _same(named: str, held: list[Standard]) -> tuple[Standard, Element] | None:
    """The element in a held standard of the same name, whatever its version."""
    name, _, path = named.partition("#")
    for standard in held:
        if standard.name == name.split("/")[0]:
            try:
                return standard, standard.element(path)
            except UnknownField:
                continue
    return None


def _elsewhere(path: str, held: list[Standard]) -> tuple[Standard, Element] | None:
    """An element of the same path in a held standard, which may be the same fact."""
    for standard in held:
        if path != standard.subject_field:
            try:
                return standard, standard.element(path)
            except UnknownField:
                continue
    return None


def _held(kind: Literal["held", "alike"], place: str, standard: Standard, element: Element) -> Finding:
    named = f"{standard.id}#{element.path}"
    holder_zh, holder_en = element.authority_zh, element.authority_en
    if kind == "held":
        zh, en = (
            f"「{element.zh}」{holder_zh} 已掌握（{named}），不得重复采集，请改为预填",
            (f'"{element.en}" is already held by {holder_en} ({named}): it is not collected again but filled in'),
        )
    else:
        zh, en = (
            f"{holder_zh} 掌握的「{element.zh}」（{named}）可能就是这一项，请核对",
            (f'"{element.en}", held by {holder_en} ({named}), may be the same: please compare'),
        )
    return Finding(place, kind, named, holder_zh, holder_en, zh, en)
