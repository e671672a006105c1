"""A clerk at the counter asks through the street's system; the log says who, and who is gone asks no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tongqu_client import Gateway, Officer, errors
from tongqu_client._auth import Grant
from tongqu_client._officer import Binding

from gateway.identity.model import OPERATOR
from gateway.lib.jose import SigningKey
from tests.cast import AN, BO, CASE, LINDEN, MAPLE, PURPOSE, SCHEME, STANDARD, key_of
from tests.journeys.commands import run
from tests.running import City


def clerk_of(city: City, party: str = LINDEN, **said: object) -> Officer:
    """The clerk of the cast, with a key of its own."""
    officers = city.gateway.deps.identity.officers(party)
    clerk = next(each for each in officers if each.key and each.key["kid"] == key_of(f"{party}/clerk").kid)
    return Officer.of(party, clerk.id, key_of(f"{party}/clerk").private_jwk(), **said)


def ask(gateway: Gateway, agreement: str) -> object:
    answer = gateway.query(STANDARD, {SCHEME: AN["idNumber"]}, agreement=agreement, purpose=PURPOSE, case=CASE)
    answer.verify()
    return answer.found


@pytest.mark.daily_on_one
def test_the_log_says_which_officer_asked_and_the_answer_verifies(city: City) -> None:
    agreement = city.cast.agreement()
    city.begin()
    clerk = clerk_of(city, roles=["clerk"], unit="公共服务办")  # how it signed in, its agency would say
    assert ask(city.client().as_officer(clerk), agreement.id)
    (authorized,) = city.entries("exchange.authorized")
    assert authorized["actor"] == {"party": LINDEN, "client": city.cast.clients[LINDEN], "officer": clerk.id}
    assert ask(city.client(), agreement.id), "the system may still ask for itself"
    assert city.entries("exchange.authorized")[-1]["actor"]["officer"] is None


@pytest.mark.daily_on_one
def test_an_agencys_key_vouches_for_a_clerk_without_one(city: City) -> None:
    identity, agency = city.gateway.deps.identity, SigningKey.generate()
    identity.add_assertion_key(OPERATOR, LINDEN, key=agency.public_jwk())
    keyless = identity.add_officer(OPERATOR, LINDEN, role="clerk", title="窗口经办人")
    agreement = city.cast.agreement()
    asking = city.client().as_officer(Officer.of(LINDEN, keyless.id, agency.private_jwk(), bind=False))
    assert ask(asking, agreement.id)
    identity.remove_assertion_key(OPERATOR, LINDEN, agency.kid)
    with pytest.raises(errors.OfficerAssertionInvalid):
        ask(asking, agreement.id)


@pytest.mark.any_database
def test_a_neighbour_cannot_speak_for_our_officer(city: City) -> None:
    agreement = city.cast.agreement()
    clerk, neighbour = clerk_of(city), clerk_of(city, MAPLE)
    for forged in (
        Officer.of(LINDEN, clerk.id, key_of(f"{MAPLE}/clerk").private_jwk()),
        Officer.of(MAPLE, clerk.id, key_of(f"{MAPLE}/clerk").private_jwk()),
        neighbour,
    ):
        with pytest.raises(errors.OfficerAssertionInvalid):
            ask(city.client().as_officer(forged), agreement.id)


def test_a_suspended_officers_token_opens_nothing_from_that_moment(own_city: City) -> None:
    agreement = own_city.cast.agreement()
    clerk = clerk_of(own_city, bind=False)
    asking = own_city.client().as_officer(clerk)
    assert ask(asking, agreement.id)
    own_city.gateway.deps.identity.suspend_officer(OPERATOR, clerk.id)
    with pytest.raises(errors.OfficerSuspended):  # the token is refused, and no new one is given
        ask(asking, agreement.id)
    assert ask(own_city.client(), agreement.id), "the street's system itself goes on"


@pytest.mark.any_database
def test_the_command_asks_for_an_officer(city: City, tmp_path: Path) -> None:
    agreement = city.cast.agreement()
    clerk = clerk_of(city)
    whose = {"tongqu_party": LINDEN, "tongqu_officer": clerk.id}
    key, own, person = tmp_path / "clerk.jwk.json", tmp_path / "client.jwk.json", tmp_path / "person.txt"
    key.write_text(json.dumps({**key_of(f"{LINDEN}/clerk").private_jwk(), **whose}))
    own.write_text(json.dumps(key_of(LINDEN).private_jwk()))
    person.write_text(AN["idNumber"])
    city.begin()
    who = {"TONGQU_BASE_URL": city.gateway.url, "TONGQU_CLIENT_ID": city.cast.clients[LINDEN], "TONGQU_KEY": str(own)}
    asked = (STANDARD, "--agreement", agreement.id, "--purpose", PURPOSE, "--case", CASE, "--id-file", str(person))
    done = run("tongqu_client", "query", *asked, "--officer", str(key), "-o", "json", env=who)
    assert done.returncode == 0, done.stderr
    assert city.entries("exchange.authorized")[-1]["actor"]["officer"] == clerk.id
    nobody = run("tongqu_client", "query", *asked, "--officer", str(own), env=who)
    assert nobody.returncode != 0
    assert "off_" in nobody.stderr


@pytest.mark.daily_on_one
def test_a_token_for_one_resident_and_case_opens_no_other(city: City) -> None:
    agreement = city.cast.agreement()
    clerk = clerk_of(city)
    wire = city.client().as_officer(clerk)._wire
    for bound, refused in (
        (Binding(CASE, SCHEME, AN["idNumber"]), None),
        (Binding(CASE, SCHEME, BO["idNumber"]), errors.SubjectMismatch),
        (Binding("SQ-OTHER", SCHEME, AN["idNumber"]), errors.CaseMismatch),
    ):
        grant = Grant("exchange:query", agreement.id, PURPOSE, STANDARD, bound)
        body = {"agreement": agreement.id, "standard": STANDARD, "purpose": PURPOSE, "case": CASE}
        body |= {"subject": {"scheme": SCHEME, "id": AN["idNumber"]}}
        if refused is None:
            assert wire.call("POST", "/v1/queries", grant, body=body).status == 200
            continue
        with pytest.raises(refused):
            wire.call("POST", "/v1/queries", grant, body=body)
