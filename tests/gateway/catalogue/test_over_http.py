"""Services over HTTP, as other systems use them; and what the neighbour may not see (threat T15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tongqu_client import GatewayError, errors

from tests.cast import BUREAU, LINDEN, MAPLE, POLICE, STANDARD
from tests.gateway.catalogue.city import shared_city
from tests.running import City

MANIFEST = {
    "standard": "residence-record/1.0.0",
    "title_zh": "居住登记",
    "title_en": "Residence records",
    "base_url": "http://127.0.0.1:9/tongqu",
    "contact": "人口科",
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[City]:
    with shared_city(tmp_path_factory.mktemp("catalogue"), sqlite_template) as running:
        yield running


@pytest.fixture
def call(city: City) -> Callable[..., Any]:
    """``call(party, method, path, …)`` as that party's system; the scope is what the call needs."""

    def calling(party: str, method: str, path: str, *, scope: str = "", **more: Any) -> Any:
        needed = scope or ("catalogue:read" if method == "GET" else "admin" if party == BUREAU else "catalogue:write")
        return city.client(party).request(method, path, scope=needed, **more)

    return calling


@pytest.fixture
def service(call: Callable[..., Any]) -> str:
    """A service of the police that nobody has tested yet."""
    identifier: str = call(POLICE, "POST", "/v1/services", json=MANIFEST)["id"]
    return identifier


# ── registering ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_department_registers_a_service_as_its_own(call: Callable[..., Any]) -> None:
    made = call(POLICE, "POST", "/v1/services", json=MANIFEST)
    assert made["id"].startswith("svc_")
    assert (made["party"], made["state"], made["standard"]) == (POLICE, "registered", MANIFEST["standard"])
    assert made["timeout_ms"] == 3000
    assert made["digest"].startswith("sha-256:")
    assert call(POLICE, "GET", f"/v1/services/{made['id']}") == made


MALFORMED: dict[str, dict[str, Any]] = {
    "/party": {"party": "tax"},
    "/state": {"state": "active"},
    "/title_zh": {"title_zh": ""},
    "/title_en": {"title_en": "two\nlines"},
    "/contact": {"contact": "\u202etxt.exe"},
    "/base_url": {"base_url": 7},
    "/timeout_ms": {"timeout_ms": "soon"},
    "/max_concurrent": {"max_concurrent": 1.5},
    "/crosswalk": {"crosswalk": "by hand"},
}


@pytest.mark.parametrize("pointer", MALFORMED)
def test_a_malformed_manifest_is_answered_with_the_place(call: Callable[..., Any], pointer: str) -> None:
    with pytest.raises(errors.InvalidRequest) as refused:
        call(POLICE, "POST", "/v1/services", json=MANIFEST | MALFORMED[pointer])
    assert [each["pointer"] for each in refused.value.members["errors"]] == [pointer]


@pytest.mark.parametrize("member", ["standard", "title_zh", "title_en", "base_url", "contact"])
def test_what_must_be_there_is_named_when_it_is_not(call: Callable[..., Any], member: str) -> None:
    with pytest.raises(errors.InvalidRequest) as refused:
        call(POLICE, "POST", "/v1/services", json={key: value for key, value in MANIFEST.items() if key != member})
    assert [each["pointer"] for each in refused.value.members["errors"]] == [f"/{member}"]


@pytest.mark.parametrize("text", ["\ud800", "a\ud800b", "\udfff"])
def test_half_a_character_is_refused_and_is_no_surprise(call: Callable[..., Any], text: str) -> None:
    for member in ("title_zh", "contact", "base_url"):
        with pytest.raises(errors.InvalidRequest):
            call(POLICE, "POST", "/v1/services", json=MANIFEST | {member: text})
    with pytest.raises(errors.InvalidRequest):
        call(POLICE, "POST", "/v1/services", json=MANIFEST | {"crosswalk": {"crosswalk": text}})


def test_an_address_inside_the_gateways_own_network_cannot_be_registered(call: Callable[..., Any]) -> None:
    for url in ("http://10.0.0.5/", "https://169.254.169.254/latest", "https://[::1]:8080/", "http://2130706433/"):
        with pytest.raises(errors.InvalidRequest) as refused:
            call(POLICE, "POST", "/v1/services", json=MANIFEST | {"base_url": url})
        assert refused.value.members["errors"][0]["pointer"] == "/base_url"


