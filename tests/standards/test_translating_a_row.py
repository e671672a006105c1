"""What a crosswalk reports of each row: translated, defaulted, lost, omitted, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from standards import crosswalk
from tests.standards.crosswalking import ASSISTANCE, PERSON, RESIDENCE, ROW, document, person
from tests.standards.people import organisation, resident


def test_a_row_becomes_a_record_of_the_standard() -> None:
    done = person().translate(ROW)
    assert done.record == {
        "idNumber": resident(),
        "name": "示例",
        "sex": "1",
        "birthDate": "1958-01-01",
        "personStatus": "active",
    }
    assert done.translated == ("idNumber", "name", "sex", "birthDate", "personStatus")
    assert done.defaulted == done.lost == done.omitted == done.refused == ()


def test_a_column_that_nobody_takes_is_lost_if_it_holds_something() -> None:
    done = person().apply({**ROW, "备注": "x", "空": "", "没有": None, "blank": " "})
    assert done.lost == ("备注",)


def test_a_column_declared_as_ignored_is_not_lost() -> None:
    written = {**document(), "ignored": {"/备注": {"zh": "与标准无关", "en": "not part of the standard"}}}
    assert crosswalk.compile(written, PERSON).apply({**ROW, "备注": "x"}).lost == ()


def test_a_missing_required_value_refuses_the_row_by_column() -> None:
    done = person().apply({**ROW, "xm": " "})
    assert done.record is None
    assert [(r.target, r.source, r.why_code) for r in done.refused] == [("name", "xm", "missing")]


def test_a_missing_optional_value_is_simply_not_there() -> None:
    done = person(phone={"from": "/dh"}).apply(ROW)
    assert done.record is not None and "phone" not in done.record
    assert done.omitted == done.refused == ()


def test_a_missing_optional_value_is_refused_if_the_crosswalk_says_so() -> None:
    done = person(phone={"from": "/dh", "on_missing": "refuse"}).apply(ROW)
    assert [(r.target, r.why_code) for r in done.refused] == [("phone", "missing")]


def test_a_default_is_reported() -> None:
    lookup = {"fn": "lookup", "codelist": "gbt-2659.1-2022-country-alpha3"}
    rule = {"from": "/gj", "fn": [lookup], "on_unknown": "refuse", "on_missing": "default", "default": "CHN"}
    done = person(nationality=rule).apply(ROW)
    assert done.record is not None and done.record["nationality"] == "CHN"
    assert done.defaulted == ("nationality",)
    assert "nationality" not in done.translated


@pytest.mark.parametrize(
    ("choice", "record", "reported"),
    [
        ({"on_unknown": "refuse"}, False, ("refused", "unknown_code")),
        ({"on_unknown": "omit"}, True, ("omitted", "unknown_code")),
        ({"on_unknown": "default", "default": "90"}, True, ("defaulted", "maritalStatus")),
    ],
)
def test_an_unknown_code_is_refused_omitted_or_defaulted_and_always_reported(
    choice: dict[str, str], record: bool, reported: tuple[str, str]
) -> None:
    rule = {"from": "/hy", "fn": [{"fn": "lookup", "codelist": "gbt-2261.2-2003-marital-status"}], **choice}
    done = person(maritalStatus=rule).apply({**ROW, "hy": "77"})
    assert (done.record is not None) is record
    names = {"refused": done.refused, "omitted": done.omitted, "defaulted": done.defaulted}
    assert [getattr(one, "why_code", one) for one in names[reported[0]]] == [reported[1]]


def test_an_omitted_value_is_also_lost() -> None:
    rule = {"from": "/hy", "fn": [{"fn": "lookup", "table": {"未婚": "10"}}], "on_unknown": "omit"}
    assert person(maritalStatus=rule).apply({**ROW, "hy": "77"}).lost == ("hy",)
    beside = person(maritalStatus=rule, formerName={"from": "/hy"}).apply({**ROW, "hy": "77"})
    assert beside.lost == ()  # another field holds it


def test_all_faults_of_a_row_are_told_at_once() -> None:
    bad = {"sfz": "990101199013010011", "xm": "", "xb": "9x", "csrq": "19901301"}
    assert [(r.target, r.source, r.why_code) for r in person().apply(bad).refused] == [
        ("idNumber", "sfz", "id_date"),
        ("name", "xm", "missing"),
        ("sex", "xb", "unknown_code"),
        ("birthDate", "csrq", "impossible_date"),
    ]


def test_no_report_holds_a_value() -> None:
    bad = {"sfz": "990101199013010011", "xm": "保密 姓名", "xb": "机密代码", "csrq": "机密日期", "dh": "机密电话"}
    done = person(phone={"from": "/dh"}).apply(bad)
    told = repr(done) + json.dumps([[r.target, r.source, r.zh, r.en] for r in done.refused], ensure_ascii=False)
    assert len(done.refused) == 4
    assert all(value not in told for value in bad.values())


def test_what_the_standard_refuses_is_told_by_column_too() -> None:
    done = person(phone={"from": "/dh"}, name={"from": "/xm"}).translate({**ROW, "dh": "请打总机转接", "xm": "示？例"})
    assert done.record is None
    assert {(r.target, r.source, r.why_code) for r in done.refused} == {
        ("phone", "dh", "standard:pattern"),
        ("name", "xm", "standard:pattern"),
    }


ADDRESS: dict[str, Any] = {
    "domicileAddress__divisionCode": {"from": "/dm", "fn": ["region_code"]},
    "domicileAddress__text": {"from": ["/l", "/h"], "fn": ["concat"]},
    "domicileAddress__road": {"from": "/l"},
}


def test_parts_of_an_object_are_put_together() -> None:
    done = person(**ADDRESS).translate({**ROW, "dm": "990100001000", "l": "示例路", "h": "1号"})
    assert done.record is not None
    assert done.record["domicileAddress"] == {"divisionCode": "990100001", "text": "示例路1号", "road": "示例路"}


def test_an_optional_object_without_a_required_part_is_left_out_and_told() -> None:
    done = person(**ADDRESS).translate({**ROW, "l": "示例路"})
    assert done.record is not None and "domicileAddress" not in done.record
    assert [(r.target, r.source, r.why_code) for r in done.omitted] == [
        ("domicileAddress.road", "l", "incomplete"),
        ("domicileAddress.text", "l, h", "incomplete"),
    ]
    assert done.lost == ("l", "h")


def test_an_optional_object_without_anything_is_not_even_told() -> None:
    constant = {**ADDRESS, "domicileAddress__divisionCode": {"fn": [{"fn": "const", "value": "990100"}]}}
    done = person(**constant).translate(ROW)
    assert done.record is not None and "domicileAddress" not in done.record
    assert done.omitted == () and done.lost == ()


def test_a_required_object_without_a_required_part_refuses_the_row() -> None:
    written = {
        "crosswalk": "tongqu-crosswalk/1",
        "standard": "residence-record/1.0.0",
        "targets": {
            "recordId": {"from": "/xh"},
            "idNumber": {"from": "/sfz", "fn": ["id15to18"]},
            "residenceAddress.divisionCode": {"from": "/dm", "fn": ["region_code"]},
            "residenceAddress.text": {"from": "/dz", "fn": ["trim"]},
            "arrivalDate": {"from": "/rq", "fn": [{"fn": "date", "formats": ["yyyyMMddHHmmss"]}]},
            "collectedBy": {"from": "/dw"},
            "collectedAt": {"from": "/rq", "fn": [{"fn": "date", "formats": ["yyyyMMddHHmmss"], "as": "date-time"}]},
        },
    }
    walk = crosswalk.compile(written, RESIDENCE)
    row = {"xh": 1, "sfz": resident(), "dm": "990100", "dz": "示例路1号", "rq": "20261101083000", "dw": organisation()}
    done = walk.translate(row)
    assert done.record is not None and done.record["collectedAt"] == "2026-11-01T08:30:00+08:00"
    assert done.record["arrivalDate"] == "2026-11-01"
    assert [r.target for r in walk.apply({**row, "dz": None}).refused] == ["residenceAddress.text"]
    assert [r.why_code for r in walk.apply({**row, "dw": "9" * 18}).refused] == ["uscc_checksum"]


MEMBERS: dict[str, Any] = {
    "crosswalk": "tongqu-crosswalk/1",
    "standard": "social-assistance/1.0.0",
    "targets": {
        "caseId": {"from": "/case/no"},
        "assistanceType": {
            "from": "/case/kind",
            "fn": [{"fn": "lookup", "codelist": "assistance-type"}],
            "on_unknown": "refuse",
        },
        "applicantIdNumber": {"from": "/case/applicant/id", "fn": ["id15to18"]},
        "divisionCode": {"from": "/case/street", "fn": ["region_code"]},
        "status": {
            "fn": [{"fn": "when-eq", "column": "/case/stopped", "value": "true", "then": "stopped", "else": "approved"}]
        },
        "decisionOffice": {"fn": [{"fn": "const", "value": organisation()}]},
        "householdMembers": {
            "each": "/family",
            "targets": {
                "name": {"from": "/n", "fn": [{"fn": "trim", "kind": "name"}]},
                "relationship": {
                    "from": "/rel",
                    "fn": [{"fn": "lookup", "codelist": "gbt-4761-2008-kinship"}],
                    "on_unknown": "refuse",
                },
            },
            "ignored": {"/phone": {"zh": "不需要", "en": "not needed"}},
        },
    },
    "ignored": {"/meta": {"zh": "系统字段", "en": "of the system"}},
}
NATIVE: dict[str, Any] = {
    "case": {"no": "A-1", "kind": "低保", "applicant": {"id": resident()}, "street": "990100001", "stopped": True},
    "family": [{"n": "示例甲", "rel": "妻", "phone": "1"}, {"n": "示例乙", "rel": "20"}],
    "meta": {"version": 3},
}


def test_nested_records_and_lists_of_objects_are_translated() -> None:
    done = crosswalk.compile(MEMBERS, ASSISTANCE).translate(NATIVE)
    assert done.record is not None and done.lost == ()
    assert done.record["householdMembers"] == [
        {"name": "示例甲", "relationship": "12"},
        {"name": "示例乙", "relationship": "20"},
    ]
    assert done.record["status"] == "stopped"


def test_a_fault_within_a_list_is_told_by_item() -> None:
    row = {**NATIVE, "family": [{"n": "示例甲", "rel": "妻"}, {"n": "示例乙", "rel": "邻居"}]}
    (refusal,) = crosswalk.compile(MEMBERS, ASSISTANCE).apply(row).refused
    assert (refusal.target, refusal.source) == ("householdMembers.1.relationship", "family/1/rel")


@pytest.mark.parametrize(
    ("family", "code"),
    [
        ("示例", "not_a_list"),
        ({"n": "x"}, "not_a_list"),
        (["示例"], "not_a_list"),
        ([{"n": "x", "rel": "20"}] * 31, "too_many"),
    ],
)
def test_what_is_no_list_of_objects_is_refused(family: Any, code: str) -> None:
    done = crosswalk.compile(MEMBERS, ASSISTANCE).apply({**NATIVE, "family": family})
    assert [r.why_code for r in done.refused] == [code]


def test_nested_values_that_nobody_takes_are_lost_by_pointer() -> None:
    row: dict[str, Any] = {**NATIVE, "case": {**NATIVE["case"], "applicant": {"id": resident(), "job": "x"}}}
    row["family"] = [{**NATIVE["family"][0], "bank": "1"}, {**NATIVE["family"][1], "bank": ""}]
    done = crosswalk.compile(MEMBERS, ASSISTANCE).apply(row)
    assert done.lost == ("/case/applicant/job", "/family/[]/bank")


def test_a_gate_looks_at_another_column() -> None:
    gate = {"fn": "when-eq", "column": "/zxbz", "value": "1"}
    walk = person(deathDate={"from": "/rq", "fn": [gate, {"fn": "date", "formats": ["yyyyMMdd"]}]})
    for flag, expected in (("1", "2024-02-29"), (1, "2024-02-29"), ("0", None), (None, None)):
        done = walk.apply({**ROW, "rq": "20240229", "zxbz": flag})
        assert done.record is not None and done.record.get("deathDate") == expected


def test_a_narrowed_crosswalk_reads_nothing_else() -> None:
    walk = person(phone={"from": "/dh"}, **ADDRESS)
    narrow = walk.narrow(("name", "domicileAddress.divisionCode"))
    row = {"xm": "示例", "dm": "990100", "sfz": "不是号码", "xb": "77", "dh": "1"}
    done = narrow.apply(row)
    assert done.record == {"name": "示例", "domicileAddress": {"divisionCode": "990100"}}
    assert done.refused == () and done.lost == ()
    assert walk.translate(row, ("name", "domicileAddress.divisionCode")).record == done.record
    assert walk.apply(row).record is None
    assert walk.narrow(("domicileAddress.divisionCode", "name")) is narrow
    assert narrow.exact and not walk.exact


@pytest.mark.parametrize("change", [{}, {"xm": " "}, {"xb": "77"}, {"sfz": f" {resident()}"}, {"sfz": 1.0}])
def test_the_record_alone_is_that_of_the_whole_report(change: dict[str, Any]) -> None:
    done = person().apply(ROW | change)
    assert person().record_of(ROW | change) == (done.record, list(done.refused))
