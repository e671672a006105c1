"""The data bureau admits organisations, their systems and the people who act for them; on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.audit.entry import read
from gateway.audit.log import Log
from gateway.audit.store import ENTRY
from gateway.db import Database
from gateway.errors import AlreadyExists, InvalidRequest, NotFound, WrongState
from gateway.identity import store
from gateway.identity.actions import Identity
from gateway.identity.model import OPERATOR
from tests.clock import FixedClock
from tests.gateway.identity.sender import Key, rsa_jwk

ACTOR = {"party": "data-bureau", "client": "cli_1", "officer": None}
STREET: dict[str, Any] = {"name_zh": "菩提街道办事处", "name_en": "Linden Street Office", "kind": "street_office"}


@pytest.fixture
def identity(database: Database, log: Log, clock: FixedClock) -> Identity:
    return Identity(database, log, clock)


def _entries(identity: Identity) -> list[dict[str, Any]]:
    with identity.database.read() as conn:
        return [read(row.entry) for row in conn.execute(ENTRY.select().order_by(ENTRY.c.number))][1:]


def _revision(identity: Identity, key: str) -> int:
    with identity.database.read() as conn:
        return identity.log.revisions(conn, [key])[key]


def test_a_party_is_admitted_suspended_and_resumed_each_with_entry_and_revision(identity: Identity) -> None:
    party = identity.add_party(ACTOR, "street-linden", **STREET)
    assert (party.state, identity.party("street-linden")) == ("active", party)
    assert identity.suspend_party(ACTOR, "street-linden").state == "suspended"
    assert identity.party("street-linden").state == "suspended"
    assert identity.resume_party(ACTOR, "street-linden").state == "active"
    assert [entry["type"] for entry in _entries(identity)] == ["party.added", "party.suspended", "party.resumed"]
    assert all(entry["actor"] == ACTOR and entry["party"] == "street-linden" for entry in _entries(identity))
    assert _revision(identity, "party:street-linden") == 3


def test_a_client_is_admitted_rotated_suspended_and_resumed(identity: Identity) -> None:
    identity.add_party(ACTOR, "street-linden", **STREET)
    first, second = Key.make(), Key.make("Ed25519")
    client = identity.add_client(ACTOR, "street-linden", key=first.public, scopes=["exchange:query"])
    assert client.id.startswith("cli_")
    assert identity.client(client.id) == client
    assert [key["kid"] for key in client.keys] == [first.thumbprint]
    both = identity.rotate_key(ACTOR, client.id, key=second.public, keep=True)
    assert [key["kid"] for key in both.keys] == [first.thumbprint, second.thumbprint]
    third = identity.rotate_key(ACTOR, client.id, key=Key.make().public)
    assert len(third.keys) == 1
    identity.suspend_client(ACTOR, client.id)
    assert identity.client(client.id).state == "suspended"
    identity.resume_client(ACTOR, client.id)
    entries = _entries(identity)[1:]
    assert [entry["type"] for entry in entries] == [
        "client.added", "client.key_rotated", "client.key_rotated", "client.suspended", "client.resumed",
    ]  # fmt: skip
    assert [entry["key"] for entry in entries] == [
        first.thumbprint,
        second.thumbprint,
        third.keys[0]["kid"],
        None,
        None,
    ]
    assert _revision(identity, f"client:{client.id}") == 5


def test_an_officer_is_known_by_post_and_key_until_suspended(identity: Identity) -> None:
    identity.add_party(ACTOR, "street-linden", **STREET)
    key = Key.make()
    officer = identity.add_officer(ACTOR, "street-linden", role="signatory", title="主任", key=key.public)
    with identity.database.read() as conn:
        assert store.officer_by_key(conn, key.thumbprint) == officer
        assert store.officer_by_key(conn, Key.make().thumbprint) is None
    identity.suspend_officer(ACTOR, officer.id)
    assert [each.state for each in identity.officers("street-linden")] == ["suspended"]
    assert [entry["type"] for entry in _entries(identity)[1:]] == ["officer.added", "officer.suspended"]
    assert _revision(identity, f"officer:{officer.id}") == 2


def test_the_operator_is_nobody_in_the_log(identity: Identity) -> None:
    identity.add_party(OPERATOR, "street-linden", **STREET)
    assert _entries(identity)[0]["actor"] == {"party": None, "client": None, "officer": None}


def test_what_is_there_already_is_refused_and_leaves_no_entry(identity: Identity) -> None:
    key = Key.make()
    identity.add_party(ACTOR, "street-linden", **STREET, uscc="91350100M000100Y43")
    identity.add_client(ACTOR, "street-linden", key=key.public, scopes=["log:read"], client_id="cli_one")
    identity.add_officer(ACTOR, "street-linden", role="clerk", title="科员", key=key.public, officer_id="off_one")
    before = len(_entries(identity))
    again: list[Any] = [
        lambda: identity.add_party(ACTOR, "street-linden", **STREET),
        lambda: identity.add_party(ACTOR, "street-other", **STREET, uscc="91350100M000100Y43"),
        lambda: identity.add_client(ACTOR, "street-linden", key=key.public, scopes=["log:read"], client_id="cli_one"),
        lambda: identity.rotate_key(ACTOR, "cli_one", key=key.public),
        lambda: identity.add_officer(ACTOR, "street-linden", role="clerk", title="x", key=key.public),
        lambda: identity.add_officer(
            ACTOR, "street-linden", role="clerk", title="x", key=Key.make().public, officer_id="off_one"
        ),
    ]
    for act in again:
        with pytest.raises(AlreadyExists):
            act()
    assert len(_entries(identity)) == before


def test_what_is_not_there_cannot_be_changed(identity: Identity) -> None:
    for act in (
        lambda: identity.party("nobody"),
        lambda: identity.client("cli_nobody"),
        lambda: identity.suspend_party(ACTOR, "nobody"),
        lambda: identity.suspend_client(ACTOR, "cli_nobody"),
        lambda: identity.suspend_officer(ACTOR, "off_nobody"),
        lambda: identity.rotate_key(ACTOR, "cli_nobody", key=Key.make().public),
        lambda: identity.add_client(ACTOR, "nobody", key=Key.make().public, scopes=["log:read"]),
        lambda: identity.add_officer(ACTOR, "nobody", role="clerk", title="x", key=Key.make().public),
    ):
        with pytest.raises(NotFound):
            act()
    assert _entries(identity) == []


def test_a_state_cannot_be_entered_twice(identity: Identity) -> None:
    identity.add_party(ACTOR, "street-linden", **STREET)
    client = identity.add_client(ACTOR, "street-linden", key=Key.make().public, scopes=["log:read"])
    officer = identity.add_officer(ACTOR, "street-linden", role="clerk", title="x", key=Key.make().public)
    identity.suspend_officer(ACTOR, officer.id)
    for act in (
        lambda: identity.resume_party(ACTOR, "street-linden"),
        lambda: identity.resume_client(ACTOR, client.id),
        lambda: identity.suspend_officer(ACTOR, officer.id),
    ):
        with pytest.raises(WrongState):
            act()


@pytest.mark.daily_on_one
def test_a_client_has_four_keys_at_most(identity: Identity) -> None:
    identity.add_party(ACTOR, "street-linden", **STREET)
    client = identity.add_client(ACTOR, "street-linden", key=Key.make().public, scopes=["log:read"])
    for _ in range(3):
        identity.rotate_key(ACTOR, client.id, key=Key.make().public, keep=True)
    with pytest.raises(WrongState, match="at most 4"):
        identity.rotate_key(ACTOR, client.id, key=Key.make().public, keep=True)


IMPOSSIBLE: list[tuple[str, dict[str, Any]]] = [
    ("/id", {"party_id": "X"}),
    ("/id", {"party_id": "a"}),
    ("/id", {"party_id": "-ab"}),
    ("/id", {"party_id": "ab-"}),
    ("/id", {"party_id": "a" * 41}),
    ("/id", {"party_id": "street linden"}),
    ("/id", {"party_id": "street\n"}),
    ("/name_zh", {"name_zh": " "}),
    ("/name_zh", {"name_zh": "名" * 201}),
    ("/name_zh", {"name_zh": "a\u202eb"}),
    ("/name_en", {"name_en": ""}),
    ("/kind", {"kind": "bank"}),
    ("/uscc", {"uscc": "91350100M000100Y44"}),
]


@pytest.mark.daily_on_one
def test_a_party_that_cannot_be_is_refused_by_pointer(identity: Identity) -> None:
    for pointer, changes in IMPOSSIBLE:
        with pytest.raises(InvalidRequest) as caught:
            identity.add_party(ACTOR, **{"party_id": "street-linden", **STREET, **changes})
        assert [error["pointer"] for error in caught.value.members["errors"]] == [pointer], changes
        assert caught.value.members["errors"][0].keys() == {"pointer", "zh", "en"}
    assert _entries(identity) == []


@pytest.mark.daily_on_one
def test_only_a_client_of_the_data_bureau_may_administer(identity: Identity) -> None:
    identity.add_party(ACTOR, "street-linden", **STREET)
    identity.add_party(ACTOR, "data-bureau", **{**STREET, "kind": "data_bureau"})
    with pytest.raises(InvalidRequest):
        identity.add_client(ACTOR, "street-linden", key=Key.make().public, scopes=["admin"])
    assert identity.add_client(ACTOR, "data-bureau", key=Key.make().public, scopes=["admin"]).scopes == {"admin"}
    for scopes in ([], ["everything"]):
        with pytest.raises(InvalidRequest):
            identity.add_client(ACTOR, "data-bureau", key=Key.make().public, scopes=scopes)


UNFIT_KEYS: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "empty": {},
    "a secret": {"kty": "oct", "k": "c2VjcmV0"},
    "no point": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    "private": {**Key.make().public, "d": "A" * 43},
    "for encryption": {**Key.make().public, "use": "enc"},
    "P-384": Key.make("ES384").public,
    "RSA of 1024 bits": rsa_jwk(1024),
    "Ed448": {"kty": "OKP", "crv": "Ed448", "x": "A" * 76},
    "X25519": {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
}


@pytest.mark.daily_on_one
def test_a_key_that_is_none_of_the_profile_is_refused(identity: Identity) -> None:
    identity.add_party(ACTOR, "street-linden", **STREET)
    for name, key in UNFIT_KEYS.items():
        with pytest.raises(InvalidRequest) as caught:
            identity.add_client(ACTOR, "street-linden", key=key, scopes=["log:read"])
        assert caught.value.members["errors"][0]["pointer"] == "/key", name
    assert identity.clients() == []
