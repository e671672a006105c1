"""What an agreement's document must be; every fault named by place, and nothing that was sent repeated."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.agreements.document import Published, World, problems
from gateway.agreements.shape import unkeepable
from tests.examples import examples
from tests.gateway.agreements.people import document

DIGEST = "sha-256:" + "0" * 64
WORLD = World(
    now=datetime(2026, 11, 23, tzinfo=UTC),
    standards={
        "person-basic/1.0.0": Published(
            DIGEST, frozenset({"name", "birthDate", "phone", "domicileAddress", "domicileAddress.divisionCode"}), True
        ),
        "service-item/1.0.0": Published(DIGEST, frozenset({"name"}), False),
    },
    parties=frozenset({"police", "street-linden"}),
    lawful_bases={"13.1.1": True, "13.1.3": False},
)


NOWHERE = {"standard": "service-item/1.0.0", "fields": ["name"], "masks": {}}


def whole() -> dict[str, Any]:
    made = document(schema="tongqu-agreement/1", id="agr_" + "0" * 26, version=1, supersedes=None)
    made["items"][0] |= {"schema_digest": DIGEST, "min_proof_level": 1}
    return made


def test_a_sound_document_has_no_faults() -> None:
    assert problems(whole(), WORLD) == ()


Spoil = Callable[[dict[str, Any]], object]
FAULTS: dict[str, tuple[Spoil, str]] = {
    "a member is missing": (lambda d: d.pop("retention"), "/retention"),
    "a member too many": (lambda d: d.update(grants_everything=True), ""),
    "another schema": (lambda d: d.update(schema="tongqu-agreement/2"), "/schema"),
    "a title with a control character": (lambda d: d.update(title_zh="甲\u0007"), "/title_zh"),
    "a title that runs the other way": (lambda d: d.update(title_en="a\u202eb"), "/title_en"),
    "a title not in NFC": (lambda d: d.update(title_en="e\u0301"), "/title_en"),
    "a title without words": (lambda d: d.update(title_en=""), "/title_en"),
    "a resident's number in a text": (lambda d: d.update(title_zh="为990101199001010019办理"), "/title_zh"),
    "a lone surrogate": (lambda d: d.update(title_zh="\ud800"), ""),
    "one party only": (lambda d: d["parties"].pop(), "/parties"),
    "two providers": (lambda d: d["parties"][1].update(role="provider"), "/parties"),
    "both parties the same": (lambda d: d["parties"][1].update(party="police"), "/parties"),
    "a party nobody knows": (lambda d: d["parties"][1].update(party="ghost"), "/parties/1/party"),
    "no purpose": (lambda d: d.update(purposes=[]), "/purposes"),
    "a purpose twice": (lambda d: d["purposes"].append(dict(d["purposes"][0])), "/purposes/1/code"),
    "a legal basis that is none": (lambda d: d["legal_basis"][0].update(type="13.9"), "/legal_basis/0/type"),
    "a legal basis that is not listed": (lambda d: d["items"][0].update(legal_basis="lb9"), "/items/0/legal_basis"),
    "consent as the basis, and not asked": (lambda d: d["legal_basis"][0].update(type="13.1.1"), "/items/0/consent"),
    "an unknown standard": (lambda d: d["items"][0].update(standard="pets/1.0.0"), "/items/0/standard"),
    "another digest of the standard": (
        lambda d: d["items"][0].update(schema_digest="sha-256:" + "1" * 64),
        "/items/0/schema_digest",
    ),
    "a standard twice": (lambda d: d["items"].append(copy.deepcopy(d["items"][0])), "/items/1/standard"),
    "a field the standard lacks": (lambda d: d["items"][0]["fields"].append("religion"), "/items/0/fields/3"),
    "a field twice": (lambda d: d["items"][0]["fields"].append("name"), "/items/0/fields"),
    "a part of a field that is granted whole": (
        lambda d: d["items"][0].update(fields=["domicileAddress.divisionCode", "domicileAddress"], masks={}),
        "/items/0/fields/0",
    ),
    "no field": (lambda d: d["items"][0].update(fields=[], masks={}), "/items/0/fields"),
    "a mask of another kind": (lambda d: d["items"][0]["masks"].update(name="rot13"), "/items/0/masks/name"),
    "a mask on a field not granted": (
        lambda d: d["items"][0]["masks"].update(nationality="hidden"),
        "/items/0/masks/nationality",
    ),
    "a quota of nothing": (lambda d: d["access"]["quota"].update(max=0), "/access/quota/max"),
    "a quota per hour": (lambda d: d["access"]["quota"].update(unit="hour"), "/access/quota/unit"),
    "many residents at once": (lambda d: d["access"].update(subjects_per_request=2), "/access/subjects_per_request"),
    "hours that end before they begin": (
        lambda d: d["access"].update(hours={"days": [1], "from": "18:00", "until": "08:00"}),
        "/access/hours/until",
    ),
    "a division of eight digits": (
        lambda d: d.update(jurisdiction={"divisions": ["99010000"]}),
        "/jurisdiction/divisions/0",
    ),
    "a jurisdiction the standard cannot tell": (
        lambda d: d["items"].append(d["items"][0] | NOWHERE),
        "/jurisdiction",
    ),
    "passing the data on": (lambda d: d.update(onward_disclosure="listed"), "/onward_disclosure"),
    "an end before the beginning": (
        lambda d: d["validity"].update({"from": "2028-01-01T00:00:00Z"}),
        "/validity/until",
    ),
    "an end that has passed": (
        lambda d: d["validity"].update({"from": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}),
        "/validity/until",
    ),
    "a day that does not exist": (lambda d: d["validity"].update(until="2027-02-30T00:00:00Z"), "/validity/until"),
    "a time without a zone": (lambda d: d["validity"].update(until="2027-02-20T00:00:00"), "/validity/until"),
    "a review after the end": (lambda d: d["validity"].update(review_by="2028-06-01T00:00:00Z"), "/validity/review_by"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_by_its_place_in_both_languages(fault: str) -> None:
    spoil, place = FAULTS[fault]
    spoiled = whole()
    spoil(spoiled)
    found = problems(spoiled, WORLD)
    assert place in [problem.pointer for problem in found], found
    assert all(problem.zh and problem.en for problem in found)


@pytest.mark.parametrize("sent", [None, [], "agreement", 7, True, {}, {"items": {"a": [None]}}, {"parties": [[]]}])
def test_what_is_no_document_at_all_is_refused(sent: Any) -> None:
    assert problems(sent, WORLD)


def test_nothing_that_was_sent_is_repeated() -> None:
    spoiled = whole() | {"secretName": "secretValue", "title_en": "secretValue\u0000", "version": "secretValue"}
    assert "secret" not in repr(problems(spoiled, WORLD))
    del spoiled["title_en"]
    assert "secret" not in repr(problems(spoiled, WORLD))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=examples(300), deadline=None)
@given(member=st.sampled_from(sorted(whole())), value=JSON)
def test_any_value_anywhere_is_answered_and_not_stumbled_over(member: str, value: Any) -> None:
    changed = whole() | {member: value}
    if not problems(changed, WORLD):
        json.dumps(changed, allow_nan=False)  # what passes can be written down


def test_a_digest_with_eighteen_digits_in_a_row_is_no_residents_number() -> None:
    digest = "sha-256:" + "990101199001010019" + "ab" * 23
    assert list(unkeepable({"supersedes": digest})) == []
    assert [problem.pointer for problem in unkeepable({"title": digest + " "})] == ["/title"]


def test_only_the_three_documented_strengths_of_signing_in_can_be_demanded() -> None:
    """A level that no rule can compare would refuse every officer, or none."""
    for level in ("aal1", "aal2", "aal3"):
        sound = whole()
        sound["access"]["min_acr"] = level
        assert problems(sound, WORLD) == ()
    for other in ("aal4", "AAL2", "urn:mace:incommon:iap:silver", "", "0", 2, ["aal2"]):
        spoilt = whole()
        spoilt["access"]["min_acr"] = other
        (problem,) = problems(spoilt, WORLD)
        assert problem.pointer == "/access/min_acr" and "aal1" in problem.en and "aal3" in problem.zh
