"""One resident is forgotten, by the commands of an operator and the signatures of two others: afterwards neither number
nor pseudonym lead to the queries of before, while log, receipts and everybody else's traces are as they were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.audit.sidecar import SIDECAR
from gateway.cli import audit_keep
from gateway.cli import cli as gateway
from gateway.identity import orders
from tests.cast import AN, AUDIT, BO, BUREAU, LINDEN, SCHEME, key_of
from tests.journeys import commands
from tests.running import City


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_keep, "SWEEP_S", 1.2)  # the gateway here looks once a second, too


class Operator:
    """At the command line of the gateway's machine, with the city's configuration."""

    def __init__(self, city: City, folder: Path) -> None:
        self.city, self.folder = city, folder
        self.config = commands.write_configuration(city.gateway.settings, folder / "tongqu.toml")

    def says(self, *words: str, given: str = "") -> Result:
        done: Result = CliRunner().invoke(gateway, [*words, "--config", str(self.config)], input=given)
        return done

    def shreds(self, who: str, signers: Sequence[str]) -> Result:
        words = ("audit", "shred", "--id-stdin", "--reason", "right_to_erasure")
        order = self.says(*words, given=who).stdout.strip().encode()
        return self.says(*words, *self.signed(order, signers), given=who)

    def signed(self, order: bytes, signers: Sequence[str]) -> list[str]:
        found = []
        for number, name in enumerate(signers):
            file = self.folder / f"signature-{number}"
            file.write_text(key_of(name).sign_payload(orders.TYPE, order))
            found += ["--signed", str(file)]
        return found


@pytest.fixture
def operator(own_city: City, tmp_path: Path) -> Operator:
    return Operator(own_city, tmp_path)


BOTH = (f"{AUDIT}/signatory", f"{BUREAU}/signatory")


def opened(city: City, query: str) -> dict[str, str | None] | None:
    with city.gateway.deps.database.read() as conn:
        return city.gateway.deps.sidecar.open(conn, query)


def test_a_resident_is_forgotten_and_nobody_else(operator: Operator) -> None:
    city = operator.city
    agreement = city.cast.agreement()
    first, other = city.ask(agreement.id), city.ask(agreement.id, BO["idNumber"])
    by_subject = {e["query"]: e["subject"] for e in city.entries("exchange.authorized")}
    queries = list(by_subject)
    assert (opened(city, queries[0]) or {})["id"] == AN["idNumber"]

    done = operator.shreds(AN["idNumber"], BOTH)
    assert done.exit_code == 0, done.output
    assert AN["idNumber"] not in done.output

    assert opened(city, queries[0]) is None
    assert (opened(city, queries[1]) or {})["id"] == BO["idNumber"]
    assert city.gateway.deps.pseudonyms.subject(SCHEME, AN["idNumber"]) != by_subject[queries[0]]
    assert city.gateway.deps.pseudonyms.subject(SCHEME, BO["idNumber"]) == by_subject[queries[1]]
    again = city.ask(agreement.id)  # life goes on, under another pseudonym
    new = city.entries("exchange.authorized")[-1]
    assert new["subject"] not in by_subject.values() and (opened(city, new["query"]) or {})["id"] == AN["idNumber"]
    first.verify(), other.verify(), again.verify()
    (entry,) = city.entries("audit.shredded")
    assert entry["subject"] == by_subject[queries[0]] and entry["rows"] == 1
    exported = commands.export(city, operator.folder, "log")
    verified = commands.tongqu("verify", exported, "--trust", commands.trust_file(city, operator.folder))
    assert verified.returncode == 0, verified.stderr


@pytest.mark.daily_on_one
@pytest.mark.parametrize(
    "signers",
    [
        (f"{AUDIT}/signatory",),
        (f"{AUDIT}/signatory", f"{AUDIT}/signatory"),
        (f"{AUDIT}/signatory", f"{AUDIT}/clerk"),
        (f"{AUDIT}/signatory", f"{LINDEN}/signatory"),
        (f"{BUREAU}/signatory", f"{BUREAU}/clerk"),
    ],
    ids=["one", "one twice", "a clerk", "a street office", "the bureau alone"],
)
def test_it_takes_two_who_may(operator: Operator, signers: Sequence[str]) -> None:
    city = operator.city
    city.ask(city.cast.agreement().id)
    (permitted,) = city.entries("exchange.authorized")
    done = operator.shreds(AN["idNumber"], signers)
    assert done.exit_code != 0
    assert (opened(city, permitted["query"]) or {})["id"] == AN["idNumber"]
    assert city.entries("audit.shredded") == []


@pytest.mark.daily_on_one
def test_a_slip_of_the_hand_is_no_order(operator: Operator) -> None:
    """It has a pseudonym too, which would be forgotten in the place of whom was meant."""
    words = ("audit", "shred", "--id-stdin", "--reason", "right_to_erasure")
    number = AN["idNumber"]
    for typed in (number[:-1], number[1:] + number[:1], ""):
        slipped = operator.says(*words, given=typed)
        assert slipped.exit_code != 0 and not slipped.stdout.strip()
    assert operator.says(*words, "--scheme", "cn-resident-id", given=number).exit_code == 2
    assert operator.says("audit", "hold", "add", "--reason", "court_order", "--id-stdin", given="1").exit_code != 0


@pytest.mark.daily_on_one
def test_a_signature_under_another_order_is_none(operator: Operator) -> None:
    city = operator.city
    city.ask(city.cast.agreement().id)
    words = ("audit", "shred", "--id-stdin", "--reason", "right_to_erasure")
    order = operator.says(*words, given=BO["idNumber"]).stdout.strip().encode()
    assert operator.says(*words, *operator.signed(order, BOTH), given=AN["idNumber"]).exit_code != 0
    assert city.entries("audit.shredded") == []


def test_a_hold_forbids_it_until_two_lift_it(operator: Operator) -> None:
    city = operator.city
    city.ask(city.cast.agreement().id)
    placed = operator.says("audit", "hold", "add", "--reason", "court_order", "--id-stdin", given=AN["idNumber"])
    hold = placed.stdout.split(":")[0]
    assert hold in operator.says("audit", "hold", "list").stdout
    refused = operator.shreds(AN["idNumber"], BOTH)
    assert refused.exit_code != 0
    with city.gateway.deps.database.read() as conn:
        assert len(conn.execute(SIDECAR.select()).all()) == 1
    lift = ("audit", "hold", "lift", hold, "--reason", "court_order")
    assert operator.says(*lift, *operator.signed(b"{}", BOTH)).exit_code != 0
    order = operator.says(*lift).stdout.strip().encode()
    assert operator.says(*lift, *operator.signed(order, BOTH)).exit_code == 0
    assert operator.shreds(AN["idNumber"], BOTH).exit_code == 0
