"""Whom a change of a standard concerns, and how much each element was really asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import standards
from gateway.cli import cli
from gateway.impact.actions import Impact, Report
from gateway.registry.model import Acting
from tests.cast import AN, AUDIT, BO, BUREAU, KINDS, LINDEN, MAPLE, POLICE, STANDARD
from tests.gateway.catalogue.city import shared_city
from tests.running import City
from tests.standards.comparing import Document, Edit, add, change, edited, remove, rename, require, whole

OLD = standards.get(STANDARD).schema


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[City]:
    with shared_city(tmp_path_factory.mktemp("impact"), sqlite_template) as running:
        yield running


@pytest.fixture(scope="module")
def papers(city: City) -> dict[str, str]:
    """Two agreements in use, one that is not signed yet; Linden asked three times, Maple once."""
    agreed = {
        "linden": city.cast.agreement(fields=("idNumber", "name", "phone")).id,
        "maple": city.cast.agreement(consumer=MAPLE, fields=("idNumber", "name", "domicileAddress")).id,
        "pending": city.cast.agreement(fields=("idNumber", "sex"), signed=False).id,
    }
    city.ask(agreed["linden"])
    city.ask(agreed["linden"], fields=("idNumber", "phone"))
    city.ask(agreed["linden"], fields=("idNumber", "name"))
    city.ask(agreed["maple"], BO["idNumber"], party=MAPLE)
    return agreed


def acting(party: str) -> Acting:
    return Acting(party, KINDS[party], {"party": party, "client": None, "officer": None})


def impact(city: City, who: str, *edits: Edit, **options: Any) -> Report:
    deps = city.gateway.deps
    _, new = edited(STANDARD, *edits)
    return Impact(deps.database, deps.log, deps.clock, deps.search).of(acting(who), STANDARD, OLD, new, **options)


def usage(report: Report, element: str) -> dict[str, tuple[int, int]]:
    found = next(each for each in report.elements if each.element == element)
    return {each.consumer: (each.asked, each.delivered) for each in found.usage}


def test_an_element_that_is_taken_out_names_its_readers_with_counts(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, remove("phone"))
    assert report.comparison.verdict == "breaking"
    assert usage(report, "phone") == {LINDEN: (2, 2)}
    assert [(each.id, each.consumer, each.provider, each.fields, each.breaks) for each in report.agreements] == [
        (papers["linden"], LINDEN, POLICE, ("phone",), True)
    ]
    (service,) = report.services
    assert (service.party, service.fits, service.has_crosswalk) == (POLICE, False, False)
    assert {each.party: (each.roles, each.asked) for each in report.parties} == {
        LINDEN: (("consumer",), 2),
        POLICE: (("provider",), 0),
    }


def test_a_part_counts_where_the_whole_was_asked_for(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, require("domicileAddress.room"))
    assert usage(report, "domicileAddress.room") == {MAPLE: (1, 1)}
    assert [each.id for each in report.agreements] == [papers["maple"]]


def test_what_nobody_asks_for_concerns_no_agreement(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, remove("education"))
    assert usage(report, "education") == {}
    assert report.agreements == ()


def test_a_compatible_change_breaks_no_agreement(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, change("name", maxLength=80))
    assert {each.id: each.breaks for each in report.agreements} == {papers["linden"]: False, papers["maple"]: False}
    assert [each.fits for each in report.services] == [True]


def test_wording_concerns_nobody(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, change("name", title="姓名（全名）"), whole(title="自然人"))
    assert (report.elements, report.agreements, report.parties[1:]) == ((), (), ())


def test_a_change_of_the_standard_as_a_whole_concerns_every_agreement(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, whole(x_cardinality="many"))
    assert {each.id for each in report.agreements} == set(papers.values())
    assert all(each.breaks for each in report.agreements)


def test_an_agreement_that_waits_for_its_signature_is_listed(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, rename("sex", "gender"))
    assert [(each.id, each.state) for each in report.agreements] == [(papers["pending"], "proposed")]


@pytest.mark.parametrize(("party", "sees"), [(LINDEN, {"linden"}), (MAPLE, {"maple"}), (POLICE, {"linden", "maple"})])
def test_a_party_sees_only_what_concerns_itself(city: City, papers: dict[str, str], party: str, sees: set[str]) -> None:
    report = impact(city, party, rename("name", "fullName"))
    assert {each.id for each in report.agreements} == {papers[each] for each in sees}
    assert set(usage(report, "name")) == {LINDEN if each == "linden" else MAPLE for each in sees}
    assert bool(report.services) == (party == POLICE)


def test_the_audit_office_sees_all_of_it(city: City, papers: dict[str, str]) -> None:
    assert set(usage(impact(city, AUDIT, rename("name", "fullName")), "name")) == {LINDEN, MAPLE}


def test_queries_before_the_period_do_not_count(city: City, papers: dict[str, str]) -> None:
    assert usage(impact(city, BUREAU, remove("phone"), days=0), "phone") == {}


def test_reading_it_is_an_entry_in_the_log_and_holds_nothing_of_a_person(city: City, papers: dict[str, str]) -> None:
    city.begin()
    report = impact(city, BUREAU, remove("phone"))
    (entry,) = city.entries("audit.viewed")
    assert entry["actor"]["party"] == BUREAU
    assert entry["rows"] > 0
    for person in (AN, BO):
        for value in (person["idNumber"], person["name"], person["phone"]):
            assert value not in repr(report)


FORM = {
    "form": "tongqu-form/1",
    "id": "winter-visit/1.0.0",
    "fields": [{"element": f"{STANDARD}#phone"}, {"element": "social-assistance/1.0.0#name"}],
}
INDICATOR = {"indicator": "tongqu-indicator/1", "id": "residents/1.0.0", "standard": STANDARD,
             "filter": {"element": "personStatus", "equals": "active"}}  # fmt: skip


def test_forms_and_indicators_that_name_a_changed_element_are_listed(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, remove("phone"), forms=[FORM, INDICATOR, {"title": "neither"}])
    assert ("form", "winter-visit/1.0.0", ("phone",)) in [(d.kind, d.id, d.elements) for d in report.documents]
    report = impact(city, BUREAU, rename("personStatus", "status"), forms=[FORM, INDICATOR])
    found = [(d.kind, d.id) for d in report.documents]
    assert ("indicator", "residents/1.0.0") in found
    assert ("form", "winter-visit/1.0.0") not in found


def test_the_published_indicators_are_looked_at(city: City, papers: dict[str, str]) -> None:
    report = impact(city, BUREAU, rename("personStatus", "status"))
    assert ("indicator", "registered-population/1.0.0", ("personStatus",)) in [
        (each.kind, each.id, each.elements) for each in report.documents
    ]
    assert impact(city, BUREAU, remove("formerName")).documents == ()


def test_a_crosswalk_is_tried_on_the_new_version(city: City, papers: dict[str, str]) -> None:
    deps, police = city.gateway.deps, city.cast.caller(POLICE)
    crosswalk: Document = {
        "crosswalk": "tongqu-crosswalk/1",
        "standard": STANDARD,
        "targets": {
            "idNumber": {"from": "/SFZH", "fn": ["id15to18"]},
            "name": {"from": "/XM"},
            "sex": {"from": "/XB", "fn": [{"fn": "lookup", "codelist": "gbt-2261.1-2003-sex"}], "on_unknown": "refuse"},
            "birthDate": {"from": "/CSRQ", "fn": [{"fn": "date", "formats": ["yyyyMMdd"]}]},
            "personStatus": {"fn": [{"fn": "const", "value": "active"}]},
            "phone": {"from": "/DH"},
        },
    }
    manifest = {
        "standard": STANDARD, "title_zh": "常住人口表", "title_en": "Table", "base_url": city.department.base_url,
        "crosswalk": crosswalk, "timeout_ms": 1000, "max_concurrent": 1, "contact": "数据管理科",
    }  # fmt: skip
    service = deps.catalogue.register(police, manifest)
    (broken,) = [each for each in impact(city, BUREAU, remove("phone")).services if each.id == service.id]
    assert (broken.has_crosswalk, broken.fits, broken.targets) == (True, False, ("phone",))
    assert [en for _, en in broken.problems] == ["the standard has no such field"]
    (whole_again,) = [each for each in impact(city, BUREAU, add("email")).services if each.id == service.id]
    assert (whole_again.fits, whole_again.problems) == (True, ())


def test_the_command_says_the_same(city: City, papers: dict[str, str], tmp_path: Path) -> None:
    _, new = edited(STANDARD, remove("phone"))
    draft, form, config = tmp_path / "new.json", tmp_path / "form.json", tmp_path / "tongqu.toml"
    draft.write_text(json.dumps(new, ensure_ascii=False), encoding="utf-8")
    form.write_text(json.dumps(FORM), encoding="utf-8")
    settings = city.gateway.settings
    config.write_text(
        f'data_dir = "{settings.data_dir}"\npublic_url = "{settings.public_url}"\n'
        f'database_url = "{settings.database_url}"\n'
    )
    arguments = ["standards", "impact", "person-basic", "1.0.0", str(draft), "--config", str(config)]
    done = CliRunner().invoke(cli, [*arguments, "--json", "--document", str(form)])
    assert done.exit_code == 0, (done.output, done.exception)
    found = json.loads(done.output)
    assert found["elements"][0]["usage"][0]["consumer"] == LINDEN
    assert found["agreements"][0]["fields"] == ["phone"]
    assert found["documents"][0]["id"] == "winter-visit/1.0.0"
    told = CliRunner().invoke(cli, arguments).output
    assert "申请 2 次，放行 2 次" in told


def test_over_http_a_party_gets_its_own_part(city: City, papers: dict[str, str]) -> None:
    _, new = edited(STANDARD, remove("phone"))
    asked = {"from": "1.0.0", "to": new, "documents": [FORM]}
    path = "/v1/standards/person-basic/impact"
    found = city.client(BUREAU).request("POST", path, json=asked, scope="log:read")
    assert found["comparison"]["from"] == STANDARD
    assert found["complete"] is True
    (element,) = found["elements"]
    assert (element["element"], element["asked"], element["delivered"]) == ("phone", 2, 2)
    assert [each["consumer"] for each in element["usage"]] == [LINDEN]
    assert [each["fields"] for each in found["agreements"]] == [["phone"]]
    mine = city.client(MAPLE).request("POST", path, json=asked, scope="log:read")
    assert (mine["agreements"], mine["elements"][0]["usage"], mine["services"]) == ([], [], [])
