"""A password opens its account, and failing costs time, whoever fails."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from gateway.accounts import lockout, passwords
from gateway.errors import AlreadyExists, Busy, InvalidRequest, NotFound, SignInRefused
from gateway.identity.model import OPERATOR
from tests.cast import AN, AUDIT, LINDEN, SCHEME
from tests.gateway.accounts.house import ELSEWHERE, HERE, PASSWORD, House


def fail(house: House, username: str, address: str = HERE) -> SignInRefused:
    with pytest.raises(SignInRefused) as refused:
        house.accounts.prove_password(username, "not the password", address)
    return refused.value


def test_the_right_password_opens_the_account_however_it_is_typed(house: House) -> None:
    assert house.accounts.prove_password(" Linden-1 ", PASSWORD, HERE) == house.clerk
    house.accounts.change_password(house.clerk, PASSWORD, "Ｆour ﬁne words, e\u0301crits", HERE)
    assert house.accounts.prove_password("linden-1", "Four fine words, \u00e9crits", HERE).id == house.clerk.id


def test_a_password_is_kept_as_argon2id_with_the_costs_we_name(dear_house: House) -> None:
    assert dear_house.rows("account").count("$argon2id$v=19$m=65536,t=3,p=4$") == 2


def test_nobody_learns_whether_an_account_exists(house: House) -> None:
    house.accounts.suspend(OPERATOR, "an-1")
    said = {fail(house, name).detail_en for name in ("linden-1", "nobody-here", "an-1")}
    assert said == {SignInRefused.title_en}
    with pytest.raises(SignInRefused, match=SignInRefused.title_en):
        house.accounts.prove_password("an-1", PASSWORD, HERE)


def costs_of_failing(house: House, rounds: int, network: str) -> dict[str, list[float]]:
    """What refusing costs the processor, by kind of name; by turns, so that all have the same weather.

    Not by the clock on the wall, which also counts whatever else this machine does.
    """
    seen: dict[str, list[float]] = {"linden-1": [], "nobody-here": [], "an-1": []}
    for number in range(rounds):
        for name, costs in seen.items():
            began = time.process_time()
            fail(house, name, f"{network}.{number % 250}")
            costs.append(time.process_time() - began)
    return seen


def alike(house: House, rounds: int, within: float, usual: Callable[[list[float]], float]) -> None:
    """All kinds of names cost about the same; a difference that a mood of the machine made is not there again twice."""
    house.accounts.suspend(OPERATOR, "an-1")
    told: list[dict[str, float]] = []
    for network in ("192.0.2", "198.51.100", "203.0.113"):
        told.append({name: usual(costs) for name, costs in costs_of_failing(house, rounds, network).items()})
        if max(told[-1].values()) < within * min(told[-1].values()):
            return
    raise AssertionError(f"told apart each time: {told}")


def test_an_unknown_name_takes_as_long_as_a_known_one(dear_house: House) -> None:
    alike(dear_house, 5, 1.6, min)


@pytest.mark.torture
def test_the_time_of_many_failures_tells_nothing(dear_house: House) -> None:
    rounds = min(int(os.environ.get("TONGQU_TORTURE_ROUNDS", "20")), 333)
    alike(dear_house, rounds, 1.25, statistics.median)


def test_after_five_failures_one_waits_ever_longer_but_only_from_there(house: House) -> None:
    for _ in range(lockout.FREE_TRIES):
        assert "retry_after" not in fail(house, "linden-1").members
    assert fail(house, "linden-1").members["retry_after"] == 60
    with pytest.raises(SignInRefused):
        house.accounts.prove_password("linden-1", PASSWORD, HERE)
    assert house.accounts.prove_password("linden-1", PASSWORD, ELSEWHERE) == house.clerk
    house.later(timedelta(minutes=1))
    assert "retry_after" not in fail(house, "linden-1").members
    assert fail(house, "linden-1").members["retry_after"] == 120
    house.later(timedelta(minutes=2))
    assert house.accounts.prove_password("linden-1", PASSWORD, HERE) == house.clerk


def test_a_name_that_does_not_exist_is_locked_alike(house: House) -> None:
    for _ in range(lockout.FREE_TRIES):
        fail(house, "nobody-here")
    assert fail(house, "nobody-here").members["retry_after"] == 60


def test_one_address_cannot_try_everybody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with house.accounts.database.write() as conn:
        for number in range(lockout.TRIES_OF_ADDRESS):
            house.accounts.lockout.failed(conn, f"name-{number}", HERE, house.clock.now())
    assert fail(house, "linden-1").members["retry_after"] == 3600
    assert house.accounts.prove_password("linden-1", PASSWORD, ELSEWHERE) == house.clerk


def test_many_addresses_cannot_try_one_account_for_ever(house: House) -> None:
    with house.accounts.database.write() as conn:
        for number in range(lockout.TRIES_OF_ACCOUNT):
            house.accounts.lockout.failed(conn, "linden-1", f"192.0.2.{number}", house.clock.now())
    assert fail(house, "linden-1", ELSEWHERE).members["retry_after"] == 3600


def test_what_failed_is_in_the_log_without_names_or_addresses(house: House) -> None:
    fail(house, "linden-1")
    fail(house, "nobody-here")
    *_, known, unknown = house.events()
    assert known["type"] == unknown["type"] == "account.sign_in_failed"
    assert (known["account"], unknown["account"]) == (house.clerk.id, None)
    assert not any(word in str(house.events()) for word in ("linden-1", "nobody-here", HERE))


def test_too_many_at_once_are_asked_to_come_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_S", 0.01)
    full = passwords.Passwords()
    for _ in range(passwords.AT_ONCE):
        full._turns.acquire()
    with pytest.raises(Busy):
        full.hash(PASSWORD)


@pytest.mark.parametrize(
    ("username", "about"),
    [
        ("L", {"role": "street_office", "party": LINDEN}),
        ("linden 2", {"role": "street_office", "party": LINDEN}),
        ("linden-2", {"role": "king", "party": LINDEN}),
        ("linden-2", {"role": "street_office"}),
        ("linden-2", {"role": "compliance", "party": LINDEN}),
        ("bo", {"role": "resident"}),
        ("bo", {"role": "resident", "resident": (SCHEME, "123")}),
        ("bo", {"role": "resident", "party": LINDEN, "resident": (SCHEME, AN["idNumber"])}),
        ("linden-2", {"role": "street_office", "party": LINDEN, "password": "short"}),
        ("linden-2", {"role": "street_office", "party": LINDEN, "password": "aaaaaaaaaaaaaaaa"}),
        ("linden-2", {"role": "street_office", "party": LINDEN, "password": "my name is linden-2"}),
    ],
)
def test_an_account_that_cannot_be_is_refused(house: House, username: str, about: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        house.accounts.add(OPERATOR, username, **about)  # type: ignore[arg-type]


def test_a_name_belongs_to_one_account(house: House) -> None:
    with pytest.raises(AlreadyExists):
        house.accounts.add(OPERATOR, "LINDEN-1", role="compliance", party=AUDIT)
    with pytest.raises(NotFound):
        house.accounts.add(OPERATOR, "linden-2", role="street_office", party=LINDEN, officer="off_nobody")


def test_whose_account_a_resident_has_is_sealed_in_the_database(house: House) -> None:
    assert house.accounts.resident_of(house.an) == (SCHEME, AN["idNumber"])
    assert AN["idNumber"] not in house.rows("account")
