"""Withdrawing: as easy as giving, no reason asked, effective at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.audit.log import Changed
from gateway.errors import Forbidden, InvalidRequest, NotFound, TongquError, WrongState
from tests.gateway.agreements.people import AUDIT, BUREAU, NEIGHBOUR, POLICE, STREET, caller
from tests.gateway.consent.people import SCHEME, Counter, asked


@pytest.mark.parametrize("where", [STREET, POLICE, BUREAU])
def test_withdrawn_at_either_party_or_the_bureau(counter: Counter, where: str) -> None:
    consent, _ = counter.given()
    before = counter.revision()
    withdrawn = counter.consents.withdraw(caller(where), consent.id)
    assert withdrawn.state == "withdrawn"
    assert counter.revision() == before + 1
    now = counter.current()
    assert now is not None
    assert now.state == "withdrawn"
    assert counter.events()[-1] == "consent.withdrawn"


@pytest.mark.daily_on_one
def test_withdrawn_anywhere_with_the_printed_code(counter: Counter) -> None:
    consent, code = counter.given()
    as_typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert counter.consents.withdraw(caller(NEIGHBOUR), consent.id, as_typed).state == "withdrawn"


@pytest.mark.daily_on_one
def test_without_code_or_with_another_ones_a_stranger_learns_nothing(counter: Counter) -> None:
    consent, _ = counter.given()
    _, foreign = counter.given(subject={"scheme": SCHEME, "id": "990101199001010035"})
    answers = []
    for consent_id, code in ((consent.id, None), (consent.id, foreign), (consent.id, ""), ("con_" + "0" * 26, foreign)):
        with pytest.raises(NotFound) as refused:
            counter.consents.withdraw(caller(NEIGHBOUR), consent_id, code)
        answers.append(str(refused.value))
    assert len(set(answers)) == 1
    assert counter.consents.get(caller(STREET), consent.id).state == "given"


@pytest.mark.daily_on_one
def test_the_audit_office_reads_but_withdraws_nothing(counter: Counter) -> None:
    consent, _ = counter.given()
    assert counter.consents.get(caller(AUDIT), consent.id) == consent
    with pytest.raises(NotFound):
        counter.consents.withdraw(caller(AUDIT), consent.id)


@pytest.mark.daily_on_one
def test_a_code_does_not_bring_a_consent_back(counter: Counter) -> None:
    consent, code = counter.given()
    counter.consents.withdraw(caller(STREET), consent.id)
    with pytest.raises(WrongState):
        counter.consents.withdraw(caller(NEIGHBOUR), consent.id, code)
    with pytest.raises(WrongState):
        counter.consents.give(caller(STREET), consent.id, counter.proof(consent))


@pytest.mark.daily_on_one
def test_after_a_withdrawal_a_new_consent_may_be_given(counter: Counter) -> None:
    consent, _ = counter.given()
    counter.consents.withdraw(caller(STREET), consent.id)
    again, _ = counter.given()
    assert counter.current() == again


@pytest.mark.daily_on_one
def test_asking_again_does_not_undo_a_withdrawal(counter: Counter) -> None:
    consent, _ = counter.given()
    counter.consents.withdraw(caller(STREET), consent.id)
    counter.requested()
    now = counter.current()
    assert now is not None
    assert (now.id, now.state) == (consent.id, "withdrawn")


@pytest.mark.daily_on_one
def test_withdrawing_works_while_the_agreement_is_suspended(counter: Counter) -> None:
    consent, _ = counter.given()
    counter.town.agreements.suspend(caller(POLICE), counter.agreement.id)
    assert counter.consents.withdraw(caller(STREET), consent.id).state == "withdrawn"


def test_an_error_is_invalidated_with_its_reason_and_by_whom(counter: Counter) -> None:
    consent, _ = counter.given()
    with pytest.raises(InvalidRequest):
        counter.consents.invalidate(caller(STREET), consent.id, "wrong person: Zhang")
    with pytest.raises(Forbidden):
        counter.consents.invalidate(caller(POLICE), consent.id, "not_the_person")
    with pytest.raises(NotFound):
        counter.consents.invalidate(caller(NEIGHBOUR), consent.id, "not_the_person")
    invalid = counter.consents.invalidate(caller(BUREAU), consent.id, "not_the_person")
    assert (invalid.state, invalid.events[-1].reason, invalid.events[-1].party) == (
        "invalidated", "not_the_person", BUREAU,
    )  # fmt: skip


def together(*acts: object) -> list[BaseException]:
    """Do all of it at the same moment; return what was refused."""
    start, refused = threading.Barrier(len(acts)), []

    def run(act: object) -> None:
        start.wait()
        try:
            act()  # type: ignore[operator]
        except TongquError as error:
            refused.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_giving_and_withdrawing_at_the_same_moment_end_in_one_of_two_ways(counter: Counter) -> None:
    endings = set()
    for _ in range(12):
        consent = counter.requested()
        proof = counter.proof(consent)
        refused = together(
            lambda consent=consent, proof=proof: counter.consents.give(caller(STREET), consent.id, proof),
            lambda consent=consent: counter.consents.withdraw(caller(POLICE), consent.id),
        )
        now = counter.consents.get(caller(STREET), consent.id)
        states = tuple(event.state for event in now.events)
        # Either the withdrawal came too early, or it came after the yes and stands. Never a yes over a withdrawal.
        assert states in (("requested", "given"), ("requested", "given", "withdrawn"))
        assert [type(error) for error in refused] == ([WrongState] if states[-1] == "given" else [])
        indexes = [event.log_index for event in now.events]
        assert indexes == sorted(set(indexes))
        endings.add(states)
    assert endings


def test_of_many_withdrawals_at_the_same_moment_one_is_written(counter: Counter) -> None:
    consent, code = counter.given()
    before = counter.events().count("consent.withdrawn")
    refused = together(
        *(
            lambda who=who: counter.consents.withdraw(caller(who), consent.id, code)
            for who in (STREET, POLICE, BUREAU) * 2
        )
    )
    assert len(refused) == 5
    assert counter.events().count("consent.withdrawn") == before + 1


def test_of_two_consents_given_at_the_same_moment_one_counts(counter: Counter) -> None:
    first, second = counter.requested(), counter.requested()
    refused = together(
        lambda: counter.consents.give(caller(STREET), first.id, counter.proof(first)),
        lambda: counter.consents.give(caller(STREET), second.id, counter.proof(second)),
    )
    assert refused == []
    states = sorted(counter.consents.get(caller(STREET), each.id).state for each in (first, second))
    assert states == ["given", "superseded"]
    assert asked(counter.agreement)["agreement_id"] == first.agreement_id


def test_a_decision_made_before_a_withdrawal_can_no_longer_be_carried_out(counter: Counter) -> None:
    consent, _ = counter.given()
    key = f"consent:{counter.agreement.id}:{counter.subject()}"
    decided_under = {key: counter.revision()}
    counter.consents.withdraw(caller(STREET), consent.id)
    actor = {"party": None, "client": None, "officer": None}
    entry = {"type": "audit.viewed", "actor": actor, "filter_digest": "sha-256:" + "0" * 64, "rows": 0}
    with pytest.raises(Changed) as changed:
        asyncio.run(counter.town.log.append(entry, unless_changed=decided_under))
    assert set(changed.value.keys) == {key}
