"""Everybody stands up, then they are measured in short slices, one after the other: the machine's moods hit all alike.
What ratios are made against (``BESIDE``) is measured again between any two others, and every second round goes
backwards; each slice is compared with those just before and after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from bench import peers as standing
from bench import postgres, scene
from bench.machine import DidNotStart, free_port
from bench.measure import Row, Target, measure, warm
from bench.peers.everyone import peers
from bench.plan import Choice, Group
from bench.scene import Scene
from bench.table import BESIDE

PAYLOADS = ("1k", "1k-plain", "1k-kept", "page", "slow", "steady")
POSTGRES_SETTINGS = ("shared_buffers=128MB",)  # durable, as anybody would run it: fsync is on
SHORTER = 0.5  # the slices of references between others, as a share
Say = Callable[[str], None]


@dataclass(slots=True)
class Stand:
    """Who is running, and who could not be had, with a word why."""

    targets: list[Target] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def run(
    groups: Sequence[Group], choice: Choice, budget_s: float, say: Say, step: Callable[[int, int], None]
) -> tuple[list[list[Row]], list[str]]:
    """The rows of each measured case, one per round; and what was left out. ``step``: done, of how many."""
    ends = time.monotonic() + budget_s
    with ExitStack() as stack:
        stand = _stand(stack, choice, say)
        measuring = _Measuring(stand, ends, say)
        rounds = [
            (number, group)
            for number in range(max((group.rounds for group in groups), default=0))
            for group in groups
            if number < group.rounds
        ]
        for done, (number, group) in enumerate(rounds):
            step(done, len(rounds))
            if not measuring.round(group, backwards=number % 2 == 1):
                stand.left_out.append(f"{len(rounds) - done} of {len(rounds)} rounds: the time was up")
                break
        step(len(rounds), len(rounds))
    return list(measuring.rows.values()), list(dict.fromkeys(stand.left_out))


class _Measuring:
    def __init__(self, stand: Stand, ends: float, say: Say) -> None:
        self._stand, self._ends, self._say = stand, ends, say
        self._rates: dict[int, dict[int, float]] = {}  # of who is warm: by target, then by connections
        self.rows: dict[tuple[int, int], list[Row]] = {}

    def round(self, group: Group, *, backwards: bool) -> bool:
        """Each target of the group once, the references between. False when there is no time left."""
        measured: list[tuple[Target, Row]] = []
        for target, seconds in in_order([t for t in self._stand.targets if group.wants(t)], group.seconds, backwards):
            if time.monotonic() + 2 * group.seconds + 2 > self._ends:
                return False
            try:
                measured.append((target, self._slice(target, group.connections, seconds)))
            except (RuntimeError, OSError) as error:
                self._stand.left_out.append(
                    f"{target.system} {target.store} {group.payload} {group.connections}: {error}"
                )
        rows = [row for _, row in measured]
        for place, (target, row) in enumerate(measured):
            beside = nearest(rows, place)
            self.rows.setdefault((id(target), group.connections), []).append(replace(row, beside=beside))
        return True

    def _slice(self, target: Target, connections: int, seconds: float) -> Row:
        self._say(f"{target.system} {target.store} ×{target.processes} · {target.payload} · {connections}")
        rates = self._rates.setdefault(id(target), {})
        if not rates:
            rates[connections] = warm(target, connections) or 1.0
        row, _ = measure(target, connections, seconds, rates.get(connections) or max(rates.values()))
        rates[connections] = max(row.qps, 1.0)
        return row


def in_order(targets: Sequence[Target], seconds: float, backwards: bool) -> list[tuple[Target, float]]:
    """Who is measured for how long: between any two others one of the references, in turns, and at both ends."""
    beside = [target for target in targets if target.system in BESIDE]
    others = [target for target in targets if target.system not in BESIDE]
    order: list[tuple[Target, float]] = [(target, seconds) for target in beside]
    for number, target in enumerate(others):
        order.append((target, seconds))
        if beside:
            order.append((beside[number % len(beside)], seconds * SHORTER))
    return order[::-1] if backwards else order


def nearest(rows: Sequence[Row], place: int) -> Mapping[str, float]:
    """What each reference reached in its slices just before and just after this one, on average."""
    found: dict[str, float] = {}
    for system in BESIDE:
        before = next((row.fair_qps for row in reversed(rows[:place]) if row.system == system and row.qps), None)
        after = next((row.fair_qps for row in rows[place + 1 :] if row.system == system and row.qps), None)
        if both := [rate for rate in (before, after) if rate is not None]:
            found[system] = sum(both) / len(both)
    return found


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
        stand.targets.append(scene.of_peer(peer, pid, port))


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)
