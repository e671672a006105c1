"""Reading the published standards."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest

import standards
from standards import codelists
from standards.registry import SCHEMAS
from standards.rules import META_SCHEMA
from standards.subjects import SCHEMES

ALL = list(standards.REGISTRY)
CHINESE = re.compile("[\u4e00-\u9fff]")

CHANGELOGS = SCHEMAS.parent / "changelogs"


def changelog(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((CHANGELOGS / f"{name}.json").read_text(encoding="utf-8"))
    return entries


NAMES = (
    "birth-service", "catalogue-entry", "collection-form", "elderly-disability", "employment", "grid-event",
    "hazard-inspection", "household", "information-release", "market-entity", "marriage-record", "organisation",
    "person-basic", "rental-housing", "residence-record", "service-evaluation", "service-item", "social-assistance",
    "social-insurance", "standard-address", "statistical-indicator", "task-request",
)  # fmt: skip


def test_the_whole_set_is_there() -> None:
    assert standards.names() == list(NAMES)


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
        zh, en = standards.bilingual(element.schema["description"])
        assert zh[-1] in "。）" and en[-1] == "." and " / " not in zh, element.path
        assert CHINESE.search(zh) and not CHINESE.search(element.en + element.authority_en), element.path
        assert element.sensitivity in {"none", "personal", "sensitive"}


@pytest.mark.parametrize("name", ALL)
def test_every_standard_says_where_it_belongs_and_what_it_serves(name: str) -> None:
    schema = standards.get(name).schema
    assert schema["x-domain"] in codelists.get("standard-domain").codes
    assert len(schema["x-matters"]) >= 2 and schema["x-consumers"]["zh"]


def test_the_domains_are_those_of_the_meta_schema() -> None:
    meta = json.loads(META_SCHEMA.read_text(encoding="utf-8"))
    assert meta["properties"]["x-domain"]["enum"] == list(codelists.get("standard-domain").codes)
    assert meta["properties"]["x-subject"]["properties"]["scheme"]["enum"] == list(SCHEMES)


@pytest.mark.parametrize("name", ALL)
def test_a_code_takes_exactly_the_codes_of_its_list(name: str) -> None:
    for element in standards.get(name).elements:
        if element.codelist:
            assert element.schema["enum"] == list(codelists.get(element.codelist).codes)


@pytest.mark.parametrize("name", ALL)
def test_every_text_is_bounded(name: str) -> None:
    for element in standards.get(name).elements:
        if element.kind == "string" and "enum" not in element.schema:
            several_paragraphs = element.schema.get("x-element") == "longText"
            assert element.schema["maxLength"] <= (2000 if several_paragraphs else 300), element.path


@pytest.mark.parametrize("name", ALL)
def test_a_number_is_a_count_of_something(name: str) -> None:
    """Amounts and codes are text: a number loses leading zeros, trailing zeros and digits beyond the fifteenth."""
    for element in standards.get(name).elements:
        assert element.kind in {"string", "object", "array", "integer", "boolean"}
        assert element.kind != "integer" or element.schema["x-unit"]["code"], element.path
        assert element.kind != "string" or "元）" not in element.zh or element.schema["x-unit"]["code"] == "CNY"


@pytest.mark.parametrize("name", ALL)
def test_an_identity_number_is_checked_and_masked_wherever_it_stands(name: str) -> None:
    for element in standards.get(name).elements:
        if "公民身份号码" in element.zh:
            assert element.schema["format"] == "cn-resident-id"
            assert element.mask in ("hide-middle", "hidden") and element.sensitivity != "none"


@pytest.mark.parametrize("name", ALL)
def test_the_jurisdiction_is_a_division_code(name: str) -> None:
    standard = standards.get(name)
    if standard.jurisdiction_field is None:
        assert standard.subject_scheme != "cn.resident-id"  # who asks about people is limited to its own
    else:
        code = standard.element(standard.jurisdiction_field).schema["x-element"]
        assert code in {"divisionCode", "countyCode", "streetCode", "communityCode", "gridCode"}


@pytest.mark.parametrize("name", ALL)
def test_the_subject_is_known_by_its_own_scheme(name: str) -> None:
    standard = standards.get(name)
    subject = standard.element(standard.subject_field)
    assert subject.schema["x-element"] == SCHEMES[standard.subject_scheme].element
    assert not standard.takes_subject("") and not standard.takes_subject("?")


@pytest.mark.parametrize(
    ("name", "identifier", "taken"),
    [
        ("person-basic", "990101199005301227", True),
        ("person-basic", "990101199005301228", False),  # check digit
        ("person-basic", "990101199005301227\n", False),
        ("person-basic", "91990100MA0000001G", False),  # an organisation's
        ("organisation", "91990100MA0000001G", True),
        ("organisation", "91990100MA0000001H", False),
        ("rental-housing", "9901000010050001-161", True),
        ("rental-housing", "=1+1", False),
        ("rental-housing", "9" * 65, False),
        ("standard-address", "9901000010050001", True),
        ("catalogue-entry", "no code", False),
    ],
)
def test_an_identifier_is_checked_by_the_field_it_stands_in(name: str, identifier: str, taken: bool) -> None:
    assert standards.get(f"{name}/1.0.0").takes_subject(identifier) is taken


@pytest.mark.parametrize(
    ("name", "but"),
    [
        ("social-assistance", {"decisionOffice"}),
        ("elderly-disability", set()),
        ("birth-service", {"registrationOffice"}),
    ],
)
def test_all_of_some_records_is_sensitive(name: str, but: set[str]) -> None:
    elements = standards.get(f"{name}/1.0.0").elements
    assert {element.path for element in elements if element.sensitivity != "sensitive"} == but


@pytest.mark.parametrize(
    "path",
    [
        "social-insurance/contributionBase", "social-insurance/benefitMonthly", "employment/hardshipGroup",
        "social-assistance/monthlyAmount", "elderly-disability/allowances.monthlyAmount",
    ],
)  # fmt: skip
def test_income_and_hardship_are_sensitive_and_hidden(path: str) -> None:
    name, element = path.split("/")
    found = standards.get(f"{name}/1.0.0").element(element)
    assert (found.sensitivity, found.mask) == ("sensitive", "hidden")


@pytest.mark.parametrize(
    "path",
    [
        "market-entity/domicile.room", "hazard-inspection/address.text", "hazard-inspection/targetHouseCode",
        "hazard-inspection/items.note", "grid-event/title", "grid-event/result", "grid-event/progress.note",
        "grid-event/location.room",
    ],
)  # fmt: skip
def test_where_a_person_may_live_and_what_may_be_written_of_one_is_personal(path: str) -> None:
    name, element = path.split("/")
    assert standards.get(f"{name}/1.0.0").element(element).sensitivity == "personal"


def test_what_no_service_needs_is_in_no_standard() -> None:
    """Religion, politics, biometrics, and lists of people to be controlled (PIPL articles 6 and 28)."""
    left_out = re.compile("宗教|信仰|政治面貌|党|血型|指纹|人脸|虹膜|吸毒|艾滋|上访|刑满|社区矫正|避孕|孕检")
    for name in ALL:
        for element in standards.get(name).elements:
            assert not left_out.search(element.zh), (name, element.path)
            assert element.codelist is None or not element.codelist.startswith("gbt-4762"), (name, element.path)
            assert element.sensitivity_category not in {"biometric", "religion"}


def test_an_address_alone_is_not_personal_but_with_a_person_it_is() -> None:
    alone = standards.get("standard-address/1.0.0")
    assert {element.sensitivity for element in alone.elements} == {"none"}
    lived_in = standards.get("residence-record/1.0.0").element("residenceAddress.room")
    assert lived_in.sensitivity == "personal" and lived_in.schema["x-element"] == "room"


def test_parts_of_objects_and_of_list_items_are_elements_with_dotted_paths() -> None:
    assert standards.get("residence-record/1.0.0").element("residenceAddress.divisionCode").required
    assert standards.get("social-assistance/1.0.0").element("householdMembers.name").required
    with pytest.raises(standards.UnknownField):
        standards.get("person-basic/1.0.0").element("residenceAddress")
