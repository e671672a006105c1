"""A consultation and a period of grace last as long as the city promises at the least."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from gateway.audit.log import Log
from gateway.config import ConfigError, Settings, load
from gateway.db import Database
from gateway.errors import InvalidRequest
from gateway.lib.clock import rfc3339
from gateway.registry.terms import Terms
from tests.clock import FixedClock
from tests.gateway.registry.desk import BUREAU, DAY, PERSON, Desk, acting, widened

SECOND = timedelta(seconds=1)


@pytest.fixture
def desk(database: Database, log: Log, clock: FixedClock) -> Desk:
    return Desk.set_up(database, log, clock, Terms.of_days(7, 30))


@pytest.mark.daily_on_one
def test_a_consultation_that_is_too_short_to_be_one_is_refused(desk: Desk) -> None:
    draft = desk.draft(widened("1.1.0"))
    with pytest.raises(InvalidRequest, match=re.escape(rfc3339(desk.now + 7 * DAY))):
        desk.registry.consult(acting(BUREAU), draft.id, desk.now + 7 * DAY - SECOND)
    assert desk.shelf.get(acting(BUREAU), draft.id).state == "draft" and desk.shelf.feed() == ()
    desk.registry.consult(acting(BUREAU), draft.id, desk.now + 7 * DAY)


@pytest.mark.daily_on_one
def test_what_was_taken_back_is_heard_anew(desk: Desk) -> None:
    opened = desk.open(widened("1.1.0"))
    desk.clock.advance(seconds=6 * DAY.total_seconds())
    desk.registry.reopen(acting(BUREAU), opened.id)
    with pytest.raises(InvalidRequest):
        desk.registry.consult(acting(BUREAU), opened.id, desk.now + DAY)


@pytest.mark.daily_on_one
def test_a_grace_in_which_nobody_could_move_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(rfc3339(desk.now + 30 * DAY))):
        desk.registry.deprecate(acting(BUREAU), PERSON, desk.now + 30 * DAY - SECOND)
    assert desk.shelf.get(None, PERSON).state == "published" and desk.events() == []
    desk.deprecated(days=30)


@pytest.mark.daily_on_one
def test_it_counts_from_the_announcement_and_not_from_each_prolongation(desk: Desk) -> None:
    first = desk.deprecated(days=30)
    desk.clock.advance(seconds=20 * DAY.total_seconds())
    longer = desk.registry.deprecate(acting(BUREAU), PERSON, desk.now + 11 * DAY)
    assert first.until is not None and longer.until == first.until + DAY


def test_an_installation_that_chooses_nothing_gets_a_week_and_a_month() -> None:
    settings = load(environment=False)
    assert (settings.standards_consultation_days, settings.standards_grace_days) == (7, 30)
    assert {"standards_consultation_days", "standards_grace_days"} <= set(Settings.public(settings))


@pytest.mark.parametrize("name", ["standards_consultation_days", "standards_grace_days"])
@pytest.mark.parametrize("days", [-1, 100_000, "seven", True])
def test_days_that_cannot_be_meant_stop_the_start(name: str, days: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        load(environment=False, **{name: days})
