"""``/v1/agreements`` as other people's systems see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.agreements import schemas
from tests.clock import FixedClock
from tests.gateway.agreements import office as offices
from tests.gateway.agreements.office import Office
from tests.gateway.agreements.people import AUDIT, BUREAU, NEIGHBOUR, POLICE, STREET, document


@pytest.fixture
def office(tmp_path: Path, clock: FixedClock) -> Iterator[Office]:
    with offices.opened(tmp_path, clock) as office:
        yield office


def test_from_a_draft_to_an_active_agreement(office: Office) -> None:
    draft = office.did(STREET, "POST", "/v1/agreements", document())
    assert (draft["state"], draft["version"], draft["signatures"]) == ("draft", 1, [])
    path = f"/v1/agreements/{draft['id']}"
    edited = office.did(STREET, "PUT", path, document(title_en="Another"))
    assert edited["digest"] != draft["digest"]
    assert office.did(STREET, "POST", f"{path}/submit")["state"] == "proposed"
    for party, state in ((STREET, "proposed"), (POLICE, "active")):
        signed = office.did(party, "POST", f"{path}/sign", {"jws": office.jws(party, edited)})
        assert signed["state"] == state
    assert {signature["party"] for signature in signed["signatures"]} == {STREET, POLICE}
    assert office.did(POLICE, "GET", path) == signed
    assert office.did(POLICE, "GET", f"{path}?version=1") == signed
    assert set(signed) == set(schemas.AgreementView().fields)


def test_suspended_resumed_and_terminated(office: Office) -> None:
    path = f"/v1/agreements/{office.active(STREET, POLICE)['id']}"
    assert office.did(BUREAU, "POST", f"{path}/suspend", {"reason": "misuse"})["suspended_by"] == [BUREAU]
    assert office.did(POLICE, "POST", f"{path}/resume")["resumption_asked_by"] == [POLICE]
    office.did(STREET, "POST", f"{path}/resume")
    assert office.did(BUREAU, "POST", f"{path}/resume")["state"] == "active"
    assert office.did(POLICE, "POST", f"{path}/suspend")["reason"] is None
    ended = office.did(STREET, "POST", f"{path}/terminate", {"reason": "purpose_met"})
    assert (ended["state"], ended["reason"]) == ("terminated", "purpose_met")


def test_a_refusal_needs_its_reason(office: Office) -> None:
    draft = office.did(STREET, "POST", "/v1/agreements", document())
    path = f"/v1/agreements/{draft['id']}"
    office.did(STREET, "POST", f"{path}/submit")
    answer = office.send(POLICE, "POST", f"{path}/refuse", {})
    assert answer.status_code == 422
    assert "scope_too_wide" in answer.json["errors"][0]["en"]
    assert office.did(POLICE, "POST", f"{path}/refuse", {"reason": "scope_too_wide"})["state"] == "refused"


def test_a_list_shows_ones_own_in_pages(office: Office) -> None:
    ids = [office.did(STREET, "POST", "/v1/agreements", document())["id"] for _ in range(3)]
    first = office.did(STREET, "GET", "/v1/agreements?limit=2")
    rest = office.did(STREET, "GET", f"/v1/agreements?limit=2&after={first['next']}")
    assert [view["id"] for view in first["agreements"] + rest["agreements"]] == ids
    assert rest["next"] is None
    assert office.did(POLICE, "GET", "/v1/agreements")["agreements"] == []
    assert len(office.did(AUDIT, "GET", "/v1/agreements?state=draft")["agreements"]) == 3


def test_strangers_get_404_whatever_they_try(office: Office) -> None:
    agreement = office.active(STREET, POLICE)
    path = f"/v1/agreements/{agreement['id']}"
    tries = [
        ("GET", path, None),
        ("PUT", path, document()),
        ("POST", "/v1/agreements", document(id=agreement["id"])),
        ("POST", f"{path}/submit", None),
        ("POST", f"{path}/sign", {"jws": office.jws(NEIGHBOUR, agreement)}),
        ("POST", f"{path}/refuse", {"reason": "not_held"}),
        ("POST", f"{path}/suspend", {}),
        ("POST", f"{path}/resume", None),
        ("POST", f"{path}/terminate", None),
    ]
    for method, url, body in tries:
        answer = office.send(NEIGHBOUR, method, url, body)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), (method, url)


BODIES = (
    (b"", 400, "malformed_request"),
    (b"{", 400, "malformed_request"),
    (b'{"a": 1, "a": 2}', 400, "malformed_request"),
    (b"[" * 100_000, 400, "malformed_request"),
    (b"NaN", 400, "malformed_request"),
    (b"[]", 422, "invalid_request"),
    (b"{}", 422, "invalid_request"),
)


def test_a_body_that_is_no_document_is_refused_as_a_problem(office: Office, subtests: pytest.Subtests) -> None:
    for body, status, code in BODIES:
        with subtests.test(repr(body[:10])):
            answer = office.send(STREET, "POST", "/v1/agreements", body)
            assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_forged_signature_says_what_is_wrong_with_it(office: Office) -> None:
    draft = office.did(STREET, "POST", "/v1/agreements", document())
    office.did(STREET, "POST", f"/v1/agreements/{draft['id']}/submit")
    path = f"/v1/agreements/{draft['id']}/sign"
    answer = office.send(POLICE, "POST", path, {"jws": office.jws(STREET, draft)})
    assert (answer.status_code, answer.json["code"], answer.json["reason"]) == (422, "signature_invalid", "other_party")
    for body in ({}, {"jws": ""}, {"jws": "x" * 9000}, {"jws": "x", "more": 1}):
        assert office.send(POLICE, "POST", path, body).status_code == 422


def test_reading_needs_a_scope_and_writing_another(office: Office) -> None:
    answer = office.send(STREET, "POST", "/v1/agreements", document(), scope="agreements:read")
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    assert office.http.get("/v1/agreements", base_url=offices.BASE_URL).status_code == 401


def test_the_description_of_a_draft_is_the_schema_itself() -> None:
    described = schemas.drafted()
    assert "$ref" not in repr(described)
    assert not set(schemas.FILLED_IN) & set(described["required"])
    assert described["properties"]["title_zh"]["maxLength"] == 500
