"""Everybody stands up, then they are measured in short slices, one after the other: the machine's moods hit all alike.
What ratios are made against (``BESIDE``) is measured several times in a round, and every second round goes backwards.
When each case has its rounds, what is left of the time goes where it makes the ratios surer.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from bench import estimate, postgres, scene
from bench import peers as standing
from bench.cases import BESIDE, Case, judged
from bench.machine import DidNotStart, free_port
from bench.measure import LONG, SLOW, Row, Target, measure, warm
from bench.peers.everyone import peers
from bench.plan import Choice, Group
from bench.pulse import Pulse
from bench.scene import Scene

PAYLOADS = ("1k", "1k-plain", "1k-kept", "page", "slow", "steady")
POSTGRES_SETTINGS = ("shared_buffers=128MB",)  # durable, as anybody would run it: fsync is on
APART = 4  # so many others at most between two slices of a reference
SHORTER = 0.6  # their slices, as a share of the others'
SLACK = 1.2  # a round is begun when this many times what its last one took is left
ENOUGH = 0.03  # an interval so narrow needs no further slices
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run found. ``rounds``: all slices in the order in which they were measured."""

    cases: Sequence[Case]
    rounds: Sequence[Sequence[Row]]
    best_us: float  # see Pulse
    left_out: Sequence[str]


@dataclass(slots=True)
class Stand:
    """Who is running, and who could not be had, with a word why."""

    targets: list[Target] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    pulse: Pulse | None = None


def run(
    groups: Sequence[Group], choice: Choice, budget_s: float, say: Say, step: Callable[[int, int], None]
) -> Measured:
    """``step`` is told the seconds that are over, and of how many."""
    began = time.monotonic()
    with ExitStack() as stack:
        stand = _stand(stack, choice, say)
        measuring = _Measuring(stand, began + budget_s, say)
        asked = [each for each in groups if any(each.wants(target) for target in stand.targets)]
        while (group := measuring.next_of(asked, fixed=choice.rounds is not None)) is not None:
            step(int(time.monotonic() - began), int(budget_s))
            measuring.round(group)
        stand.left_out += [
            f"{each.payload} {each.connections}: {each.rounds - len(done)} of {each.rounds} rounds: the time was up"
            for each in asked
            if len(done := measuring.done[each]) < each.rounds
        ]
        best_us = measuring.best_us()
    cases = judged(measuring.rounds, best_us)
    return Measured(cases, measuring.rounds, best_us, list(dict.fromkeys(stand.left_out)))


class _Measuring:
    def __init__(self, stand: Stand, ends: float, say: Say) -> None:
        self._stand, self._ends, self._say = stand, ends, say
        self._rates: dict[int, dict[int, float]] = {}  # of who is warm: by target, then by connections
        self._seconds: dict[Group, float] = {}  # what its last round took, warming up left out
        self.done: dict[Group, list[list[Row]]] = defaultdict(list)
        self.rounds: list[list[Row]] = []

    def best_us(self) -> float:
        return self._stand.pulse.best_us() if self._stand.pulse else 0.0

    def next_of(self, groups: Sequence[Group], *, fixed: bool) -> Group | None:
        """Whose turn it is: first everybody's own number of rounds; then (unless ``fixed``) whoever has the ratios that
        a second more narrows most. None when the time or the work is over."""
        left_s = self._ends - time.monotonic()
        fitting = [each for each in groups if self._seconds.get(each, each.at_least_s) * SLACK < left_s]
        if due := [each for each in fitting if len(self.done[each]) < each.rounds]:
            return min(due, key=lambda each: len(self.done[each]) / each.rounds)
        if fixed or not fitting:
            return None
        unsure = self._unsure()
        gains = {
            each: estimate.gain(unsure[each], len(self.done[each]), self._seconds[each])
            for each in fitting
            if unsure.get(each)
        }
        return max(gains, key=lambda each: gains[each]) if gains else None

    def _unsure(self) -> dict[Group, list[float]]:
        """The intervals of each group's ratios that are not narrow yet."""
        found: dict[Group, list[float]] = defaultdict(list)
        cases = judged(self.rounds, self.best_us())
        for group in self.done:
            for case in cases:
                if (group.payload, group.connections) == (case.middle.payload, case.middle.connections):
                    found[group] += [ratio.within for ratio in case.ratios.values() if ratio.within > ENOUGH]
        return found

    def round(self, group: Group) -> None:
        """Each target of the group once, the references between; every second round goes backwards."""
        rows: list[Row] = []
        targets = [target for target in self._stand.targets if group.wants(target)]
        if group.payload in SLOW and self.done[group]:  # the department's own pace does not depend on the machine
            targets = [target for target in targets if target.system not in BESIDE]
        began = time.monotonic()
        for target in in_order(targets, backwards=len(self.done[group]) % 2 == 1):
            if time.monotonic() > self._ends:
                break
            try:
                rows.append(self._slice(target, group))
            except (RuntimeError, OSError) as error:
                self._stand.left_out.append(
                    f"{target.system} {target.store} {group.payload} {group.connections}: {error}"
                )
        self._seconds[group] = time.monotonic() - began
        self.done[group].append(rows)
        self.rounds.append(rows)

    def _slice(self, target: Target, group: Group) -> Row:
        self._say(f"{target.system} {target.store} ×{target.processes} · {target.payload} · {group.connections}")
        rates = self._rates.setdefault(id(target), {})
        if not rates:
            rates[0] = warm(target, group.connections, compiles=target.system not in BESIDE)
        rate = rates.get(group.connections) or max(rates.values())
        seconds = group.seconds * (SHORTER if target.system in BESIDE and target.payload not in LONG else 1)
        row, _ = measure(target, group.connections, seconds, rate, self._stand.pulse)
        rates[group.connections] = max(row.qps, 1.0)
        return row


