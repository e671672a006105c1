"""One measurement: a system, a number of connections, a payload, some seconds → one row of the results."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.load import Load, Outcome, run
from bench.machine import Cores, cores, cpu_s, used

WARM_S = 1.0
SETTLE_S = 0.1  # of a system that was warm before: connections are opened, caches filled
IDLE = 0.2  # a machine that idles this much or more had enough for all, whatever others took
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
    taken: float = 0.0  # the share of all cores that went to programs other than ours, and to other guests of the host
    idle: float = 0.0  # the share that nobody used
    beside: Mapping[str, float] = field(default_factory=dict)  # what others reached just before and after (fair_qps)

    @property
    def fair_qps(self) -> float:
        """Throughput as it would have been with all cores: what others took is added in proportion, unless the machine
        had time to spare."""
        return self.qps / (1 - min(0.9, self.taken) * max(0.0, 1 - self.idle / IDLE))

    def to_dict(self) -> dict[str, Any]:
        members = {name: value for name, value in asdict(self).items() if name != "beside"}
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in members.items()}


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


def measure(target: Target, connections: int, seconds: float, rate: float = 0.0) -> tuple[Row, Outcome]:
    """Warm up, make the requests, then measure. ``rate``: queries a second of a system that is warm already."""
    rate, settle_s = (rate, SETTLE_S) if rate else (warm(target, connections), 0.0)
    count = connections if target.again else max(FEWEST, 2 * connections, int(rate * (seconds + settle_s) * SPARE))
    requests = target.make(count)
    whole, ours = cores(), _ours(target)
    before, store_before = _cpu(target.pids), _cpu(target.store_pids)
    outcome = run(Load(target.port, requests, connections, seconds, target.holds, target.again, settle_s=settle_s))
    spent, store_spent = _cpu(target.pids) - before, _cpu(target.store_pids) - store_before
    taken, idle = _shares(whole, cores(), _ours(target) - ours)
    answered = len(outcome.latencies) + outcome.early or 1
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
        taken,
        idle,
    )
    return row, outcome


def warm(target: Target, connections: int) -> float:
    """Queries a second, roughly; so that connections, caches and pools of the system are as in daily use."""
    count = max(FEWEST, 2 * connections)
    outcome = run(Load(target.port, target.make(count), connections, WARM_S, target.holds, target.again))
    if outcome.errors and not outcome.latencies:
        raise RuntimeError(f"{target.system} answers nothing right: {outcome.errors}")
    return outcome.per_second


def _ours(target: Target) -> float:
    """CPU seconds of everything that this benchmark runs. Most of it descends from this process, servers may not."""
    return cpu_s([os.getpid(), *target.pids, *target.store_pids])


def _shares(before: Cores, after: Cores, ours_s: float) -> tuple[float, float]:
    """What others took of the cores in between, and what was idle."""
    idle_s, worked_s = after.idle_s - before.idle_s, after.worked_s - before.worked_s
    whole_s = idle_s + worked_s or 1.0
    return max(0.0, worked_s - ours_s) / whole_s, idle_s / whole_s


def _cpu(pids: Sequence[int]) -> float:
    return cpu_s(pids)
