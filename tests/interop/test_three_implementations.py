"""A standard means the same to everybody: three JSON Schema implementations agree on every record.

The validator of the gateway (in Rust), the ``jsonschema`` package (in Python) and Ajv (in JavaScript), with the formats
written anew for the last two. The records: every published example, and what 200 seeded changes make of them for each
standard. Whatever lies under standards/schemas and standards/examples is taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import standards
from standards import documents
from standards.validate import Validator
from tests.interop import npm, second_opinion
from tests.interop.mutations import mutated

MUTATIONS = 200  # for each standard
OTHER_MUTATIONS = 50  # for each meta-schema of crosswalks, forms and indicators
HERE = Path(standards.__file__).parent
STANDARDS = sorted("/".join(path.with_suffix("").parts[-2:]) for path in (HERE / "schemas").glob("*/*.json"))
DOCUMENTS: dict[str, documents.Kind] = {
    "examples/crosswalks/*.json": "crosswalk",
    "examples/forms/*.json": "form",
    "indicators/*/*.json": "indicator",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One record for one schema, and how it came about."""

    schema: str
    name: str
    record: Any
    expected: bool | None  # None: whatever they say, they say it together


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _examples(standard: str) -> list[Case]:
    folder = HERE / "examples" / standard
    return [
        Case(standard, f"{kind}/{path.stem}", _read(path), kind == "valid")
        for kind in ("valid", "invalid")
        for path in sorted((folder / kind).glob("*.json"))
    ]


def _changed(cases: list[Case], count: int) -> list[Case]:
    """So many changed records, made from the valid ones in turn."""
    whole = [case for case in cases if case.expected]
    chosen = [(whole[number % len(whole)], str(number)) for number in range(count)]
    return [
        Case(case.schema, f"{case.name} changed by {seed}", mutated(case.record, f"{case.name} {seed}"), None)
        for case, seed in chosen
    ]


@cache
def cases_of(schema: str) -> list[Case]:
    """Of a standard, or of a kind of documents."""
    if schema in STANDARDS:
        return [*(own := _examples(schema)), *_changed(own, MUTATIONS)]
    (pattern,) = (pattern for pattern, kind in DOCUMENTS.items() if kind == schema)
    found = [Case(schema, path.parent.name + path.stem, _read(path), True) for path in sorted(HERE.glob(pattern))]
    return [*found, *_changed(found, OTHER_MUTATIONS)]


SCHEMAS: dict[str, dict[str, Any]] = {
    **{standard: _read(HERE / "schemas" / f"{standard}.json") for standard in STANDARDS},
    **{kind: dict(documents.meta_schema(kind)) for kind in DOCUMENTS.values()},
}


@pytest.fixture(scope="module")
def javascript() -> dict[str, list[bool]]:
    """What Ajv says of every case, by schema."""
    npm.libraries("no third implementation reads the standards here")
    everything = [case for schema in SCHEMAS for case in cases_of(schema)]
    records = [{"schema": case.schema, "record": case.record} for case in everything]
    said = iter(npm.run("validate.mjs", {"schemas": SCHEMAS, "records": records}))
    return {schema: [next(said) for _ in cases_of(schema)] for schema in SCHEMAS}


def _differences(cases: list[Case], one: list[bool], other: list[bool]) -> list[tuple[str, bool, bool]]:
    return [(case.name, a, b) for case, a, b in zip(cases, one, other, strict=True) if a != b]


@cache
def _ours(schema: str) -> list[bool]:
    validator = Validator.of_ours(SCHEMAS[schema])
    return [validator.ok(case.record) for case in cases_of(schema)]


@pytest.mark.parametrize("standard", STANDARDS)
def test_there_are_examples_to_agree_on(standard: str) -> None:
    assert {case.expected for case in cases_of(standard)} == {True, False, None}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_ours_says_of_each_example_what_its_folder_says(schema: str) -> None:
    wrong = [
        case.name for case, ok in zip(cases_of(schema), _ours(schema), strict=True) if case.expected not in (None, ok)
    ]
    assert wrong == []


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_second_in_python_agrees_on_every_record(schema: str) -> None:
    second = second_opinion.validator(SCHEMAS[schema])
    assert (
        _differences(cases_of(schema), _ours(schema), [second.is_valid(case.record) for case in cases_of(schema)]) == []
    )


@pytest.mark.node
@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_one_in_javascript_agrees_on_every_record(schema: str, javascript: dict[str, list[bool]]) -> None:
    assert _differences(cases_of(schema), _ours(schema), javascript[schema]) == []


@pytest.mark.parametrize("standard", STANDARDS)
def test_the_changed_records_are_worth_asking_about(standard: str) -> None:
    """Neither all good nor all bad, or agreement would say nothing."""
    good = sum(ok for case, ok in zip(cases_of(standard), _ours(standard), strict=True) if case.expected is None)
    assert 0 < good < MUTATIONS * 0.7