# ── the neighbour ─────────────────────────────────────────────────────────────────────────────────────────────────────
STEPS = ["conformance", "approve", "suspend", "resume"]


@pytest.mark.parametrize("party", [LINDEN, MAPLE])
def test_a_service_not_in_use_does_not_exist_for_others(call: Callable[..., Any], service: str, party: str) -> None:
    with pytest.raises(errors.NotFound):
        call(party, "GET", f"/v1/services/{service}")
    assert service not in {each["id"] for each in call(party, "GET", "/v1/catalogue", query={"q": ""})}
    for step in STEPS:
        with pytest.raises(errors.ScopeMissing):  # a street office's client has no scope for it, whatever it asks for
            call(party, "POST", f"/v1/services/{service}/{step}", json={})


def test_a_department_cannot_approve_itself(call: Callable[..., Any], service: str) -> None:
    for scope in ("catalogue:write", "catalogue:read"):
        with pytest.raises(GatewayError) as refused:
            call(POLICE, "POST", f"/v1/services/{service}/approve", scope=scope)
        assert refused.value.status == 403


def test_where_a_service_stands_is_shown_to_its_department_and_the_bureau_only(
    call: Callable[..., Any], city: City
) -> None:
    path = f"/v1/services/{city.cast.service}"
    inside = {"base_url", "report", "suspended_by"}
    for party in (POLICE, BUREAU):
        assert inside <= set(call(party, "GET", path))
    for party in (LINDEN, MAPLE):
        assert not inside & set(call(party, "GET", path))
        assert "127.0.0.1" not in str(call(party, "GET", "/v1/catalogue", query={"q": ""}))


def test_nobody_reads_the_catalogue_without_a_token(city: City) -> None:
    for path in ("/v1/catalogue", "/v1/catalogue/holders?element=name", f"/v1/services/{city.cast.service}"):
        answer = requests.get(city.gateway.url + path, timeout=5)
        assert answer.status_code == 401
        assert answer.json()["code"] == "token_missing"


def test_an_unknown_service_is_not_found(call: Callable[..., Any]) -> None:
    for step in STEPS:
        with pytest.raises(errors.NotFound):
            call(BUREAU, "POST", f"/v1/services/svc_nothing/{step}", json={})


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_clerk_finds_who_holds_a_fact(call: Callable[..., Any], city: City) -> None:
    found = call(LINDEN, "GET", "/v1/catalogue", query={"q": "出生日期"})
    assert [each["id"] for each in found] == [city.cast.service]
    (holder,) = call(LINDEN, "GET", "/v1/catalogue/holders", query={"element": "birthDate"})
    assert (holder["service"], holder["party"], holder["standard"]) == (city.cast.service, POLICE, STANDARD)
    assert holder["title_zh"] and holder["authority_zh"] and holder["authority_en"]


def test_stopping_and_resuming_is_seen_at_once(call: Callable[..., Any], city: City) -> None:
    path = f"/v1/services/{city.cast.service}"
    assert call(POLICE, "POST", f"{path}/suspend")["suspended_by"] == POLICE
    assert call(LINDEN, "GET", "/v1/catalogue/holders", query={"element": "birthDate"}) == []
    assert call(POLICE, "POST", f"{path}/resume")["state"] == "active"
    assert len(call(LINDEN, "GET", "/v1/catalogue/holders", query={"element": "birthDate"})) == 1


def test_the_conformance_report_comes_over_the_wire_and_names_no_one(call: Callable[..., Any], service: str) -> None:
    subject = {"scheme": "cn.resident-id", "id": "990101199001010019"}
    answer = call(POLICE, "POST", f"/v1/services/{service}/conformance", json={"subject_found": subject})
    assert (answer["state"], answer["passed"]) == ("registered", False)
    assert answer["report"]["outcome"] == "fail"
    assert all(line["mend_zh"] for line in answer["report"]["checks"] if line["outcome"] == "fail")
    assert subject["id"] not in str(answer)
