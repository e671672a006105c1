"""``/v1/consents`` as the systems at the counter see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.consent import schemas
from gateway.consent.model import PROOF_TYPE
from gateway.lib.canonical_json import canonical
from tests.clock import FixedClock
from tests.gateway.agreements import office as offices
from tests.gateway.agreements.office import Office
from tests.gateway.agreements.people import AUDIT, BUREAU, NEIGHBOUR, POLICE, STREET
from tests.gateway.consent.people import ITEM, NOTICE, RESIDENT, SCHEME

SUBJECT = {"scheme": SCHEME, "id": RESIDENT}


@pytest.fixture
def office(tmp_path: Path, clock: FixedClock) -> Iterator[Office]:
    with offices.opened(tmp_path, clock) as office:
        yield office


def asked(agreement: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "agreement_id": agreement["id"],
        "subject": SUBJECT,
        "purposes": ["dibao.initial"],
        "validity": {"until": "2027-06-01T00:00:00+08:00"},
        "notice": NOTICE,
    } | changes


def proof(office: Office, consent: dict[str, Any]) -> dict[str, Any]:
    payload = canonical({"consent_id": consent["id"], "consent_digest": consent["digest"]})
    signed = {role: office.keys[f"{STREET}/{role}"].sign_payload(PROOF_TYPE, payload) for role in ("clerk", "witness")}
    return {"proof": {"kind": "counter-two-person", **signed}}


def given(office: Office) -> Any:
    agreement = office.active(STREET, POLICE, items=[ITEM])
    consent = office.did(STREET, "POST", "/v1/consents", asked(agreement))
    return office.did(STREET, "POST", f"/v1/consents/{consent['id']}/give", proof(office, consent))


def test_asked_given_and_withdrawn(office: Office) -> None:
    consent = given(office)
    assert set(consent) == set(schemas.GivenView().fields)
    assert (consent["state"], consent["proof"]["level"]) == ("given", 1)
    assert consent["record"]["validity"]["until"] == "2027-05-31T16:00:00.000Z"
    path = f"/v1/consents/{consent['id']}"
    again = office.did(POLICE, "GET", path)
    assert "withdrawal_code" not in again
    assert again == {name: value for name, value in consent.items() if name != "withdrawal_code"}
    code = consent["withdrawal_code"]
    withdrawn = office.did(NEIGHBOUR, "POST", f"{path}/withdraw", {"code": code})
    assert [event["state"] for event in withdrawn["events"]] == ["requested", "given", "withdrawn"]
    assert office.send(STREET, "POST", f"{path}/withdraw").status_code == 409


def test_nowhere_in_an_answer_is_the_residents_number(office: Office) -> None:
    consent = given(office)
    found = office.send(STREET, "POST", "/v1/consents/search", {"agreement_id": consent["record"]["agreement"]["id"],
                                                                "subject": SUBJECT})  # fmt: skip
    assert [each["id"] for each in found.json["consents"]] == [consent["id"]]
    assert RESIDENT not in found.get_data(as_text=True)


def test_refused_and_invalidated(office: Office) -> None:
    consent = given(office)
    agreement = {"id": consent["record"]["agreement"]["id"]}
    other = office.did(STREET, "POST", "/v1/consents", asked(agreement))
    assert office.did(STREET, "POST", f"/v1/consents/{other['id']}/refuse")["state"] == "refused"
    path = f"/v1/consents/{consent['id']}/invalidate"
    assert office.did(BUREAU, "POST", path, {"reason": "forged"})["events"][-1]["reason"] == "forged"


def test_lists_are_for_the_parties_and_the_overseers(office: Office) -> None:
    consent = given(office)
    for party in (STREET, POLICE, BUREAU, AUDIT):
        listed = office.did(party, "GET", f"/v1/consents?agreement_id={consent['record']['agreement']['id']}")
        assert [each["id"] for each in listed["consents"]] == [consent["id"]]
    assert office.did(NEIGHBOUR, "GET", "/v1/consents") == {"consents": [], "next": None}


def test_strangers_get_404_whatever_they_try(office: Office) -> None:
    consent = given(office)
    path = f"/v1/consents/{consent['id']}"
    tries = [
        ("GET", path, None),
        ("POST", "/v1/consents", asked({"id": consent["record"]["agreement"]["id"]})),
        ("POST", f"{path}/give", proof(office, consent)),
        ("POST", f"{path}/refuse", None),
        ("POST", f"{path}/withdraw", {}),
        ("POST", f"{path}/withdraw", {"code": "0000-0000-0000-0000"}),
        ("POST", f"{path}/invalidate", {"reason": "forged"}),
    ]
    for method, url, body in tries:
        answer = office.send(NEIGHBOUR, method, url, body)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), (method, url)


def test_a_number_is_read_as_its_document_prints_it(office: Office) -> None:
    """A clerk who types a small x asks, and finds, the same resident as a query does."""
    agreement = office.active(STREET, POLICE, items=[ITEM])
    typed = {"scheme": SCHEME, "id": " 99010119900101102x"}
    consent = office.did(STREET, "POST", "/v1/consents", asked(agreement) | {"subject": typed})
    subject = {"agreement_id": agreement["id"], "subject": {"scheme": SCHEME, "id": "99010119900101102X"}}
    (found,) = office.did(STREET, "POST", "/v1/consents/search", subject)["consents"]
    assert found["id"] == consent["id"]


BAD: dict[str, dict[str, Any]] = {
    "no subject": {"subject": None},
    "a subject without a scheme": {"subject": {"id": RESIDENT}},
    "no end": {"validity": {}},
    "an end without a zone": {"validity": {"until": "2027-06-01T00:00:00"}},
    "an end that is a number": {"validity": {"until": 7}},
    "an end beyond all calendars": {"validity": {"until": "9999-12-31T23:59:59-23:59"}},
    "no purpose": {"purposes": []},
    "a notice without a digest": {"notice": {"version": "1", "channel": "counter"}},
    "a member nobody knows": {"state": "given"},
    "an agreement that is no id": {"agreement_id": "../../etc"},
    "no data at all": {"data": []},
}


def test_a_request_that_is_not_one_is_refused_as_a_problem(office: Office, subtests: pytest.Subtests) -> None:
    for defect, changes in BAD.items():
        with subtests.test(defect):
            answer = office.send(STREET, "POST", "/v1/consents", asked({"id": "agr_" + "0" * 26}) | changes)
            assert answer.status_code == 422, answer.get_data(as_text=True)
            assert answer.json["code"] == "invalid_request"
            assert RESIDENT not in answer.get_data(as_text=True)


def test_recording_needs_its_scope(office: Office) -> None:
    answer = office.send(STREET, "POST", "/v1/consents", {}, scope="agreements:read")
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
