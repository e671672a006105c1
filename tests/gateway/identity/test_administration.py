"""The data bureau administers over HTTP; nobody else does."""

from __future__ import annotations

from tests.clock import FixedClock
from tests.gateway.identity.house import STREET, House
from tests.gateway.identity.sender import Key, Sender

POPLAR = {
    "id": "street-poplar",
    "name_zh": "白杨街道办事处",
    "name_en": "Poplar Street Office",
    "kind": "street_office",
}


def test_the_bureau_admits_a_party_its_client_and_its_officer(house: House, clock: FixedClock) -> None:
    added = house.admin("POST", "/v1/parties", POPLAR)
    assert added.status_code == 201
    assert added.json == {**POPLAR, "uscc": None, "state": "active"}
    assert POPLAR["id"] in [party["id"] for party in house.admin("GET", "/v1/parties").json]

    key = Key.make()
    client = house.admin(
        "POST", "/v1/clients", {"party": "street-poplar", "key": dict(key.public), "scopes": ["agreements:read"]}
    )
    assert client.status_code == 201
    assert client.json["keys"] == [{**key.public, "kid": key.thumbprint}]
    poplar = Sender(house.bureau.base_url, client.json["id"], key, clock)
    assert house.ask_token(poplar).status_code == 200, "the new client is at work at once"
    assert house.entries()[-1]["actor"]["client"] == house.bureau.client_id

    officer = house.admin(
        "POST", "/v1/officers", {"party": "street-poplar", "role": "clerk", "title": "科员", "key": dict(key.public)}
    )
    assert officer.status_code == 201
    assert house.admin("POST", f"/v1/officers/{officer.json['id']}/suspend").json["state"] == "suspended"
    assert [each["id"] for each in house.admin("GET", "/v1/officers?party=street-poplar").json] == [officer.json["id"]]


def test_the_bureau_rotates_suspends_and_resumes(house: House) -> None:
    path = f"/v1/clients/{house.street.client_id}"
    new = Key.make()
    assert len(house.admin("POST", f"{path}/rotate", {"key": dict(new.public), "keep": True}).json["keys"]) == 2
    assert len(house.admin("POST", f"{path}/rotate", {"key": dict(Key.make().public)}).json["keys"]) == 1
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
        ("POST", "/v1/clients"),
        ("POST", f"/v1/clients/{house.street.client_id}/rotate"),
        ("POST", f"/v1/clients/{house.street.client_id}/suspend"),
        ("POST", f"/v1/clients/{house.street.client_id}/resume"),
        ("GET", "/v1/officers"),
        ("POST", "/v1/officers"),
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
