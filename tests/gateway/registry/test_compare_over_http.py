"""Anybody asks whether a new version is compatible: by number or with a draft, and whatever the draft may be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from werkzeug.test import TestResponse

import standards
from standards.crosswalk import compile
from standards.standard import Standard
from tests.clock import FixedClock
from tests.gateway.agreements.office import BASE_URL, Office, opened
from tests.gateway.agreements.people import BUREAU
from tests.gateway.registry.desk import CHANGELOG, narrowed, reworded, widened
from tests.standards.comparing import Edit, both_refuse, both_take, change, codes, edited

PATH = "/v1/standards/person-basic/compare"
OLD = standards.get("person-basic/1.0.0").schema


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("compare"), FixedClock()) as made:
        yield made


def post(office: Office, body: Any, path: str = PATH) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Accept-Language": "en"}
    return office.http.post(path, data=data, headers=headers, base_url=BASE_URL, content_type="application/json")


def test_a_version_and_a_draft_with_an_example(office: Office) -> None:
    answer = post(office, {"from": "1.0.0", "to": narrowed("2.0.0")})
    found = answer.get_json()
    assert answer.status_code == 200
    assert (found["from"], found["to"]) == ("person-basic/1.0.0", "draft")
    assert (found["verdict"], found["level"], found["bump"]) == ("breaking", "FORWARD", "major")
    assert both_take(OLD, found["example"])
    assert both_refuse(narrowed("2.0.0"), found["example"])
    (told,) = found["changes"]
    assert (told["pointer"], told["element"]) == ("/required", "phone")
    assert told["zh"] == "「联系电话」由选填改为必填"
    assert told["en"] == "“Telephone” becomes required"


@pytest.mark.parametrize(
    ("new", "verdict", "level", "bump"),
    [
        ("1.0.0", "identical", "FULL", "none"),
        (reworded("1.0.1"), "compatible", "FULL", "patch"),
        (widened("1.1.0"), "compatible", "BACKWARD", "minor"),
    ],
)
def test_what_stays_compatible(office: Office, new: Any, verdict: str, level: str, bump: str) -> None:
    found = post(office, {"from": "1.0.0", "to": new}).get_json()
    assert (found["verdict"], found["level"], found["bump"]) == (verdict, level, bump)
    assert found["example"] is None
    assert (found["forward"]["example"] is not None) == (level == "BACKWARD")


def test_two_drafts(office: Office) -> None:
    found = post(office, {"from": narrowed("2.0.0"), "to": widened("1.1.0")}).get_json()
    assert (found["from"], found["to"], found["verdict"]) == ("draft", "draft", "compatible")


def test_what_departs_from_the_dictionary_is_compared_all_the_same(office: Office) -> None:
    _, new = edited("person-basic/1.0.0", change("name", maxLength=80))
    assert post(office, {"from": "1.0.0", "to": new}).get_json()["verdict"] == "compatible"


def test_a_draft_that_only_names_shared_elements_is_written_out(office: Office) -> None:
    draft = deepcopy(OLD)
    draft["properties"]["idNumber"] = {"x-element": "idNumber"}
    assert post(office, {"from": "1.0.0", "to": draft}).get_json()["verdict"] in ("identical", "compatible")


def test_a_crosswalk_both_ways_if_it_is_asked_for(office: Office) -> None:
    new = widened("1.1.0")
    found = post(office, {"from": "1.0.0", "to": new, "migration": True}).get_json()["migration"]
    assert found["forward"]["lossless"]
    assert found["back"]["usable"]
    compile(found["forward"]["crosswalk"], Standard.of(new))
    compile(found["back"]["crosswalk"], standards.get("person-basic/1.0.0"))
    assert [gap["target"] for gap in found["back"]["gaps"]] == ["secondPhone"]


def test_the_bureau_names_its_draft_and_nobody_else_sees_it(office: Office) -> None:
    body = {"schema": widened("1.7.0"), "changelog": CHANGELOG}
    office.did(BUREAU, "POST", "/v1/standards", body)
    asked = {"from": "1.0.0", "to": "1.7.0"}
    assert office.did(BUREAU, "POST", PATH, asked)["to"] == "person-basic/1.7.0"
    answer = post(office, asked)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_standard")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"from": "1.0.0"}, 422, "invalid_request"),
        ({"from": "1.0.0", "to": 7}, 422, "invalid_request"),
        ({"from": "1.0.0", "to": None}, 422, "invalid_request"),
        ({"from": "1.0.0", "to": []}, 422, "invalid_request"),
        ({"from": "1.0.0", "to": "../1.0.0"}, 422, "invalid_request"),
        ({"from": "1.0.0", "to": "1.0.0\n"}, 422, "invalid_request"),
        ({"from": "1.0.0", "to": {}}, 422, "invalid_request"),
        ({"from": "1.0.0", "to": {"$ref": "http://example.org/x"}}, 422, "invalid_request"),
        ({"from": "9.9.9", "to": "1.0.0"}, 404, "unknown_standard"),
        (b"{", 400, "malformed_request"),
        (b'{"from":"1.0.0","to":"1.0.0","to":"1.0.0"}', 400, "malformed_request"),
    ],
)
def test_what_is_no_comparison_is_refused(office: Office, body: Any, status: int, code: str) -> None:
    answer = post(office, body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_every_fault_of_a_draft_is_named_with_its_place(office: Office) -> None:
    draft = deepcopy(OLD)
    for name in ("nationality", "phone"):
        draft["properties"][name]["pattern"] = "without its ends"
    pointers = {each["pointer"] for each in post(office, {"from": "1.0.0", "to": draft}).get_json()["errors"]}
    assert pointers == {"/to/properties/nationality/pattern", "/to/properties/phone/pattern"}


@pytest.mark.parametrize(
    ("edit", "verdict", "pointer"),
    [
        (codes("sex", plus=("5",)), "compatible", None),
        (lambda d: d["properties"]["sex"]["enum"].append("5"), "compatible", "/to/properties/sex/enum"),
        (change("phone", pattern="^1[3-9]\\d{9}$"), "breaking", "/to/properties/phone/pattern"),
        (change("idNumber", format=None), "compatible", "/to/x-subject"),
    ],
)
def test_what_could_not_be_published_yet_is_compared_and_said(
    office: Office, edit: Edit, verdict: str, pointer: str | None
) -> None:
    _, new = edited("person-basic/1.0.0", edit)
    found = post(office, {"from": "1.0.0", "to": new}).get_json()
    assert found["verdict"] == verdict
    assert [fault["pointer"] for fault in found["faults"]] == ([pointer] if pointer else [])


def test_a_pattern_that_does_not_compile_is_refused(office: Office) -> None:
    _, new = edited("person-basic/1.0.0", change("phone", pattern="^(?=1)[0-9]+$"))
    answer = post(office, {"from": "1.0.0", "to": new})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_request")


@pytest.mark.timeout(30, func_only=True)
@pytest.mark.parametrize(
    "pattern",
    ["^(a|b)*a(a|b){60}$", "^(a?){2000}$", "^(a?b?c?){500}$", "^(([ab]{0,30}){0,30})$", "^(.*a){50}$", "^([^a]*a)+$"],
)
def test_a_hostile_pattern_is_answered_soon(office: Office, pattern: str) -> None:
    _, old = edited("person-basic/1.0.0", change("certNumber", pattern=pattern, maxLength=2000))
    _, new = edited("person-basic/1.0.0", change("certNumber", pattern=f"{pattern[:-1]}(?:x|[^y])?$", maxLength=2000))
    answer = post(office, {"from": old, "to": new})
    assert answer.status_code in (200, 422)


def test_an_unknown_name_is_no_standard(office: Office) -> None:
    answer = post(office, {"from": "1.0.0", "to": "1.0.0"}, "/v1/standards/unheard-of/compare")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_standard")


def test_the_impact_list_is_for_those_who_may_read_the_log(office: Office) -> None:
    asked = {"from": "1.0.0", "to": narrowed("2.0.0")}
    path = "/v1/standards/person-basic/impact"
    assert (post(office, asked, path).status_code, post(office, asked, path).get_json()["code"]) == (
        401,
        "token_missing",
    )
    answer = office.send(BUREAU, "POST", path, asked)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "insufficient_scope")
