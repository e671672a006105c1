"""From a draft to a standard: what a draft takes from the dictionary of shared elements is written out in its place.

The dictionary (``elements/<group>.json``) holds each shared element once. A draft names one by ``x-element`` and may
say some things in its own words; it may only narrow what the dictionary allows, and only raise how sensitive it is.
The published file is complete in itself and holds no reference (docs/decisions/0017-elements.md).

>>> draft = {"x-authority": {"zh": "民政", "en": "Civil affairs"}, "properties": {"since": {"x-element": "date"}}}
>>> expand(draft)["properties"]["since"]["x-authority"]["en"]
'Civil affairs'
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from standards.rules import Problem
from standards.validate import beyond_bounds, pointer

FOLDER = Path(__file__).parent / "elements"
DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "unevaluatedProperties": False}
# The dictionary says so of what any department may keep (a date, a number of a case); a standard puts itself there.
KEEPER = {"zh": "保存该记录的部门", "en": "The department that keeps the record"}

MAX_NAMED = 500  # shared elements in one draft; our standards name at most 42
PERSON = "cn.resident-id"
OWN_WORDS = frozenset({"title", "x-en", "description", "x-standard", "x-authority"})
SENSITIVITY = ("none", "personal", "sensitive")
RAISED = frozenset({"minLength", "minimum", "minItems"})
LOWERED = frozenset({"maxLength", "maximum", "maxItems"})

Element = dict[str, Any]
Place = tuple[str, ...]
Silent = Mapping[str, Any]  # what the standard says for an element of the dictionary where the draft is silent


class DraftRefused(ValueError):
    """A draft asks of the dictionary what it may not have. ``problems`` tells each place and what to do."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.pointer or '/'}: {problem.en}" for problem in problems))


@cache
def dictionary() -> Mapping[str, Element]:
    """Every shared element by name, complete: an object has its parts written out."""
    raw: dict[str, Element] = {}
    for path in sorted(FOLDER.glob("*.json")):
        raw |= json.loads(path.read_text(encoding="utf-8"))["elements"]
    return MappingProxyType({name: _complete(name, raw) for name in raw})


def groups() -> dict[str, tuple[str, ...]]:
    """The names of the shared elements by group, in the order of the files."""
    files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
    return {group: tuple(document["elements"]) for group, document in files.items()}


