"""A draft is laid open: anybody reads it, parties comment, and the bureau answers each."""

from __future__ import annotations

import pytest

from gateway.errors import (
    AlreadyExists,
    Forbidden,
    InvalidRequest,
    NotFound,
    TongquError,
    UnknownStandard,
    VersionTooLow,
    WrongState,
)
from gateway.registry.plain import MAX_COMMENT
from tests.gateway.registry.desk import AUDIT, BUREAU, DAY, LINDEN, POLICE, Desk, acting, narrowed, schema, widened


@pytest.mark.daily_on_one
def test_anybody_reads_what_is_in_consultation(desk: Desk) -> None:
    opened = desk.open(widened("1.1.0"))
    for who in (None, acting(POLICE), acting(LINDEN)):
        assert desk.shelf.get(who, opened.id) == opened
    assert [move.event for move in desk.shelf.feed()] == ["standard.consulted"]
    assert desk.shelf.feed()[0].until == opened.consultation_until
    assert desk.events() == ["drafted", "consulted"]


@pytest.mark.daily_on_one
@pytest.mark.parametrize("days", [0, -1])
def test_its_end_lies_ahead(desk: Desk, days: int) -> None:
    draft = desk.draft(widened("1.1.0"))
    with pytest.raises(InvalidRequest):
        desk.registry.consult(acting(BUREAU), draft.id, desk.now + days * DAY)


@pytest.mark.daily_on_one
@pytest.mark.parametrize("party", [POLICE, LINDEN])
def test_nobody_but_the_bureau_lays_open_or_takes_back(desk: Desk, party: str) -> None:
    draft = desk.draft(widened("1.1.0"))
    with pytest.raises(UnknownStandard):  # not even that there is a draft
        desk.registry.consult(acting(party), draft.id, desk.now + DAY)
    desk.registry.consult(acting(BUREAU), draft.id, desk.now + DAY)
    with pytest.raises(Forbidden):
        desk.registry.reopen(acting(party), draft.id)


@pytest.mark.daily_on_one
def test_a_number_that_cannot_stay_is_not_laid_open(desk: Desk) -> None:
    draft = desk.draft(narrowed("1.1.0"))
    with pytest.raises(VersionTooLow) as refused:
        desk.registry.consult(acting(BUREAU), draft.id, desk.now + DAY)
    assert refused.value.members["least"] == "2.0.0"
    same = desk.draft(schema("1.0.1"))
    with pytest.raises(VersionTooLow):  # nothing changed: nothing to publish
        desk.registry.consult(acting(BUREAU), same.id, desk.now + DAY)


@pytest.mark.parametrize("party", [POLICE, LINDEN, AUDIT])
def test_a_party_comments_and_hears_the_answer(desk: Desk, party: str) -> None:
    opened = desk.open(widened("1.1.0"))
    said = desk.discussion.comment(acting(party), opened.id, "备用电话应限一个", "/properties/secondPhone")
    answered = desk.discussion.answer(acting(BUREAU), opened.id, said.id, "accepted", "已采纳")
    for reader in (POLICE, LINDEN, BUREAU):
        assert desk.discussion.comments(acting(reader), opened.id) == (answered,)
    assert (answered.party, answered.text, answered.answer) == (party, "备用电话应限一个", "已采纳")
    assert desk.events()[-2:] == ["commented", "answered"]
    assert "备用电话" not in str(desk.entries())  # sentences stay out of the log, their digests are in it


@pytest.mark.daily_on_one
def test_the_bureau_answers_and_does_not_comment(desk: Desk) -> None:
    opened = desk.open(widened("1.1.0"))
    with pytest.raises(Forbidden):
        desk.discussion.comment(acting(BUREAU), opened.id, "很好")
    said = desk.discussion.comment(acting(POLICE), opened.id, "应限一个")
    with pytest.raises(Forbidden):
        desk.discussion.answer(acting(POLICE), opened.id, said.id, "accepted", "好")


def test_an_answer_is_given_once_and_with_a_known_outcome(desk: Desk) -> None:
    opened = desk.open(widened("1.1.0"))
    said = desk.discussion.comment(acting(POLICE), opened.id, "应限一个")
    with pytest.raises(InvalidRequest):
        desk.discussion.answer(acting(BUREAU), opened.id, said.id, "perhaps", "好")
    desk.discussion.answer(acting(BUREAU), opened.id, said.id, "declined", "不采纳：另有用途")
    with pytest.raises(AlreadyExists):
        desk.discussion.answer(acting(BUREAU), opened.id, said.id, "accepted", "又采纳了")
    with pytest.raises(NotFound):
        desk.discussion.answer(acting(BUREAU), opened.id, "cmt_0", "accepted", "好")


BAD = {
    "empty": "  ",
    "too long": "长" * (MAX_COMMENT + 1),
    "a resident's number": "例如 990101199001010019 这个人",
    "the same in groups": "身份证 110105 19491231 002X 的人",
    "each digit apart": "1 1-0 1.0 5 1 9 4 9 1 2 3 1 0 0 2 x",
    "with a space that nobody sees": "110105\u200b19491231\u200b002X",
    "in wide digits": "１１０１０５１９４９１２３１００２Ｘ",
}


@pytest.mark.daily_on_one
@pytest.mark.parametrize("defect", BAD)
def test_a_comment_that_cannot_be_kept_is_refused(desk: Desk, defect: str) -> None:
    opened = desk.open(widened("1.1.0"))
    with pytest.raises(InvalidRequest):
        desk.discussion.comment(acting(POLICE), opened.id, BAD[defect])
    assert desk.discussion.comments(acting(POLICE), opened.id) == ()


@pytest.mark.daily_on_one
@pytest.mark.parametrize("pointer", ["/11010519491231002X/name", "/a" * 300])
def test_nor_is_a_pointer_that_says_more_than_a_place(desk: Desk, pointer: str) -> None:
    opened = desk.open(widened("1.1.0"))
    with pytest.raises(InvalidRequest) as refused:
        desk.discussion.comment(acting(POLICE), opened.id, "应限一个", pointer)
    assert refused.value.members["errors"][0]["pointer"] == "/pointer" and "1949" not in str(refused.value.members)
    assert desk.discussion.comments(acting(POLICE), opened.id) == ()


@pytest.mark.daily_on_one
@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30 16:00:00 至 2026-12-31 16:00:00",
        "2026-11-30 16:00 2026-12-31 16:00",
        "见 0755-12345678，转 1234 5678",
        "代码 91440300MA5DA1234X",
    ],
)
def test_dates_telephones_and_codes_are_no_persons(desk: Desk, text: str) -> None:
    opened = desk.open(widened("1.1.0"))
    assert desk.discussion.comment(acting(POLICE), opened.id, text).text == text


@pytest.mark.daily_on_one
def test_comments_are_taken_during_the_consultation_only(desk: Desk) -> None:
    def refused() -> type[TongquError]:
        with pytest.raises(TongquError) as raised:
            desk.discussion.comment(acting(POLICE), "person-basic/1.1.0", "应限一个")
        return type(raised.value)

    opened = desk.ready(widened("1.1.0"))
    assert refused() is WrongState  # over
    desk.publish(opened)
    assert refused() is WrongState
    desk.draft(widened("1.2.0"))
    with pytest.raises(UnknownStandard):
        desk.discussion.comment(acting(POLICE), "person-basic/1.2.0", "应限一个")
