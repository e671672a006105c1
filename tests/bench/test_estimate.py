"""How sure a ratio is: known cases, and what a machine does of which others take their share."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from bench import estimate, flood
from bench.estimate import Ratio
from bench.flood import Pair


def test_a_turn_during_which_the_host_did_something_else_does_not_count_by_how_much() -> None:
    usual = [0.1] * 10
    assert estimate.ratio([*usual, 0.001]) == Ratio(pytest.approx(0.1), pytest.approx(0.0))
    assert estimate.ratio([1.0, math.exp(1.0)]).middle == pytest.approx(math.exp(0.5))


def test_of_a_few_the_interval_is_students() -> None:
    found = estimate.ratio([math.exp(value) for value in (-0.1, 0.0, 0.1)])
    assert found.middle == pytest.approx(1.0)
    assert math.log1p(found.within) == pytest.approx(4.303 * 0.1 / math.sqrt(3))  # t, 2 degrees of freedom


def test_of_one_turn_nothing_is_known() -> None:
    assert estimate.ratio([0.5]) == Ratio(0.5, math.inf)
    assert estimate.ratio([0.5, 0.5], factor=0.5).middle == pytest.approx(0.25)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Turns are disturbed on a logarithmic scale, one in twenty by twice as much as any other."""
    chosen, held = random.Random(3), 0
    for _ in range(400):
        logs = [chosen.gauss(0.0, 0.2) * (3 if chosen.random() < 0.05 else 1) for _ in range(20)]
        found = estimate.ratio([math.exp(each) for each in logs])
        held += abs(math.log(found.middle)) <= math.log1p(found.within)
    assert 0.92 <= held / 400 <= 0.98


def test_the_flood_is_judged_by_all_its_blocks_together() -> None:
    calm = [float(number) for number in range(100)]
    pair = Pair(calm, [1.2 * latency for latency in calm], 0, 100.0, 50.0)
    assert flood.percentile([calm, calm], 0.99) == 99.0
    assert flood.rise([pair] * 3) == pytest.approx(0.2)
    assert flood.interval([pair] * 3, draws=50) == pytest.approx((0.2, 0.2))
    worse = replace(pair, beside=[2 * latency for latency in calm])
    low, high = flood.interval([pair, worse], draws=200)
    assert low == pytest.approx(0.2) and high == pytest.approx(1.0)
    assert "p99 99.0 → 118.8 ms (+20%), 0 errors" in flood.told([pair])
    assert "95 %: +20% to +20%" in flood.told([pair, pair])
