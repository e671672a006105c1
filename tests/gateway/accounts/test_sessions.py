"""A session is worth something for as long as it should be, and nothing afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.accounts.sessions import digest_of
from gateway.errors import Forbidden
from gateway.identity.actions import Identity
from gateway.identity.model import OPERATOR
from tests.cast import LINDEN
from tests.gateway.accounts.house import IDLE, TOTAL, House

DEVICE = "Firefox · Linux"


def alive(house: House, token: str) -> bool:
    return house.sessions.find(token) is not None


def test_a_session_ends_when_nobody_uses_it(house: House) -> None:
    token = house.sessions.begin(house.clerk, "password", DEVICE)
    for _ in range(3):
        house.later(IDLE - timedelta(minutes=2))
        assert alive(house, token)
    house.later(IDLE)
    assert not alive(house, token)


def test_a_session_ends_after_its_hours_however_much_it_is_used(house: House) -> None:
    token = house.sessions.begin(house.clerk, "password", DEVICE)
    end = house.clock.now() + TOTAL
    while house.clock.now() + timedelta(minutes=20) < end:
        house.later(timedelta(minutes=20))
        assert alive(house, token)
    house.later(timedelta(minutes=20))
    assert not alive(house, token)


def test_stepping_up_gives_a_new_value_and_lasts_ten_minutes(house: House) -> None:
    old = house.sessions.begin(house.clerk, "password", DEVICE)
    found = house.sessions.find(old)
    assert found is not None and not found[0].fresh(house.clock.now())
    new = house.sessions.step_up(old, "totp")
    assert not alive(house, old)
    found = house.sessions.find(new)
    assert found is not None and found[0].fresh(house.clock.now())
    house.later(timedelta(minutes=10))
    assert not found[0].fresh(house.clock.now())


def test_who_is_signed_out_while_showing_a_second_factor_stays_signed_out(house: House) -> None:
    old = house.sessions.begin(house.clerk, "password", DEVICE)
    house.sessions.end(old)
    with pytest.raises(Forbidden, match="ended elsewhere"):
        house.sessions.step_up(old, "totp")


def test_a_sign_in_with_a_second_factor_counts_as_stepped_up(house: House) -> None:
    found = house.sessions.find(house.sessions.begin(house.clerk, "passkey", DEVICE))
    assert found is not None and found[0].fresh(house.clock.now())


def test_ending_the_others_leaves_this_one_and_other_peoples(house: House) -> None:
    mine, elsewhere = (house.sessions.begin(house.clerk, "password", DEVICE) for _ in range(2))
    ans = house.sessions.begin(house.an, "password", DEVICE)
    house.sessions.end_others(house.clerk, mine)
    assert (alive(house, mine), alive(house, elsewhere), alive(house, ans)) == (True, False, True)
    assert len(house.sessions.of(house.clerk)) == 1


def test_whoever_reads_the_table_cannot_use_it(house: House) -> None:
    token = house.sessions.begin(house.clerk, "password", DEVICE)
    assert house.sessions.find(digest_of(token)) is None
    assert token not in house.rows("account_session")


def test_a_suspended_party_has_nobody_signed_in(house: House) -> None:
    token = house.sessions.begin(house.clerk, "password", DEVICE)
    Identity(house.sessions.database, house.log, house.clock).suspend_party(OPERATOR, LINDEN)
    assert not alive(house, token)


def test_what_is_over_is_forgotten(house: House) -> None:
    house.sessions.begin(house.clerk, "password", DEVICE)
    house.later(IDLE + timedelta(minutes=1))
    house.sessions.tidy(house.clock.now())
    assert house.rows("account_session") == "[]"


def test_each_step_is_in_the_log(house: House) -> None:
    house.sessions.end(house.sessions.step_up(house.sessions.begin(house.clerk, "password", DEVICE), "totp"))
    said = [(each["type"], each["account"], each["method"]) for each in house.events()[-3:]]
    assert said == [
        ("account.signed_in", house.clerk.id, "password"),
        ("account.stepped_up", house.clerk.id, "totp"),
        ("account.signed_out", house.clerk.id, None),
    ]
