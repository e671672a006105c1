"""The three sample extracts, each through its kept crosswalk: every row accounted for, every person as expected."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tongqu_client.provider import crosswalks, sources
from tongqu_client.provider.mapping.model import Wishes
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.rowcheck import RowReport, check_rows

import standards
from tests.clients.provider.kit import ALL, ASSISTANCE, CROSSWALKS, FLOATING, PEOPLE, POLICE, Asking, Sample


def checked(sample: Sample, folder: Path) -> RowReport:
    config = sample.config(folder)
    crosswalk = crosswalks.load(config.crosswalk_path, standards.get(sample.standard))
    return check_rows(config, crosswalk, sources.read_table(config))


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
def test_map_proposes_the_crosswalk_that_is_kept_as_an_example(sample: Sample, tmp_path: Path) -> None:
    config = sample.config(tmp_path)
    proposal = propose(standards.get(sample.standard), sources.read_table(config), {}, Wishes(set=sample.given))
    kept = json.loads((CROSSWALKS / f"{sample.name}.json").read_text("utf-8"))
    assert not proposal.open
    assert proposal.document["targets"] == kept["targets"]
    assert proposal.document["ignored"].keys() == kept["ignored"].keys()


def test_the_police_extract_serves_300_of_302_rows_and_names_the_two_bad_ones(tmp_path: Path) -> None:
    report = checked(POLICE, tmp_path)
    assert (report.total, report.translated, report.refused, report.kept_out) == (302, 300, 2, 0)
    assert [(one.row, one.column, one.field, one.rule) for one in report.findings] == [
        (302, "GMSFHM", "idNumber", "id_date"),
        (302, "CSRQ", "birthDate", "impossible_date"),
        (303, "GMSFHM", "idNumber", "id_checksum"),
        (303, "MZ", "ethnicGroup", "unknown_code"),
    ]
    assert not report.remarks


def test_the_ledger_serves_90_rows_and_says_which_three_are_no_records(tmp_path: Path) -> None:
    report = checked(ASSISTANCE, tmp_path)
    assert (report.total, report.translated, report.refused) == (90, 90, 0)
    assert [(note.row, note.rule) for note in report.skipped] == [(1, "title"), (94, "total"), (95, "signature")]
    (remark,) = report.remarks
    assert (remark.kind, remark.field, remark.column) == ("defaulted", "status", "保障情况/月保障金(元)")
    assert remark.rows == (9, 10, 15, 16, 23, 28, 30, 35, 54, 57, 67, 69, 73, 85, 91)


def test_the_floating_population_serves_260_rows(tmp_path: Path) -> None:
    report = checked(FLOATING, tmp_path)
    assert (report.total, report.translated, report.refused) == (260, 260, 0)
    assert report.clean


def test_rows_of_deregistered_people_are_kept_out_when_the_department_says_so(tmp_path: Path) -> None:
    sample = Sample(
        FLOATING.name,
        FLOATING.standard,
        type(FLOATING.source)("sql", url=FLOATING.source.url, table="t_ldrk", keep={"zxbz": ("1",)}),
        FLOATING.given,
    )
    report = checked(sample, tmp_path)
    assert (report.total, report.translated, report.kept_out) == (260, 247, 13)


def answers(sample: Sample, folder: Path, identifiers: list[str]) -> list[list[dict[str, Any]]]:
    asking = Asking(sample.config(folder))
    try:
        replies = [asking.ask(one, standards.get(sample.standard).top_level) for one in identifiers]
        assert {reply.status_code for reply in replies} == {200}
        return [reply.get_json()["records"] for reply in replies]
    finally:
        asking.close()


def test_the_police_service_answers_what_is_true_of_each_expected_person(tmp_path: Path) -> None:
    found = answers(POLICE, tmp_path, [person["id"] for person in PEOPLE])
    for person, records in zip(PEOPLE, found, strict=True):
        (record,) = records
        address = record["domicileAddress"]
        assert record["idNumber"] == person["id"]
        assert (record["name"], record["sex"], record["birthDate"]) == (person["name"], person["sex"], person["born"])
        assert (record["ethnicGroup"], record["personStatus"]) == (person["ethnic"], "active")
        assert record["domicileDivision"] == "440399"
        assert (address["streetCode"], address["communityCode"]) == (person["street"], person["community"])
        assert address["divisionCode"] == person["community"]
        assert (address["road"], address["number"]) == (person["road"], f"{person['no']}号")
        assert address["text"] == f"{person['road']}{person['no']}号{person['room']}"


def test_the_floating_population_service_knows_the_ten_who_arrived(tmp_path: Path) -> None:
    found = answers(FLOATING, tmp_path, [person["id"] for person in PEOPLE])
    assert Counter(len(records) for records in found) == {1: 10, 0: 10}
    for person, records in zip(PEOPLE, found, strict=True):
        for record in records:
            assert record["idNumber"] == person["id"]
            assert record["arrivalDate"] == person["arrived"]
            assert record["residenceAddress"]["text"].startswith(f"{person['road']}{person['no']}号{person['room']}")


def test_the_assistance_service_answers_from_dates_in_four_shapes_and_amounts_in_words(tmp_path: Path) -> None:
    by_row = {5: "440399199606041394", 6: "440399201011133361", 14: "440399200506295106", 10: "440399200210282461"}
    (five,), (six,), (fourteen,), (ten,) = answers(ASSISTANCE, tmp_path, list(by_row.values()))
    assert (five["assistanceType"], five["monthlyAmount"], five["approvedFrom"]) == (
        "特困人员供养",
        "1365.00",
        "2023-04-01",
    )
    assert six["approvedFrom"] == "2025-09-28"
    assert (fourteen["status"], "monthlyAmount" in fourteen) == ("stopped", False)
    assert (ten["status"], ten["approvedFrom"]) == ("approved", "2019-09-01")


@pytest.mark.parametrize(
    "written", ["440399 20000530 3454", "４４０３９９２００００５３０３４５４", "'440399200005303454"]
)
def test_an_identifier_is_found_however_it_is_written(written: str, tmp_path: Path) -> None:
    ((record,),) = answers(ASSISTANCE, tmp_path, [written])
    assert record["applicantIdNumber"] == "440399200005303454"


def test_a_lower_case_check_digit_in_the_table_is_found_by_the_capital_and_the_other_way_round(tmp_path: Path) -> None:
    first, second = answers(FLOATING, tmp_path, ["44039919690822175X", "44039919690822175x"])
    assert first == second
    assert first[0]["idNumber"] == "44039919690822175X"


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
def test_a_report_on_all_rows_holds_no_value_of_any_row(sample: Sample, tmp_path: Path) -> None:
    text = json.dumps(checked(sample, tmp_path).to_dict(), ensure_ascii=False)
    for person in PEOPLE:
        assert person["id"] not in text
        assert person["name"] not in text
    assert "坏行" not in text and "19901301" not in text
