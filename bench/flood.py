"""Does one consumer that floods slow another? ``python -m bench flood``.

The neighbour asks calmly, in short blocks: alone, beside a consumer that sends ten times what its limit allows, alone
again, and so on, so that whatever else the machine does meets both. Each sends at its own pace, from a process of its
own, and a request that is late counts from the moment it was due. The neighbour's moments are drawn anew, each within
its own stretch of time: at even distances it would meet the flood's queries, which are begun at even distances, always
or never.

All blocks of a kind are looked at together. The interval comes from the bootstrap: pairs of blocks drawn again and
again, with replacement.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from statistics import mean
from urllib.parse import urlsplit

from bench import proofs
from bench.city import City
from bench.load import Load, run
from bench.scene import scene

LIMIT = 100  # queries a second that each client may send
TIMES = 10  # so many times that limit is what the flooding one sends
CALM = 80  # queries a second of the neighbour
CONNECTIONS = 64
SETTLE_S = 0.5  # connections are opened and the first queries asked before the neighbour is looked at
BEGUN_S = 1.0  # the flood is under way for so long before the neighbour is looked at: its burst is over by then
RECEIPT = b'"receipt"'
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Pair:
    """One block of the neighbour alone, and one beside the flood. Latencies in milliseconds."""

    alone: Sequence[float]
    beside: Sequence[float]
    neighbour_errors: int
    answered: float  # of the flood, per second
    refused: float


def rounds(number: int, seconds: float) -> Iterator[Pair]:
    with scene({"sqlite": ""}) as stage:
        place = stage.cities["sqlite"]
        limits = f"queries_per_second_per_client = {LIMIT}\nburst_per_client = {LIMIT}"
        with place.served(more=limits):
            _round(place, stage.makers, seconds)  # caches and pools as in daily use
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
        alone=[latency * 1e3 for latency in alone.latencies],
        beside=[latency * 1e3 for latency in beside.latencies],
        neighbour_errors=sum(alone.errors.values()) + sum(beside.errors.values()),
        answered=len(flood.latencies) / pressing.seconds,
        refused=flood.errors.get("status 429", 0) / pressing.seconds,
    )


def _neighbour(place: City, makers: Executor, seconds: float) -> Load:
    return replace(_load(place.as_neighbour(), "neighbour", makers, seconds, CALM), uneven=True)


def _flood(place: City, makers: Executor, seconds: float) -> Load:
    return _load(place, "1k", makers, seconds, LIMIT * TIMES)


def _load(place: City, question: str, makers: Executor, seconds: float, per_second: float) -> Load:
    requests = proofs.make(
        place, place.questions[question], int(per_second * (seconds + SETTLE_S)) + CONNECTIONS, makers
    )
    return Load(
        urlsplit(place.url).port or 0, requests, CONNECTIONS, seconds, RECEIPT, per_second=per_second, settle_s=SETTLE_S
    )


def percentile(blocks: Sequence[Sequence[float]], share: float) -> float:
    """Of all latencies of these blocks together."""
    ordered = sorted(latency for block in blocks for latency in block)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def rise(pairs: Sequence[Pair], share: float = 0.99) -> float:
    """By what share the flood raises this percentile of the neighbour."""
    alone, beside = [pair.alone for pair in pairs], [pair.beside for pair in pairs]
    return percentile(beside, share) / percentile(alone, share) - 1


def interval(pairs: Sequence[Pair], draws: int = DRAWS) -> tuple[float, float]:
    """Within which the rise of the 99th percentile lies, with 95 % certainty."""
    chosen = random.Random(0)  # noqa: S311  # so that the same blocks give the same interval
    found = sorted(rise(chosen.choices(pairs, k=len(pairs))) for _ in range(draws))
    return found[int(0.025 * draws)], found[int(0.975 * draws)]


def told(pairs: Sequence[Pair]) -> str:
    """The percentiles, and by how much the flood raised the neighbour's 99th."""
    both = [pair.alone for pair in pairs], [pair.beside for pair in pairs]
    (calm, pressed), (alone, beside) = ([percentile(blocks, share) for blocks in both] for share in (0.5, 0.99))
    answered, refused = (mean(getattr(pair, name) for pair in pairs) for name in ("answered", "refused"))
    sure = ""
    if len(pairs) > 1:
        low, high = interval(pairs)
        sure = f", 95 %: {low:+.0%} to {high:+.0%}"
    return (
        f"neighbour, {CALM}/s: p50 {calm:.1f} → {pressed:.1f} ms, p99 {alone:.1f} → {beside:.1f} ms "
        f"({beside / alone - 1:+.0%}{sure}), {sum(pair.neighbour_errors for pair in pairs)} errors · "
        f"flood, {LIMIT * TIMES}/s at a limit of {LIMIT}/s: {answered:.0f} answered and {refused:.0f} refused a second"
    )
