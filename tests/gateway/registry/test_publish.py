"""A version is published for good: after its consultation, under the number that the checker allows, signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import (
    DecisionNeeded,
    Forbidden,
    InvalidRequest,
    SignatureInvalid,
    UnknownStandard,
    VersionTooLow,
    WrongState,
)
from gateway.lib import jose
from gateway.lib.canonical_json import canonical, digest_bytes
from gateway.lib.jose import SigningKey
from gateway.registry.model import SIGNATURE_TYPE, Version
from gateway.registry.numbering import Decision
from standards import REGISTRY, Validator
from tests.gateway.registry.desk import (
    BUREAU,
    LINDEN,
    PERSON,
    POLICE,
    Desk,
    acting,
    beyond_proof,
    narrowed,
    reworded,
    schema,
    widened,
)


def test_published_signed_and_in_every_library(desk: Desk) -> None:
    published = desk.published(widened("1.1.0"))
    assert (published.state, published.published_at) == ("published", desk.now)
    assert desk.library[published.id].digest == published.digest
    assert desk.library[published.id].schema == widened("1.1.0")
    entry = desk.entries()[-1]
    assert (entry["type"], entry["against"], entry["bump"]) == ("standard.published", PERSON, "minor")
    assert published.signature is not None
    assert entry["signature"] == {
        "officer": desk.officers[BUREAU],
        "jws_digest": digest_bytes(published.signature.jws.encode()),
    }


@pytest.mark.daily_on_one
def test_a_stranger_verifies_it_with_the_schema_and_the_key_alone(desk: Desk) -> None:
    published = desk.published(widened("1.1.0"))
    assert published.signature is not None
    payload = canonical(widened("1.1.0"))  # from the schema as anybody fetches it
    jws = jose.parse_detached(published.signature.jws, payload)
    jws.check_signature(jose.public_key(published.signature.key))
    assert jws.header["kid"] == desk.keys[BUREAU].kid and jws.header["typ"] == SIGNATURE_TYPE
    with pytest.raises(jose.JoseInvalid):
        other = jose.parse_detached(published.signature.jws, payload.replace(b"1.1.0", b"1.1.1"))
        other.check_signature(jose.public_key(published.signature.key))


@pytest.mark.daily_on_one
def test_not_before_the_consultation_has_ended(desk: Desk) -> None:
    opened = desk.open(widened("1.1.0"), days=10)
    desk.clock.advance(seconds=timedelta(days=10).total_seconds() - 1)
    with pytest.raises(WrongState):
        desk.publish(opened)
    desk.clock.advance(seconds=1)
    assert desk.publish(opened).state == "published"


def test_not_while_a_comment_waits_for_its_answer(desk: Desk) -> None:
    opened = desk.open(widened("1.1.0"))
    said = desk.discussion.comment(acting(LINDEN), opened.id, "应限一个")
    desk.clock.advance(seconds=timedelta(days=11).total_seconds())
    with pytest.raises(WrongState):
        desk.publish(opened)
    desk.discussion.answer(acting(BUREAU), opened.id, said.id, "declined", "另有用途")
    assert desk.publish(opened).state == "published"


@pytest.mark.daily_on_one
@pytest.mark.parametrize("party", [POLICE, LINDEN])
def test_a_department_does_not_publish(desk: Desk, party: str) -> None:
    ready = desk.ready(widened("1.1.0"))
    with pytest.raises(Forbidden):
        desk.registry.publish(acting(party), ready.id, desk.jws(ready, POLICE))
    assert desk.shelf.get(None, ready.id).state == "consultation"


@pytest.mark.daily_on_one
def test_a_draft_is_not_published_unseen(desk: Desk) -> None:
    draft = desk.draft(widened("1.1.0"))
    with pytest.raises(WrongState):
        desk.publish(draft)
    with pytest.raises(UnknownStandard):
        desk.registry.publish(acting(POLICE), draft.id, desk.jws(draft, POLICE))


# ── the number ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
@pytest.mark.parametrize(
    ("change", "number"),
    [(reworded, "1.0.1"), (reworded, "1.4.0"), (widened, "1.1.0"), (widened, "2.0.0"), (narrowed, "2.0.0")],
)
def test_a_number_that_says_as_much_as_the_change_is_taken(
    desk: Desk, change: Callable[[str], Any], number: str
) -> None:
    assert desk.published(change(number)).number == number


@pytest.mark.daily_on_one
def test_a_number_that_says_less_is_refused_with_a_record_that_shows_why(desk: Desk) -> None:
    draft = desk.draft(narrowed("1.1.0"))
    with pytest.raises(VersionTooLow) as refused:
        desk.registry.consult(acting(BUREAU), draft.id, desk.now + timedelta(days=1))
    told = refused.value.members
    assert (told["verdict"], told["bump"], told["least"]) == ("breaking", "major", "2.0.0")
    assert REGISTRY[PERSON].validator().ok(told["example"])
    assert not Validator.of(narrowed("1.1.0")).ok(told["example"])
    assert told["changes"] and all(each["zh"] and each["en"] for each in told["changes"])


def about_many(number: str) -> dict[str, Any]:
    return schema(number) | {"x-cardinality": "many"}


def less_sensitive(number: str) -> dict[str, Any]:
    document = schema(number)
    phone = {name: value for name, value in document["properties"]["phone"].items() if name != "x-element"}
    document["properties"]["phone"] = phone | {"x-sensitivity": "none"}
    return document


@pytest.mark.daily_on_one
@pytest.mark.parametrize(
    ("change", "least", "said"),
    [
        (narrowed, "2.0.0", "the old version takes records that the new one refuses"),
        (about_many, "2.0.0", "the records per subject of"),
        (less_sensitive, "1.1.0", "the sensitivity of “Telephone” changes"),
        (widened, "1.1.0", "new optional element “Second telephone”"),
    ],
)
def test_the_refusal_says_what_is_true_of_the_change(
    desk: Desk, change: Callable[[str], Any], least: str, said: str
) -> None:
    with pytest.raises(VersionTooLow) as refused:
        desk.open(change("1.0.1"))
    assert refused.value.members["least"] == least
    assert said in refused.value.detail_en and ("refuse" in refused.value.detail_en) == (change is narrowed)


def test_what_came_between_is_what_a_number_is_measured_by(desk: Desk) -> None:
    late, early = desk.open(widened("1.1.1")), desk.open(reworded("1.1.0"))
    desk.clock.advance(seconds=timedelta(days=11).total_seconds())
    desk.publish(early)
    with pytest.raises(VersionTooLow) as refused:  # against 1.0.0 it said enough; against 1.1.0 it does not
        desk.publish(late)
    assert (refused.value.members["against"], refused.value.members["least"]) == ("person-basic/1.1.0", "1.2.0")


@pytest.mark.daily_on_one
def test_where_nothing_can_be_proved_a_person_decides_and_it_is_kept(desk: Desk) -> None:
    desk.published(beyond_proof("1.1.0"))
    ready = desk.ready(beyond_proof("1.2.0", "(?:0|1)"))
    with pytest.raises(DecisionNeeded) as refused:
        desk.publish(ready)
    assert refused.value.members["why_zh"] and refused.value.members["why_en"]
    with pytest.raises(VersionTooLow):
        desk.publish(ready, Decision("major", "可能拒绝旧号码"))
    published = desk.publish(ready, Decision("minor", "同一写法换了记法"))
    assert published.judgement is not None
    assert published.judgement["decision"] == {
        "bump": "minor",
        "reason": "同一写法换了记法",
        "party": BUREAU,
        "officer": desk.officers[BUREAU],
    }
    entry = desk.entries()[-1]
    assert (entry["verdict"], entry["bump"]) == ("unproven", "minor")


@pytest.mark.daily_on_one
def test_a_persons_word_does_not_replace_a_proof(desk: Desk) -> None:
    ready = desk.ready(widened("1.1.0"))
    with pytest.raises(InvalidRequest):
        desk.publish(ready, Decision("patch", "小改动"))


# ── the signature ─────────────────────────────────────────────────────────────────────────────────────────────────────
Forge = Callable[[Desk, Version], str]


def compact(desk: Desk, version: Version) -> str:
    return desk.keys[BUREAU].sign_payload(SIGNATURE_TYPE, b"{}")


def borrowed_kid(desk: Desk, version: Version) -> str:
    head, _, signature = (
        SigningKey.generate().sign_payload(SIGNATURE_TYPE, version.text, kid=desk.keys[BUREAU].kid).split(".")
    )
    return f"{head}..{signature}"


FORGERIES: dict[str, tuple[Forge, str]] = {
    "no JWS at all": (lambda _desk, _version: "yes", "malformed"),
    "not detached": (compact, "malformed"),
    "a department's signatory": (lambda desk, version: desk.jws(version, POLICE), "other_party"),
    "an officer who may not sign": (lambda desk, version: desk.jws(version, f"{BUREAU}/administrator"), "wrong_role"),
    "a stranger's key": (lambda _desk, v: SigningKey.generate().sign_detached(SIGNATURE_TYPE, v.text), "unknown_key"),
    "a stranger's key under the officer's kid": (borrowed_kid, "forged"),
    "a signature for something else": (
        lambda desk, version: desk.keys[BUREAU].sign_detached("tongqu-agreement-signature+jws", version.text),
        "wrong_type",
    ),
    "another text": (lambda desk, _version: desk.keys[BUREAU].sign_detached(SIGNATURE_TYPE, b"{}"), "forged"),
}


@pytest.mark.daily_on_one
def test_a_signature_that_does_not_bind_is_refused_with_its_reason(desk: Desk, subtests: pytest.Subtests) -> None:
    ready = desk.ready(widened("1.1.0"))
    for name, (forge, reason) in FORGERIES.items():
        with subtests.test(name):
            with pytest.raises(SignatureInvalid) as refused:
                desk.registry.publish(acting(BUREAU), ready.id, forge(desk, ready))
            assert refused.value.members["reason"] == reason
    assert desk.shelf.get(None, ready.id).state == "consultation"


# ── what came with the software ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
def test_what_is_shipped_is_published_and_says_that_it_is_not_signed(desk: Desk) -> None:
    assert desk.shelf.get(None, PERSON).origin[1].startswith("unsigned: shipped with release")
    assert sorted(desk.registry.adopt()) == sorted(REGISTRY)
    assert desk.registry.adopt() == []
    adopted = desk.shelf.get(None, PERSON)
    assert (adopted.state, adopted.signature, adopted.digest) == ("published", None, REGISTRY[PERSON].digest)
    assert {entry["reason"] for entry in desk.entries()} == {"shipped"}
    assert desk.shelf.differing() == []


def test_the_bureau_signs_what_is_shipped(desk: Desk) -> None:
    shipped = desk.shelf.get(None, PERSON)
    with pytest.raises(Forbidden):
        desk.registry.sign(acting(POLICE), PERSON, desk.jws(shipped, POLICE))
    signed = desk.registry.sign(acting(BUREAU), PERSON, desk.jws(shipped))
    assert signed.origin == (f"由 {BUREAU} 签署", f"signed by {BUREAU}")
    assert desk.shelf.get(None, PERSON).signature == signed.signature


@pytest.mark.daily_on_one
def test_a_file_that_somebody_changed_afterwards_is_found(desk: Desk) -> None:
    desk.registry.adopt()
    from gateway.registry.library import Library
    from gateway.registry.shelf import Shelf
    from standards import Standard

    other = {PERSON: Standard.of(schema("1.0.0") | {"title": "改过的标题"})}
    library = Library(desk.database, other)
    assert Shelf(desk.database, library).differing() == [PERSON]
    assert library[PERSON].digest == REGISTRY[PERSON].digest  # what was published is what is used
