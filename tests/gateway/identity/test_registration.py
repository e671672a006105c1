"""A system comes in when two people say so, each with a key of their own; one person alone lets nobody in."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from gateway.identity.model import OPERATOR
from gateway.lib.canonical_json import canonical
from gateway.lib.jose import SigningKey
from tests.clock import FixedClock
from tests.gateway.identity.house import BASE_URL, BUREAU, POLICE, STREET, House, admit
from tests.gateway.identity.sender import Key, Sender
from tests.gateway.identity.test_officer import Agency, ask

PROPOSAL, DECISION = "tongqu-registration+jws", "tongqu-registration-decision+jws"


class Office:
    """Officers of a party, each with a key that only that officer holds."""

    def __init__(self, house: House, party: str, *roles: str) -> None:
        self.keys = [SigningKey.generate() for _ in roles]
        self.ids = [
            house.identity.add_officer(OPERATOR, party, role=role, title=role, key=key.public_jwk()).id
            for role, key in zip(roles, self.keys, strict=True)
        ]


@pytest.fixture
def street(house: House) -> Office:
    house.street = admit(house.identity, STREET, {"registrations:write"}, house.street.clock)  # type: ignore[arg-type]
    return Office(house, STREET, "signatory", "clerk")


@pytest.fixture
def bureau(house: House) -> Office:
    return Office(house, BUREAU, "administrator", "signatory", "clerk")


def new_client(key: Key, **more: Any) -> dict[str, Any]:
    return {"kind": "client", "party": STREET, "key": dict(key.public), "scopes": ["agreements:read"], **more}


def propose(house: House, document: dict[str, Any], by: SigningKey, sender: Sender | None = None) -> Any:
    """What ``document`` says, signed now, to count once."""
    document = {"jti": secrets.token_hex(16), "iat": house.street.now(), **document}
    body = {"document": document, "jws": by.sign_detached(PROPOSAL, canonical(document))}
    return call(house, "/v1/registrations", body, sender)


def decide(
    house: House, made: dict[str, Any], by: SigningKey, verdict: str = "approved", sender: Sender | None = None
) -> Any:
    said = {"registration_id": made["id"], "registration_digest": made["digest"], "verdict": verdict}
    step = "approve" if verdict == "approved" else "reject"
    jws = by.sign_payload(DECISION, canonical(said))
    return call(house, f"/v1/registrations/{made['id']}/{step}", {"jws": jws}, sender or house.bureau)


def call(house: House, path: str, body: Any, sender: Sender | None = None, method: str = "POST") -> Any:
    sender = sender or house.street
    token = house.ask_token(sender).json["access_token"]
    return house.call(token, sender.proof(method, path, token), path=path, method=method, json=body)


def test_a_system_proposed_by_its_party_is_approved_by_the_bureau(
    house: House, street: Office, bureau: Office, clock: FixedClock
) -> None:
    key = Key.make()
    made = propose(house, new_client(key), street.keys[0])
    assert (made.status_code, made.json["state"], made.json["proposed_by"]) == (201, "proposed", street.ids[0])
    assert len(house.identity.clients(STREET)) == 2, "nothing has changed yet"
    approved = decide(house, made.json, bureau.keys[0])
    assert (approved.status_code, approved.json["state"]) == (200, "approved")
    assert house.ask_token(Sender(BASE_URL, approved.json["made"], key, clock)).status_code == 200
    proposed, added, last = house.entries()[-3:]
    assert [each["type"] for each in (proposed, added, last)] == [
        "registration.proposed",
        "client.added",
        "registration.approved",
    ]
    assert proposed["actor"]["officer"] == proposed["signature"]["officer"] == street.ids[0]
    assert added["actor"]["officer"] == last["signature"]["officer"] == bureau.ids[0]
    assert added["client"] == approved.json["made"]


def test_a_key_is_changed_and_an_agencys_assertion_key_comes_in_the_same_way(
    house: House, street: Office, bureau: Office
) -> None:
    new = Key.make()
    document = {"kind": "client_key", "party": STREET, "client": house.street.client_id, "key": dict(new.public)}
    made = propose(house, document, street.keys[0])
    assert house.ask_token(house.street).status_code == 200
    assert decide(house, made.json, bureau.keys[1]).status_code == 200
    assert house.ask_token(house.street).status_code == 400, "the old key opens nothing"
    agency = Agency(house)
    vouching = Key.make()
    document = {"kind": "assertion_key", "party": STREET, "key": dict(vouching.public)}
    made = propose(house, document, bureau.keys[0], house.bureau)
    assert ask(house, agency.assertion(key=vouching)).status_code == 400
    assert decide(house, made.json, bureau.keys[1]).json["made"] == vouching.thumbprint


def test_what_has_no_single_spelling_cannot_be_signed(house: House, street: Office) -> None:
    document = new_client(Key.make(), jti=secrets.token_hex(16), iat=house.street.now()) | {"key": 10**30}
    refused = call(house, "/v1/registrations", {"document": document, "jws": "a..b"})
    assert (refused.status_code, refused.json["code"]) == (422, "invalid_request")
    assert refused.json["errors"][0]["pointer"] == "/document"


def test_one_person_alone_lets_nobody_in(house: House, street: Office, bureau: Office) -> None:
    made = propose(house, new_client(Key.make()), bureau.keys[0], house.bureau)
    for one in (bureau.keys[0], bureau.keys[2], *street.keys, SigningKey.generate()):
        refused = decide(house, made.json, one)
        assert (refused.status_code, refused.json["code"]) == (422, "signature_invalid")
    assert decide(house, made.json, bureau.keys[1]).status_code == 200
    again = decide(house, made.json, bureau.keys[1])
    assert (again.status_code, again.json["code"]) == (409, "wrong_state")


def test_a_signature_over_something_else_counts_for_nothing(house: House, street: Office, bureau: Office) -> None:
    document = new_client(Key.make(), jti=secrets.token_hex(16), iat=house.street.now())
    other = canonical({**document, "scopes": ["agreements:read", "log:read"]})
    forged = {"document": document, "jws": street.keys[0].sign_detached(PROPOSAL, other)}
    assert call(house, "/v1/registrations", forged).status_code == 422
    wrong_type = {"document": document, "jws": street.keys[0].sign_detached(DECISION, canonical(document))}
    assert call(house, "/v1/registrations", wrong_type).status_code == 422
    made = propose(house, document, street.keys[0]).json
    assert made["document"] == document
    assert decide(house, {**made, "digest": "sha-256:" + "0" * 64}, bureau.keys[0]).status_code == 422
    assert decide(house, {**made, "id": made["id"]}, bureau.keys[0], "rejected").json["state"] == "rejected"
    assert decide(house, made, bureau.keys[0]).status_code == 409


def test_a_neighbour_neither_sees_nor_proposes_what_is_ours(house: House, street: Office, bureau: Office) -> None:
    made = propose(house, new_client(Key.make()), street.keys[0]).json
    police = admit(house.identity, POLICE, {"registrations:write"}, house.street.clock)  # type: ignore[arg-type]
    office = Office(house, POLICE, "signatory")
    assert call(house, "/v1/registrations", None, police, "GET").json == []
    assert call(house, f"/v1/registrations/{made['id']}", None, police, "GET").status_code == 404
    assert decide(house, made, office.keys[0], "rejected", police).status_code == 404
    assert propose(house, new_client(Key.make()), office.keys[0], police).status_code == 404
    assert propose(house, new_client(Key.make()), office.keys[0]).status_code == 422, "another party's officer"
    assert call(house, f"/v1/registrations/{made['id']}", None, house.street, "GET").json["document"]["party"] == STREET
    assert decide(house, made, street.keys[0], "rejected", house.street).json["state"] == "rejected", "taken back"


DEFECTS: dict[str, dict[str, Any]] = {
    "an unknown kind": {"kind": "everything"},
    "a member too many": {"admin": True},
    "a scope of the bureau's": {"scopes": ["admin"]},
    "no scope": {"scopes": []},
    "scopes that are no list": {"scopes": "log:read"},
    "no key": {"key": None},
    "a private key": {"key": {**SigningKey.generate().private_jwk()}},
    "a weak certificate entry": {"certificate": {"method": "self_signed_tls_client_auth", "x5t#S256": "x"}},
    "a key with more than the key": {"key": {**SigningKey.generate().public_jwk(), "note": "张三"}},
    "a number for a kid": {"key": {**SigningKey.generate().public_jwk(), "kid": "110101199003074477"}},
    "no nonce": {"jti": None},
    "a short nonce": {"jti": "1"},
    "a nonce that is a sentence": {"jti": "this is not a random number"},
    "no time": {"iat": None},
    "a time in words": {"iat": "2026-09-20T08:00:00.000Z"},
    "two certificates": {"certificate": {"method": "tls_client_auth", "san_dns": "a.test", "subject_dn": "CN=a"}},
}


def test_what_cannot_be_registered_is_refused_before_anybody_else_signs(house: House, street: Office) -> None:
    for name, defect in DEFECTS.items():
        assert propose(house, {**new_client(Key.make()), **defect}, street.keys[0]).status_code == 422, name
    assert not any(each["type"].startswith("registration.") for each in house.entries())


def officer(role: str, title: str = "处长", **more: Any) -> dict[str, Any]:
    return {"kind": "officer", "party": STREET, "role": role, "title": title, "key": new_key(), **more}


def new_key() -> dict[str, Any]:
    return dict(SigningKey.generate().public_jwk())


def test_a_post_that_is_a_persons_number_is_refused_and_not_repeated(house: House, street: Office) -> None:
    for title in ("110101199003074477", "主任 １１０１０１１９９００３０７４４７７", "13800138000", "", "甲\n乙"):
        refused = propose(house, officer("clerk", title), street.keys[0])
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/document/title")
        assert not title or title not in refused.text
    assert propose(house, officer("clerk", "窗口 3 号"), street.keys[0]).status_code == 201


def test_nobody_but_the_bureau_has_administrators(house: House, street: Office, bureau: Office) -> None:
    for key, sender in ((street.keys[0], house.street), (bureau.keys[0], house.bureau)):
        refused = propose(house, officer("administrator"), key, sender)
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/document/role")
    ours = officer("administrator", party=BUREAU)
    assert propose(house, ours, street.keys[0]).status_code == 404, "the bureau's are not a street's to propose"
    assert propose(house, ours, street.keys[0], house.bureau).status_code == 422, "nor signed by the street's officer"
    made = propose(house, ours, bureau.keys[0], house.bureau)
    assert decide(house, made.json, bureau.keys[1]).json["state"] == "approved"


def test_a_key_that_speaks_for_somebody_is_refused_before_anybody_else_signs(
    house: House, street: Office, bureau: Office
) -> None:
    vouching = Key.make()
    house.identity.add_assertion_key(OPERATOR, POLICE, key=vouching.public)
    known = {
        "an officer's": street.keys[1].public_jwk(),
        "another party's officer's": bureau.keys[0].public_jwk(),
        "a party's": vouching.public,
        "a system's": house.police.key.public,
        "one's own system's": house.street.key.public,
    }
    for whose, key in known.items():
        for document in (
            {"kind": "client", "party": STREET, "key": dict(key), "scopes": ["agreements:read"]},
            {"kind": "client_key", "party": STREET, "client": house.street.client_id, "key": dict(key)},
            {"kind": "assertion_key", "party": STREET, "key": dict(key)},
            officer("clerk", key=dict(key)),
        ):
            refused = propose(house, document, street.keys[0])
            assert (refused.status_code, refused.json["code"]) == (409, "already_exists"), (whose, document["kind"])
    assert not any(each["type"].startswith("registration.") for each in house.entries())


def test_a_proposal_counts_once_whatever_became_of_it(
    house: House, street: Office, bureau: Office, clock: FixedClock
) -> None:
    document = new_client(Key.make(), jti=secrets.token_hex(16), iat=house.street.now())
    body = {"document": document, "jws": street.keys[0].sign_detached(PROPOSAL, canonical(document))}
    made = call(house, "/v1/registrations", body).json

    def again(by: Sender | None = None) -> None:
        refused = call(house, "/v1/registrations", body, by)
        assert (refused.status_code, refused.json["code"]) == (409, "already_exists")

    again()
    assert decide(house, made, bureau.keys[0], "rejected").json["state"] == "rejected"
    again()
    again(house.bureau)
    other = {"document": document, "jws": bureau.keys[0].sign_detached(PROPOSAL, canonical(document))}
    refused = call(house, "/v1/registrations", other, house.bureau)
    assert refused.status_code == 409, "nor when another officer signs the very same"
    clock.advance(seconds=25 * 3600)
    assert call(house, "/v1/registrations", body).json["errors"][0]["pointer"] == "/document/iat"
    assert [each["type"] for each in house.entries()][-2:] == ["registration.proposed", "registration.rejected"]
    assert propose(house, {**document, "jti": secrets.token_hex(16), "iat": house.street.now()}, street.keys[0]).json


def test_a_proposal_from_tomorrow_or_from_the_day_before_yesterday_is_none(house: House, street: Office) -> None:
    now = house.street.now()
    for iat, status in ((now - 86401, 422), (now + 61, 422), (now - 86399, 201), (now + 59, 201)):
        assert propose(house, new_client(Key.make(), iat=iat), street.keys[0]).status_code == status


def test_a_decision_counts_once(house: House, street: Office, bureau: Office) -> None:
    made = propose(house, new_client(Key.make()), street.keys[0]).json
    assert decide(house, made, bureau.keys[0], "rejected").status_code == 200
    for verdict in ("rejected", "approved"):
        refused = decide(house, made, bureau.keys[0], verdict)
        assert (refused.status_code, refused.json["code"]) == (409, "wrong_state")
    another = propose(house, new_client(Key.make()), street.keys[0]).json
    said = {"registration_id": made["id"], "registration_digest": made["digest"], "verdict": "rejected"}
    body = {"jws": bureau.keys[0].sign_payload(DECISION, canonical(said))}
    refused = call(house, f"/v1/registrations/{another['id']}/reject", body, house.bureau)
    assert (refused.status_code, refused.json["code"]) == (422, "signature_invalid"), "said of the first only"


def test_a_proposer_who_is_suspended_meanwhile_proposed_nothing(house: House, street: Office, bureau: Office) -> None:
    made = propose(house, new_client(Key.make()), street.keys[0]).json
    house.identity.suspend_officer(OPERATOR, street.ids[0])
    assert decide(house, made, bureau.keys[0]).status_code == 409
    assert json.dumps(made)
