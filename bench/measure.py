"""One measurement: a system, a number of connections, a payload, some seconds → one row of the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.load import Load, Outcome, run
from bench.machine import Cores, cores, cpu_s, used
from bench.pulse import Pulse

WARM_S, WARM_CONNECTIONS = 0.7, 64
SETTLE_S = (0.1, 0.6)  # before the interval of a system that was warm: each connection has been answered about once
IDLE = 0.2  # a machine that idles this much or more had enough for all, whatever others took
SLOW = ("slow", "steady")  # payloads of a department that lets one wait, while the machine may be idle
LONG = (*SLOW, "page")  # answers that take a good part of an interval: counted from the first to the last
SPARE = 1.6  # so many more requests are made than the warm-up says will be sent
FEWEST = 600
COMPILED_AFTER = 12_000  # requests: the broker on Node.js answers 1,000 a second before and 2,500 after
COMPILED_S = 9.0  # at most

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
    taken: float = (
        0.0  # the share of all cores that went to programs that take no part, and to other guests of the host
    )
    idle: float = 0.0  # the share that nobody used
    pulse_us: float = 0.0  # what a fixed piece of work took meanwhile, see pulse.py; 0: not measured
    slower: float = 1.0  # so many times as long as at the best moments of the run
    beside: Mapping[str, float] = field(default_factory=dict)  # what others reached just before and after (fair_qps)

    @property
    def fair_qps(self) -> float:
        """Throughput as it would have been with all cores at their best: what others took is added in proportion, and
        so is what the host slowed down; but not what a machine with time to spare did not need, nor what was asked of
        a department directly that lets one wait."""
        if self.payload in SLOW and self.system == "direct":
            return self.qps
        short = max(0.0, 1 - self.idle / IDLE)
        slower = self.slower ** (short if self.payload in SLOW else 1.0)
        return self.qps * slower / (1 - min(0.9, self.taken) * short)

    @property
    def case(self) -> tuple[str, int, str, str, int]:
        """What the slices of one case have in common."""
        return self.payload, self.connections, self.system, self.store, self.processes

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
    department_pids: Sequence[int] = ()  # the stub behind it


def measure(
    target: Target, connections: int, seconds: float, rate: float = 0.0, pulse: Pulse | None = None
) -> tuple[Row, Outcome]:
    """Warm up, make the requests, then measure. ``rate``: queries a second of a system that is warm already."""
    settle_s = min(max(SETTLE_S[0], connections / rate), SETTLE_S[1]) if rate else 0.0
    if target.payload in LONG:
        settle_s = 0.0
    rate = rate or warm(target, connections)
    count = max(FEWEST, connections + int(rate * (seconds + settle_s) * SPARE))
    requests = target.make(connections if target.again else count)
    whole, ours = cores(), _ours(target)
    before, store_before = _cpu(target.pids), _cpu(target.store_pids)
    began = time.perf_counter()
    outcome = run(Load(target.port, requests, connections, seconds, target.holds, target.again, settle_s=settle_s))
    ended = time.perf_counter()
    spent, store_spent = _cpu(target.pids) - before, _cpu(target.store_pids) - store_before
    taken, idle = _shares(whole, cores(), _ours(target) - ours)
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
        sum(used(pid).memory for pid in target.pids) / 2**20,
        sum(outcome.errors.values()),
        store_spent / answered * 1e6,
        taken,
        idle,
        pulse.cost_us(began, ended) if pulse else 0.0,
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


def _ours(target: Target) -> float:
    """CPU seconds of what takes part: the load generator, which is this process, the system, and what is behind it.

    What else the benchmark runs counts as others do: a gateway that was measured before may still write its index.
    """
    return time.process_time() + cpu_s([*target.pids, *target.store_pids, *target.department_pids])


def _shares(before: Cores, after: Cores, ours_s: float) -> tuple[float, float]:
    """What others took of the cores in between, and what was idle."""
    idle_s, worked_s = after.idle_s - before.idle_s, after.worked_s - before.worked_s
    whole_s = idle_s + worked_s or 1.0
    return max(0.0, worked_s - ours_s) / whole_s, idle_s / whole_s


def _cpu(pids: Sequence[int]) -> float:
    return cpu_s(pids)
