"""The life of a case: opened, assigned, explained, decided, closed, each step with its entry, and its clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.cases.actions import note_digest
from gateway.cases.model import KINDS, MOVES, STATES, VERDICTS, Case, Link
from gateway.errors import Forbidden, InvalidRequest, NotFound, WrongState
from tests.gateway.agreements.people import NEIGHBOUR, STREET
from tests.gateway.cases.people import BAO, CLERK, OTHER, QIN, RESIDENT, SOURCE, STRANGER, SUBJECT, TEXT, WEI, Desk

DAY = 24 * 3600


def test_every_move_leads_from_a_state_to_a_state() -> None:
    assert set(STATES) == {"opened"} | {after for moves in MOVES.values() for after in moves.values()}
    assert set(KINDS) == set(VERDICTS)


def test_a_whole_life(desk: Desk) -> None:
    case = desk.case(source="night")
    assert (case.state, case.assigned_to, case.party) == ("assigned", WEI.id, STREET)
    assert desk.cases.assign(WEI, case.id, QIN.id).assigned_to == QIN.id
    assert desk.cases.ask(QIN, case.id, STREET, "为何夜间查询？").state == "explanation_asked"
    assert desk.cases.answer(CLERK, case.id, "值班补录。").state == "answered"
    desk.cases.note(QIN, case.id, "与值班表不符。")
    assert desk.cases.decide(QIN, case.id, "unjustified", "无对应办件。").verdict == "unjustified"
    closed = desk.cases.close(QIN, case.id)
    assert closed.state == "closed"
    assert desk.cases.get(WEI, case.id) == closed
    assert [each for each in desk.events() if each != "case.noted"] == [
        *("case.opened", "case.assigned", "case.assigned", "case.explanation_asked", "case.answered"),
        *("case.decided", "case.closed"),
    ]
    assert [each.log_index for each in closed.events] == sorted(each.log_index for each in closed.events)


@pytest.mark.daily_on_one
def test_the_log_holds_no_text_but_its_salted_digest(desk: Desk) -> None:
    case = desk.case()
    noted = desk.entries("case.noted")[0]
    assert noted["text"] == note_digest(case.notes[0])
    assert TEXT not in str(desk.entries())
    assert {each["file"] for each in desk.entries("case.")} == {case.id}
    assert {each["by"] for each in desk.entries("case.")} == {WEI.id}


@pytest.mark.daily_on_one
def test_terms_are_working_days(desk: Desk) -> None:
    case = desk.case()  # Monday 2026-11-23
    assert case.due.isoformat() == "2026-12-08T00:00:00+08:00"  # ten working days, the last of them 7 December
    asked = desk.cases.ask(WEI, case.id, STREET, TEXT)
    assert asked.explanation_due is not None
    assert asked.explanation_due.isoformat() == "2026-12-01T00:00:00+08:00"
    desk.clock.advance(seconds=8 * DAY)
    assert desk.cases.get(WEI, case.id).explanation_overdue(desk.clock.now())
    assert not case.overdue(desk.clock.now())
    desk.clock.advance(seconds=7 * DAY)
    assert case.overdue(desk.clock.now())


@pytest.mark.daily_on_one
def test_no_verdict_while_the_office_may_still_explain(desk: Desk) -> None:
    case = desk.case()
    desk.cases.ask(WEI, case.id, STREET, TEXT)
    with pytest.raises(WrongState):
        desk.cases.decide(WEI, case.id, "unjustified", TEXT)
    desk.clock.advance(seconds=8 * DAY)
    assert desk.cases.decide(WEI, case.id, "unjustified", "未作说明。").state == "decided"


@pytest.mark.daily_on_one
def test_the_office_that_is_asked_sees_the_question_and_no_more(desk: Desk) -> None:
    theirs = desk.query()
    case = desk.case(entries=[theirs, 0], searches=["officer:off_1"])
    desk.cases.ask(WEI, case.id, STREET, "为何夜间查询？")
    desk.cases.ask(WEI, desk.case(party=NEIGHBOUR).id, NEIGHBOUR, TEXT)
    seen = desk.cases.get(CLERK, case.id)
    assert [each.text for each in seen.notes] == ["为何夜间查询？"]
    assert seen.links == (Link(entry=theirs),)
    assert (seen.subject, seen.source, seen.unmaskings, seen.assigned_to) == (None, None, (), None)
    assert [each.id for each in desk.cases.page(CLERK)] == [case.id]


@pytest.mark.daily_on_one
def test_what_one_office_says_another_does_not_see(desk: Desk) -> None:
    case = desk.case()
    desk.cases.ask(WEI, case.id, STREET, "问椴树。")
    desk.cases.answer(CLERK, case.id, "椴树的说明。")
    desk.cases.ask(WEI, case.id, NEIGHBOUR, "问白杨。")
    assert [each.text for each in desk.cases.get(OTHER, case.id).notes] == ["问白杨。"]
    with pytest.raises(Forbidden):
        desk.cases.answer(CLERK, case.id, "再说一句。")
    assert desk.cases.get(CLERK, case.id).events[-1].party is None


@pytest.mark.daily_on_one
@pytest.mark.parametrize("person", [CLERK, OTHER, SOURCE, RESIDENT])
def test_for_everybody_else_no_case_exists(desk: Desk, person: Any) -> None:
    case = desk.case()
    assert desk.cases.page(person) == ()
    with pytest.raises(NotFound):
        desk.cases.get(person, case.id)
    moves: list[Callable[[], Any]] = [
        lambda: desk.cases.note(person, case.id, TEXT),
        lambda: desk.cases.assign(person, case.id, person.id),
        lambda: desk.cases.ask(person, case.id, STREET, TEXT),
        lambda: desk.cases.answer(person, case.id, TEXT),
        lambda: desk.cases.decide(person, case.id, "justified", TEXT),
        lambda: desk.cases.close(person, case.id),
        lambda: desk.cases.link(person, case.id, index=0),
    ]
    for move in moves:
        with pytest.raises(NotFound):
            move()
    with pytest.raises(Forbidden):
        desk.cases.open(person, "review", TEXT)


@pytest.mark.daily_on_one
def test_an_office_that_was_asked_may_only_answer(desk: Desk) -> None:
    case = desk.case()
    desk.cases.ask(WEI, case.id, STREET, TEXT)
    for move in (
        lambda: desk.cases.decide(CLERK, case.id, "justified", TEXT),
        lambda: desk.cases.note(CLERK, case.id, TEXT),
        lambda: desk.cases.assign(CLERK, case.id, CLERK.id),
    ):
        with pytest.raises(Forbidden):
            move()


@pytest.mark.daily_on_one
def test_nobody_decides_about_their_own_party(desk: Desk) -> None:
    case = desk.case(party=BAO.party)
    with pytest.raises(Forbidden):
        desk.cases.decide(BAO, case.id, "justified", TEXT)


def test_links_are_kept_once_and_must_exist(desk: Desk) -> None:
    case = desk.case(entries=[])
    number = desk.query()
    desk.cases.link(WEI, case.id, index=number)
    twice = desk.cases.link(WEI, case.id, index=number)
    assert twice.links == (Link(entry=number),)
    assert desk.cases.of_entries(WEI, [number, 0]) == {number: [case.id]}
    with pytest.raises(NotFound):
        desk.cases.link(WEI, case.id, index=10**9)
    with pytest.raises(NotFound):
        desk.cases.open(WEI, "review", TEXT, entries=[10**9])
    with pytest.raises(NotFound):
        desk.cases.open(WEI, "review", TEXT, party="no-such-party")


def test_found_by_state_and_kind(desk: Desk) -> None:
    first, second = desk.case(), desk.cases.open(WEI, "correction", TEXT)
    desk.cases.decide(WEI, second.id, "corrected", TEXT)
    assert [each.id for each in desk.cases.page(QIN, state="decided")] == [second.id]
    assert [each.id for each in desk.cases.page(QIN, kind="review")] == [first.id]
    assert [each.id for each in desk.cases.page(QIN, before=second.id)] == [first.id]
    assert [each.id for each in desk.cases.still_open(QIN)] == [first.id]
    with pytest.raises(InvalidRequest):
        desk.cases.decide(WEI, first.id, "corrected", TEXT)  # no verdict of this kind
    with pytest.raises(InvalidRequest):
        desk.cases.open(WEI, "gossip", TEXT)


# ── a resident objects ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
def test_a_resident_objects_once(desk: Desk) -> None:
    number = desk.query()
    case = desk.cases.object(RESIDENT, [SUBJECT], number + 1, "我没有办过这件事。")  # by the outcome's entry
    assert (case.kind, case.state, case.party, case.links) == ("objection", "opened", STREET, (Link(entry=number),))
    assert desk.cases.object(RESIDENT, [SUBJECT], number, "再说一次。").id == case.id
    assert [each.id for each in desk.cases.objections([STRANGER, SUBJECT])] == [case.id]
    assert desk.cases.objections([STRANGER]) == ()
    seen: Case = desk.cases.get(WEI, case.id)
    assert [each.text for each in seen.notes] == ["我没有办过这件事。"]


@pytest.mark.daily_on_one
def test_a_resident_cannot_object_to_what_is_about_somebody_else(desk: Desk) -> None:
    theirs = desk.query(STRANGER)
    for index in (theirs, theirs + 1, 0, 10**9, -1):
        with pytest.raises(NotFound):
            desk.cases.object(RESIDENT, [SUBJECT], index, "这不是我。")
    assert desk.events() == []
