"""The data bureau drafts a version; nobody else does, and nobody else knows."""

from __future__ import annotations

import pytest

from gateway.errors import AlreadyExists, Forbidden, InvalidRequest, UnknownStandard, VersionTooLow, WrongState
from gateway.registry.actions import Proposal
from standards import UnknownStandard as NotInTheLibrary
from tests.gateway.registry.desk import (
    AUDIT,
    BUREAU,
    CHANGELOG,
    LINDEN,
    PERSON,
    POLICE,
    Desk,
    acting,
    narrowed,
    schema,
    widened,
)


@pytest.mark.daily_on_one
def test_a_draft_says_what_the_checker_thinks_of_its_number(desk: Desk) -> None:
    judged = desk.draft(widened("1.1.0")).judgement
    assert judged is not None
    assert (judged["against"], judged["verdict"], judged["least"]) == (PERSON, "compatible", "1.1.0")
    assert desk.draft(narrowed("1.2.0")).judgement["least"] == "2.0.0"  # type: ignore[index]  # told, not refused yet


@pytest.mark.daily_on_one
def test_a_draft_of_a_new_name_is_compared_with_nothing(desk: Desk) -> None:
    assert desk.draft(schema("1.0.0", "person-extended")).judgement is None


def test_a_draft_is_known_to_the_bureau_only(desk: Desk) -> None:
    draft = desk.draft(widened("1.1.0"))
    assert desk.shelf.get(acting(BUREAU), draft.id) == draft
    for who in (None, acting(POLICE), acting(LINDEN), acting(AUDIT)):
        with pytest.raises(UnknownStandard) as refused:
            desk.shelf.get(who, draft.id)
        assert draft.id not in refused.value.members["known"]
        assert draft.id not in {each.id for each in desk.shelf.all(who)}
    assert desk.shelf.feed() == ()


@pytest.mark.daily_on_one
def test_a_draft_is_in_no_library_so_nothing_can_rest_on_it(desk: Desk) -> None:
    draft = desk.draft(widened("1.1.0"))
    with pytest.raises(NotInTheLibrary):
        desk.library[draft.id]
    desk.registry.consult(acting(BUREAU), draft.id, desk.now.replace(year=2027))
    assert draft.id not in desk.library and PERSON in desk.library


@pytest.mark.daily_on_one
@pytest.mark.parametrize("party", [POLICE, LINDEN, AUDIT])
def test_nobody_but_the_bureau_drafts(desk: Desk, party: str) -> None:
    with pytest.raises(Forbidden):
        desk.registry.draft(acting(party), Proposal(widened("1.1.0"), CHANGELOG))
    assert desk.events() == []


@pytest.mark.daily_on_one
def test_what_breaks_the_rules_for_standards_is_refused_by_pointer(desk: Desk) -> None:
    broken = schema("1.1.0")
    broken["required"] = ["nothing"]
    with pytest.raises(InvalidRequest) as refused:
        desk.draft(broken)
    assert refused.value.members["errors"][0]["pointer"].startswith("/schema/")


@pytest.mark.daily_on_one
@pytest.mark.parametrize("document", [None, [], 7, {}, {"$id": "x"}])
def test_what_is_no_schema_at_all_is_refused(desk: Desk, document: object) -> None:
    with pytest.raises(InvalidRequest):
        desk.registry.draft(acting(BUREAU), Proposal(document, CHANGELOG))


@pytest.mark.daily_on_one
def test_shared_elements_are_written_out(desk: Desk) -> None:
    document = schema("1.1.0")
    document["properties"]["mailingAddress"] = {"x-element": "address"} | {
        name: document["properties"]["domicileAddress"][name] for name in ("title", "x-en")
    }
    assert "divisionCode" in desk.draft(document).document["properties"]["mailingAddress"]["properties"]


@pytest.mark.daily_on_one
def test_a_shared_element_that_does_not_exist_is_refused_by_pointer(desk: Desk) -> None:
    document = schema("1.1.0")
    document["properties"]["aura"] = {"x-element": "aura"}
    with pytest.raises(InvalidRequest) as refused:
        desk.draft(document)
    assert refused.value.members["errors"][0]["pointer"].startswith("/schema/properties/aura")


def test_a_number_is_used_once(desk: Desk) -> None:
    desk.draft(widened("1.1.0"))
    with pytest.raises(AlreadyExists):
        desk.draft(widened("1.1.0"))
    for number in ("1.0.0", "0.9.0"):  # shipped; and below, where nothing is compared with it
        expected = AlreadyExists if number == "1.0.0" else None
        if expected is None:
            assert desk.draft(schema(number)).judgement is None
        else:
            with pytest.raises((AlreadyExists, VersionTooLow)):
                desk.draft(schema(number))


@pytest.mark.daily_on_one
def test_a_line_that_has_gone_further_is_not_entered_from_behind(desk: Desk) -> None:
    desk.published(widened("1.1.0"))
    with pytest.raises(VersionTooLow) as refused:
        desk.draft(widened("1.0.5"))
    assert refused.value.members["least"] == "1.1.1"


def test_a_draft_is_replaced_under_the_same_number(desk: Desk) -> None:
    draft = desk.draft(schema("1.1.0"))
    edited = desk.registry.edit(acting(BUREAU), draft.id, Proposal(widened("1.1.0"), CHANGELOG))
    assert edited.digest != draft.digest and edited.state == "draft"
    assert desk.shelf.get(acting(BUREAU), draft.id) == edited
    assert desk.events() == ["drafted", "drafted"]
    with pytest.raises(InvalidRequest):
        desk.registry.edit(acting(BUREAU), draft.id, Proposal(widened("1.2.0"), CHANGELOG))


@pytest.mark.daily_on_one
def test_what_was_laid_open_is_not_edited(desk: Desk) -> None:
    opened = desk.open(widened("1.1.0"))
    with pytest.raises(WrongState):
        desk.registry.edit(acting(BUREAU), opened.id, Proposal(schema("1.1.0"), CHANGELOG))
    reopened = desk.registry.reopen(acting(BUREAU), opened.id)
    assert reopened.state == "draft"
    desk.registry.edit(acting(BUREAU), opened.id, Proposal(widened("1.1.0") | {"title": "新"}, CHANGELOG))
    with pytest.raises(UnknownStandard):
        desk.shelf.get(acting(POLICE), opened.id)


@pytest.mark.daily_on_one
def test_who_asks_is_looked_at_before_what_is_sent(desk: Desk) -> None:
    draft = desk.draft(widened("1.1.0"))
    for sent in ({"$id": "nonsense"}, schema("1.1.0")):
        with pytest.raises(UnknownStandard):
            desk.registry.edit(acting(POLICE), draft.id, Proposal(sent, CHANGELOG))
        with pytest.raises(Forbidden):
            desk.registry.edit(acting(POLICE), PERSON, Proposal(sent, CHANGELOG))
        with pytest.raises(WrongState):
            desk.registry.edit(acting(BUREAU), PERSON, Proposal(sent, CHANGELOG))
