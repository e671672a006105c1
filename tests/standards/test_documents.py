"""Four kinds of document, told apart by their members; the meta-schema of each is closed and complete in itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing

import standards
from standards import documents

HERE = Path(standards.__file__).parent
WRITTEN = {
    **dict.fromkeys(sorted((HERE / "schemas").glob("*/*.json")), "standard"),
    **dict.fromkeys(sorted((HERE / "examples" / "crosswalks").glob("*.json")), "crosswalk"),
    **dict.fromkeys(sorted((HERE / "examples" / "forms").glob("*.json")), "form"),
    **dict.fromkeys(sorted((HERE / "indicators").glob("*/*.json")), "indicator"),
}
KINDS = list(documents.META_SCHEMAS)


@pytest.mark.parametrize(
    ("path", "kind"), WRITTEN.items(), ids=lambda each: each if isinstance(each, str) else each.stem
)
def test_each_is_of_its_kind_and_without_a_problem(path: Path, kind: str) -> None:
    assert documents.check(json.loads(path.read_text(encoding="utf-8"))) == (kind, [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_meta_schema_is_a_schema_at_the_address_of_its_kind(kind: documents.Kind) -> None:
    schema = dict(documents.meta_schema(kind))
    assert schema["$id"] == f"https://tongqu.example/v1/meta/{kind}/1.0.0"
    assert schema["title"] and schema["x-en"]
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("kind", KINDS)
def test_a_meta_schema_refers_to_nothing_outside_and_leaves_nothing_open(kind: documents.Kind) -> None:
    for part in _parts(dict(documents.meta_schema(kind))):
        assert part.get("$ref", "#/$defs/").startswith("#/$defs/")
        assert "$dynamicRef" not in part
        if isinstance(part.get("properties"), dict) and part.get("type") == "object":
            assert part.get("unevaluatedProperties") is False or part.get("additionalProperties") is False
        if part.get("type") == "string":
            assert {"maxLength", "pattern", "enum", "const", "format"} & part.keys()
        if part.get("type") == "array":
            assert "maxItems" in part


@pytest.mark.parametrize(
    ("path", "kind"), WRITTEN.items(), ids=lambda each: each if isinstance(each, str) else each.stem
)
def test_another_implementation_agrees_that_they_obey(path: Path, kind: documents.Kind) -> None:
    second = jsonschema.Draft202012Validator(dict(documents.meta_schema(kind)), registry=referencing.Registry())
    assert second.is_valid(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("nothing", [None, 7, "text", [], {}, {"title": "甲"}])
def test_what_claims_nothing_is_taken_for_a_standard_and_refused(nothing: Any) -> None:
    kind, problems = documents.check(nothing)
    assert kind == "standard" and problems


@pytest.mark.parametrize("kind", ["crosswalk", "form", "indicator"])
def test_a_claim_alone_is_not_enough(kind: str) -> None:
    found, problems = documents.check({kind: f"tongqu-{kind}/1"})
    assert found == kind and problems


def test_a_crosswalk_to_an_unknown_standard_says_so() -> None:
    _, (problem,) = documents.check({"crosswalk": "tongqu-crosswalk/1", "standard": "nobody/1.0.0", "targets": {}})
    assert (problem.pointer, problem.code) == ("/standard", "unknown_standard")


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for name, below in value.items():
            if name != "if":  # a condition, which closes nothing
                yield from _parts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _parts(below)
