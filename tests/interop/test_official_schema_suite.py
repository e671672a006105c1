"""The official JSON-Schema-Test-Suite, for the keywords of our dialect, passes in our validator as it is configured.

And in the second implementation as the tests configure it. The keywords that are not of the dialect are left out for a
reason each, and a standard that holds one is refused.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest

import standards
from standards.validate import Validator
from tests.interop import schema_suite, second_opinion
from tests.interop.schema_suite import Group

# The files for what standards themselves hold, and for what the meta-schemas hold besides.
STANDARDS = "type enum properties required pattern minLength maxLength minimum maximum items minItems maxItems"
STANDARDS += " unevaluatedProperties optional/format/date optional/format/date-time"
META_SCHEMAS = "const ref defs allOf anyOf oneOf not if-then-else propertyNames uniqueItems additionalProperties"
META_SCHEMAS += " minProperties maxProperties boolean_schema infinite-loop-detection"
OURS = f"{STANDARDS} {META_SCHEMAS}".split()
NOT_NEEDED = "no standard needs it: refused by the closed meta-schema"
OPEN_NAMES = "fields have names, no patterns of names: refused"
NUMBERS = "amounts are text and numbers are whole, with both ends included: refused"
REACHES = "a reference may not leave its document: refused"
LEFT_OUT = {
    "anchor": "a reference names a place, no anchor: refused",
    "contains": NOT_NEEDED,
    "minContains": NOT_NEEDED,
    "maxContains": NOT_NEEDED,
    "prefixItems": "the items of a list are alike: refused",
    "unevaluatedItems": "the items of a list are alike: refused",
    "content": "text is text, no container for another format: refused",
    "default": "a missing value stays missing: refused",
    "dependentRequired": NOT_NEEDED,
    "dependentSchemas": NOT_NEEDED,
    "patternProperties": OPEN_NAMES,
    "dynamicRef": "a reference that depends on the way it was reached cannot be read by people: refused",
    "exclusiveMaximum": NUMBERS,
    "exclusiveMinimum": NUMBERS,
    "multipleOf": NUMBERS,
    "refRemote": REACHES,
    "vocabulary": "one dialect, 2020-12, and no other: refused",
    "format": "tests that formats are not asserted; ours are, see optional/format",
}


def _file(name: str) -> list[Group]:
    found = [group for group in schema_suite.groups() if group.file == f"{name}.json"]
    assert found, f"the suite has no {name}"
    return found


@pytest.mark.parametrize("name", OURS)
def test_our_validator_passes_the_official_tests(name: str) -> None:
    for group in _file(name):
        validator = Validator.of_ours(group.schema)
        for description, instance, valid in group.tests:
            assert validator.ok(instance) == valid, (group.description, description)
            assert (validator.errors(instance) == []) == valid, (group.description, description)


@pytest.mark.parametrize("name", OURS)
def test_the_second_implementation_passes_them_too(name: str) -> None:
    for group in _file(name):
        validator = second_opinion.validator(group.schema)
        for description, instance, valid in group.tests:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of Python's re, about the suite's own patterns
                assert validator.is_valid(instance) == valid, (group.description, description)


def test_no_file_of_the_suite_is_left_out_without_a_reason() -> None:
    mandatory = {group.file.removesuffix(".json") for group in schema_suite.groups() if "/" not in group.file}
    assert mandatory <= {*OURS, *LEFT_OUT}
    assert not set(OURS) & set(LEFT_OUT)
    assert sum(len(group.tests) for name in OURS for group in _file(name)) > 800


@pytest.mark.parametrize("name", [name for name, why in LEFT_OUT.items() if why.endswith("refused")])
def test_what_is_left_out_is_refused_in_a_standard(name: str) -> None:
    for group in _file(name):
        assert standards.check(_with(group.schema)), group.description


def test_every_remote_reference_is_refused_when_compiled() -> None:
    for group in _file("refRemote"):
        if "localhost" in str(group.schema):
            with pytest.raises(Exception, match="localhost") as refused:
                Validator.of_ours(group.schema)
            assert type(refused.value).__module__.startswith("jsonschema_rs"), group.description


def _with(schema: Any) -> Any:
    """person-basic whose ``name`` obeys a schema of the suite besides its own."""
    document = copy.deepcopy(standards.get("person-basic/1.0.0").schema)
    same = {"$schema": document["$schema"]}.items()
    document["properties"]["name"] |= {key: value for key, value in schema.items() if (key, value) not in same}
    return document
