"""The data bureau administers over HTTP; nobody else does."""

from __future__ import annotations

from gateway.identity.model import OPERATOR
from tests.gateway.identity.house import STREET, House

POPLAR = {
    "id": "street-poplar",
    "name_zh": "白杨街道办事处",
    "name_en": "Poplar Street Office",
    "kind": "street_office",
}


def test_the_bureau_admits_a_party_and_suspends_its_officer(house: House) -> None:
    added = house.admin("POST", "/v1/parties", POPLAR)
    assert added.status_code == 201
    assert added.json == {**POPLAR, "uscc": None, "state": "active"}
    assert POPLAR["id"] in [party["id"] for party in house.admin("GET", "/v1/parties").json]

    officer = house.identity.add_officer(OPERATOR, "street-poplar", role="clerk", title="科员")
    assert house.admin("POST", f"/v1/officers/{officer.id}/suspend").json["state"] == "suspended"
    assert [each["id"] for each in house.admin("GET", "/v1/officers?party=street-poplar").json] == [officer.id]


def test_the_bureau_suspends_and_resumes(house: House) -> None:
    path = f"/v1/clients/{house.street.client_id}"
    assert house.admin("POST", f"{path}/suspend").json["state"] == "suspended"
    assert house.admin("POST", f"{path}/suspend").status_code == 409
    assert house.admin("POST", f"{path}/resume").json["state"] == "active"
    assert house.admin("POST", f"/v1/parties/{STREET}/suspend").json["state"] == "suspended"
    assert house.admin("POST", f"/v1/parties/{STREET}/resume").json["state"] == "active"
    assert house.admin("POST", "/v1/parties/nobody/suspend").status_code == 404
    clients = house.admin("GET", f"/v1/clients?party={STREET}").json
    assert [client["id"] for client in clients] == [house.street.client_id]


def test_others_administer_nothing(house: House) -> None:
    for method, path in (
        ("GET", "/v1/parties"),
        ("POST", "/v1/parties"),
        ("POST", f"/v1/parties/{STREET}/suspend"),
        ("POST", f"/v1/parties/{STREET}/resume"),
        ("GET", "/v1/clients"),
        ("GET", "/v1/registrations"),
        ("POST", "/v1/registrations"),
        ("POST", f"/v1/clients/{house.street.client_id}/suspend"),
        ("POST", f"/v1/clients/{house.street.client_id}/resume"),
        ("GET", "/v1/officers"),
        ("POST", "/v1/officers/off_1/suspend"),
    ):
        refused = house.admin(method, path, POPLAR if method == "POST" else None, sender=house.police)
        assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope"), path
        assert house.http.open(path, method=method).status_code == 401, path


def test_a_body_that_does_not_fit_is_refused(house: House) -> None:
    for body in ({}, {**POPLAR, "kind": "bank"}, {**POPLAR, "id": 7}, {**POPLAR, "state": "active"}, []):
        assert house.admin("POST", "/v1/parties", body).status_code == 422
    assert house.admin("POST", "/v1/parties", {**POPLAR, "id": "Poplar!"}).status_code == 422
    assert POPLAR["id"] not in [party["id"] for party in house.admin("GET", "/v1/parties").json]
