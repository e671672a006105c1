"""Officers who ask through their office's system, vouched for by the key of their office."""

from __future__ import annotations

import time
from typing import Any

from tongqu_client import Answer, Gateway
from tongqu_client._officer import Officer

from gateway.identity import store
from gateway.identity.model import OPERATOR
from gateway.lib.jose import SigningKey
from tests.cast import AN, CASE, LINDEN, PURPOSE, SCHEME, STANDARD, key_of
from tests.running import City


def officer(city: City, name: str = "clerk", *, party: str = LINDEN, **said: Any) -> Officer:
    """``said`` replaces what the assertion says: roles, acr, auth_time …"""
    whole = {"roles": ("counter",), "acr": "aal2", "auth_time": time.time() - 60, **said}
    return Officer.of(party, city.cast.officers[f"{party}/{name}"], office_key(city, party).private_jwk(), **whole)


def office_key(city: City, party: str) -> SigningKey:
    """The key by which the office vouches for its officers, registered when it is used first."""
    key, identity = key_of(f"{party}/vouching"), city.gateway.deps.identity
    with identity.log.database.read() as conn:
        known = any(each["kid"] == key.kid for each in store.assertion_keys(conn, party))
    if not known:
        identity.add_assertion_key(OPERATOR, party, key=key.public_jwk())
    return key


def ask(city: City, agreement: str, who: Officer | None, person: str = AN["idNumber"], **question: Any) -> Answer:
    client: Gateway = city.client(who.party if who else LINDEN)
    asked = {"agreement": agreement, "purpose": PURPOSE, "case": CASE, **question}
    return (client.as_officer(who) if who else client).query(STANDARD, {SCHEME: person}, **asked)
