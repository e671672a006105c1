"""The life of a consent: which move is possible when, and which word counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.consent.model import COUNTING, MOVES, STATES, Consent, Event, counting, read
from gateway.errors import WrongState
from gateway.lib.canonical_json import canonical

AT = datetime(2026, 11, 23, tzinfo=UTC)
RECORD = {
    "schema": "tongqu-consent/1",
    "id": "con_" + "0" * 26,
    "language": "zh",
    "subject": "s:1:" + "a" * 22,
    "agreement": {"id": "agr_" + "0" * 26, "digest": "sha-256:" + "0" * 64},
    "provider": "police",
    "consumer": "street-linden",
    "purposes": ["dibao.initial"],
    "data": [
        {"standard": "person-basic/1.0.0", "fields": ["name", "phone"]},
        {"standard": "social-assistance/1.0.0", "fields": ["name"]},
    ],
    "notice": {"version": "1", "digest": "sha-256:" + "0" * 64, "channel": "counter"},
    "validity": {"from": "2026-01-01T00:00:00.000Z", "until": "2027-01-01T00:00:00.000Z"},
    "withdrawal": {"effect": "prospective"},
}


def consent(*states: str, index: int = 0) -> Consent:
    events = tuple(Event(state, AT, index + place) for place, state in enumerate(states))
    return read(canonical(RECORD), events)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("move", MOVES)
def test_a_move_is_possible_exactly_where_the_table_has_it(state: str, move: str) -> None:
    if state in MOVES[move]:
        assert consent(state).after(move) == MOVES[move][state]
    else:
        with pytest.raises(WrongState):
            consent(state).after(move)


def test_nothing_comes_after_an_end() -> None:
    ends = set(STATES) - {"requested", "given"}
    assert not any(end in moves for moves in MOVES.values() for end in ends)


def test_only_a_given_consent_within_its_time_is_valid() -> None:
    for state in STATES:
        assert consent(state).is_valid(AT) is (state == "given")
    assert not consent("given").is_valid(datetime(2027, 1, 1, tzinfo=UTC))
    assert not consent("given").is_valid(datetime(2025, 12, 31, tzinfo=UTC))


def test_without_a_standard_a_field_must_be_consented_to_in_each() -> None:
    both = consent("given")
    assert both.covers(["name"])
    assert not both.covers(["phone"])
    assert both.covers(["phone"], "person-basic/1.0.0")
    assert not both.covers(["phone"], "social-assistance/1.0.0")
    assert both.covers([], "person-basic/1.0.0")


@given(st.lists(st.sampled_from(STATES), max_size=6), st.randoms(use_true_random=False))
def test_a_given_consent_counts_before_all_others_and_else_the_latest(states: list[str], random: st.DataObject) -> None:
    consents = [replace(consent(state, index=place), id=str(place)) for place, state in enumerate(states)]
    shuffled = list(consents)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = counting(shuffled)
    if "given" in states:
        assert found is not None
        assert found.state == "given"
    elif possible := [each for each in consents if each.state in COUNTING]:
        assert found == possible[-1]
    else:
        assert found is None


def test_requests_refusals_and_superseded_ones_count_for_nothing() -> None:
    for states in permutations(("requested", "refused", "superseded")):
        assert counting([consent(state) for state in states]) is None
