"""A house is asked for by its code as a resident is by number: same agreement, same rules, same masks, same log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import Answer, errors

import standards
from tests.cast import BUREAU, CASE, LINDEN, POLICE, PURPOSE, Paper
from tests.running import City
from tests.simulators.department import Department

pytestmark = pytest.mark.any_database

STANDARD, SCHEME = "rental-housing/1.0.0", "local.house-code"
EXAMPLE = Path(standards.__file__).parent / "examples" / STANDARD / "valid" / "whole-record.json"
HOUSE: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
TENANT = HOUSE["tenants"][0]["idNumber"]
FIELDS = ["houseCode", "isRented", "tenants.idNumber", "tenants.name"]


@pytest.fixture(scope="module")
def agreement(shared_city: City) -> Iterator[str]:
    """A second service of the police, tested and approved, and an agreement on it that masks the tenants' numbers."""
    cast = shared_city.cast
    with Department({HOUSE["houseCode"]: [HOUSE]}, standard=STANDARD) as department:
        catalogue, deps = cast.deps.catalogue, cast.deps
        manifest = {
            "standard": STANDARD, "title_zh": "出租房屋", "title_en": "Rental housing", "crosswalk": None,
            "base_url": department.base_url, "timeout_ms": 5000, "max_concurrent": 4, "contact": "数据管理科",
        }  # fmt: skip
        service = catalogue.register(cast.caller(POLICE), manifest)
        department.trust(deps.keys.verifiers("request"), deps.settings.issuer, service.id)
        found, absent = ({"scheme": SCHEME, "id": code} for code in (HOUSE["houseCode"], "9901-NOWHERE"))
        _, report = catalogue.test(cast.caller(POLICE), service.id, found, absent)
        assert report.passed, report.to_dict()
        catalogue.approve(cast.caller(BUREAU), service.id)
        document = Paper(fields=FIELDS, masks={"tenants.idNumber": "hide-middle"}).document(deps.clock.now())
        document["items"][0]["standard"] = STANDARD
        drafted = deps.agreements.draft(cast.caller(LINDEN), document)
        deps.agreements.submit(cast.caller(LINDEN), drafted.id)
        for party in (LINDEN, POLICE):
            drafted = deps.agreements.sign(cast.caller(party), drafted.id, cast.signature(drafted, party))
        yield drafted.id


def ask(city: City, agreement: str, subject: dict[str, str]) -> Answer:
    return city.client().query(STANDARD, subject, agreement=agreement, purpose=PURPOSE, case=CASE)


def test_a_house_is_found_by_its_code_and_its_tenants_are_masked(city: City, agreement: str) -> None:
    answer = ask(city, agreement, {SCHEME: HOUSE["houseCode"]})
    assert answer.one() == {
        "houseCode": HOUSE["houseCode"],
        "isRented": True,
        "tenants": [{"idNumber": TENANT[:4] + "*" * 10 + TENANT[-4:], "name": HOUSE["tenants"][0]["name"]}],
    }
    assert answer.withheld == [{"field": "tenants.idNumber", "reason": "masked"}]
    assert answer.verify()
    written = json.dumps(city.entries(), ensure_ascii=False)
    assert HOUSE["houseCode"] not in written and TENANT not in written


def test_a_house_that_is_not_on_file_is_not_found(city: City, agreement: str) -> None:
    assert not ask(city, agreement, {SCHEME: "9901-NOWHERE"}).found


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ({SCHEME: "=1+1"}, "subject_invalid"),
        ({SCHEME: "9" * 65}, "subject_invalid"),
        ({"cn.resident-id": TENANT}, "subject_scheme_unknown"),
    ],
)
def test_what_is_no_house_code_is_refused(city: City, agreement: str, subject: dict[str, str], code: str) -> None:
    with pytest.raises(errors.GatewayError) as caught:
        ask(city, agreement, subject)
    assert (caught.value.problem_code, caught.value.rule) == (code, "R10")
    assert [entry["type"] for entry in city.entries()][-1] == "exchange.refused"
