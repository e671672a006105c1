"""What departments call an element, as data (synonyms.json): names, roles of people, and what is left out on purpose.

An element is looked up as ``standard.element``, then by its path, then by its own name. The text
of an address goes by the name of the address (``domicileAddress.text``: 户籍地址).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from standards.standard import Element, Standard

FILE = Path(__file__).parent / "synonyms.json"
# parts that mean another thing in each standard: the names of one say nothing of the other
OF_EACH = frozenset({"name", "status", "title", "level", "number", "unit", "kind", "code", "address", "text", "office"})
FULL_TEXT = frozenset({"text", "fullText"})  # the parts of an address that hold the whole of it


@dataclass(frozen=True, slots=True)
class Called:
    """``exact``: names that mean this element. ``near``: names that may mean it, or something close to it."""

    exact: Sequence[str]
    near: Sequence[str]
    shared: (
        bool | None
    )  # the names are those of any such thing (身份证号), not of this one (监护人身份证号); None: all there are


@cache
def document() -> Mapping[str, Any]:
    """synonyms.json, read once."""
    read: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return read


def called(standard: Standard, element: Element) -> Called:
    """The known names of an element, without its title; both lists may be empty."""
    holder, _, last = element.path.rpartition(".")
    keys = [f"{standard.name}.{element.path}", element.path]
    if last in FULL_TEXT and holder:
        keys += [f"{standard.name}.{holder}", holder]
    keys.append(last)
    exact, near = document()["elements"], document()["near"]
    key = next((one for one in keys if one in exact), "")
    beside = exact[last] if last in FULL_TEXT and holder and key != last else []
    if key.startswith(f"{standard.name}.") and last not in OF_EACH:  # its own names do not make the common ones wrong
        beside = [*beside, *exact.get(last, []), *near.get(last, [])]
    if last == "divisionCode":  # a finer code is one of the division as well
        beside = [*beside, *exact["streetCode"], *exact["communityCode"]]
    return Called(exact.get(key, []), [*near.get(key, []), *beside], key == last and "." in element.path)


def office(standard: Standard, element: Element) -> Called | None:
    """Name and code of an office go by the name of the office (责任单位); None for any other element."""
    holder, _, last = element.path.rpartition(".")
    if last not in ("uscc", "name") or not holder:
        return None
    above = standard.element(holder)
    if above.schema.get("properties", {}).keys() != {"uscc", "name"}:
        return None
    names = list(dict.fromkeys([above.zh, *called(standard, above).exact]))
    chinese = [name for name in names if not name.isascii()]
    endings = ("名称",) if last == "name" else ("统一社会信用代码", "信用代码", "代码", "编码", "机构代码")
    latin = [name for name in names if name.isascii() and "_" not in name]
    suffixes = ("_NAME",) if last == "name" else ("_CODE", "_USCC", "_ID")
    spelt = [name + ending for name in chinese for ending in endings] + [
        name + end for name in latin for end in suffixes
    ]
    return Called(spelt + names, called(standard, above).near, None)


def subject_roles(standard: Standard) -> frozenset[str]:
    """Roles that usually are the very person a record of this standard is about (the householder of a ledger)."""
    return frozenset(document()["subjects"].get(standard.name, ()))


def same_roles(standard: Standard) -> Mapping[str, str]:
    """Roles that in this standard go by another name (女方 of a marriage is the spouse of the one recorded)."""
    found: Mapping[str, str] = document()["same"].get(standard.name, {})
    return found


def not_carried() -> Mapping[str, Mapping[str, Any]]:
    """What no standard carries, by topic: ``zh``, ``en`` (why), ``names`` (of such columns)."""
    found: Mapping[str, Mapping[str, Any]] = document()["notCarried"]
    return found
