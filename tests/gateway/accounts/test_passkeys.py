"""Passkeys: registered, shown, and refused where anything about them is not as it was asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.accounts import lockout
from gateway.accounts.passkeys import Passkeys
from gateway.errors import SignInRefused
from gateway.identity.model import OPERATOR
from tests.gateway.accounts.authenticator import Authenticator, encode
from tests.gateway.accounts.house import HERE, House

MINE, OTHER = "this browser", "another browser"


@pytest.fixture
def key(house: House) -> Authenticator:
    """The clerk's, registered."""
    key = Authenticator()
    house.passkeys.register(house.clerk, MINE, key.make(house.passkeys.ask_to_register(house.clerk, MINE)), "手机")
    return key


def refused(house: House, response: dict[str, Any], holder: str = MINE, **more: Any) -> bool:
    with pytest.raises(SignInRefused):
        house.passkeys.prove(holder, response, HERE, **more)
    return True


def test_a_passkey_signs_its_owner_in_without_a_name(house: House, key: Authenticator) -> None:
    asked = house.passkeys.ask(MINE)
    assert not asked.get("allowCredentials") and asked["userVerification"] == "required"
    assert house.passkeys.prove(MINE, key.sign(asked), HERE) == house.clerk
    (kept,) = house.factors.of(house.clerk).passkeys
    assert (kept.label, kept.sign_count, kept.used) == ("手机", 1, house.clock.now())


def test_an_answer_is_good_once(house: House, key: Authenticator) -> None:
    answer = key.sign(house.passkeys.ask(MINE))
    house.passkeys.prove(MINE, answer, HERE)
    assert refused(house, answer)


def test_what_one_person_fails_with_keeps_no_colleague_at_the_same_address_out(
    house: House, key: Authenticator
) -> None:
    for _ in range(lockout.FREE_TRIES + 1):
        assert refused(house, {"id": "somebody's", "response": {}})
    assert house.passkeys.prove(MINE, key.sign(house.passkeys.ask(MINE)), HERE) == house.clerk


def test_but_one_address_cannot_fail_for_ever(house: House, key: Authenticator) -> None:
    with house.accounts.database.write() as conn:
        for _ in range(lockout.TRIES_OF_ADDRESS):
            house.accounts.lockout.failed(conn, "", HERE, house.clock.now())
    assert refused(house, key.sign(house.passkeys.ask(MINE)))


def test_an_answer_belongs_to_the_browser_that_was_asked(house: House, key: Authenticator) -> None:
    answer = key.sign(house.passkeys.ask(MINE))
    house.passkeys.ask(OTHER)
    assert refused(house, answer, OTHER)


def test_an_answer_comes_in_time(house: House, key: Authenticator) -> None:
    answer = key.sign(house.passkeys.ask(MINE))
    house.later(timedelta(minutes=5))
    assert refused(house, answer)


def test_an_answer_for_another_page_is_refused(house: House, key: Authenticator) -> None:
    key.origin = "https://gw.example.evil"
    assert refused(house, key.sign(house.passkeys.ask(MINE)))


def test_a_holder_who_was_not_verified_is_refused(house: House, key: Authenticator) -> None:
    key.verifies = False
    assert refused(house, key.sign(house.passkeys.ask(MINE)))


def test_a_copy_whose_counter_lags_is_refused(house: House, key: Authenticator) -> None:
    house.passkeys.prove(MINE, key.sign(house.passkeys.ask(MINE)), HERE)
    key.count = 0
    assert refused(house, key.sign(house.passkeys.ask(MINE)))


def test_a_passkey_steps_up_only_its_owner(house: House, key: Authenticator) -> None:
    assert refused(house, key.sign(house.passkeys.ask(MINE, house.an)), account=house.an)
    assert house.passkeys.prove(MINE, key.sign(house.passkeys.ask(MINE, house.clerk)), HERE, house.clerk)


def test_another_users_handle_is_refused(house: House, key: Authenticator) -> None:
    answer = key.sign(house.passkeys.ask(MINE))
    answer["response"]["userHandle"] = encode(house.an.id.encode())
    assert refused(house, answer)


@pytest.mark.parametrize("answer", [{}, {"id": "x"}, {"id": 1, "response": {}}, {"id": "x", "response": {}}])
def test_what_is_no_answer_is_refused(house: House, answer: dict[str, Any]) -> None:
    assert refused(house, answer)


def test_a_suspended_owner_is_refused_and_a_removed_key_too(house: House, key: Authenticator) -> None:
    house.accounts.suspend(OPERATOR, "linden-1")
    assert refused(house, key.sign(house.passkeys.ask(MINE)))
    house.accounts.resume(OPERATOR, "linden-1")
    house.passkeys.remove(house.clerk, encode(key.id))
    assert refused(house, key.sign(house.passkeys.ask(MINE)))


@pytest.mark.parametrize("wrong", ["origin", "challenge", "verification"])
def test_a_registration_that_was_not_asked_for_is_refused(house: House, wrong: str) -> None:
    key = Authenticator("https://evil.example" if wrong == "origin" else "https://gw.example")
    key.verifies = wrong != "verification"
    made = key.make(house.passkeys.ask_to_register(house.clerk, MINE))
    if wrong == "challenge":
        house.passkeys.ask_to_register(house.clerk, MINE)
    with pytest.raises(SignInRefused):
        house.passkeys.register(house.clerk, MINE, made, "x")
    assert not house.factors.of(house.clerk).any


def test_one_credential_belongs_to_one_account(house: House, key: Authenticator) -> None:
    with pytest.raises(SignInRefused):
        house.passkeys.register(house.an, MINE, key.make(house.passkeys.ask_to_register(house.an, MINE)), "x")


def test_an_address_of_numbers_has_no_passkeys(house: House) -> None:
    for url, possible in (("http://127.0.0.1:8080", False), ("http://localhost:8080", True)):
        assert Passkeys(house.accounts, house.ceremonies, url).possible is possible