def expand(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The standard that a draft means: each ``x-element`` written out, with the draft's own words and narrower limits.

    A published standard expands to itself. Nothing else is judged here: see standards.check. Raises DraftRefused.
    """
    if (too_big := beyond_bounds(draft)) or _named(draft) > MAX_NAMED:
        zh, en = (too_big.zh, too_big.en) if too_big else ("点名的共享数据元过多", "names too many shared elements")
        raise DraftRefused([Problem("", "too_large", zh, en)])
    problems: list[Problem] = []
    document = {**DIALECT, **copy.deepcopy(dict(draft))}
    _expand_parts(document, (), _where_silent(document), problems)
    if problems:
        raise DraftRefused(problems)
    return document


def departures(document: Mapping[str, Any]) -> list[Problem]:
    """Where a complete standard differs from the dictionary by more than a draft may; empty if nowhere."""
    try:
        expanded = expand(document)
    except DraftRefused as refused:
        return list(refused.problems)
    return list(_differences(dict(document), expanded, ()))


def _named(value: object) -> int:
    """How many shared elements a draft names: a short draft must not become a document without end."""
    if isinstance(value, Mapping):
        return ("x-element" in value) + sum(map(_named, value.values()))
    return sum(map(_named, value)) if isinstance(value, list) else 0


def _where_silent(document: Mapping[str, Any]) -> Silent:
    """The standard's own authority; and what is said of a person is personal, unless the draft says ``none``."""
    subject = document.get("x-subject")
    of_a_person = isinstance(subject, dict) and subject.get("scheme") == PERSON
    return {"x-authority": document.get("x-authority"), "x-sensitivity": "personal" if of_a_person else "none"}


def _complete(name: str, raw: Mapping[str, Element]) -> Element:
    element: Element = {"x-element": name, **copy.deepcopy(raw[name])}
    parts = _parts_of(element)
    for part, given in parts.items():
        if shared := given.get("x-element"):
            parts[part] = _complete(shared, raw) | given
    return element


def _parts_of(element: Element) -> Element:
    """The parts of an object, or of each item of a list; of anything else none."""
    holder = element.get("items", element)
    parts: Element = holder.get("properties", {})
    return parts


def _expand_parts(holder: Element, place: Place, silent: Silent, problems: list[Problem]) -> None:
    parts = holder.get("properties")
    if not isinstance(parts, dict):
        return
    for name, given in parts.items():
        here = (*place, "properties", str(name))
        if not isinstance(given, dict):
            continue
        if "x-element" in given:
            parts[name] = _from_dictionary(given, here, silent, problems)
        elif isinstance(given.get("items"), dict):
            _expand_parts(given["items"], (*here, "items"), silent, problems)
        else:
            _expand_parts(given, here, silent, problems)


def _from_dictionary(given: Element, place: Place, silent: Silent, problems: list[Problem]) -> Element:
    shared = dictionary().get(given["x-element"]) if isinstance(given["x-element"], str) else None
    if shared is None:
        zh, en = "数据元字典中没有这个名称", "the dictionary of shared elements has no such name"
        problems.append(Problem(pointer((*place, "x-element")), "element_unknown", zh, en))
        return given
    own = dict(given)
    if "x-sensitivity" not in own and shared["x-sensitivity"] == "none":
        own["x-sensitivity"] = silent["x-sensitivity"]
    base = copy.deepcopy(shared)
    if authority := own.get("x-authority") or silent["x-authority"]:
        _kept_by(authority, base)
    return _merged(base, own, place, problems)


def _kept_by(authority: object, element: Element) -> None:
    if element["x-authority"] == KEEPER:
        element["x-authority"] = copy.deepcopy(authority)
    for part in _parts_of(element).values():
        _kept_by(authority, part)


def _merged(base: Element, given: Element, place: Place, problems: list[Problem]) -> Element:
    element = dict(base)
    for keyword, value in given.items():
        if keyword == "properties" and isinstance(value, dict):
            element["properties"] = _merged_parts(base.get("properties", {}), value, (*place, "properties"), problems)
        elif keyword == "items" and isinstance(value, dict) and "items" in base:
            element["items"] = _merged(base["items"], value, (*place, "items"), problems)
        elif keyword in OWN_WORDS or _narrows(keyword, base.get(keyword), value, given):
            element[keyword] = value
        else:
            problems.append(_not_yours(keyword, place))
    _raise_parts(element)
    return element


def _merged_parts(base: Element, given: Element, place: Place, problems: list[Problem]) -> Element:
    parts = dict(base)
    for name, part in given.items():
        if name not in base:
            zh, en = "共享数据元没有这个部分", "the shared element has no such part"
            problems.append(Problem(pointer((*place, str(name))), "part_unknown", zh, en))
        elif isinstance(part, dict):
            parts[name] = _merged(base[name], part, (*place, str(name)), problems)
        else:
            problems.append(_not_yours(str(name), place))
    return parts


def _narrows(keyword: str, base: Any, value: Any, given: Element) -> bool:
    """Whether ``value`` may stand where the dictionary has ``base``: the same, or less, or more sensitive."""
    if value == base and type(value) is type(base):
        return True
    if keyword == "x-sensitivity":
        return value in SENSITIVITY and SENSITIVITY.index(value) > SENSITIVITY.index(base)
    if keyword == "x-sensitivity-category":
        return given.get("x-sensitivity") == "sensitive"
    if keyword == "x-mask":
        return base is None or value == "hidden"
    if keyword in RAISED or keyword in LOWERED:
        narrower = type(value) is int and (base is None or (value > base if keyword in RAISED else value < base))
        return narrower
    if keyword in ("enum", "required"):
        return isinstance(value, list) and isinstance(base, list) and _within(keyword, base, value)
    return False


def _within(keyword: str, base: list[Any], value: list[Any]) -> bool:
    smaller, larger = (value, base) if keyword == "enum" else (base, value)
    return bool(value) and all(each in larger for each in smaller)


def _raise_parts(element: Element) -> None:
    """What is sensitive as a whole is so in its parts."""
    if "x-sensitivity" not in element:
        return  # an item of a list: the list says it for its items
    parts = _parts_of(element)
    for name, part in parts.items():
        if SENSITIVITY.index(part["x-sensitivity"]) < SENSITIVITY.index(element["x-sensitivity"]):
            raised = {**part, "x-sensitivity": element["x-sensitivity"]}
            if category := element.get("x-sensitivity-category"):
                raised["x-sensitivity-category"] = category
            parts[name] = raised
            _raise_parts(raised)


def _not_yours(keyword: str, place: Place) -> Problem:
    return Problem(
        pointer((*place, keyword)),
        "not_narrower",
        f"共享数据元的 {keyword} 只能收窄（敏感程度只能提高）；需要别的含义时，请另写数据元，不用 x-element",
        f"{keyword} of a shared element may only be narrowed (its sensitivity only raised); for another meaning write "
        "an element of your own, without x-element",
    )


def _differences(written: Any, expanded: Any, place: Place) -> Iterator[Problem]:
    if isinstance(written, dict) and isinstance(expanded, dict):
        for name in expanded.keys() | written.keys():
            yield from _differences(written.get(name), expanded.get(name), (*place, str(name)))
    elif written != expanded:
        zh, en = "与数据元字典不一致，请以 expand 的结果为准", "differs from the dictionary: take what expand gives"
        yield Problem(pointer(place), "not_the_dictionary", zh, en)
