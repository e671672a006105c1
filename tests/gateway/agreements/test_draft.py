"""Drafting: what a party writes before it proposes anything."""

from __future__ import annotations

import pytest

from gateway.errors import Forbidden, InvalidRequest, NotFound, WrongState
from gateway.lib.canonical_json import digest
from standards import get
from tests.gateway.agreements.people import BUREAU, NEIGHBOUR, POLICE, STREET, Town, caller, document


def test_the_gateway_fills_in_what_only_it_knows(town: Town) -> None:
    draft = town.agreements.draft(caller(STREET), document())
    assert draft.state == "draft"
    assert draft.document["id"] == draft.id
    assert draft.document["version"] == 1
    assert draft.document["items"][0]["schema_digest"] == get("person-basic/1.0.0").digest
    assert draft.digest == digest(dict(draft.document))


@pytest.mark.daily_on_one
def test_either_party_may_draft(town: Town) -> None:
    assert town.agreements.draft(caller(POLICE), document()).drafted_by == POLICE


@pytest.mark.parametrize("party", [NEIGHBOUR, BUREAU])
def test_nobody_drafts_for_others(town: Town, party: str) -> None:
    with pytest.raises(Forbidden):
        town.agreements.draft(caller(party), document())


def test_a_draft_is_nobodys_business_but_its_drafters(town: Town) -> None:
    draft = town.agreements.draft(caller(STREET), document())
    with pytest.raises(NotFound):
        town.agreements.get(caller(POLICE), draft.id)
    assert town.agreements.page(caller(POLICE)) == ()
    assert town.agreements.page(caller(STREET)) == (draft,)


@pytest.mark.daily_on_one
def test_a_draft_leaves_no_entry_in_the_log(town: Town) -> None:
    town.agreements.draft(caller(STREET), document())
    assert town.events() == []


def test_an_edit_makes_another_digest(town: Town) -> None:
    draft = town.agreements.draft(caller(STREET), document())
    edited = town.agreements.edit(caller(STREET), draft.id, document(title_en="Another"))
    assert edited.digest != draft.digest
    assert (edited.id, edited.version, edited.state) == (draft.id, 1, "draft")
    assert town.agreements.get(caller(STREET), draft.id).document["title_en"] == "Another"


@pytest.mark.daily_on_one
def test_an_edit_voids_signatures(town: Town) -> None:
    signed = town.sign(town.proposed(), STREET)
    draft = town.agreements.draft(caller(STREET), document())
    held = draft.after("edit", signatures=signed.signatures)
    assert held.edited("sha-256:" + "0" * 64, draft.text).signatures == ()


@pytest.mark.daily_on_one
def test_what_is_proposed_can_no_longer_be_edited(town: Town) -> None:
    proposed = town.proposed()
    with pytest.raises(WrongState):
        town.agreements.edit(caller(STREET), proposed.id, document(title_en="Another"))
    assert town.agreements.get(caller(STREET), proposed.id).digest == proposed.digest


@pytest.mark.daily_on_one
def test_a_faulty_document_is_refused_with_every_fault(town: Town) -> None:
    with pytest.raises(InvalidRequest) as refused:
        town.agreements.draft(caller(STREET), document(title_en="", retention=None))
    assert {error["pointer"] for error in refused.value.members["errors"]} == {"/title_en", "/retention"}


def test_what_the_gateway_fills_in_cannot_be_chosen(town: Town) -> None:
    with pytest.raises(InvalidRequest) as refused:
        town.agreements.draft(caller(STREET), document(version=7, supersedes="sha-256:" + "0" * 64))
    assert {error["pointer"] for error in refused.value.members["errors"]} == {"/version", "/supersedes"}


@pytest.mark.daily_on_one
def test_a_suspended_party_cannot_be_named(town: Town) -> None:
    town.identity.suspend_party(caller(BUREAU).actor(), POLICE)
    with pytest.raises(InvalidRequest) as refused:
        town.agreements.draft(caller(STREET), document())
    assert [error["pointer"] for error in refused.value.members["errors"]] == ["/parties/0/party"]


@pytest.mark.daily_on_one
def test_an_unknown_agreement_has_no_next_version(town: Town) -> None:
    for strange in ("agr_" + "0" * 26, 7, ["x"]):
        with pytest.raises(NotFound):
            town.agreements.draft(caller(STREET), document(id=strange))
