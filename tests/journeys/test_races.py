"""What a query rests on is taken back while queries run: nothing is released after it, whatever is still cached.

The callers never stop asking, so that at each moment some queries were decided and wait for their department, and
others are about to be decided from memory. What was released after what, is read from the log alone.

TONGQU_TORTURE_ROUNDS   how often the long form takes everything back (default 50)
"""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import requests
from tongqu_client import errors

from gateway.agreements.model import Agreement
from gateway.identity.model import OPERATOR
from tests.cast import AN, BUREAU, LINDEN, POLICE, Cast, key_of, resident
from tests.journeys import commands
from tests.journeys.by_hand import ByHand
from tests.journeys.process import Process
from tests.journeys.test_kill import Load, check, check_outcomes, closed_city  # noqa: F401  # a fixture
from tests.running import City

ENOUGH = 4  # answers, and then refusals, to be seen between one change and the next
WAIT_SECONDS = 30
REFUSALS = {
    *("ConsentRevoked", "AgreementSuspended", "AgreementTerminated", "ClientSuspended", "PartySuspended"),
    *("ServiceUnavailable", "ClientRejected", "ChangedMeanwhile"),
}

Act = Callable[[], object]
Entry = dict[str, Any]


def changes(cast: Cast, agreement: Agreement) -> list[tuple[Act, Act]]:
    """All that can be taken back of what a query under this agreement rests on, and how each is restored."""
    deps, client, consent = cast.deps, cast.clients[LINDEN], [cast.consent(agreement, AN)]
    linden, police, bureau = map(cast.caller, (LINDEN, POLICE, BUREAU))

    def consent_anew() -> None:
        consent[0] = cast.consent(agreement, AN)

    def resume_agreement() -> None:
        for party in (linden, police):
            deps.agreements.resume(party, agreement.id)

    def party(name: str) -> tuple[Act, Act]:
        return (
            lambda: deps.identity.suspend_party(OPERATOR, name),
            lambda: deps.identity.resume_party(OPERATOR, name),
        )

    def key(name: str) -> Act:
        return lambda: deps.identity.rotate_key(OPERATOR, client, key=key_of(name).public_jwk())

    return [
        (lambda: deps.consents.withdraw(linden, consent[0].id), consent_anew),
        (lambda: deps.agreements.suspend(police, agreement.id), resume_agreement),
        (
            lambda: deps.identity.suspend_client(OPERATOR, client),
            lambda: deps.identity.resume_client(OPERATOR, client),
        ),
        party(LINDEN),
        party(POLICE),
        (
            lambda: deps.catalogue.suspend(bureau, cast.service),
            lambda: deps.catalogue.resume(bureau, cast.service),
        ),
        (key("the key after it"), key(LINDEN)),
    ]


# ── what the log says ─────────────────────────────────────────────────────────────────────────────────────────────────
def rests_on(released: Entry, authorized: Entry) -> set[str]:
    """Everything whose end, before this release, would have forbidden it."""
    actor, source, consent = authorized["actor"], released["source"], released["consent"]
    named = {authorized["agreement"]["id"], actor["client"], actor["party"], source["party"], source["service"]}
    named.add(f"{actor['client']} {authorized['token']['jkt']}")  # the cast's keys serve for both of their purposes
    return named | ({consent["id"]} if consent else set())


def released_in_spite(entries: list[Entry]) -> list[tuple[int, set[str]]]:
    """The index of each release that comes after the end of something it rests on, and what that is."""
    ended: set[str] = set()
    keys: dict[str, str] = {}
    found = []
    for index, entry in enumerate(entries):
        thing, _, event = entry["type"].partition(".")
        if entry["type"] == "exchange.released":
            if wrong := rests_on(entry, entries[entry["of"]]) & ended:
                found.append((index, wrong))
        elif thing == "client" and entry["key"]:
            ended |= {keys[entry["client"]]} if event == "key_rotated" else set()
            keys[entry["client"]] = f"{entry['client']} {entry['key']}"
            ended.discard(keys[entry["client"]])
        elif event in ("suspended", "terminated", "withdrawn"):
            ended.add(concerned(entry))
        elif event == "resumed":
            ended.discard(concerned(entry))
    return found


def concerned(entry: Entry) -> str:
    """The thing that an entry like ``agreement.suspended`` is about."""
    named = entry[entry["type"].partition(".")[0]]
    return str(named["id"] if isinstance(named, dict) else named)


# ── the race ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def wait_for(what: Callable[[], int], load: Load) -> None:
    before, deadline = what(), time.monotonic() + WAIT_SECONDS
    while what() < before + ENOUGH:
        assert time.monotonic() < deadline, (len(load.answers), load.errors)
        time.sleep(0.002)


