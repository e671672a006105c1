"""The published examples: what is a record of the standard, and what is not, by two libraries.

An invalid example says in its file name why: ``<why>.<field>.<rule>.json``; the field is ``record`` for the whole.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing

import standards
from standards.identifiers import is_resident_id, is_uscc

FOLDER = Path(standards.__file__).parent / "examples"
VALID = sorted(FOLDER.glob("*/*/valid/*.json"))
INVALID = sorted(FOLDER.glob("*/*/invalid/*.json"))


def _id(path: Path) -> str:
    return str(path.relative_to(FOLDER).with_suffix(""))


def _read(path: Path) -> tuple[standards.Standard, Any]:
    return standards.get("/".join(path.parts[-4:-2])), json.loads(path.read_text(encoding="utf-8"))


@cache
def _second_opinion(name: str) -> jsonschema.Draft202012Validator:
    """The other implementation, never fetching anything. It is not used at run time (threats.md 6.3)."""
    formats = jsonschema.FormatChecker(formats=["date"])
    formats.checks("cn-resident-id")(is_resident_id)
    formats.checks("cn-uscc")(is_uscc)
    return jsonschema.Draft202012Validator(
        standards.get(name).schema, registry=referencing.Registry(), format_checker=formats
    )


def test_there_are_examples_of_every_standard() -> None:
    for folder in (VALID, INVALID):
        assert {"/".join(path.parts[-4:-2]) for path in folder} == set(standards.REGISTRY)


@pytest.mark.parametrize("path", VALID, ids=_id)
def test_a_valid_example_obeys(path: Path) -> None:
    standard, record = _read(path)
    assert standard.validator().errors(record) == []


@pytest.mark.parametrize("path", INVALID, ids=_id)
def test_an_invalid_example_breaks_the_rule_in_its_name(path: Path) -> None:
    standard, record = _read(path)
    _, field, rule = path.stem.rsplit(".", 2)
    place = "" if field == "record" else "/" + field.replace("-", "/")
    broken = [(v.pointer, v.rule.split(":")[0]) for v in standard.validator().errors(record)]
    assert (place, rule) in broken
    assert {pointer for pointer, _ in broken} == {place}  # and nothing else


def test_the_examples_are_many_and_each_tells_something_else() -> None:
    for name in standards.REGISTRY:
        for kind, fewest in (("valid", 5), ("invalid", 15)):
            texts = [path.read_bytes() for path in (FOLDER / name / kind).glob("*.json")]
            assert len(texts) >= fewest and len(set(texts)) == len(texts), (name, kind)


def test_no_example_names_a_person_or_an_organisation_that_may_exist() -> None:
    """No division has 99 as its province or its county: no number of such a place was ever given out."""
    for path in [*VALID, *INVALID]:
        for word in re.findall(r"(?<![0-9A-Z])[0-9A-Z]{18}(?![0-9A-Z])", path.read_text(encoding="utf-8")):
            division = word[:6] if is_resident_id(word) else word[2:8] if is_uscc(word) else "99"
            assert "99" in (division[:2], division[4:6]), path


# jsonschema checks date-time only with a package of its own; our pattern leaves only hours and days beyond the clock.
ONLY_OURS = {"impossible-time.collectedAt.format"}


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=_id)
def test_both_libraries_agree(path: Path) -> None:
    standard, record = _read(path)
    ours = standard.validator().ok(record)
    assert _second_opinion(standard.id).is_valid(record) == (ours or path.stem in ONLY_OURS)


def test_every_required_field_is_missed_when_absent() -> None:
    for name in standards.REGISTRY:
        standard = standards.get(name)
        whole = json.loads((FOLDER / name / "valid" / "whole-record.json").read_text(encoding="utf-8"))
        for field in standard.schema["required"]:
            cut = {key: value for key, value in whole.items() if key != field}
            assert [v.rule for v in standard.validator().errors(cut)] == ["required"], (name, field)


def test_the_valid_examples_show_every_field() -> None:
    for name in standards.REGISTRY:
        shown: set[str] = set()
        for path in (FOLDER / name / "valid").glob("*.json"):
            shown |= json.loads(path.read_text(encoding="utf-8")).keys()
        assert shown == set(standards.get(name).top_level)
