"""Standards to compare, the edits of them, and the second implementation that every example is shown to."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any

import jsonschema
import referencing

import standards
from standards.identifiers import is_resident_id, is_uscc
from standards.validate import Validator

Document = dict[str, Any]
Edit = Callable[[Document], None]
PERSON, RESIDENCE, ASSISTANCE = "person-basic/1.0.0", "residence-record/1.0.0", "social-assistance/1.0.0"
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII)


def second_implementation(schema: Document) -> jsonschema.Draft202012Validator:
    """The library ``jsonschema`` with the dialect's formats asserted."""
    formats = jsonschema.FormatChecker(formats=["date"])
    formats.checks("cn-resident-id")(is_resident_id)
    formats.checks("cn-uscc")(is_uscc)
    formats.checks("date-time")(_is_time)
    return jsonschema.Draft202012Validator(schema, registry=referencing.Registry(), format_checker=formats)


def _is_time(text: object) -> bool:
    if not isinstance(text, str):
        return True
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return _TIME.fullmatch(text) is not None


def both_take(schema: Document, record: object) -> bool:
    return Validator.of(schema).ok(record) and bool(second_implementation(schema).is_valid(record))


def both_refuse(schema: Document, record: object) -> bool:
    return not Validator.of(schema).ok(record) and not second_implementation(schema).is_valid(record)


def edited(standard: str, *edits: Edit) -> tuple[Document, Document]:
    """The published schema, and a copy of it after the edits."""
    old = standards.get(standard).schema
    new = deepcopy(old)
    for edit in edits:
        edit(new)
    return old, new


def at(document: Document, path: str) -> Document:
    """The element at a dotted path, through lists too."""
    for name in path.split(".") if path else ():
        document = inside(document)["properties"][name]
    return document


def inside(document: Document) -> Document:
    """The object that holds the members: of a list, its items."""
    found: Document = document.get("items", document)
    return found


def change(path: str, **keywords: Any) -> Edit:
    """Set keywords of an element; None takes one away. ``x_mask`` stands for ``x-mask``."""

    def edit(document: Document) -> None:
        element = at(document, path)
        for keyword, value in keywords.items():
            name = keyword.replace("_", "-")
            element.pop(name, None)
            if value is not None:
                element[name] = value

    return edit


def _split(path: str) -> tuple[str, str]:
    holder, _, name = path.rpartition(".")
    return holder, name


def add(path: str, *, must: bool = False, **keywords: Any) -> Edit:
    """A new text of 1 to 20 digits, unless ``keywords`` say otherwise."""

    def edit(document: Document) -> None:
        holder = inside(at(document, _split(path)[0]))
        if _split(path)[1] in holder["properties"]:
            raise ValueError(f"there already: {path}")
        base = {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[0-9]+$"}
        holder["properties"][_split(path)[1]] = {
            "title": "新的一项",
            "x-en": "Something new",
            "description": "新的。 / New.",
            "x-standard": "local",
            "x-sensitivity": "none",
            "x-authority": {"zh": "民政", "en": "Civil affairs"},
            **(keywords or base),
        }
        if must:
            holder["required"].append(_split(path)[1])

    return edit


def remove(path: str) -> Edit:
    def edit(document: Document) -> None:
        holder, name = inside(at(document, _split(path)[0])), _split(path)[1]
        del holder["properties"][name]
        if name in holder["required"]:
            holder["required"].remove(name)

    return edit


def rename(path: str, name: str) -> Edit:
    def edit(document: Document) -> None:
        holder, old = inside(at(document, _split(path)[0])), _split(path)[1]
        if name in holder["properties"] or old not in holder["properties"]:
            raise ValueError(f"cannot be renamed: {path}")
        holder["properties"] = {name if key == old else key: part for key, part in holder["properties"].items()}
        holder["required"] = [name if key == old else key for key in holder["required"]]

    return edit


def require(path: str) -> Edit:
    def edit(document: Document) -> None:
        holder, name = inside(at(document, _split(path)[0])), _split(path)[1]
        if name in holder["required"] or name not in holder["properties"]:
            raise ValueError(f"cannot become required: {path}")
        holder["required"].append(name)

    return edit


def free(path: str) -> Edit:
    return lambda document: inside(at(document, _split(path)[0]))["required"].remove(_split(path)[1])


def codes(path: str, *, plus: tuple[str, ...] = (), minus: tuple[str, ...] = ()) -> Edit:
    def edit(document: Document) -> None:
        element = at(document, path)
        element["enum"] = [code for code in element["enum"] if code not in minus] + list(plus)
        if plus:
            element.pop("x-codelist", None)

    return edit


def whole(**keywords: Any) -> Edit:
    """Set keywords of the standard itself."""
    return lambda document: document.update({name.replace("_", "-"): value for name, value in keywords.items()})


def kind(path: str, **keywords: Any) -> Edit:
    """Another type: what is not an annotation is replaced."""

    def edit(document: Document) -> None:
        element = at(document, path)
        for keyword in [name for name in element if not name.startswith("x-") and name not in ("title", "description")]:
            del element[keyword]
        for keyword in ("x-codelist", "x-mask"):
            element.pop(keyword, None)
        element.update(keywords)

    return edit
