"""A published version is ended at once: for a reason that the signatory of the bureau signed, and for no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.errors import InvalidRequest, SignatureInvalid
from gateway.lib import jose
from gateway.lib.canonical_json import digest_bytes
from gateway.registry import schemas
from gateway.registry.model import SIGNATURE_TYPE
from gateway.registry.terms import withdrawal
from tests.gateway.registry.desk import BUREAU, PERSON, POLICE, Desk, acting


def test_who_signed_it_is_kept_logged_and_can_be_verified_by_anybody(desk: Desk) -> None:
    withdrawn = desk.withdrawn(reason="law_changed")
    assert withdrawn.withdrawal is not None and desk.shelf.get(None, PERSON) == withdrawn
    told = schemas.signature(withdrawn)["withdrawal"]
    assert told["payload"] == (
        f'{{"digest":"{withdrawn.digest}","move":"withdraw","reason":"law_changed","standard":"{PERSON}"}}'
    )
    signed = jose.parse_detached(told["jws"], told["payload"].encode())
    signed.check_signature(jose.public_key(told["key"]))
    entry = desk.entries()[-1]
    assert entry["signature"] == {"officer": desk.officers[BUREAU], "jws_digest": digest_bytes(told["jws"].encode())}


@pytest.mark.daily_on_one
def test_without_a_signature_it_stays_and_the_refusal_says_what_to_sign(desk: Desk) -> None:
    with pytest.raises(InvalidRequest) as refused:
        desk.registry.withdraw(acting(BUREAU), PERSON, "defective")
    (fault,) = refused.value.members["errors"]
    assert fault["pointer"] == "/jws" and withdrawal(desk.shelf.get(None, PERSON), "defective").decode() in fault["en"]
    assert desk.shelf.get(None, PERSON).state == "published" and desk.events() == []


FORGED: dict[str, Callable[[Desk], str]] = {
    "another party's": lambda desk: desk.word(desk.shelf.get(None, PERSON), signer=POLICE),
    "no signatory's": lambda desk: desk.word(desk.shelf.get(None, PERSON), signer=f"{BUREAU}/administrator"),
    "for another reason": lambda desk: desk.word(desk.shelf.get(None, PERSON), "law_changed"),
    "for another standard": lambda desk: desk.word(desk.shelf.get(None, "residence-record/1.0.0")),
    "that of its publication": lambda desk: desk.jws(desk.shelf.get(None, PERSON)),
    "of another kind": lambda desk: desk.keys[BUREAU].sign_detached(
        SIGNATURE_TYPE, withdrawal(desk.shelf.get(None, PERSON), "defective")
    ),
    "none at all": lambda _: "x..y",
}


@pytest.mark.daily_on_one
@pytest.mark.parametrize("signature", FORGED)
def test_a_signature_that_does_not_say_this_is_refused(desk: Desk, signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        desk.registry.withdraw(acting(BUREAU), PERSON, "defective", FORGED[signature](desk))
    assert desk.shelf.get(None, PERSON).state == "published" and desk.events() == []


@pytest.mark.daily_on_one
def test_a_word_for_ending_is_no_word_for_publishing(desk: Desk) -> None:
    with pytest.raises(SignatureInvalid):
        desk.registry.sign(acting(BUREAU), PERSON, desk.word(desk.shelf.get(None, PERSON)))
