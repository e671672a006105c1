"""Signing: both parties over one digest, each by a key that only its own officer holds."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from gateway.agreements.model import SIGNATURE_TYPE, Agreement
from gateway.errors import AlreadyExists, Forbidden, InvalidRequest, NotFound, SignatureInvalid, TongquError, WrongState
from gateway.lib.canonical_json import canonical, digest_bytes
from gateway.lib.jose import SigningKey, encode64
from tests.clock import FixedClock
from tests.gateway.agreements.people import BUREAU, NEIGHBOUR, POLICE, STREET, Town, caller, document


def test_active_when_both_have_signed(town: Town, clock: FixedClock) -> None:
    proposed = town.proposed()
    assert town.sign(proposed, POLICE).state == "proposed"
    active = town.sign(proposed, STREET)
    assert active.state == "active"
    assert active.effective_from == clock.now()
    assert {signature.party for signature in active.signatures} == {POLICE, STREET}
    assert town.events() == ["agreement.proposed", "agreement.signed", "agreement.signed", "agreement.activated"]


def test_the_entry_holds_who_signed_and_the_digest_of_the_signature(town: Town) -> None:
    proposed = town.proposed()
    jws = town.jws(proposed, POLICE)
    town.agreements.sign(caller(POLICE), proposed.id, jws)
    entry = town.entries()[-1]
    assert entry["signature"] == {"officer": town.officers[POLICE], "jws_digest": digest_bytes(jws.encode())}
    assert entry["agreement"] == {"id": proposed.id, "digest": proposed.digest, "version": 1}


@pytest.mark.daily_on_one
def test_nobody_signs_twice(town: Town) -> None:
    proposed = town.proposed()
    town.sign(proposed, POLICE)
    with pytest.raises(AlreadyExists):
        town.sign(proposed, POLICE)
    assert town.agreements.get(caller(POLICE), proposed.id).state == "proposed"


@pytest.mark.daily_on_one
def test_a_draft_cannot_be_signed(town: Town) -> None:
    draft = town.agreements.draft(caller(STREET), document())
    with pytest.raises(WrongState):
        town.sign(draft, STREET)


@pytest.mark.daily_on_one
def test_strangers_do_not_even_learn_that_there_is_something_to_sign(town: Town) -> None:
    proposed = town.proposed()
    with pytest.raises(NotFound):
        town.sign(proposed, NEIGHBOUR)
    with pytest.raises(Forbidden):
        town.sign(proposed, BUREAU)


Forge = Callable[[Town, Agreement], str]


def by(signer: str, payload: Callable[[Agreement], bytes], typ: str = SIGNATURE_TYPE) -> Forge:
    return lambda town, agreement: town.keys[signer].sign_payload(typ, payload(agreement))


def over(**changes: str) -> Callable[[Agreement], bytes]:
    def payload(agreement: Agreement) -> bytes:
        honest = {"agreement_id": agreement.id, "agreement_digest": agreement.digest, "party": POLICE}
        return canonical(honest | changes)

    return payload


def tampered(town: Town, agreement: Agreement) -> str:
    header, _, signature = town.jws(agreement, POLICE).split(".")
    return f"{header}.{encode64(over(agreement_digest='sha-256:' + '0' * 64)(agreement))}.{signature}"


def borrowed_kid(town: Town, agreement: Agreement) -> str:
    """A key of one's own that calls itself the officer's."""
    return SigningKey.generate().sign_payload(SIGNATURE_TYPE, over()(agreement), kid=town.keys[POLICE].kid)


def key_in_header(town: Town, agreement: Agreement) -> str:
    own = SigningKey.generate()
    return own.sign_payload(SIGNATURE_TYPE, over()(agreement), jwk=own.public_jwk())


def unsigned(_town: Town, agreement: Agreement) -> str:
    header = canonical({"alg": "none", "typ": SIGNATURE_TYPE})
    return f"{encode64(header)}.{encode64(over()(agreement))}."


FORGERIES: dict[str, tuple[Forge, str]] = {
    "no JWS at all": (lambda _town, _agreement: "yes, we agree", "malformed"),
    "no signature (alg none)": (unsigned, "malformed"),
    "a payload put in afterwards": (tampered, "forged"),
    "a made-up key under the officer's kid": (borrowed_kid, "forged"),
    "a made-up key, brought along": (key_in_header, "unknown_key"),
    "the other party's officer": (by(STREET, over()), "other_party"),
    "the operator's friend at the bureau": (by(BUREAU, over()), "other_party"),
    "a clerk, who may not sign": (by("police-clerk", over()), "wrong_role"),
    "a signature made for something else": (by(POLICE, over(), typ="tongqu-consent-proof+jws"), "wrong_type"),
    "another digest": (by(POLICE, over(agreement_digest="sha-256:" + "0" * 64)), "other_content"),
    "another agreement": (by(POLICE, over(agreement_id="agr_" + "0" * 26)), "other_content"),
    "for the other party": (by(POLICE, over(party=STREET)), "other_content"),
    "one member more": (by(POLICE, over(note="if it rains")), "other_content"),
    "another spelling": (by(POLICE, lambda agreement: over()(agreement).replace(b":", b": ")), "other_content"),
}


@pytest.mark.daily_on_one
def test_a_signature_that_does_not_bind_is_refused_with_its_reason(town: Town, subtests: pytest.Subtests) -> None:
    town.appoint(POLICE, "clerk", "police-clerk")
    proposed = town.proposed()
    for forgery, (forge, reason) in FORGERIES.items():
        with subtests.test(forgery):
            with pytest.raises(SignatureInvalid) as refused:
                town.agreements.sign(caller(POLICE), proposed.id, forge(town, proposed))
            assert refused.value.members["reason"] == reason
            assert town.agreements.get(caller(POLICE), proposed.id).signatures == ()
    assert town.events() == ["agreement.proposed"]


@pytest.mark.daily_on_one
def test_a_suspended_officer_signs_nothing(town: Town) -> None:
    proposed = town.proposed()
    town.identity.suspend_officer(caller(BUREAU).actor(), town.officers[POLICE])
    with pytest.raises(SignatureInvalid) as refused:
        town.sign(proposed, POLICE)
    assert refused.value.members["reason"] == "officer_suspended"


@pytest.mark.daily_on_one
def test_a_signature_from_before_an_edit_does_not_fit_afterwards(town: Town) -> None:
    draft = town.agreements.draft(caller(STREET), document())
    early = town.jws(draft, STREET)
    town.agreements.edit(caller(STREET), draft.id, document(title_en="Another"))
    town.agreements.submit(caller(STREET), draft.id)
    with pytest.raises(SignatureInvalid) as refused:
        town.agreements.sign(caller(STREET), draft.id, early)
    assert refused.value.members["reason"] == "other_content"


@pytest.mark.daily_on_one
def test_what_has_run_out_while_it_lay_there_is_not_signed_any_more(town: Town, clock: FixedClock) -> None:
    proposed = town.proposed(
        validity={"from": "2026-01-01T00:00:00Z", "until": "2026-12-01T00:00:00Z", "review_by": None}
    )
    clock.advance(seconds=30 * 86400)
    with pytest.raises(InvalidRequest):
        town.sign(proposed, POLICE)


def test_two_signatories_at_the_same_moment_are_both_kept(town: Town) -> None:
    for _ in range(5):
        proposed = town.proposed()
        start, refused = threading.Barrier(4), []

        def sign(party: str, proposed: Agreement = proposed, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                town.sign(proposed, party)
            except TongquError as error:
                refused.append((party, type(error)))  # noqa: B023  # read below, within this round

        threads = [threading.Thread(target=sign, args=(party,)) for party in (POLICE, STREET) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = town.agreements.get(caller(STREET), proposed.id)
        assert now.state == "active"
        assert sorted(signature.party for signature in now.signatures) == [POLICE, STREET]
        # Of each pair the later one came too late, whichever it was.
        assert len(refused) == 2
        assert {error for _, error in refused} <= {AlreadyExists, WrongState}
    assert town.events().count("agreement.activated") == 5