def take_everything_back(
    city: City,
    rounds: int = 1,
    chance: random.Random | None = None,
    beside: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> None:
    """While callers ask without a pause, take back and restore one thing after the other; at last, for good.

    ``beside``: who asks about the same agreement meanwhile.
    """
    city.department.delay_s = 0.01  # so that some queries are always on their way
    agreement = city.cast.agreement(consent="required")
    all_of_them = changes(city.cast, agreement)
    with Load(city, agreement.id) as load, beside(agreement.id):

        def answered() -> int:
            return len(load.answers)

        def refused() -> int:
            return load.errors.total()

        for _ in range(rounds):
            for take_back, restore in all_of_them:
                wait_for(answered, load)
                time.sleep(chance.uniform(0, 0.02) if chance else 0)
                take_back()
                wait_for(refused, load)
                restore()
        wait_for(answered, load)
        city.cast.deps.agreements.terminate(city.cast.caller(POLICE), agreement.id)
        wait_for(refused, load)
    entries = check(city, load.answers)
    assert released_in_spite(entries) == []
    outcomes = check_outcomes(entries)
    assert outcomes["exchange.withheld"] > 0  # there were queries which a change overtook
    assert not load.lost and set(load.errors) <= REFUSALS, load.errors


def test_what_is_taken_back_under_load_releases_nothing_any_more(own_city: City) -> None:
    take_everything_back(own_city)


def test_a_key_kept_beside_a_new_one_opens_as_before_and_a_dropped_one_nothing(own_city: City) -> None:
    identity, client = own_city.cast.deps.identity, own_city.cast.clients[LINDEN]
    agreement = own_city.cast.agreement()

    def ask_and_list() -> None:
        assert own_city.ask(agreement.id).found
        assert own_city.client().agreements.get(agreement.id)

    ask_and_list()
    identity.rotate_key(OPERATOR, client, key=key_of("the key after it").public_jwk(), keep=True)
    ask_and_list()
    identity.rotate_key(OPERATOR, client, key=key_of("a third key").public_jwk())
    for refused in (lambda: own_city.ask(agreement.id), lambda: own_city.client().agreements.get(agreement.id)):
        with pytest.raises(errors.ClientRejected):  # the token was void, and no other is to be had with this key
            refused()


def test_what_another_process_takes_back_releases_nothing_any_more(closed_city: City, tmp_path: Path) -> None:  # noqa: F811
    """The gateway that answers keeps its caches, and hears of no change but from the log."""
    config = commands.write_configuration(closed_city.gateway.settings, tmp_path / "tongqu.toml", log_level="WARNING")
    with Process(config, closed_city.gateway.url, tmp_path / "said"):
        take_everything_back(closed_city)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_what_another_process_takes_back_again_and_again_from_four_workers(closed_city: City, tmp_path: Path) -> None:  # noqa: F811
    config = commands.write_configuration(closed_city.gateway.settings, tmp_path / "tongqu.toml", log_level="WARNING")
    rounds, chance = int(os.environ.get("TONGQU_TORTURE_ROUNDS", "50")), random.Random(20261123)
    with Process(config, closed_city.gateway.url, tmp_path / "said", workers=4):
        take_everything_back(closed_city, rounds, chance)


class AtTheOtherMachine:
    """Callers of a second machine, which has the same public address and another socket."""

    def __init__(self, city: City, agreement: str, url: str) -> None:
        self._city, self._agreement, self._url = city, agreement, url
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(3)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def _ask_on(self) -> None:
        caller = ByHand(self._city)
        while not self._stopping.is_set():
            granted = caller.ask_for_token(self._agreement)
            if not granted.ok:  # by a key that was dropped, for a client that is suspended
                time.sleep(0.02)
            while granted.ok and not self._stopping.is_set():
                token = granted.json()["access_token"]
                sent = {"Authorization": f"DPoP {token}", "DPoP": caller.proof("/v1/queries", token)}
                body = caller.body(self._agreement)
                answer = requests.post(f"{self._url}/v1/queries", json=body, headers=sent, timeout=30)
                if answer.status_code == 401:
                    break


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_taken_back_is_taken_back_at_every_machine(closed_city: City, tmp_path: Path) -> None:  # noqa: F811
    city, chance = closed_city, random.Random(20261127)
    ours, port = city.gateway.settings, city.gateway.port
    theirs = tmp_path / "second"
    shutil.copytree(ours.data_dir / "keys", theirs / "keys")
    (theirs / "log").mkdir()
    common = {"replay_memory": "database", "log_level": "WARNING"}
    one = commands.write_configuration(ours, tmp_path / "one.toml", **common)
    two = commands.write_configuration(
        ours, tmp_path / "two.toml", **common, data_dir=str(theirs), node="gw2", host="127.0.0.2"
    )
    url = f"http://127.0.0.2:{port}"
    with Process(one, city.gateway.url, tmp_path / "said", workers=2), Process(two, url, tmp_path / "said 2"):
        take_everything_back(city, 3, chance, lambda agreement: AtTheOtherMachine(city, agreement, url))
        entries = city.gateway.entries()
    nodes = Counter(entry["gw"]["node"] for entry in entries if entry["type"] == "exchange.released")
    assert nodes["gw2"] > 5 and nodes["gw1.1"] + nodes["gw1.2"] > 5, nodes


# ── a thousand withdrawals against a thousand queries ─────────────────────────────────────────────────────────────────
def residents_who_consented(city: City, agreement: Agreement, number: int) -> list[tuple[str, str]]:
    """(identifier, consent id) of so many residents, each of whom said yes."""
    found = []
    for each in range(number):
        person = resident(1000 + each, "某人")
        city.department.people[person["idNumber"]] = [person]
        found.append((person["idNumber"], city.cast.consent(agreement, person).id))
    return found


def withdraw_while_asked(city: City, number: int, chance: random.Random) -> None:
    """Each resident takes the consent back at the very moment at which an office asks about them."""
    agreement = city.cast.agreement(consent="required", case_required=False)
    *people, first, meanwhile, last = residents_who_consented(city, agreement, number + 3)
    city.department.delay_s = 0.003  # so that many are overtaken while the department answers
    linden, outcomes = city.cast.caller(LINDEN), Counter[str]()

    def ask(person: str, pause: float) -> None:
        time.sleep(max(0.0, -pause))
        try:
            city.ask(agreement.id, person)
            outcomes["answered"] += 1
        except errors.GatewayError as error:
            outcomes[type(error).__name__] += 1

    def withdraw(consent: str, pause: float) -> None:
        time.sleep(max(0.0, pause))
        city.cast.deps.consents.withdraw(linden, consent)

    city.ask(agreement.id, people[0][0])  # a token, before everybody wants one
    began = time.monotonic()
    city.ask(agreement.id, people[0][0])
    took = min(0.1, time.monotonic() - began)
    pauses = [chance.uniform(-2 * took, 2 * took) for _ in people]  # who is first, and by how much
    with ThreadPoolExecutor(4) as asking, ThreadPoolExecutor(2) as withdrawing:
        for (person, consent), pause in zip(people, pauses, strict=True):
            both = (asking.submit(ask, person, pause), withdrawing.submit(withdraw, consent, pause))
            for each in both:
                each.result()
    # It was a race. However it went, one is slower than the withdrawal, one is overtaken on its way, one is faster.
    withdraw(first[1], 0)
    ask(first[0], 0)
    city.department.on_request = lambda received: meanwhile[0].encode() in received.body and withdraw(meanwhile[1], 0)
    ask(meanwhile[0], 0)
    ask(last[0], 0)
    withdraw(last[1], 0)
    entries = city.entries()
    assert released_in_spite(city.gateway.entries()) == []
    kinds = Counter(entry["type"] for entry in entries)
    assert kinds["consent.withdrawn"] == number + 3
    assert set(outcomes) <= {"answered", "ConsentRevoked"} and outcomes.total() == number + 3, outcomes
    assert kinds["exchange.released"] == outcomes["answered"] + 2
    assert outcomes["answered"] and kinds["exchange.refused"] and kinds["exchange.withheld"], (outcomes, kinds)


def test_no_record_leaves_after_the_withdrawal_of_its_consent(own_city: City) -> None:
    withdraw_while_asked(own_city, 40, random.Random(20261126))


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_a_thousand_withdrawals_against_a_thousand_queries(own_city: City) -> None:
    bounded = int(os.environ.get("TONGQU_TORTURE_ROUNDS", "50")) < 50
    withdraw_while_asked(own_city, 100 if bounded else 1000, random.Random(20261126))


# ── what is kept in memory ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.any_database
def test_of_what_was_dropped_from_memory_nothing_stays(own_city: City) -> None:
    """Each bundle is known under everything that it rests on; when one of these changes, the others forget it too."""
    gatherer, agreement = own_city.cast.deps.exchange.deps.gatherer, own_city.cast.agreement()
    own_city.ask(agreement.id)
    held = [value for value in vars(gatherer).values() if isinstance(value, dict)]
    assert any(f"agreement:{agreement.id}" in each for each in held)
    gatherer.forget([f"agreement:{agreement.id}"])
    assert not any(held)
