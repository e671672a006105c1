"""One measurement: a system, a number of connections, a payload, some seconds → one row of the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.load import Load, Outcome, run
from bench.machine import used

WARM_S = 1.0
SPARE = 1.6  # so many more requests are made than the warm-up says will be sent
FEWEST = 600

Make = Callable[[int], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the results. ``cpu_us`` (per query) and ``rss_mb`` are the system's own, without its database's."""

    system: str
    store: str
    processes: int
    connections: int
    payload: str
    qps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    rss_mb: float
    errors: int
    store_cpu_us: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Target:
    """A running system. ``make(n)`` gives n requests to it; ``again``: they may be sent over and over."""

    system: str
    store: str
    processes: int
    port: int
    pids: Sequence[int]  # its topmost processes
    store_pids: Sequence[int]
    make: Make
    holds: bytes
    again: bool
    payload: str


def measure(target: Target, connections: int, seconds: float) -> tuple[Row, Outcome]:
    """Warm up, make the requests, then measure."""
    rate = _warm(target, connections)
    count = connections if target.again else max(FEWEST, connections, int(rate * seconds * SPARE))
    requests = target.make(count)
    before, store_before = _cpu(target.pids), _cpu(target.store_pids)
    outcome = run(Load(target.port, requests, connections, seconds, target.holds, target.again))
    spent, store_spent = _cpu(target.pids) - before, _cpu(target.store_pids) - store_before
    answered = len(outcome.latencies) or 1
    row = Row(
        target.system,
        target.store,
        target.processes,
        connections,
        target.payload,
        outcome.per_second,
        outcome.percentile(0.5) * 1e3,
        outcome.percentile(0.99) * 1e3,
        spent / answered * 1e6,
        sum(used(pid).memory for pid in target.pids) / 2**20,
        sum(outcome.errors.values()),
        store_spent / answered * 1e6,
    )
    return row, outcome


def _warm(target: Target, connections: int) -> float:
    """Queries a second, roughly; so that connections, caches and pools of the system are as in daily use."""
    count = max(FEWEST, 2 * connections)
    outcome = run(Load(target.port, target.make(count), connections, WARM_S, target.holds, target.again))
    if outcome.errors and not outcome.latencies:
        raise RuntimeError(f"{target.system} answers nothing right: {outcome.errors}")
    return outcome.per_second


def _cpu(pids: Sequence[int]) -> float:
    return sum(used(pid).cpu_s for pid in pids)
