"""Our evaluator and Cedar, given the same agreement and the same entry, permit and refuse the same queries."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import cedarpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.exchange.model import Facts
from tests.gateway.exchange import cedar
from tests.gateway.exchange.facts import facts
from tests.gateway.exchange.test_decision import ASKS, CALLS, OBJECTIONS, OVERRULED
from tests.gateway.exchange.vectors import files, vector

Changes = dict[str, Any]
CHANGES: list[Changes] = [change for row in OBJECTIONS.values() for change in row[2:]] + list(OVERRULED.values())


def parts(changes: Changes, of_terms: bool) -> Changes:
    """What of these changes is said by the agreement, or by the query and the world."""
    return {name: value for name, value in changes.items() if name.startswith("terms__") == of_terms}


OF_TERMS = [parts(each, True) for each in CHANGES]
OF_QUERIES = [parts(each, False) for each in CHANGES]
ASKING, CALLING = parts(ASKS, True), parts(CALLS, True)
BESIDE = [{}, {}, parts(ASKS, False), parts(CALLS, False)]
PER_AGREEMENT = 25


def asked_of(chance: random.Random, terms: Changes) -> Facts:
    """One query under an agreement with these terms, as lawful or unlawful as chance will have it."""
    changes: Changes = dict(chance.choice(BESIDE))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        changes |= chance.choice(OF_QUERIES)
    changes |= terms
    for whole in ("consent", "query"):  # a consent that is not there has no members
        if whole in changes:
            changes = {name: value for name, value in changes.items() if not name.startswith(whole + "__")}
    if "caller__grant" in changes:
        changes = {name: value for name, value in changes.items() if not name.startswith("grant__")}
    return facts(**changes)


def agreed_terms(chance: random.Random) -> Changes:
    terms: Changes = {}
    for more in (ASKING, CALLING):
        terms |= more if chance.random() < 0.8 else {}
    for _ in range(chance.choice((0, 1, 1, 2, 3, 4))):
        terms |= chance.choice(OF_TERMS)
    return terms


def differing(vectors: list[dict[str, Any]], seen: Counter[str]) -> list[tuple[str, str, list[str]]]:
    """Those of which Cedar thinks otherwise. All are under the same agreement."""
    document = next((each["agreement"] for each in vectors if each["agreement"]), None)
    if document is None:
        return []
    known = [each for each in vectors if each["agreement"]]  # of no agreement Cedar could only say no
    requests = [cedar.request(each["entry"], document) for each in known]
    answers = cedarpy.is_authorized_batch(requests, cedarpy.PolicySet.from_str(cedar.policies(document)), [])
    found = []
    for each, answer in zip(known, answers, strict=True):
        assert not answer.diagnostics.errors, answer.diagnostics.errors
        seen[each["expected"]["effect"]] += 1
        if answer.allowed != (each["expected"]["effect"] == "permit"):
            found.append((each["name"], each["expected"]["effect"], each["expected"]["rules"]))
    return found


def compare(seed: int, seen: Counter[str]) -> None:
    chance = random.Random(seed)
    terms = agreed_terms(chance)
    vectors = [vector(f"seed {seed}", asked_of(chance, terms)) for _ in range(PER_AGREEMENT)]
    assert differing(vectors, seen) == []


def test_cedar_agrees_with_each_published_vector() -> None:
    seen: Counter[str] = Counter()
    for vectors in files().values():
        for each in vectors:
            assert differing([each], seen) == []
    assert seen["permit"] > 40 and seen["refuse"] > 40


def test_cedar_agrees_on_thousands_of_queries() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=100, deadline=None, database=None)
    @given(st.integers(0, 2**63))
    def run(seed: int) -> None:
        compare(seed, seen)

    run()
    assert seen.total() > 2_000 and min(seen["permit"], seen["refuse"]) > seen.total() / 20, seen


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_cedar_agrees_on_a_hundred_thousand_queries() -> None:
    import os

    seen: Counter[str] = Counter()
    whole = int(os.environ.get("TONGQU_TORTURE_ROUNDS", "50")) >= 50

    @settings(
        max_examples=4_100 if whole else 200,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.integers(0, 2**63))
    def run(seed: int) -> None:
        compare(seed, seen)

    run()
    assert seen.total() > (100_000 if whole else 4_500), seen
