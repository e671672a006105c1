"""The conformance test passes an endpoint that obeys the contract and names the fault of one that does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import standards
from standards import conformance
from standards.conformance import Report
from standards.crosswalk import compile
from tests.standards.department import ISSUER, KNOWN, NOW, SERVICE, STANDARD, Department, GatewayKey

KEY = GatewayKey()


def run(fault: str = "", found: Mapping[str, str] | None = KNOWN, **more: Any) -> Report:
    return conformance.run(
        Department(KEY, fault).send,
        standard=standards.get(STANDARD),
        service_id=SERVICE,
        issuer=ISSUER,
        make_request=KEY.sign,
        subject_found=found,
        now=lambda: NOW,
        **more,
    )


def failed(report: Report) -> set[str]:
    return {check.id for check in report.failed}


def test_a_correct_endpoint_passes_every_check() -> None:
    report = run()
    assert report.passed
    assert {check.outcome for check in report.checks} == {"pass"}
    assert len(report.checks) == 23


def test_an_endpoint_that_serves_any_agreement_says_so_and_passes() -> None:
    report = run("any_agreement")
    assert report.passed
    assert [check.id for check in report.skipped] == ["other_agreement"]


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("no_health", "health"),
        ("health_of_another", "health"),
        ("loses_rows", "found"),
        ("twice", "found"),
        ("bare_list", "found"),
        ("wrong_code", "obeys_standard"),
        ("another_person", "same_subject"),
        ("too_many_fields", "asked_fields_only"),
        ("absent_is_404", "absent"),
        ("prefix_search", "absent"),
        ("as_of_without_zone", "as_of"),
        ("as_of_in_the_future", "as_of"),
        ("html_content_type", "content_type"),
        ("cacheable", "content_type"),
        ("any_field", "unknown_field"),
        ("any_standard", "unknown_standard"),
        ("crashes_on_json", "malformed_json"),
        ("signature_optional", "missing_signature"),
        ("no_signature_check", "forged_signature"),
        ("alg_none", "forged_signature"),
        ("key_from_header", "forged_signature"),
        ("any_audience", "wrong_audience"),
        ("any_issuer", "wrong_issuer"),
        ("no_expiry", "expired"),
        ("no_replay_memory", "replayed"),
        ("no_signature_check", "swapped_agreement"),
        ("lax_agreement", "other_agreement"),
        ("no_body_digest", "altered_body"),
        ("plain_errors", "problem_documents"),
        ("status_differs", "problem_documents"),
        ("no_code", "problem_documents"),
        ("echoes_the_request", "no_personal_data"),
        ("slow", "time_and_size"),
        ("huge", "time_and_size"),
    ],
)
def test_each_mistake_is_caught_by_its_check(fault: str, check: str) -> None:
    report = run(fault)
    assert check in failed(report)
    assert not report.passed
    broken = next(one for one in report.failed if one.id == check)
    assert broken.zh and broken.en and broken.mend_zh and broken.mend_en


def test_an_endpoint_that_verifies_nothing_fails_every_check_of_the_envelope() -> None:
    envelope = {
        "missing_signature", "forged_signature", "wrong_audience", "wrong_issuer", "expired", "replayed",
        "swapped_agreement", "altered_body", "other_agreement",
    }  # fmt: skip
    assert envelope <= failed(run("no_verification"))


def test_an_endpoint_that_hangs_fails_and_the_test_goes_on() -> None:
    report = run("hangs")
    assert len(report.checks) == 23
    assert "found" in failed(report)
    assert "no answer in time" in next(check.en for check in report.failed if check.id == "found")


def test_without_a_known_subject_nothing_is_claimed() -> None:
    report = run(found=None)
    assert not report.failed
    assert not report.complete
    assert not report.passed
    assert report.to_dict()["outcome"] == "incomplete"
    assert "found" in {check.id for check in report.skipped}


@pytest.mark.parametrize("fault", ["", "wrong_code", "another_person", "echoes_the_request", "too_many_fields"])
def test_the_report_holds_no_personal_data(fault: str) -> None:
    text = json.dumps(run(fault).to_dict(), ensure_ascii=False)
    for personal in (KNOWN["id"], "示例人", "13800000000", "1990-01-01", "990101195001010037", "男"):
        assert personal not in text


def test_the_report_is_plain_json_with_counts() -> None:
    document = json.loads(json.dumps(run("slow").to_dict()))
    assert document["outcome"] == "fail"
    assert document["counts"]["fail"] == 1
    assert sum(document["counts"].values()) == 23
    assert document["at"] == "2026-11-23T08:30:00.000Z"
    assert all("mend_zh" in check for check in document["checks"] if check["outcome"] == "fail")


def test_native_columns_are_judged_after_translation() -> None:
    person = standards.get(STANDARD)
    targets = {
        "idNumber": {"from": "/HM", "fn": ["id15to18"]},
        "name": {"from": "/XM", "fn": [{"fn": "trim", "kind": "name"}]},
        "sex": {"from": "/XB", "fn": [{"fn": "lookup", "codelist": "gbt-2261.1-2003-sex"}], "on_unknown": "refuse"},
        "birthDate": {"from": "/RQ", "fn": [{"fn": "date", "formats": ["yyyyMMdd"]}]},
        "personStatus": {"fn": [{"fn": "const", "value": "active"}]},
    }
    crosswalk = compile({"crosswalk": "tongqu-crosswalk/1", "standard": STANDARD, "targets": targets}, person)

    class Native(Department):
        def _records(self, identifier: str, fields: list[str]) -> list[dict[str, Any]]:
            row = {"HM": KNOWN["id"], "XM": "示例人", "XB": self.fault or "男", "RQ": "19900101"}
            return [row] if identifier == KNOWN["id"] else []

    def judged(sex: str) -> Report:
        return conformance.run(
            Native(KEY, sex).send, standard=person, service_id=SERVICE, issuer=ISSUER, make_request=KEY.sign,
            subject_found=KNOWN, crosswalk=crosswalk, now=lambda: NOW,
        )  # fmt: skip

    assert judged("").passed
    broken = next(check for check in judged("雄").failed if check.id == "obeys_standard")
    assert "XB" in broken.zh and "雄" not in broken.zh
