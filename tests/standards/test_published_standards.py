"""Reading the published standards."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

import standards
from standards import codelists
from standards.registry import SCHEMAS

ALL = list(standards.REGISTRY)

CHANGELOGS = SCHEMAS.parent / "changelogs"


def changelog(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((CHANGELOGS / f"{name}.json").read_text(encoding="utf-8"))
    return entries


def test_a_name_has_its_versions() -> None:
    assert standards.versions("person-basic") == ["1.0.0"]
    assert standards.versions("unheard-of") == []


@pytest.mark.parametrize("name", standards.names())
def test_every_version_is_in_the_changelog_in_both_languages(name: str) -> None:
    entries = changelog(name)
    assert [entry["version"] for entry in entries] == standards.versions(name)
    assert all(len(entry["zh"]) == len(entry["en"]) > 0 and date.fromisoformat(entry["date"]) for entry in entries)


@pytest.mark.parametrize("name", standards.names())
def test_a_published_standard_never_changes(name: str) -> None:
    """A failure here means: restore the file and publish a new version instead."""
    digests = {entry["version"]: entry["digest"] for entry in changelog(name)}
    assert {version: standards.get(f"{name}/{version}").digest for version in digests} == digests


@pytest.mark.parametrize("name", ["person-basic", "person-basic/9.9.9", "../person-basic/1.0.0", ""])
def test_an_unknown_standard_is_a_key_error(name: str) -> None:
    with pytest.raises(standards.UnknownStandard):
        standards.get(name)


@pytest.mark.parametrize("name", ALL)
def test_each_obeys_the_rules_for_standards(name: str) -> None:
    assert standards.check(standards.get(name).schema) == []


@pytest.mark.parametrize("name", ALL)
def test_its_id_names_the_file_it_is_in(name: str) -> None:
    document = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    assert document["$id"].endswith(f"/v1/standards/{name}")
    assert standards.get(name).id == name


@pytest.mark.parametrize("name", ALL)
def test_every_element_says_what_it_is_in_both_languages(name: str) -> None:
    for element in standards.get(name).elements:
        assert element.zh and element.en and element.standard and element.authority_zh and element.authority_en
        assert element.zh != element.en
        assert element.sensitivity in {"none", "personal", "sensitive"}


@pytest.mark.parametrize("name", ALL)
def test_a_code_takes_exactly_the_codes_of_its_list(name: str) -> None:
    for element in standards.get(name).elements:
        if element.codelist:
            assert element.schema["enum"] == list(codelists.get(element.codelist).codes)


@pytest.mark.parametrize("name", ALL)
def test_every_text_is_bounded(name: str) -> None:
    for element in standards.get(name).elements:
        if element.kind == "string":
            assert "enum" in element.schema or element.schema["maxLength"] <= 300


@pytest.mark.parametrize("name", ALL)
def test_no_element_is_a_number(name: str) -> None:
    """Amounts and codes are text: a number loses leading zeros, trailing zeros and digits beyond the fifteenth."""
    assert {element.kind for element in standards.get(name).elements} <= {"string", "object", "array"}


@pytest.mark.parametrize("name", ALL)
def test_an_identity_number_is_checked_and_masked_by_default(name: str) -> None:
    standard = standards.get(name)
    subject = standard.element(standard.subject_field)
    assert subject.schema["format"] == "cn-resident-id"
    assert subject.mask == "hide-middle"


@pytest.mark.parametrize("name", ALL)
def test_the_jurisdiction_is_a_division_code(name: str) -> None:
    standard = standards.get(name)
    assert standard.jurisdiction_field is not None
    assert standard.element(standard.jurisdiction_field).path.endswith("divisionCode")


def test_all_of_social_assistance_about_a_person_is_sensitive() -> None:
    elements = standards.get("social-assistance/1.0.0").elements
    assert {e.path for e in elements if e.sensitivity != "sensitive"} == {"decisionOffice"}


def test_an_address_has_the_same_parts_in_every_standard() -> None:
    def parts(name: str, field: str) -> dict[str, Any]:
        inner = standards.get(name).element(field).schema
        return {"required": inner["required"], **{part: inner["properties"][part] for part in inner["properties"]}}

    assert parts("person-basic/1.0.0", "domicileAddress") == parts("residence-record/1.0.0", "residenceAddress")


def test_parts_of_objects_and_of_list_items_are_elements_with_dotted_paths() -> None:
    assert standards.get("residence-record/1.0.0").element("residenceAddress.divisionCode").required
    assert standards.get("social-assistance/1.0.0").element("householdMembers.name").required
    with pytest.raises(standards.UnknownField):
        standards.get("person-basic/1.0.0").element("residenceAddress")
