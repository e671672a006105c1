"""Giving: the resident says yes at the counter, two officers vouch for it, and a code to take it back is printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.agreements.model import SIGNATURE_TYPE
from gateway.consent.model import PROOF_TYPE, Consent
from gateway.errors import Forbidden, InvalidRequest, NotFound, SignatureInvalid, WrongState
from gateway.lib.canonical_json import canonical
from tests.clock import FixedClock
from tests.gateway.agreements.people import BUREAU, NEIGHBOUR, POLICE, STREET, caller, document
from tests.gateway.consent.people import ITEM, OTHER_RESIDENT, SCHEME, UNTIL, Counter, asked


def test_given_with_the_proof_of_two_officers(counter: Counter, clock: FixedClock) -> None:
    consent, code = counter.given()
    assert (consent.state, consent.proof_level) == ("given", 1)
    assert counter.current() == consent
    assert consent.is_valid(clock.now())
    assert consent.covers(["name", "phone"])
    assert consent.covers(["name"], "person-basic/1.0.0")
    assert not consent.covers(["name"], "residence-record/1.0.0")
    assert not consent.covers(["nationality"])
    assert consent.given is not None
    assert consent.given.proof is not None
    officers = counter.town.officers
    assert consent.given.proof.officers == {"clerk": officers["clerk"], "witness": officers["witness"]}
    assert len(code) == 19
    entry = counter.town.entries()[-1]
    assert (entry["type"], entry["actor"]["officer"]) == ("consent.given", officers["clerk"])


@pytest.mark.daily_on_one
def test_the_code_itself_is_kept_nowhere(counter: Counter) -> None:
    consent, code = counter.given()
    assert code not in repr(consent)
    assert consent.given is not None
    assert code.replace("-", "") not in (consent.given.code_hash or "")


Spoil = Callable[[Counter, Consent], dict[str, str]]


def with_clerk(make: Callable[[Counter, Consent], str]) -> Spoil:
    return lambda counter, consent: counter.proof(consent) | {"clerk": make(counter, consent)}


def signed(counter: Counter, payload: bytes, typ: str = PROOF_TYPE) -> str:
    return counter.town.keys["clerk"].sign_payload(typ, payload)


SPOILT: dict[str, tuple[Spoil, str]] = {
    "one officer twice": (lambda c, consent: c.proof(consent, "clerk", "clerk"), "same_officer"),
    "no clerk among them": (lambda c, consent: c.proof(consent, "witness", STREET), "wrong_role"),
    "a clerk of the other party": (lambda c, consent: c.proof(consent, "police-clerk"), "other_party"),
    "a witness of the other party": (lambda c, consent: c.proof(consent, witness=POLICE), "other_party"),
    "another consent's digest": (
        with_clerk(
            lambda c, consent: signed(c, canonical({"consent_id": consent.id, "consent_digest": "sha-256:" + "0" * 64}))
        ),
        "other_content",
    ),
    "another consent's proof": (
        with_clerk(lambda c, _: c.jws(c.requested(subject={"scheme": SCHEME, "id": OTHER_RESIDENT}), "clerk")),
        "other_content",
    ),
    "a signature made for an agreement": (
        with_clerk(lambda c, consent: signed(c, consent.proof_payload(), SIGNATURE_TYPE)),
        "wrong_type",
    ),
    "no signature": (with_clerk(lambda _c, _consent: "signed in ink"), "malformed"),
}  # fmt: skip


@pytest.mark.daily_on_one
def test_a_proof_that_does_not_hold_gives_nothing(counter: Counter, subtests: pytest.Subtests) -> None:
    consent = counter.requested()
    for defect, (spoil, reason) in SPOILT.items():
        with subtests.test(defect):
            with pytest.raises(SignatureInvalid) as refused:
                counter.consents.give(caller(STREET), consent.id, spoil(counter, consent))
            assert refused.value.members["reason"] == reason
            assert counter.current() is None


@pytest.mark.daily_on_one
def test_a_suspended_officer_vouches_for_nobody(counter: Counter) -> None:
    counter.town.identity.suspend_officer(caller(BUREAU).actor(), counter.town.officers["witness"])
    with pytest.raises(SignatureInvalid) as refused:
        counter.given()
    assert refused.value.members["reason"] == "officer_suspended"


@pytest.mark.daily_on_one
def test_a_kind_of_proof_nobody_can_check_is_refused(counter: Counter) -> None:
    consent = counter.requested()
    with pytest.raises(InvalidRequest):
        counter.consents.give(caller(STREET), consent.id, counter.proof(consent) | {"kind": "webauthn"})


@pytest.mark.daily_on_one
def test_a_proof_below_the_agreed_level_is_refused(counter: Counter) -> None:
    strict = counter.town.active(items=[ITEM | {"min_proof_level": 2}])
    consent = counter.consents.request(caller(STREET), asked(strict))
    with pytest.raises(InvalidRequest) as refused:
        counter.consents.give(caller(STREET), consent.id, counter.proof(consent))
    assert [error["pointer"] for error in refused.value.members["errors"]] == ["/proof/kind"]


def test_what_is_given_anew_supersedes_what_was_given_before(counter: Counter) -> None:
    first, _ = counter.given()
    second, _ = counter.given(data=[{"standard": "person-basic/1.0.0", "fields": ["name"]}])
    assert counter.current() == second
    assert counter.consents.get(caller(STREET), first.id).state == "superseded"
    assert counter.events()[-2:] == ["consent.superseded", "consent.given"]


@pytest.mark.daily_on_one
def test_a_refusal_takes_nothing_back(counter: Counter) -> None:
    first, _ = counter.given()
    again = counter.requested()
    refused = counter.consents.refuse(caller(STREET), again.id)
    assert refused.state == "refused"
    assert counter.current() == first
    with pytest.raises(WrongState):
        counter.consents.give(caller(STREET), again.id, counter.proof(again))


@pytest.mark.daily_on_one
def test_one_residents_word_does_not_count_for_another(counter: Counter) -> None:
    counter.given()
    assert counter.current(OTHER_RESIDENT) is None
    assert counter.revision(OTHER_RESIDENT) == 0


@pytest.mark.daily_on_one
def test_nothing_is_given_to_words_that_have_changed(counter: Counter) -> None:
    consent = counter.requested()
    town, changed = counter.town, document(id=counter.agreement.id, items=[ITEM], title_en="Another")
    second = town.agreements.draft(caller(STREET), changed)
    town.agreements.submit(caller(STREET), second.id)
    town.sign(second, STREET)
    town.sign(second, POLICE)
    with pytest.raises(WrongState):
        counter.consents.give(caller(STREET), consent.id, counter.proof(consent))


@pytest.mark.daily_on_one
def test_only_the_consumer_records_a_yes_or_a_no(counter: Counter) -> None:
    consent = counter.requested()
    for record in (
        lambda who: counter.consents.give(caller(who), consent.id, counter.proof(consent)),
        lambda who: counter.consents.refuse(caller(who), consent.id),
    ):
        with pytest.raises(Forbidden):
            record(POLICE)
        with pytest.raises(NotFound):
            record(NEIGHBOUR)


@pytest.mark.daily_on_one
def test_time_ends_a_consent_even_before_anybody_writes_it_down(counter: Counter, clock: FixedClock) -> None:
    consent, _ = counter.given()
    requested = counter.requested()
    clock.advance(seconds=(UNTIL - clock.now()).total_seconds())
    now = counter.current()
    assert now is not None
    assert now.state == "given"
    assert not now.is_valid(clock.now())
    with pytest.raises(WrongState):
        counter.consents.give(caller(STREET), requested.id, counter.proof(requested))
    assert counter.consents.expire_due() == 2
    assert counter.consents.expire_due() == 0
    assert counter.consents.get(caller(STREET), consent.id).state == "expired"
    assert counter.town.entries()[-1]["actor"] == {"party": None, "client": None, "officer": None}


@pytest.mark.daily_on_one
def test_a_consent_not_yet_begun_is_not_valid(counter: Counter, clock: FixedClock) -> None:
    later = clock.now().replace(year=2027, month=1)
    consent, _ = counter.given(validity={"from": later, "until": UNTIL})
    assert not consent.is_valid(clock.now())
    assert consent.is_valid(later)
