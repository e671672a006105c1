"""What stands out of a city's ordinary work: the officer who walked along numbers at night, before all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

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
from tests.clock import FixedClock
from tests.conftest import DATABASES
from tests.gateway.audit.conftest import Standing


class Town:
    """Weeks of ordinary work of forty officers, and beside it what some of them did that was not."""

    def __init__(self, clock: FixedClock) -> None:
        self.city = City(3, offices=8, officers=5)
        self.clock = clock
        self.evening = clock.now().astimezone(CHINA).replace(hour=23, minute=0) - timedelta(days=4)
        self.noon = self.evening.replace(hour=12)
        self.days = [self.noon - timedelta(days=number) for number in range(6)]
        self.planted: list[Event] = []

    def officer(self, number: int) -> str:
        return self.city.officers[number].id

    def plant(self, *stories: Iterable[Event]) -> None:
        for story in stories:
            self.planted += story

    def asks(self, t: datetime, officer: int, *, times: int, gap: float = 60, **with_: Any) -> Iterator[Event]:
        """One officer's queries, so many seconds apart: about other people in one case, unless it is said otherwise.

        ``consent``: so many seconds before each query. ``facts``: of the decision, beside the others.
        """
        who = self.city.officers[officer]
        wanted = "consent" in with_
        agreement = next(each for each in self.city.agreements[who.office] if each.consent == wanted)
        case, subject = with_.get("case", self.city._case()), with_.get("subject")
        for _ in range(times):
            about = str(subject or self.city._subject())
            ended = str(with_.get("ended", "released"))
            for at, content in self.city._query(t, agreement, who.office, who.id, about, case, ended):
                if content["type"] == "consent.given":
                    at = t - timedelta(seconds=with_["consent"])
                elif "decision" in content:
                    content["decision"]["facts"] |= with_.get("facts", {})
                yield at, content
            t += timedelta(seconds=gap * self.city.random.uniform(0.3, 1.7))

    def consents(self, t: datetime, officer: int, times: int) -> Iterator[Event]:
        """An officer puts down consents that nobody relies on yet."""
        for at, content in self.asks(t, officer, times=times, gap=240, consent=5):
            if content["type"] == "consent.given":
                yield at, content

    def lived(self, log: Log, key: CheckpointKey, *, days: int = 20, queries: int = 1500) -> Watch:
        events = [*self.city.history(days, self.clock.now(), queries), *self.planted]
        write(log.database, key, None, sorted(events, key=lambda event: event[0]))
        index.catch_up(log.database, group=8192)
        return Watch(Search(log.database, self.clock), Limits())


WALKER, OTHER = 17, 30
ORDINARY = (0, 7, 8, 10, 11, 12, 15, 16, 18, 19, *range(26, 40))  # nothing was planted about them that stands out


@pytest.fixture(scope="module")
def town() -> Town:
    town = Town(FixedClock())
    neighbour, client, own = (town.city._subject() for _ in range(3))
    week = town.city._case()
    town.plant(
        town.city.walk(town.city.officers[WALKER], town.evening),
        town.asks(town.evening, 1, times=15),
        *(town.asks(day, 2, times=1, subject=neighbour, case=None) for day in town.days),
        *(town.asks(day, 3, times=1, subject=town.city._subject(), case=None) for day in town.days),
        town.asks(town.noon, 4, times=25, gap=300),
        town.asks(town.noon, 5, times=25, gap=300, ended="refused"),
        *(town.asks(day, 6, times=20, gap=400, case=None) for day in town.days),
        town.asks(town.noon, 7, times=12, gap=600),
        *(town.asks(day, 8, times=1, subject=client, case=week) for day in town.days),
        town.consents(town.noon, 20, 40),
        town.consents(town.noon, 21, 20),
        *(town.asks(day, 22, times=3, gap=1200, consent=20) for day in town.days),
        *(town.asks(day, 23, times=3, gap=1200, consent=300) for day in town.days),
        town.asks(town.noon, 24, times=1, subject=own, facts={"relation": "self"}),
        town.asks(town.noon, 25, times=2, facts={"relation": "declared"}),
        town.asks(town.noon, 26, times=2, facts={"relation": None}),
    )
    return town


@pytest.fixture(scope="module", params=DATABASES)
def watch(
    request: pytest.FixtureRequest, standing: Standing, town: Town, checkpoint_key: CheckpointKey
) -> Iterator[Watch]:
    """One log for all tests."""
    with standing(request.param) as log:
        yield town.lived(log, checkpoint_key)


@pytest.fixture
def findings(watch: Watch) -> list[Finding]:
    return watch.anomalies()


def of(findings: Iterable[Finding], town: Town, officer: int) -> set[str]:
    return {each.rule for each in findings if each.officer == town.officer(officer)}


def test_who_walked_three_hundred_ids_at_night_comes_first(town: Town, watch: Watch, findings: list[Finding]) -> None:
    walker = town.city.officers[WALKER]
    assert (findings[0].rule, findings[0].officer, findings[0].count) == ("walk", walker.id, 300)
    assert {"walk", "night", "no_case", "volume"} <= of(findings, town, WALKER)
    assert [each.score for each in findings] == sorted((each.score for each in findings), reverse=True)
    shown = watch.search.find(Filter.parse(findings[0].q), limit=1000).found
    assert len(shown) == 300 and {found.row.officer for found in shown if found.row} == {walker.id}
    for each in findings:
        assert watch.search.count(Filter.parse(each.q)) > 0, each.q
        assert each.zh and each.en and walker.office not in each.zh.replace(walker.id, "")


def test_ordinary_work_gives_few_findings(town: Town, findings: list[Finding]) -> None:
    assert [of(findings, town, officer) for officer in ORDINARY].count(set()) >= len(ORDINARY) - 2
    assert sum(len(of(findings, town, officer)) for officer in range(9)) <= 9


def test_each_rule_finds_what_it_is_for_and_not_its_neighbour(town: Town, findings: list[Finding]) -> None:
    assert "night" in of(findings, town, 1)
    assert {"repeats"} == of(findings, town, 2)
    assert "repeats" not in of(findings, town, 3)  # as often, but about different people
    assert "case_subjects" in of(findings, town, 4)
    assert "refusals" in of(findings, town, 5)
    assert "no_case" in of(findings, town, 6)
    assert not of(findings, town, 7)
    assert not of(findings, town, 8)  # a case that takes a week is no curiosity


def test_a_clerk_who_puts_down_a_pile_of_consents(town: Town, watch: Watch, findings: list[Finding]) -> None:
    """Forty in one day by one officer are one too many; twenty are a busy day."""
    assert "clerk" not in of(findings, town, 21)
    [found] = [each for each in findings if each.rule == "clerk"]
    assert found.officer == town.officer(20) and found.count >= 40 and "consent.given" in found.q
    assert watch.search.count(Filter.parse(found.q)) == found.count


def test_consents_that_nobody_can_have_read(town: Town, watch: Watch, findings: list[Finding]) -> None:
    """Each query twenty seconds after its consent, time and again; five minutes are enough to read a notice."""
    assert "quick_consent" not in of(findings, town, 23)
    [found] = [each for each in findings if each.rule == "quick_consent"]
    assert found.officer == town.officer(22) and found.count == 18
    assert watch.search.count(Filter.parse(found.q)) == 18


def test_who_asks_for_a_record_of_their_own_or_of_a_declared_relative(
    town: Town, watch: Watch, findings: list[Finding]
) -> None:
    """Once is enough: by the facts of the decision, since the log has no names."""
    told = {each.officer: each for each in findings if each.rule == "relation"}
    assert set(told) == {town.officer(24), town.officer(25)}
    for officer, count, mark in ((24, 1, "self"), (25, 2, "declared")):
        found = told[town.officer(officer)]
        assert found.count == count == watch.search.count(Filter.parse(found.q)) and f"risk:{mark}" in found.q


def test_an_office_sees_its_own_officers_only(town: Town, watch: Watch) -> None:
    walker, other = town.city.officers[WALKER], town.city.officers[OTHER]
    assert walker.office != other.office
    own = watch.anomalies(reach=walker.office)
    assert "walk" in of(own, town, WALKER) and not any(of(own, town, officer) for officer in (1, 2, 4, 5, 6))
    agreement = town.city.agreements[walker.office][0]
    for neighbour in (other.office, agreement.provider):  # the department that was asked is not their superior
        assert walker.id not in {each.officer for each in watch.anomalies(reach=neighbour)}


def test_where_looking_takes_long_the_last_answer_is_told_and_renewed_beside_who_asks(watch: Watch) -> None:
    slow = Watch(watch.search, watch.limits, dear_s=0.0)
    first = slow.seen()
    assert slow.seen() is first and slow.anomalies() is first.found
    slow.renew()
    assert slow.seen() is not first and slow.anomalies() == first.found
