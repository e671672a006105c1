"""One-time codes and recovery codes: each good once."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from gateway.accounts.sealing import SealBroken
from gateway.errors import SignInRefused
from gateway.identity.model import OPERATOR
from tests.gateway.accounts.house import HERE, House

STEP = timedelta(seconds=30)


@pytest.fixture
def device(house: House) -> pyotp.TOTP:
    """The clerk's authenticator app, set up a minute ago."""
    device = pyotp.TOTP(house.factors.new_secret())
    house.factors.add_totp(house.clerk, device.secret, device.at(house.clock.now()))
    house.later(2 * STEP)
    return device


def refused(house: House, code: str) -> bool:
    with pytest.raises(SignInRefused):
        house.factors.prove(house.clerk, code, HERE)
    return True


def test_a_code_is_good_once(house: House, device: pyotp.TOTP) -> None:
    code = device.at(house.clock.now())
    assert house.factors.prove(house.clerk, f" {code[:3]} {code[3:]} ", HERE) == "totp"
    assert refused(house, code)


def test_a_code_from_before_the_last_one_is_no_good_either(house: House, device: pyotp.TOTP) -> None:
    earlier, now = device.at(house.clock.now() - STEP), device.at(house.clock.now())
    assert house.factors.prove(house.clerk, now, HERE) == "totp"
    assert refused(house, earlier)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_off_by_half_a_minute(house: House, device: pyotp.TOTP, steps: int) -> None:
    assert house.factors.prove(house.clerk, device.at(house.clock.now() + steps * STEP), HERE) == "totp"


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_but_not_by_a_minute(house: House, device: pyotp.TOTP, steps: int) -> None:
    assert refused(house, device.at(house.clock.now() + steps * STEP))


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "１２３", "0" * 50, "None"])
def test_what_is_no_code_is_refused(house: House, device: pyotp.TOTP, code: str) -> None:
    assert refused(house, code)


def test_the_code_that_set_it_up_signs_nobody_in(house: House) -> None:
    device = pyotp.TOTP(house.factors.new_secret())
    code = device.at(house.clock.now())
    house.factors.add_totp(house.clerk, device.secret, code)
    assert refused(house, code)


def test_guessing_codes_is_locked_like_guessing_passwords(house: House, device: pyotp.TOTP) -> None:
    for _ in range(5):
        refused(house, "000000")
    assert refused(house, device.at(house.clock.now()))


def test_a_recovery_code_is_good_once_and_a_new_set_ends_the_old(house: House, device: pyotp.TOTP) -> None:
    codes = house.factors.new_recovery_codes(house.clerk)
    assert len(set(codes)) == 10 and house.factors.of(house.clerk).recovery_codes == 10
    assert house.factors.prove(house.clerk, codes[0].upper(), HERE) == "recovery"
    assert refused(house, codes[0])
    assert house.factors.of(house.clerk).recovery_codes == 9
    house.factors.new_recovery_codes(house.clerk)
    assert refused(house, codes[1])


def test_a_recovery_code_belongs_to_one_account(house: House, device: pyotp.TOTP) -> None:
    codes = house.factors.new_recovery_codes(house.clerk)
    with pytest.raises(SignInRefused):
        house.factors.prove(house.an, codes[0], HERE)


def test_the_secret_is_sealed_in_the_database_and_to_its_account(house: House, device: pyotp.TOTP) -> None:
    assert device.secret not in house.rows("account")
    with house.accounts.database.write() as conn:
        conn.exec_driver_sql(
            f"UPDATE account SET totp = (SELECT totp FROM account WHERE id = '{house.clerk.id}') "
            f"WHERE id = '{house.an.id}'"
        )
    with pytest.raises(SealBroken):
        house.factors.prove(house.an, device.at(house.clock.now()), HERE)


def test_a_reset_ends_every_factor_and_session(house: House, device: pyotp.TOTP) -> None:
    house.factors.new_recovery_codes(house.clerk)
    token = house.sessions.begin(house.clerk, "totp", "Firefox · Linux")
    house.accounts.reset(OPERATOR, "linden-1")
    assert not house.factors.of(house.clerk).any and house.factors.of(house.clerk).recovery_codes == 0
    assert house.sessions.find(token) is None
