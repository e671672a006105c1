"""Questions about one record that are answered by yes or no (判断题), so that the record itself need not leave.

They are fixed beside the standard (``predicates/<standard>.json``, predicate.schema.json), threshold and all: who asks
cannot choose one, or twenty questions would tell an income to the yuan (threat T17). An agreement names a question by
its name and by the digest of what it means. No expressions, no code: one field, one test.

>>> adult = of("person-basic/1.0.0")["isAdult"]
>>> adult.answer({"birthDate": "2008-11-26"}, date(2026, 11, 26))
True
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as member
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import rfc8785

from standards import registry
from standards.rules import Problem
from standards.standard import Standard, UnknownField
from standards.validate import Validator

FOLDER = Path(__file__).parent / "predicates"
SCHEMA = Path(__file__).parent / "predicate.schema.json"


@dataclass(frozen=True, slots=True)
class Predicate:
    """One question. ``field`` is what the gateway must see of the record to answer it."""

    name: str
    zh: str
    en: str
    basis: str
    standard: str
    field: str
    digest: str  # sha-256:<hex> over the RFC 8785 bytes of standard and question
    _test: Callable[[Any, date], bool | None] = member(repr=False, compare=False)

    def answer(self, record: Mapping[str, Any], today: date) -> bool | None:
        """Yes, no, or None: the record does not say. ``record`` obeys the standard."""
        value: Any = record
        for step in self.field.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return self._test(value, today)


@cache
def of(standard_id: str) -> Mapping[str, Predicate]:
    """The questions of one version of a standard, by name; empty where there are none."""
    for path in FOLDER.glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["standard"] == standard_id:
            return MappingProxyType({one["name"]: _compiled(one, standard_id) for one in document["predicates"]})
    return MappingProxyType({})


def problems(document: object) -> list[Problem]:
    """Everything that is wrong with a file of questions; an empty list if nothing is."""
    if found := _validator().errors(document):
        return [Problem(one.pointer, f"meta:{one.rule}", one.zh, one.en) for one in found]
    assert isinstance(document, dict)
    try:
        standard = registry.get(document["standard"])
    except registry.UnknownStandard:
        return [Problem("/standard", "standard_unknown", "没有这个标准或版本", "no such standard or version")]
    return list(_sense(document, standard))


@cache
def _validator() -> Validator:
    return Validator.of_ours(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _sense(document: Mapping[str, Any], standard: Standard) -> Iterator[Problem]:
    paths = {element.path for element in standard.elements}
    seen: set[str] = set()
    for position, one in enumerate(document["predicates"]):
        at = f"/predicates/{position}"
        if one["name"] in paths or one["name"] in seen:
            yield Problem(f"{at}/name", "name_taken", "名称已被占用", "a field or another question has this name")
        seen.add(one["name"])
        try:
            schema = standard.element(one["field"]).schema
        except UnknownField:
            yield Problem(f"{at}/field", "field_unknown", "该标准没有这个字段", "the standard has no such field")
            continue
        if not _fits(one["test"], schema):
            yield Problem(f"{at}/test", "test_unfit", "该字段不能这样判断", "this test does not fit the field")


def _fits(test: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Can the field hold what the test compares?"""
    if "age_at_least" in test:
        return schema.get("format") == "date"
    if "one_of" in test:
        return schema.get("type") == "string" and set(test["one_of"]) <= set(schema.get("enum", test["one_of"]))
    if "is" in test:
        return schema.get("type") == "boolean"
    if "absent" in test:
        return True
    return schema.get("type") in ("integer", "number") or "[0-9]" in schema.get("pattern", "")


def _compiled(one: Mapping[str, Any], standard_id: str) -> Predicate:
    ((kind, limit),) = one["test"].items()
    meant = rfc8785.dumps({"standard": standard_id, **one})
    return Predicate(
        name=one["name"],
        zh=one["title_zh"],
        en=one["title_en"],
        basis=one["basis"],
        standard=standard_id,
        field=one["field"],
        digest="sha-256:" + hashlib.sha256(meant).hexdigest(),
        _test=_TESTS[kind](limit),
    )


def _age_at_least(years: int) -> Callable[[Any, date], bool | None]:
    """On the birthday itself the age is reached (民法典 1259); born on 29 February, on 1 March of other years."""

    def test(value: Any, today: date) -> bool | None:
        if not isinstance(value, str):
            return None
        born = date.fromisoformat(value)
        return (today.year - born.year) - ((today.month, today.day) < (born.month, born.day)) >= years

    return test


def _number(value: Any) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _below(limit: str) -> Callable[[Any, date], bool | None]:
    line = Decimal(limit)
    return lambda value, _today: None if (found := _number(value)) is None else found < line


def _at_least(limit: str) -> Callable[[Any, date], bool | None]:
    line = Decimal(limit)
    return lambda value, _today: None if (found := _number(value)) is None else found >= line


def _one_of(codes: list[str]) -> Callable[[Any, date], bool | None]:
    known = frozenset(codes)
    return lambda value, _today: value in known if isinstance(value, str) else None


def _is(wanted: bool) -> Callable[[Any, date], bool | None]:
    return lambda value, _today: value is wanted if isinstance(value, bool) else None


def _absent(_true: bool) -> Callable[[Any, date], bool | None]:
    return lambda value, _today: value is None


_TESTS: Mapping[str, Callable[[Any], Callable[[Any, date], bool | None]]] = {
    "age_at_least": _age_at_least,
    "below": _below,
    "at_least": _at_least,
    "one_of": _one_of,
    "is": _is,
    "absent": _absent,
}
