"""A standard published while the gateway runs is used like any other, and a withdrawn one releases nothing any more."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from tongqu_client import errors

from gateway.agreements.model import Agreement
from gateway.registry.actions import Proposal
from gateway.registry.model import SIGNATURE_TYPE, Acting, Version
from gateway.registry.terms import WITHDRAWAL_TYPE, withdrawal
from tests.cast import AN, BUREAU, LINDEN, NOBODY, POLICE, SCHEME, STANDARD, Cast, Paper, key_of
from tests.gateway.registry.desk import CHANGELOG, widened
from tests.journeys import commands
from tests.journeys.by_hand import ByHand
from tests.journeys.process import Process
from tests.journeys.test_kill import Load, check, check_outcomes, closed_city  # noqa: F401  # a fixture
from tests.journeys.test_races import REFUSALS, wait_for
from tests.running import City
from tests.simulators.department import Department

NEW = "person-basic/1.1.0"
RECORD = {**AN, "secondPhone": "13900000008"}


def bureau(city: City) -> Acting:
    return Acting.of(city.cast.caller(BUREAU))


def publish(city: City) -> Version:
    """Version 1.1.0, by the usual way, in the deps of this process; its consultation takes a twinkling."""
    registry = city.gateway.deps.registry
    draft = registry.draft(bureau(city), Proposal(widened("1.1.0"), CHANGELOG))
    ends = city.gateway.clock.now() + timedelta(seconds=1)
    registry.consult(bureau(city), draft.id, ends)
    time.sleep(1.05)
    jws = key_of(f"{BUREAU}/signatory").sign_detached(SIGNATURE_TYPE, draft.text)
    return registry.publish(bureau(city), draft.id, jws)


@contextmanager
def police_offer(city: City) -> Iterator[None]:
    """The police answer in the new version too, by a second service."""
    cast, catalogue = city.cast, city.gateway.deps.catalogue
    with Department({AN["idNumber"]: [RECORD]}, standard=NEW, known=city.gateway.deps.library) as department:
        manifest = {
            "standard": NEW,
            "title_zh": "常住人口（新版）",
            "title_en": "Residents (new)",
            "base_url": department.base_url,
            "crosswalk": None,
            "timeout_ms": 5000,
            "max_concurrent": 16,
            "contact": "数据管理科",
        }
        service = catalogue.register(cast.caller(POLICE), manifest)
        department.trust(city.gateway.deps.keys.verifiers("request"), city.gateway.settings.issuer, service.id)
        found, absent = ({"scheme": SCHEME, "id": who} for who in (AN["idNumber"], NOBODY))
        _, report = catalogue.test(cast.caller(POLICE), service.id, found, absent)
        assert report.passed, report.to_dict()
        catalogue.approve(cast.caller(BUREAU), service.id)
        assert service.id in {each.id for each in catalogue.search(cast.caller(LINDEN), "备用电话")}
        yield


def agree(city: City) -> Agreement:
    """Linden and the police agree on the new version, with its new field."""
    cast, agreements = city.cast, city.gateway.deps.agreements
    paper = copy.deepcopy(Paper(fields=("idNumber", "name", "secondPhone")).document(city.gateway.clock.now()))
    paper["items"][0]["standard"] = NEW
    drafted = agreements.draft(cast.caller(LINDEN), paper)
    agreements.submit(cast.caller(LINDEN), drafted.id)
    for party in (LINDEN, POLICE):
        drafted = agreements.sign(cast.caller(party), drafted.id, Cast.signature(drafted, party))
    return drafted


@pytest.mark.daily_on_one
def test_what_is_published_while_the_gateway_runs_is_answered_by_it(own_city: City) -> None:
    publish(own_city)
    with police_offer(own_city):
        answer = own_city.ask(agree(own_city).id, standard=NEW)
        assert answer.data[0]["secondPhone"] == RECORD["secondPhone"]
        own_city.gateway.restart()
        own_city.close()
        assert own_city.ask(agree(own_city).id, standard=NEW).found


@pytest.mark.daily_on_one
def test_what_one_process_publishes_another_answers(closed_city: City, tmp_path: Path) -> None:  # noqa: F811
    config = commands.write_configuration(closed_city.gateway.settings, tmp_path / "tongqu.toml", log_level="WARNING")
    with Process(config, closed_city.gateway.url, tmp_path / "said", workers=2):
        publish(closed_city)
        with police_offer(closed_city):
            agreement = agree(closed_city)
            for _ in range(6):  # each with a connection of its own, so that either worker is asked
                closed_city.close()
                assert closed_city.ask(agreement.id, standard=NEW).data[0]["secondPhone"] == RECORD["secondPhone"]


@pytest.mark.daily_on_one
def test_a_deprecated_version_answers_with_its_end_until_that_comes(own_city: City) -> None:
    deps, clock = own_city.gateway.deps, own_city.gateway.clock
    agreement = own_city.cast.agreement()
    assert own_city.ask(agreement.id).found  # it is in memory now, as it was in force
    until = clock.now() + timedelta(seconds=20)
    deps.registry.deprecate(bureau(own_city), STANDARD, until)
    by_hand = ByHand(own_city)  # the SDK does not show headers
    headers = by_hand.query(agreement.id, by_hand.token(agreement.id)).headers
    assert headers["Sunset"] == format_datetime(until, usegmt=True)
    assert headers["Deprecation"].startswith("@") and "Link" in headers
    clock.advance(seconds=21)  # nobody has withdrawn it: the calendar alone ends it
    with pytest.raises(errors.StandardWithdrawn):
        own_city.ask(agreement.id)
    (refused,) = own_city.entries("exchange.refused")
    assert refused["decision"]["rules"] == ["R19"]
    assert refused["decision"]["facts"]["standard_state"] == "deprecated"


# ── a withdrawal overtakes queries under way ──────────────────────────────────────────────────────────────────────────
def withdraw_under_load(city: City) -> None:
    city.department.delay_s = 0.01  # so that some queries are always on their way
    agreement = city.cast.agreement()
    with Load(city, agreement.id) as load:
        wait_for(lambda: len(load.answers), load)
        deps, why = city.gateway.deps, "security_risk"
        statement = withdrawal(deps.shelf.get(None, STANDARD), why)
        jws = key_of(f"{BUREAU}/signatory").sign_detached(WITHDRAWAL_TYPE, statement)
        deps.registry.withdraw(bureau(city), STANDARD, why, jws)
        wait_for(lambda: load.errors.total(), load)
    entries = check(city, load.answers)
    (end,) = (index for index, entry in enumerate(entries) if entry["type"] == "standard.withdrawn")
    after = [entry["type"] for entry in entries[end:]]
    assert "exchange.released" not in after and "exchange.authorized" not in after
    assert check_outcomes(entries)["exchange.released"] == len(load.answers)
    assert set(load.errors) <= REFUSALS | {"StandardWithdrawn"} and load.errors["StandardWithdrawn"] > 0


def test_after_the_withdrawal_nothing_is_released(own_city: City) -> None:
    withdraw_under_load(own_city)


def test_a_withdrawal_by_another_process_is_heard_at_once(closed_city: City, tmp_path: Path) -> None:  # noqa: F811
    config = commands.write_configuration(closed_city.gateway.settings, tmp_path / "tongqu.toml", log_level="WARNING")
    with Process(config, closed_city.gateway.url, tmp_path / "said", workers=2):
        withdraw_under_load(closed_city)
