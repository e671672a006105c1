"""A made-up city agrees with itself: one family has one address, and each record of a person says the same of them."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import cache
from typing import Any

import pytest

import standards
from standards import generate
from standards.generate_people import TODAY
from standards.identifiers import is_resident_id

Record = dict[str, Any]


@cache
def city() -> dict[str, list[Record]]:
    return generate.city(seed=2026, families_count=150)


def of(name: str) -> list[Record]:
    return city()[f"{name}/1.0.0"]


@cache
def people() -> dict[str, Record]:
    return {record["idNumber"]: record for record in of("person-basic")}


@cache
def homes() -> dict[str, str]:
    """Person → division of the household or residence register that has them."""
    found: dict[str, str] = {}
    for record in of("household"):
        found |= {member["idNumber"]: record["address"]["divisionCode"] for member in record["members"]}
    for record in of("residence-record"):
        found[record["idNumber"]] = record["residenceAddress"]["divisionCode"]
    return found


def test_every_standard_has_records_and_every_record_obeys() -> None:
    assert city().keys() == set(standards.REGISTRY)
    for name, records in city().items():
        validator = standards.get(name).validator()
        assert records, name
        assert [found for record in records for found in validator.errors(record)] == []


def test_the_same_seed_gives_the_same_city_and_another_seed_another() -> None:
    again, other = generate.city(3, 10), generate.city(4, 10)
    assert json.dumps(generate.city(3, 10)) == json.dumps(again)
    assert json.dumps(other) != json.dumps(again)


def test_everybody_is_registered_once_and_lives_in_one_place() -> None:
    assert len(people()) == len(of("person-basic")) > 250
    assert homes().keys() == people().keys()
    in_households = [member["idNumber"] for record in of("household") for member in record["members"]]
    in_residence = [record["idNumber"] for record in of("residence-record")]
    assert len(in_households + in_residence) == len(people())


def test_who_rents_is_registered_elsewhere_and_who_does_not_is_registered_at_home() -> None:
    renting = {record["idNumber"] for record in of("residence-record")}
    for number, person in people().items():
        if "domicileAddress" in person:
            expected = "990900" if number in renting else homes()[number]
            assert person["domicileAddress"]["divisionCode"] == expected


def test_number_birth_date_and_sex_agree() -> None:
    for number, person in people().items():
        assert is_resident_id(number)
        assert person["birthDate"].replace("-", "") == number[6:14]
        assert person["sex"] == ("1" if int(number[16]) % 2 else "2")


def test_spouses_name_each_other_and_are_of_one_household() -> None:
    records = {record["idNumber"]: record for record in of("marriage-record")}
    assert records
    for number, record in records.items():
        partner = record.get("spouse", {}).get("idNumber")
        if partner is None:
            continue
        assert record["spouse"]["name"] == people()[partner]["name"]
        assert records[partner]["recordNumber"] == record["recordNumber"]
        assert records[partner].get("spouse", {}).get("idNumber", number) == number
        assert homes()[number] == homes()[partner]
        assert people()[number]["sex"] != people()[partner]["sex"]
        assert people()[number].get("maritalStatus", "20") == "20" == record["currentStatus"]
        for one in (number, partner):
            age_then = (
                date.fromisoformat(record["registeredAt"]) - date.fromisoformat(people()[one]["birthDate"])
            ).days
            assert age_then >= 22 * 365


def test_a_child_has_the_birth_record_of_its_mother() -> None:
    by_name = {(person["name"], person["birthDate"]): person for person in people().values()}
    assert of("birth-service")
    for record in of("birth-service"):
        child = by_name[record.get("childName", ""), record["childBirthDate"]] if "childName" in record else None
        mother = people()[record["motherIdNumber"]]
        assert mother["sex"] == "2"
        assert mother["birthDate"] < record["childBirthDate"]
        if child is not None:
            assert homes()[child["idNumber"]] == homes()[mother["idNumber"]]


@pytest.mark.parametrize("name", ["social-insurance", "employment", "elderly-disability", "social-assistance"])
def test_a_record_of_a_person_has_the_name_and_division_that_the_registers_have(name: str) -> None:
    subject = standards.get(f"{name}/1.0.0").subject_field
    for record in of(name):
        number = record[subject]
        assert record.get("name", people()[number]["name"]) == people()[number]["name"]
        assert record["divisionCode"] == homes()[number]


def test_relatives_of_an_assisted_family_are_its_household() -> None:
    for record in of("social-assistance"):
        home = homes()[record["applicantIdNumber"]]
        for member in record.get("householdMembers", []):
            assert homes().get(member.get("idNumber", record["applicantIdNumber"])) == home


def test_whoever_rents_is_in_the_residence_register_of_that_house() -> None:
    registered = {record["idNumber"]: record for record in of("residence-record")}
    for house in of("rental-housing"):
        for tenant in house.get("tenants", []):
            if "idNumber" not in tenant:
                continue  # known by another certificate, or by name only
            record = registered[tenant["idNumber"]]
            assert record.get("houseCode", house["houseCode"]) == house["houseCode"]
            assert record["arrivalDate"] == tenant.get("since", record["arrivalDate"])
        assert house.get("ownerIdNumber") not in {tenant.get("idNumber", "") for tenant in house.get("tenants", [])}


def test_employers_are_registered_enterprises() -> None:
    registered = {record["uscc"] for record in of("market-entity")}
    for record in (*of("employment"), *of("social-insurance"), *of("residence-record")):
        assert record.get("employer", next(iter(registered))) in registered


def test_evaluated_matters_are_those_of_the_service_items_and_offices_are_organisations() -> None:
    assert {record["itemCode"] for record in of("service-evaluation")} <= {r["itemCode"] for r in of("service-item")}
    offices = {record["uscc"]: record["name"] for record in of("organisation")}
    for record in of("grid-event"):
        office = record["responsibleOffice"]
        assert offices[office["uscc"]] == office.get("name", offices[office["uscc"]])


def test_nothing_ends_before_it_begins() -> None:
    pairs = (
        ("validFrom", "validTo"), ("arrivalDate", "leaveDate"), ("reportedAt", "handledAt"), ("handledAt", "closedAt"),
        ("leaseFrom", "leaseTo"), ("inspectedAt", "rectifiedAt"), ("approvedFrom", "approvedTo"),
    )  # fmt: skip
    for records in city().values():
        for record in records:
            for first, last in pairs:
                assert record.get(first, "0") <= record.get(last, "9"), (first, last)


def test_nobody_is_born_after_the_day_the_city_stands_still() -> None:
    assert max(person["birthDate"] for person in people().values()) <= TODAY.isoformat()


def test_no_number_in_the_city_can_be_anybodys() -> None:
    text = json.dumps(city(), ensure_ascii=False)
    residents = [n for n in re.findall(r"(?<![0-9A-Z])[1-9][0-9]{16}[0-9X](?![0-9A-Z])", text) if is_resident_id(n)]
    assert residents and all(number.startswith("990101") for number in residents)
    mobiles = re.findall(r'"[a-zA-Z]*[pP]hone": "([^"]+)"', text)
    assert mobiles and all(mobile.startswith("154") for mobile in mobiles)
