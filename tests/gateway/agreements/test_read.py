"""Reading: one's own, and nobody else's (threat T15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.agreements import store
from gateway.errors import NotFound
from tests.gateway.agreements.people import AUDIT, BUREAU, NEIGHBOUR, POLICE, STREET, Town, caller, document

DOORS: dict[str, Callable[[Town, str], Any]] = {
    "get": lambda town, id: town.agreements.get(caller(NEIGHBOUR), id),
    "edit": lambda town, id: town.agreements.edit(caller(NEIGHBOUR), id, document()),
    "next version": lambda town, id: town.agreements.draft(caller(NEIGHBOUR), document(id=id)),
    "submit": lambda town, id: town.agreements.submit(caller(NEIGHBOUR), id),
    "sign": lambda town, id: town.agreements.sign(caller(NEIGHBOUR), id, "a.b.c"),
    "refuse": lambda town, id: town.agreements.refuse(caller(NEIGHBOUR), id, "not_held"),
    "suspend": lambda town, id: town.agreements.suspend(caller(NEIGHBOUR), id),
    "resume": lambda town, id: town.agreements.resume(caller(NEIGHBOUR), id),
    "terminate": lambda town, id: town.agreements.terminate(caller(NEIGHBOUR), id),
}


@pytest.mark.daily_on_one
def test_a_strangers_agreement_answers_like_one_that_does_not_exist(town: Town, subtests: pytest.Subtests) -> None:
    ids = (town.active().id, town.proposed().id, "agr_" + "0" * 26)
    for door, knock in DOORS.items():
        with subtests.test(door):
            answers = []
            for agreement_id in ids:
                with pytest.raises(NotFound) as refused:
                    knock(town, agreement_id)
                answers.append((refused.value.detail_zh, refused.value.detail_en, refused.value.members))
            assert answers[0] == answers[1] == answers[2]


@pytest.mark.daily_on_one
def test_overseers_read_everything(town: Town) -> None:
    active, draft = town.active(), town.agreements.draft(caller(STREET), document())
    for overseer in (BUREAU, AUDIT):
        assert town.agreements.get(caller(overseer), active.id) == active
        assert town.agreements.page(caller(overseer)) == (active, draft)


def test_pages_follow_one_another(town: Town) -> None:
    everything = [town.active() for _ in range(3)]
    town.agreements.draft(caller(STREET), document())
    first = town.agreements.page(caller(POLICE), limit=2)
    rest = town.agreements.page(caller(POLICE), after=(first[-1].id, first[-1].version), limit=2)
    assert [each.id for each in (*first, *rest)] == [each.id for each in everything]
    assert town.agreements.page(caller(POLICE), state="proposed") == ()
    assert town.agreements.page(caller(NEIGHBOUR)) == ()


def test_an_agreement_is_found_by_the_digest_in_a_receipt(town: Town) -> None:
    active = town.active()
    town.agreements.draft(caller(STREET), document())
    with town.database.read() as conn:
        assert store.by_digest(conn, active.digest) == active
        assert store.by_digest(conn, "sha-256:" + "0" * 64) is None
        assert list(store.proposed_ever(conn)) == [active]
