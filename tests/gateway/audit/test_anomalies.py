"""What stands out of a city's ordinary work: the officer who walked along numbers at night, before all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import pytest

from bench.traffic import City, Event, write
from gateway.audit import index
from gateway.audit.anomalies import Finding
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.filter import CHINA, Filter
from gateway.audit.limits import Limits
from gateway.audit.log import Log
from gateway.audit.search import Search
from gateway.audit.watch import Watch
from gateway.db import Database
from tests.clock import FixedClock


class Town:
    def __init__(self, log: Log, database: Database, clock: FixedClock, key: CheckpointKey) -> None:
        self.city = City(3, offices=8, officers=5)
        self.clock = clock
        self.evening = clock.now().astimezone(CHINA).replace(hour=23, minute=0) - timedelta(days=4)
        self.noon = self.evening.replace(hour=12)
        self._log, self._database, self._key = log, database, key

    def lived(self, *planted: Iterable[Event], days: int = 20, queries: int = 4000) -> Watch:
        events = [*self.city.history(days, self.clock.now(), queries)]
        for more in planted:
            events += more
        with self._log.transaction():
            pass
        write(self._database, self._key, None, sorted(events, key=lambda event: event[0]))
        index.catch_up(self._database, group=8192)
        return Watch(Search(self._database, self.clock), Limits())

    def asks(self, t: datetime, officer: int, *, times: int, gap: float = 60, **with_: object) -> Iterator[Event]:
        """One officer's queries, so many seconds apart: about other people in one case, unless it is said otherwise."""
        who = self.city.officers[officer]
        agreement = next(each for each in self.city.agreements[who.office] if not each.consent)
        case, subject = with_.get("case", self.city._case()), with_.get("subject")
        for _ in range(times):
            about = str(subject or self.city._subject())
            ended = str(with_.get("ended", "released"))
            yield from self.city._query(t, agreement, who.office, who.id, about, case, ended)  # type: ignore[arg-type]
            t += timedelta(seconds=gap * self.city.random.uniform(0.3, 1.7))


@pytest.fixture
def town(log: Log, database: Database, clock: FixedClock, checkpoint_key: CheckpointKey) -> Town:
    return Town(log, database, clock, checkpoint_key)


def test_who_walked_three_hundred_ids_at_night_comes_first(town: Town) -> None:
    walker = town.city.officers[17]
    watch = town.lived(town.city.walk(walker, town.evening))
    findings = watch.anomalies()
    assert (findings[0].rule, findings[0].officer, findings[0].count) == ("walk", walker.id, 300)
    assert {"walk", "night", "no_case", "volume"} <= {each.rule for each in findings if each.officer == walker.id}
    assert [each.score for each in findings] == sorted((each.score for each in findings), reverse=True)
    shown = watch.search.find(Filter.parse(findings[0].q), limit=1000).found
    assert len(shown) == 300 and {found.row.officer for found in shown if found.row} == {walker.id}
    for each in findings:
        assert watch.search.count(Filter.parse(each.q)) > 0, each.q
        assert each.zh and each.en and walker.office not in each.zh.replace(walker.id, "")


def test_an_ordinary_month_gives_few_findings(town: Town) -> None:
    findings = town.lived(days=30, queries=8000).anomalies()
    assert len(findings) <= 4 and "walk" not in {each.rule for each in findings}


def of(findings: list[Finding], town: Town, officer: int) -> set[str]:
    return {each.rule for each in findings if each.officer == town.city.officers[officer].id}


def test_each_rule_finds_what_it_is_for_and_not_its_neighbour(town: Town) -> None:
    neighbour = town.city._subject()
    days = [town.noon - timedelta(days=number) for number in range(6)]
    watch = town.lived(
        town.asks(town.evening, 1, times=15),
        (event for day in days for event in town.asks(day, 2, times=1, subject=neighbour, case=None)),
        (event for day in days for event in town.asks(day, 3, times=1, subject=town.city._subject(), case=None)),
        town.asks(town.noon, 4, times=25, gap=300),
        town.asks(town.noon, 5, times=25, gap=300, ended="refused"),
        (event for day in days for event in town.asks(day, 6, times=20, gap=400, case=None)),
        town.asks(town.noon, 7, times=12, gap=600),
    )
    findings = watch.anomalies()
    assert {"night"} <= of(findings, town, 1)
    assert {"repeats"} == of(findings, town, 2)
    assert "repeats" not in of(findings, town, 3)  # as often, but about different people
    assert "case_subjects" in of(findings, town, 4)
    assert "refusals" in of(findings, town, 5)
    assert "no_case" in of(findings, town, 6)
    assert not of(findings, town, 7)


def test_a_case_that_takes_a_week_is_no_curiosity(town: Town) -> None:
    case, subject = town.city._case(), town.city._subject()
    days = [town.noon - timedelta(days=number) for number in range(6)]
    asked = (event for day in days for event in town.asks(day, 2, times=1, subject=subject, case=case))
    assert "repeats" not in of(town.lived(asked).anomalies(), town, 2)


def test_an_office_sees_its_own_officers_only(town: Town) -> None:
    walker, other = town.city.officers[17], town.city.officers[30]
    watch = town.lived(town.city.walk(walker, town.evening))
    assert walker.office != other.office
    assert {each.officer for each in watch.anomalies(reach=walker.office)} >= {walker.id}
    agreement = town.city.agreements[walker.office][0]
    for neighbour in (other.office, agreement.provider):  # the department that was asked is not their superior
        assert walker.id not in {each.officer for each in watch.anomalies(reach=neighbour)}
