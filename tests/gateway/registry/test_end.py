"""How a version ends: deprecated with a period of grace that is kept, then withdrawn, by time or for a grave reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.errors import Forbidden, InvalidRequest, UnknownStandard, WrongState
from gateway.registry import notice
from gateway.registry.actions import Proposal
from tests.gateway.registry.desk import BUREAU, CHANGELOG, DAY, LINDEN, PERSON, POLICE, Desk, acting, widened


def test_a_deprecated_version_serves_until_its_end_and_names_what_follows(desk: Desk) -> None:
    desk.published(widened("1.1.0"))
    deprecated = desk.deprecated()
    assert (deprecated.state, deprecated.until) == ("deprecated", desk.now + 30 * DAY)
    assert deprecated.successor == "person-basic/1.1.0"
    standing = desk.library.standing(PERSON)
    assert not standing.ended(desk.now) and standing.ended(desk.now + 30 * DAY)
    said = dict(notice.headers(PERSON, standing))
    assert said["Deprecation"] == f"@{int(desk.now.timestamp())}"  # RFC 9745
    assert said["Sunset"] == "Sun, 03 Jan 2027 01:00:00 GMT"  # RFC 8594
    assert '</v1/standards/person-basic/1.1.0>; rel="successor-version"' in said["Link"]
    assert desk.entries()[-1]["successor"] == "person-basic/1.1.0"


@pytest.mark.daily_on_one
def test_what_is_in_force_says_nothing(desk: Desk) -> None:
    assert notice.headers(PERSON, desk.library.standing(PERSON)) == []


def test_of_several_the_first_to_end_is_told(desk: Desk) -> None:
    desk.deprecated()
    standings = {name: desk.library.standing(name) for name in ("residence-record/1.0.0", PERSON)}
    assert ("Sunset", "Wed, 23 Dec 2026 01:00:00 GMT") in notice.earliest(standings)
    assert notice.earliest({}) == []


def test_a_promised_grace_is_prolonged_and_never_cut_short(desk: Desk) -> None:
    first = desk.deprecated(days=30)
    with pytest.raises(InvalidRequest):
        desk.deprecated(days=29)
    with pytest.raises(InvalidRequest):
        desk.deprecated(days=-1)
    longer = desk.deprecated(days=60)
    assert (longer.until, longer.deprecated_at) == (desk.now + 60 * DAY, first.deprecated_at)


@pytest.mark.daily_on_one
@pytest.mark.parametrize("successor", [PERSON, "person-basic/9.9.9", "nothing/1.0.0"])
def test_what_follows_is_another_version_that_is_published(desk: Desk, successor: str) -> None:
    with pytest.raises(InvalidRequest):
        desk.registry.deprecate(acting(BUREAU), PERSON, desk.now + DAY, successor)


@pytest.mark.daily_on_one
@pytest.mark.parametrize("party", [POLICE, LINDEN])
def test_nobody_but_the_bureau_ends_anything(desk: Desk, party: str) -> None:
    with pytest.raises(Forbidden):
        desk.registry.deprecate(acting(party), PERSON, desk.now + DAY)
    with pytest.raises(Forbidden):
        desk.withdrawn(who=party)
    assert desk.events() == []


@pytest.mark.daily_on_one
def test_before_the_grace_is_over_only_a_grave_reason_withdraws(desk: Desk) -> None:
    for reason in (None, "grace_over", "abandoned"):
        with pytest.raises(InvalidRequest):
            desk.registry.withdraw(acting(BUREAU), PERSON, reason)
    desk.deprecated()
    with pytest.raises(InvalidRequest):
        desk.registry.withdraw(acting(BUREAU), PERSON)
    withdrawn = desk.withdrawn(reason="security_risk")
    assert (withdrawn.state, withdrawn.reason) == ("withdrawn", "security_risk")
    assert desk.library.standing(PERSON).ended(desk.now)
    for move in (desk.deprecated, desk.withdrawn):
        with pytest.raises(WrongState):
            move()


def test_time_withdraws_what_is_past_its_grace(desk: Desk) -> None:
    desk.deprecated(days=30)
    assert desk.registry.withdraw_due() == ()
    desk.clock.advance(seconds=timedelta(days=30).total_seconds())
    (withdrawn,) = desk.registry.withdraw_due()
    assert (withdrawn.id, withdrawn.state, withdrawn.reason) == (PERSON, "withdrawn", "grace_over")
    assert desk.registry.withdraw_due() == ()
    assert desk.entries()[-1]["actor"] == {"party": None, "client": None, "officer": None}


@pytest.mark.daily_on_one
def test_what_is_withdrawn_can_still_be_read(desk: Desk) -> None:
    digest = desk.library[PERSON].digest
    desk.withdrawn()
    assert desk.library[PERSON].digest == digest  # receipts and agreements of its time speak of it
    assert desk.shelf.get(None, PERSON).state == "withdrawn"


def test_a_draft_is_given_up_in_silence_and_a_consultation_openly(desk: Desk) -> None:
    silent, opened = desk.draft(widened("1.1.0")), desk.open(widened("1.2.0"))
    for version in (silent, opened):
        assert desk.registry.withdraw(acting(BUREAU), version.id).reason == "abandoned"
    with pytest.raises(UnknownStandard):
        desk.shelf.get(acting(POLICE), silent.id)
    assert desk.shelf.get(acting(POLICE), opened.id).state == "withdrawn"
    assert opened.id not in desk.library
    assert [move.standard for move in desk.shelf.feed()] == [opened.id, opened.id]


def test_the_feed_tells_what_concerns_everybody_newest_first(desk: Desk) -> None:
    desk.published(widened("1.1.0"))
    desk.deprecated()
    desk.withdrawn()
    told = [(move.event, move.standard) for move in desk.shelf.feed()]
    assert told == [
        ("standard.withdrawn", PERSON),
        ("standard.deprecated", PERSON),
        ("standard.published", "person-basic/1.1.0"),
        ("standard.consulted", "person-basic/1.1.0"),
    ]


@pytest.mark.daily_on_one
def test_what_is_withdrawn_follows_nothing(desk: Desk) -> None:
    first, second = desk.published(widened("1.1.0")), desk.published(widened("2.0.0") | {"title": "又一版"})
    desk.withdrawn(second.id)
    with pytest.raises(InvalidRequest):
        desk.registry.deprecate(acting(BUREAU), PERSON, desk.now + DAY, second.id)
    assert desk.deprecated().successor == first.id  # nor by default


@pytest.mark.daily_on_one
def test_what_ends_earlier_follows_nothing(desk: Desk) -> None:
    follower = desk.published(widened("1.1.0"))
    desk.deprecated(follower.id, days=10)
    with pytest.raises(InvalidRequest):
        desk.registry.deprecate(acting(BUREAU), PERSON, desk.now + 10 * DAY, follower.id)
    assert desk.registry.deprecate(acting(BUREAU), PERSON, desk.now + 9 * DAY, follower.id).successor == follower.id


@pytest.mark.daily_on_one
def test_a_successor_that_was_withdrawn_gives_way_to_another(desk: Desk) -> None:
    first, second = desk.published(widened("1.1.0")), desk.published(widened("2.0.0") | {"title": "又一版"})
    assert desk.deprecated(days=30).successor == second.id
    desk.withdrawn(second.id)
    assert desk.deprecated(days=31).successor == first.id


@pytest.mark.daily_on_one
def test_a_text_that_was_never_laid_open_never_becomes_public(desk: Desk) -> None:
    opened = desk.open(widened("1.1.0"))
    desk.registry.reopen(acting(BUREAU), opened.id)
    desk.registry.edit(acting(BUREAU), opened.id, Proposal(widened("1.1.0") | {"title": "秘密草案"}, CHANGELOG))
    desk.registry.withdraw(acting(BUREAU), opened.id)
    for who in (None, acting(POLICE), acting(LINDEN)):
        with pytest.raises(UnknownStandard):
            desk.shelf.get(who, opened.id)
        assert opened.id not in {each.id for each in desk.shelf.all(who)}
    assert [move.event for move in desk.shelf.feed()] == ["standard.consulted"]  # of what anybody could read then
    assert "秘密草案" not in str(desk.shelf.feed())
    assert desk.shelf.get(acting(BUREAU), opened.id).title_zh == "秘密草案"
