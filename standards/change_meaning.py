"""Changes that no record shows: texts, and what a standard says about its elements beside their limits.

Texts ask for a patch. Protection, responsibility and sources of codes ask for a minor version. What changes the meaning
of a request or of a value that stays the same (the subject, the field for jurisdiction, how many records a person has,
the unit, the meaning of a code) asks for a major one: everything would still validate, and be read wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from standards import change_words as words
from standards import codelists
from standards.change_words import Name

Schema = Mapping[str, Any]
Annotation = tuple[str, tuple[str, str], str]  # keyword, sentence, bump

_BUMP = {
    "title": "patch",
    "x-en": "patch",
    "description": "patch",
    "x-standard": "patch",
    "x-consumers": "patch",
    "x-domain": "patch",
    "x-matters": "patch",
    "x-element": "patch",
    "x-subject": "major",
    "x-jurisdiction": "major",
    "x-cardinality": "major",
    "x-unit": "major",
}


def annotated(old: Schema, new: Schema, name: Name) -> Iterator[Annotation]:
    """What is said differently about one element, or about the standard as a whole."""
    for keyword in sorted(old.keys() | new.keys()):
        before, after = old.get(keyword), new.get(keyword)
        if before == after or not (keyword in _BUMP or keyword.startswith("x-")):
            continue
        if keyword == "x-codelist":
            yield from _other_list(old, new, name)
        else:
            yield keyword, words.annotation(keyword, name, before, after), _BUMP.get(keyword, "minor")
    if _id_name(old) != _id_name(new):
        yield "$id", words.annotation("$id", name, _id_name(old), _id_name(new)), "major"


def _other_list(old: Schema, new: Schema, name: Name) -> Iterator[Annotation]:
    moved = moved_codes(old, new)
    yield (
        "x-codelist",
        words.code_list(name, old.get("x-codelist"), new.get("x-codelist"), moved),
        "major" if moved else "minor",
    )


def moved_codes(old: Schema, new: Schema) -> list[tuple[str, codelists.Code, codelists.Code]]:
    """Codes of both versions whose name is not the same in the two code lists."""
    try:
        before, after = (codelists.get(schema["x-codelist"]).codes for schema in (old, new))
    except KeyError:  # one of them names no list, or one that is not published
        return []
    both = [code for code in old.get("enum", ()) if code in new.get("enum", ())]
    return [
        (code, before[code], after[code])
        for code in both
        if code in before and code in after and before[code].zh != after[code].zh
    ]


def _id_name(schema: Schema) -> str | None:
    """The name of the standard without its version; None for an element."""
    return str(schema["$id"]).rsplit("/", 2)[-2] if "$id" in schema else None
