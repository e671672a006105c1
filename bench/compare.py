"""Everybody stands up, then the groups of the plan are visited, each several times: a visit is a block of turns."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from bench import peers as standing
from bench import postgres, scene
from bench.cases import Case, Visit, at_most, judged, reference
from bench.machine import DidNotStart, cpu_s, free_port
from bench.measure import Target, warm
from bench.peers.everyone import peers
from bench.plan import Choice, Group
from bench.scene import Scene
from bench.turns import Block, Player, block, prepare

PAYLOADS = ("1k", "1k-plain", "1k-kept", "page", "slow", "steady")
POSTGRES_SETTINGS = ("shared_buffers=128MB",)  # durable, as anybody would run it: fsync is on
ON_NODE = ("express-gateway", "fastify")  # they compile what is asked often
REST_S = 1.0  # what a gateway puts off while it is asked is done by then
RESTING_S = 2.0  # so long everybody is looked at while nobody asks anything
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run found."""

    cases: Sequence[Case]
    visits: Sequence[Visit]
    left_out: Sequence[str]


@dataclass(slots=True)
class Stand:
    """Who is running, and who could not be had, with a word why."""

    targets: list[Target] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def run(
    groups: Sequence[Group], choice: Choice, budget_s: float, say: Say, step: Callable[[int, int], None]
) -> Measured:
    """``step`` is told the seconds that are over, and of how many."""
    began = time.monotonic()
    with ExitStack() as stack:
        stand = _stand(stack, choice, say)
        asked = [each for each in groups if any(each.wants(target) for target in stand.targets)]
        measuring = _Measuring(stand, asked, say)
        measuring.warm()
        while (left_s := began + budget_s - time.monotonic()) > 0 and measuring.visit(left_s):
            step(int(time.monotonic() - began), int(budget_s))
        visits = measuring.visiting.finished()
    return Measured(judged(visits), visits, list(dict.fromkeys(stand.left_out)))


class _Measuring:
    def __init__(self, stand: Stand, groups: Sequence[Group], say: Say) -> None:
        self._stand, self._groups, self._say = stand, groups, say
        self._players: dict[Group, list[Player]] = {}
        self._visited: dict[Group, int] = defaultdict(int)
        self.visiting = Visiting()

    def warm(self) -> None:
        """Each program once, with the first that is asked of it."""
        rates: dict[int, float] = {}
        for group in self._groups:
            wanted = [target for target in self._stand.targets if group.wants(target)]
            for target in wanted:
                if target.port not in rates:
                    self._say(f"{target.system} {target.store} ×{target.processes} · warm-up")
                    try:
                        rates[target.port] = warm(target, group.connections, compiles=target.system.startswith(ON_NODE))
                    except (RuntimeError, OSError) as error:
                        self._stand.left_out.append(f"{target.system} {target.store}: {error}")
            self._players[group] = players_of(group, [each for each in wanted if each.port in rates], rates)
        _look_at_rest([player for players in self._players.values() for player in players])

    def visit(self, left_s: float) -> bool:
        """The next block: of the group that is furthest behind. False: there is none."""
        behind = [each for each in self._groups if self._visited[each] < each.visits and self._players[each]]
        if not behind:
            return False
        group = min(behind, key=lambda each: (self._visited[each] + 0.5) / each.visits)
        planned = sum((each.visits - self._visited[each]) * each.block_s for each in behind)
        self._say(f"{group.payload} · {group.connections}")
        self._visited[group] += 1
        self.visiting.block(group, self._players[group], group.seconds * min(1.0, left_s / planned))
        return True


class Visiting:
    """Block after block. The CPU of one is known when the requests for the next are made, or after a rest."""

    def __init__(self) -> None:
        self.done: list[Visit] = []
        self._last: tuple[Group, list[Player], Block, list[float], float] | None = None

    def block(self, group: Group, players: list[Player], seconds: float) -> None:
        rounds = prepare(players, seconds)
        self._close()
        before, began = _cpu_s(players), time.monotonic()
        self._last = group, players, block(players, rounds), before, began

    def finished(self) -> list[Visit]:
        time.sleep(REST_S)
        self._close()
        return self.done

    def _close(self) -> None:
        if self._last is None:
            return
        group, players, done, before, began = self._last
        passed_s = time.monotonic() - began
        spent = [late - early for early, late in zip(before, _cpu_s(players), strict=True)]
        for number, player in enumerate(players):  # what it takes at rest is not put off
            own_s = sum(turn.seconds for turn in done.turns if turn.system == number)
            spent[number] -= player.resting * max(0.0, passed_s - own_s)
        place = next((number for number, player in enumerate(players) if player.reference), None)
        self.done.append(Visit(group, [player.target for player in players], place, done, spent))
        self._last = None


def _look_at_rest(players: Sequence[Player]) -> None:
    time.sleep(REST_S)
    before, began = _cpu_s(players), time.monotonic()
    time.sleep(RESTING_S)
    passed_s = time.monotonic() - began
    for player, early, late in zip(players, before, _cpu_s(players), strict=True):
        player.resting = (late - early) / passed_s


def _cpu_s(players: Sequence[Player]) -> list[float]:
    return [cpu_s(player.target.pids) for player in players]


def players_of(group: Group, targets: Sequence[Target], rates: Mapping[int, float]) -> list[Player]:
    """``rates``: queries a second, roughly, by port."""
    place = None if group.turn_s else reference(targets)
    return [
        Player(target, group.connections, at_most(group) or rates[target.port], group.turn_s, number == place)
        for number, target in enumerate(targets)
    ]


def blocks(group: Group, targets: Sequence[Target]) -> list[Visit]:
    """Of these, which are running: as many as the group wants."""
    players = players_of(group, targets, {target.port: warm(target, group.connections) for target in targets})
    visiting = Visiting()
    for _ in range(group.visits):
        visiting.block(group, players, group.seconds)
    return visiting.finished()


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
        stand.targets.append(scene.of_peer(peer, pid, port, stage.stub))


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)
