"""Threat T18: how long a refusal takes tells no more than its words. The times of "elsewhere", "unknown" and "denied"
are compared by the two-sample test of Kolmogorov and Smirnov.

One in a hundred pairs of samples looks unlike by mere chance, so a pair that does is drawn anew, twice at most: a
difference that is there is there again. What only a crowded machine makes, whose answers take longer than one beat, is
not: then fewer ask at once."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests

from gateway.exchange.api import BEAT_S
from tests.cast import BO, LINDEN_DIVISION, MAPLE, NOBODY, SCHEME
from tests.journeys.by_hand import ByHand
from tests.running import City
from tests.simulators.department import Received

SAMPLES = 40  # of each
SLOWER_S = 0.03  # what the department takes longer for somebody whom it knows
ALIKE = 0.01
AT_ONCE = (6, 3, 2)  # callers, of the first draw and of those after it


def kolmogorov_smirnov(one: list[float], other: list[float]) -> float:
    """The probability of distributions at least this far apart if both samples come from one (asymptotic)."""
    apart = max(abs(_share(one, at) - _share(other, at)) for at in (*one, *other))
    effective = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    scaled = (effective + 0.12 + 0.11 / effective) * apart
    if scaled < 0.2:
        return 1.0
    return 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * scaled * scaled) for k in range(1, 101))


def _share(sample: list[float], at: float) -> float:
    return sum(1 for each in sample if each <= at) / len(sample)


def test_the_test_itself_tells_distributions_apart() -> None:
    """For two samples of 40 the distance that one in a hundred exceeds is 0.36 (1.63 times the root of 2/40)."""
    chance = random.Random(18)
    one, other = ([chance.gauss(0, 1) for _ in range(SAMPLES)] for _ in range(2))
    assert kolmogorov_smirnov(one, other) > ALIKE
    assert kolmogorov_smirnov(one, [each + 1.5 for each in other]) < ALIKE
    ranks = [float(each) for each in range(SAMPLES)]
    assert kolmogorov_smirnov(ranks, [each + 13 for each in ranks]) > ALIKE
    assert kolmogorov_smirnov(ranks, [each + 16 for each in ranks]) < ALIKE


def times(asked: dict[str, Callable[[], requests.Response]], code: str, at_once: int) -> dict[str, list[float]]:
    """How long each kind of question took, in seconds; asked by turns, so that the machine's moods strike all alike."""
    chance = random.Random(18)

    def timed(name: str) -> tuple[str, float]:
        began = time.perf_counter()
        response = asked[name]()
        took = time.perf_counter() - began
        assert (response.status_code, response.json()["code"]) == (403, code)
        return name, took

    order = [name for name in asked for _ in range(SAMPLES)]
    chance.shuffle(order)
    found: dict[str, list[float]] = {name: [] for name in asked}
    with ThreadPoolExecutor(at_once) as callers:
        for name, took in callers.map(timed, order):
            found[name].append(took)
    return found


def alike(asked: dict[str, Callable[[], requests.Response]], code: str) -> dict[str, list[float]]:
    """The times, when no kind of question can be told from the last one by them."""
    told: dict[str, float] = {}
    for at_once in AT_ONCE:
        found = times(asked, code, at_once)
        *others, last = found
        told = {name: kolmogorov_smirnov(found[name], found[last]) for name in others}
        if min(told.values()) > ALIKE:
            return found
    raise AssertionError(f"told apart from {last!r}: {told}")


@pytest.mark.parametrize("shared_city", ["sqlite"], indirect=True)
def test_nobody_learns_by_the_clock_who_lives_elsewhere(city: City) -> None:
    """The department knows one of the two, and takes longer to find them."""
    agreement = city.cast.agreement(divisions=[LINDEN_DIVISION]).id
    linden = ByHand(city)
    token = linden.token(agreement)

    def slower_for_the_known(request: Received) -> None:
        if BO["idNumber"].encode() in request.body:
            time.sleep(SLOWER_S)

    city.department.on_request = slower_for_the_known

    def ask(person: str) -> requests.Response:
        return linden.query(agreement, token, subject={"scheme": SCHEME, "id": person})

    asked = {"elsewhere": lambda: ask(BO["idNumber"]), "unknown": lambda: ask(NOBODY)}
    found = alike(asked, "outside_jurisdiction")
    assert min(map(min, found.values())) >= BEAT_S


@pytest.mark.torture
@pytest.mark.parametrize("shared_city", ["sqlite"], indirect=True)
def test_nobody_learns_by_the_clock_what_others_agreed_on(city: City) -> None:
    theirs, own = city.cast.agreement().id, city.cast.agreement(consumer=MAPLE).id
    ended = city.cast.agreement().id
    city.cast.deps.agreements.terminate(city.cast.caller("street-linden"), ended, "purpose_met")
    maple = ByHand(city, MAPLE)
    token = maple.token(own)
    absent = "agr_01KAR3" + "0" * 20
    asked = {"others'": theirs, "ended": ended, "absent": absent}
    alike({name: partial(maple.query, at, token) for name, at in asked.items()}, "no_agreement")
