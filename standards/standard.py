"""One published standard: its elements, its digest, and validators for the whole of it or for some of its fields."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import rfc8785

from standards.validate import Validator

MAX_PROFILES = 256  # compiled validators kept per standard; an agreement's set of fields is one of them

Schema = Mapping[str, Any]


class UnknownField(KeyError):
    """The standard has no such field."""


@dataclass(frozen=True, slots=True)
class Element:
    """One data element. ``path`` is dotted (``residenceAddress.divisionCode``); parts of list items have no index."""

    path: str
    zh: str
    en: str
    standard: str
    codelist: str | None
    sensitivity: str  # none | personal | sensitive
    sensitivity_category: str | None
    mask: str | None
    authority_zh: str
    authority_en: str
    required: bool  # within the object that holds it
    kind: str  # string | boolean | integer | object | array
    schema: Schema = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard as published. Frozen, except for the cache of compiled validators."""

    id: str  # person-basic/1.0.0
    schema: dict[str, Any] = field(repr=False, hash=False, compare=False)
    digest: str  # sha-256:<hex> over the RFC 8785 bytes of the schema
    zh: str
    en: str
    authority_zh: str
    authority_en: str
    sharing_attribute: str
    subject_field: str
    subject_scheme: str
    jurisdiction_field: str | None
    cardinality: str  # one | many: records per subject
    elements: tuple[Element, ...] = field(repr=False, hash=False, compare=False)
    _validators: dict[tuple[str, ...] | None, Validator] = field(
        default_factory=dict, repr=False, hash=False, compare=False
    )

    @classmethod
    def of(cls, document: dict[str, Any]) -> Standard:
        """Read a schema document that obeys the meta-schema (see standards.check); raises KeyError if it does not."""
        return cls(
            id="/".join(document["$id"].rsplit("/", 2)[1:]),
            schema=document,
            digest="sha-256:" + hashlib.sha256(rfc8785.dumps(document)).hexdigest(),
            zh=document["title"],
            en=document["x-en"],
            authority_zh=document["x-authority"]["zh"],
            authority_en=document["x-authority"]["en"],
            sharing_attribute=document["x-sharing-attribute"],
            subject_field=document["x-subject"]["field"],
            subject_scheme=document["x-subject"]["scheme"],
            jurisdiction_field=document["x-jurisdiction"],
            cardinality=document["x-cardinality"],
            elements=tuple(_elements(document, "")),
        )

    @property
    def name(self) -> str:
        return self.id.split("/")[0]

    @property
    def version(self) -> str:
        return self.id.split("/")[1]

    @property
    def top_level(self) -> tuple[str, ...]:
        """The names of the fields at the top, in order."""
        return tuple(self.schema["properties"])

    def element(self, path: str) -> Element:
        """The element at a dotted path. Raises UnknownField."""
        for element in self.elements:
            if element.path == path:
                return element
        raise UnknownField(path)

    def takes_subject(self, identifier: str) -> bool:
        """Whether this is an identifier of the standard's scheme: its form and its check digit, not that it exists."""
        record: object = identifier
        for step in reversed(self.subject_field.split(".")):
            record = {step: record}
        return self.validator((self.subject_field,)).ok(record)

    def validator(self, fields: tuple[str, ...] | None = None) -> Validator:
        """A compiled validator for the whole record, or for a *profile*: only these fields.

        A profile allows nothing else, and requires of these fields those that the standard requires. Naming an object
        or list (``residenceAddress``) takes the whole of it. Compiled once per set of fields. Raises UnknownField.
        """
        key = None if fields is None else set_of(fields)
        if key not in self._validators:
            if len(self._validators) >= MAX_PROFILES:
                self._validators.clear()
            self._validators[key] = Validator.of(self.schema if key is None else self._profile(key))
        return self._validators[key]

    def _profile(self, fields: tuple[str, ...]) -> dict[str, Any]:
        wanted: dict[str, Any] = {}
        for path in fields:
            self.element(path)
            _grow(wanted, path.split("."))
        return _cut(self.schema, wanted)


def bilingual(text: str) -> tuple[str, str]:
    """The Chinese and the English half of a description, which are joined by " / " (see the meta-schema)."""
    zh, _, en = text.partition(" / ")
    return zh, en


@lru_cache(maxsize=4096)
def set_of(fields: tuple[str, ...]) -> tuple[str, ...]:
    """The same fields in one order and once each: a key for caches."""
    return tuple(sorted(set(fields)))


def _elements(holder: Schema, prefix: str) -> Iterator[Element]:
    required = holder.get("required", ())
    for name, schema in holder["properties"].items():
        path = prefix + name
        yield Element(
            path,
            schema["title"],
            schema["x-en"],
            schema["x-standard"],
            schema.get("x-codelist"),
            schema["x-sensitivity"],
            schema.get("x-sensitivity-category"),
            schema.get("x-mask"),
            schema["x-authority"]["zh"],
            schema["x-authority"]["en"],
            name in required,
            schema["type"],
            schema,
        )
        inner = schema.get("items", schema)
        if "properties" in inner:
            yield from _elements(inner, f"{path}.")


def _grow(tree: dict[str, Any], steps: list[str]) -> None:
    """Add one path to the tree of wanted members. None means the whole, and a whole covers its parts."""
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        if step in tree and tree[step] is None:
            return
        if last:
            tree[step] = None
        else:
            tree = tree.setdefault(step, {})


def _cut(schema: Schema, wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    if wanted is None:
        return dict(schema)
    if "items" in schema:
        return {**schema, "items": _cut(schema["items"], wanted)}
    properties = {name: _cut(part, wanted[name]) for name, part in schema["properties"].items() if name in wanted}
    required = [name for name in schema.get("required", ()) if name in wanted]
    return {**schema, "properties": properties, "required": required}
