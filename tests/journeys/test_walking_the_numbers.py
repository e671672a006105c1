"""Threat T16: a curious officer goes through five hundred identity numbers. Stopped, noticed, and put before people."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tongqu_client import errors

from gateway.cases.model import Person
from tests.cast import AN, AUDIT, LINDEN, Cast, resident
from tests.journeys.officers import ask, officer
from tests.running import City, RunningGateway
from tests.simulators.department import Department

pytestmark = pytest.mark.torture
WALKED, ALLOWED, PERCENT = 500, 60, 25
PEOPLE = [resident(number, "甲") for number in range(100, 100 + WALKED)]
AUDITOR = Person("acc_audit", AUDIT, "audit_office")


def test_the_walk_ends_at_the_quota_and_is_seen_by_alarm_anomalies_and_review(
    tmp_path: Path, sqlite_template: Path
) -> None:
    (tmp_path / "gateway.sqlite").write_bytes(sqlite_template.read_bytes())
    with Department({each["idNumber"]: [each] for each in (AN, *PEOPLE)}) as department:
        gateway = RunningGateway(tmp_path / "gateway", f"sqlite:///{tmp_path / 'gateway.sqlite'}")
        gateway.deps.close()
        gateway.settings = replace(gateway.settings, review_sample_percent=PERCENT)
        gateway.make()
        city = City(gateway, Cast(gateway.deps, department), department)
        city.gateway.deps.reviews.tidy()  # the day's seed is committed to before anything is looked up
        gateway.start()
        try:
            walk(city)
            seen(city)
        finally:
            city.close()
            gateway.stop()


def walk(city: City) -> None:
    agreement = city.cast.agreement(access={"per_officer": {"per_hour": ALLOWED, "per_day": ALLOWED}}).id
    who, said = officer(city, bind=False), Counter[str]()
    for person in PEOPLE:
        while True:
            try:
                said["found" if ask(city, agreement, who, person["idNumber"]).found else "unknown"] += 1
            except errors.OfficerQuotaExceeded:
                said["stopped"] += 1
            except errors.RateLimited:
                time.sleep(0.05)
                continue
            break
    assert said == {"found": ALLOWED, "stopped": WALKED - ALLOWED}
    assert len(city.department.requests) == ALLOWED, "the department was not even asked"
    assert ask(city, agreement, officer(city, "witness")).found, "a colleague is not stopped"


def seen(city: City) -> None:
    deps, who = city.gateway.deps, city.cast.officers[f"{LINDEN}/clerk"]
    alarms = city.entries("alarm.raised")  # one for the walk, not four hundred and forty
    assert [(each["code"], each["actor"]["officer"]) for each in alarms] == [("officer_quota_exceeded", who)]
    found = deps.watch.anomalies()
    assert found[0].officer == who
    assert {"refusals", "case_subjects"} <= {each.rule for each in found if each.officer == who}
    city.gateway.clock.advance(seconds=timedelta(days=1).total_seconds())
    deps.reviews.tidy()
    queue = deps.reviews.queue(AUDITOR, limit=200)
    sample = [item for item in queue if item.reason == "sample" and item.party == LINDEN]
    assert sample, "some of what was released is before people"
    entries = city.gateway.entries()
    assert all(entries[item.entry or 0]["type"] == "exchange.released" for item in sample)
    assert any(item.search and who in item.search for item in queue), "and so is what the rules found of the officer"
