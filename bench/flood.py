"""Does one consumer that floods slow another? ``python -m bench flood``.

The neighbour asks calmly, at times alone and at times beside a consumer that sends ten times what its limit allows; in
turns, so that whatever else the machine does meets both. Each sends at its own pace, from a process of its own, and a
request that is late counts from the moment it was due.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit

from bench import proofs
from bench.city import City
from bench.load import Load, run
from bench.scene import scene

LIMIT = 100  # queries a second that each client may send
TIMES = 10  # so many times that limit is what the flooding one sends
CALM = 50  # queries a second of the neighbour
CONNECTIONS = 64
SETTLE_S = 0.5  # connections are opened and the first queries asked before the neighbour is looked at
BEGUN_S = 1.0  # the flood is under way for so long before the neighbour is looked at: its burst is over by then
RECEIPT = b'"receipt"'


@dataclass(frozen=True, slots=True)
class Pair:
    """One round: the neighbour alone, and the neighbour beside the flood. Latencies in milliseconds."""

    alone_p50: float
    alone_p99: float
    beside_p50: float
    beside_p99: float
    neighbour_errors: int
    answered: float  # of the flood, per second
    refused: float


def rounds(number: int, seconds: float) -> Iterator[Pair]:
    with scene({"sqlite": ""}) as stage:
        place = stage.cities["sqlite"]
        limits = f"queries_per_second_per_client = {LIMIT}\nburst_per_client = {LIMIT}"
        with place.served(more=limits):
            _round(place, stage.makers, seconds / 2)  # caches and pools as in daily use
            for _ in range(number):
                yield _round(place, stage.makers, seconds)


def _round(place: City, makers: Executor, seconds: float) -> Pair:
    alone = makers.submit(run, _neighbour(place, makers, seconds)).result()
    calm, pressing = _neighbour(place, makers, seconds), _flood(place, makers, seconds + SETTLE_S + 2 * BEGUN_S)
    flooding = makers.submit(run, pressing)
    time.sleep(BEGUN_S)
    beside = makers.submit(run, calm).result()
    flood = flooding.result()
    return Pair(
        *(outcome.percentile(share) * 1e3 for outcome in (alone, beside) for share in (0.5, 0.99)),
        neighbour_errors=sum(alone.errors.values()) + sum(beside.errors.values()),
        answered=len(flood.latencies) / pressing.seconds,
        refused=flood.errors.get("status 429", 0) / pressing.seconds,
    )


def _neighbour(place: City, makers: Executor, seconds: float) -> Load:
    return _load(place.as_neighbour(), "neighbour", makers, seconds, CALM)


def _flood(place: City, makers: Executor, seconds: float) -> Load:
    return _load(place, "1k", makers, seconds, LIMIT * TIMES)


def _load(place: City, question: str, makers: Executor, seconds: float, per_second: float) -> Load:
    requests = proofs.make(
        place, place.questions[question], int(per_second * (seconds + SETTLE_S)) + CONNECTIONS, makers
    )
    return Load(
        urlsplit(place.url).port or 0, requests, CONNECTIONS, seconds, RECEIPT, per_second=per_second, settle_s=SETTLE_S
    )


def told(pairs: list[Pair]) -> str:
    """The medians of the rounds, and by how much the flood raised the neighbour's 99th percentile."""
    alone, beside = (median(getattr(pair, name) for pair in pairs) for name in ("alone_p99", "beside_p99"))
    calm, pressed = (median(getattr(pair, name) for pair in pairs) for name in ("alone_p50", "beside_p50"))
    answered, refused = (median(getattr(pair, name) for pair in pairs) for name in ("answered", "refused"))
    return (
        f"neighbour, {CALM}/s: p50 {calm:.1f} → {pressed:.1f} ms, p99 {alone:.1f} → {beside:.1f} ms "
        f"({beside / alone - 1:+.0%}), {sum(pair.neighbour_errors for pair in pairs)} errors · "
        f"flood, {LIMIT * TIMES}/s at a limit of {LIMIT}/s: {answered:.0f} answered and {refused:.0f} refused a second"
    )
