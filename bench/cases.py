"""From turns to cases: what was measured of one system at one number of connections, and its ratios to the others.

Each turn is divided by what the reference reached in the turns nearest to it. Where two others are compared, these
quotients of the same round are divided by each other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import estimate
from bench.estimate import Ratio
from bench.measure import SLOW, Row, Target
from bench.plan import Group
from bench.stub import SLOW_S, STEADY_AT_ONCE
from bench.turns import Block, Turn

REFERENCES = ("nginx proxy_pass", "direct")  # the first of these that takes part
GATEWAY = "tongqu"
LIKE_FOR_LIKE = ("sqlite", 2)  # the gateway that is compared with each peer: they have two processes, too
DEPARTMENT = "department"  # what one that lets wait can give
NEAREST = 4  # turns of the reference on each side
MOST_TAKEN = 0.8
AT_ONCE = {"slow": 500, "steady": STEADY_AT_ONCE}

Shares = Mapping[tuple[int, int], float]  # of the reference's throughput, by block and round


@dataclass(frozen=True, slots=True)
class Visit:
    """One block of a group's turns, and who took part. ``reference``: its place among them. ``cpu_s``: of each, from
    the first turn of all to the first of the next block; by then what was put off is done."""

    group: Group
    targets: Sequence[Target]
    reference: int | None
    block: Block
    cpu_s: Sequence[float]


@dataclass(frozen=True, slots=True)
class Case:
    """One system at one number of connections, and its ratio to others beside it."""

    row: Row
    ratios: Mapping[str, Ratio]
    rounds: int


def judged(visits: Sequence[Visit]) -> list[Case]:
    by_group: dict[Group, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_group[visit.group].append(visit)
    return [case for found in by_group.values() for case in _of_group(found)]


def reference(targets: Sequence[Target]) -> int | None:
    """Whom the others are compared with: its place. None: there is nobody to be compared."""
    systems = [target.system for target in targets]
    return next((systems.index(name) for name in REFERENCES if name in systems and len(systems) > 1), None)


def _of_group(visits: Sequence[Visit]) -> list[Case]:
    cases = []
    shares = [_shares(visits, place) for place in range(len(visits[0].targets))]
    charges = [_charge(visits, place) for place in range(len(visits[0].targets))]
    for place, target in enumerate(visits[0].targets):
        row = _row(visits, place)
        if target.payload in SLOW:
            ratios = {DEPARTMENT: _of_department(row.qps, at_most(visits[0].group), _turns(visits, place))}
        else:
            ratios = {
                visits[0].targets[other].system: estimate.ratio(quotients, charges[place] / charges[other])
                for other, quotients in _quotients(visits[0], place, shares).items()
                if quotients
            }
        cases.append(Case(row, ratios, len(_turns(visits, place))))
    return cases


def at_most(group: Group) -> float:
    """What a department that lets one wait can give, a second; 0.0: it does not."""
    return min(group.connections, AT_ONCE[group.payload]) / SLOW_S if group.payload in SLOW else 0.0


def _turns(visits: Sequence[Visit], place: int) -> list[Turn]:
    return [turn for visit in visits for turn in visit.block.turns if turn.system == place]


def _row(visits: Sequence[Visit], place: int) -> Row:
    """All turns together."""
    group, target, turns = visits[0].group, visits[0].targets[place], _turns(visits, place)
    latencies = sorted(latency for turn in turns for latency in turn.latencies)
    answers = sum(turn.answers for turn in turns) or 1
    whole_s = sum(turn.seconds for turn in turns) or 1.0
    counted_s = sum(turn.counted_s for turn in turns) or 1.0

    def percentile_ms(share: float) -> float:
        return latencies[int(share * (len(latencies) - 1))] * 1e3 if latencies else math.nan

    return Row(
        target.system, target.store, target.processes, group.connections, target.payload,
        qps=sum(turn.counted for turn in turns) / counted_s,
        p50_ms=percentile_ms(0.5), p99_ms=percentile_ms(0.99),
        cpu_us=_whole_cpu_s(visits, place) / answers * 1e6,
        rss_mb=max(visit.block.memory_mb[place] for visit in visits),
        errors=sum(sum(turn.errors.values()) for turn in turns),
        store_cpu_us=sum(turn.store_cpu_s for turn in turns) / answers * 1e6,
        taken=sum(turn.taken * turn.seconds for turn in turns) / whole_s,
        idle=sum(turn.idle * turn.seconds for turn in turns) / whole_s,
    )  # fmt: skip


def _whole_cpu_s(visits: Sequence[Visit], place: int) -> float:
    """What it put off until others had their turns is its own, too; the department works for everybody."""
    if visits[0].targets[place].system == "direct":
        return sum(turn.cpu_s for turn in _turns(visits, place))
    return sum(visit.cpu_s[place] for visit in visits)


def _charge(visits: Sequence[Visit], place: int) -> float:
    """What is left of its throughput if it does in its own turns what it put off, as far as these left no core idle."""
    turns, whole_s = _turns(visits, place), _whole_cpu_s(visits, place)
    if not whole_s or visits[0].group.connections == 1:
        return 1.0
    put_off = max(0.0, 1 - sum(turn.cpu_s for turn in turns) / whole_s)
    idle = sum(turn.idle * turn.seconds for turn in turns) / sum(turn.seconds for turn in turns)
    return 1 - put_off * (1 - idle)


def _of_department(qps: float, most: float, turns: Sequence[Turn]) -> Ratio:
    """The mean of whole seconds."""
    seconds = [count / most for turn in turns for count in turn.each_second if count]
    return estimate.ratio(seconds) if seconds else Ratio(qps / most, math.inf)


def _quotients(visit: Visit, place: int, shares: Sequence[Shares]) -> dict[int, list[float]]:
    """By the place of each other that this one is compared with: the reference, and the gateway with its peers."""
    if visit.reference is None or place == visit.reference:
        return {}
    target = visit.targets[place]
    found = {visit.reference: list(shares[place].values())}
    if target.system == GATEWAY and (target.store, target.processes) == LIKE_FOR_LIKE:
        for peer, other in enumerate(visit.targets):
            if other.system not in (*REFERENCES, GATEWAY):
                both = shares[place].keys() & shares[peer].keys()
                found[peer] = [shares[place][when] / shares[peer][when] for when in sorted(both)]
    return found


def _shares(visits: Sequence[Visit], place: int) -> Shares:
    found: dict[tuple[int, int], float] = {}
    for number, visit in enumerate(visits):
        if visit.reference is None:
            continue
        for at, turn in enumerate(visit.block.turns):
            beside = nearest(visit.block.turns, at, visit.reference)
            if turn.system == place and turn.qps and beside:
                found[number, turn.round] = fair_qps(turn) / beside
    return found


def fair_qps(turn: Turn) -> float:
    """What others took of the cores is added in proportion."""
    return turn.qps / (1 - min(MOST_TAKEN, turn.taken))


def nearest(turns: Sequence[Turn], at: int, system: int) -> float:
    """What this system reached in its turns before and after this one, on average; 0.0: it had none."""
    before = [turn for turn in reversed(turns[:at]) if turn.system == system and turn.qps][:NEAREST]
    after = [turn for turn in turns[at + 1 :] if turn.system == system and turn.qps][:NEAREST]
    rates = [fair_qps(turn) for turn in (*before, *after)]
    return sum(rates) / len(rates) if rates else 0.0
