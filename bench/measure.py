"""One measurement: a system, a number of connections, a payload, some seconds → one row of the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.load import Load, Outcome, run
from bench.machine import cpu_s, memory_mb

WARM_S, WARM_CONNECTIONS = 0.7, 64
SLOW = ("slow", "steady")  # payloads of a department that lets one wait, while the machine may be idle
LONG = (*SLOW, "page")  # answers that take a good part of an interval: counted from the first to the last
SPARE = 1.6  # so many more requests are made than the warm-up says will be sent
FEWEST = 600
COMPILED_AFTER = 25_000  # requests: until then the broker on Node.js takes less and less of the cores for each
COMPILED_S = 10.0  # at most

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
    taken: float = 0.0  # the share of all cores that others used: programs that take no part, guests of the host
    idle: float = 0.0  # the share that nobody used

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
    department_pids: Sequence[int] = ()  # the stub behind it


def measure(target: Target, connections: int, seconds: float) -> tuple[Row, Outcome]:
    """Warm up, make the requests, then measure one undisturbed interval."""
    count = max(FEWEST, connections + int(warm(target, connections) * seconds * SPARE))
    requests = target.make(connections if target.again else count)
    before, store_before = cpu_s(target.pids), cpu_s(target.store_pids)
    outcome = run(Load(target.port, requests, connections, seconds, target.holds, target.again))
    spent, store_spent = cpu_s(target.pids) - before, cpu_s(target.store_pids) - store_before
    answered = len(outcome.latencies) + outcome.early or 1
    row = Row(
        target.system,
        target.store,
        target.processes,
        connections,
        target.payload,
        outcome.per_second_in_all if target.payload in LONG else outcome.per_second,
        outcome.percentile(0.5) * 1e3,
        outcome.percentile(0.99) * 1e3,
        spent / answered * 1e6,
        memory_mb(target.pids),
        sum(outcome.errors.values()),
        store_spent / answered * 1e6,
    )
    return row, outcome


def warm(target: Target, connections: int, *, compiles: bool = False) -> float:
    """Queries a second, roughly; so that connections, caches and pools of the system are as in daily use, and what it
    compiles while it runs is compiled."""
    connections = min(connections, WARM_CONNECTIONS)
    rate = _warm(target, connections, WARM_S)
    if compiles and target.again and (more_s := min(COMPILED_AFTER / rate, COMPILED_S)) > WARM_S:
        rate = _warm(target, connections, more_s)
    return rate


def _warm(target: Target, connections: int, seconds: float) -> float:
    outcome = run(Load(target.port, target.make(FEWEST), connections, seconds, target.holds, target.again))
    if outcome.errors and not outcome.latencies:
        raise RuntimeError(f"{target.system} answers nothing right: {outcome.errors}")
    return outcome.per_second_in_all or 1.0