def in_order(targets: Sequence[Target], *, backwards: bool = False) -> list[Target]:
    """Who is measured after whom: the references first, after every fourth of the others, and last; only first if the
    department is what one waits for."""
    beside = [target for target in targets if target.system in BESIDE]
    others = [target for target in targets if target.system not in BESIDE]
    order = list(beside)
    for number, target in enumerate(others, 1):
        order.append(target)
        if target.payload not in SLOW and (number % APART == 0 or number == len(others)):
            order += beside
    return order[::-1] if backwards else order


# ── who stands up ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _stand(stack: ExitStack, choice: Choice, say: Say) -> Stand:
    stand = Stand()
    say("the city · 示范城市")
    servers, urls = _stores(stack, choice, stand)
    stage = stack.enter_context(scene.scene(urls))
    if choice.has("direct"):
        stand.targets += [stage.direct(payload) for payload in ("1k", "page", "slow", "steady")]
    _peers(stack, stage, choice, stand, say)
    for name in urls:
        say(f"gateway · {name}")
        _gateway(stack, stage, name, servers, stand)
    stand.pulse = stack.enter_context(Pulse.beating(stage.folder))
    return stand


def _stores(stack: ExitStack, choice: Choice, stand: Stand) -> tuple[dict[str, int], dict[str, str]]:
    """PostgreSQL's process by store, and the address of each installation's database, as "store ×processes"."""
    servers: dict[str, int] = {}
    urls: dict[str, str] = {}
    if not choice.has("tongqu"):
        return servers, urls
    for store in choice.stores or ("sqlite", "postgresql"):
        for workers in choice.processes or (1, 2):
            name = f"{store} ×{workers}"
            if store == "sqlite":
                urls[name] = ""
                continue
            try:
                if not servers:
                    folder, servers["postgresql"] = stack.enter_context(scene.postgresql(POSTGRES_SETTINGS))
                urls[name] = scene.database(folder, f"tongqu{workers}")
            except postgres.PostgresMissing as error:
                stand.left_out.append(f"PostgreSQL: {error}")
                return servers, urls
    return servers, urls


def _gateway(stack: ExitStack, stage: Scene, name: str, servers: dict[str, int], stand: Stand) -> None:
    store, _, workers = name.partition(" ×")
    try:
        running = stack.enter_context(stage.cities[name].served(int(workers)))
    except DidNotStart as error:
        stand.left_out.append(f"tongqu {name}: {error}")
        return
    for payload in PAYLOADS:
        target = stage.tongqu(name, running, payload, int(workers))
        stand.targets.append(replace(target, store=store, store_pids=[servers[store]] if store in servers else []))


def _peers(stack: ExitStack, stage: Scene, choice: Choice, stand: Stand, say: Say) -> None:
    for peer in peers():
        if not choice.has(peer.name):
            continue
        say(peer.name)
        folder, port = stage.folder / f"peer-{_plain(peer.name)}", free_port()
        folder.mkdir()
        try:
            pid = peer.start(folder, f"http://127.0.0.1:{stage.stub_port}", port)
        except standing.NotInstallable as error:
            stand.left_out.append(f"{peer.name}: {error}")
            continue
        stack.callback(peer.stop)
        stand.targets.append(scene.of_peer(peer, pid, port, stage.stub))


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)
