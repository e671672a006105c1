"""Everybody stands up, then they are measured in rounds, one after the other, so that the machine's moods hit all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from bench import peers as standing
from bench import postgres, scene
from bench.machine import DidNotStart, free_port
from bench.measure import Row, Target, measure
from bench.peers.everyone import peers
from bench.plan import Choice, Group
from bench.scene import Scene

PAYLOADS = ("1k", "1k-plain", "1k-kept", "page", "slow", "steady")
POSTGRES_SETTINGS = ("shared_buffers=128MB",)  # durable, as anybody would run it: fsync is on
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
        cases = list(_in_rounds(groups, stand.targets))
        rows: dict[tuple[int, int], list[Row]] = {}
        for number, (target, group) in enumerate(cases):
            step(number, len(cases))
            if time.monotonic() + 2 * group.seconds + 3 > ends:
                stand.left_out.append(f"{len(cases) - number} of {len(cases)} measurements: the time was up")
                break
            say(f"{target.system} {target.store} ×{target.processes} · {group.payload} · {group.connections}")
            try:
                row, _ = measure(target, group.connections, group.seconds)
            except (RuntimeError, OSError) as error:
                stand.left_out.append(f"{target.system} {target.store} {group.payload} {group.connections}: {error}")
                continue
            rows.setdefault((id(target), group.connections), []).append(row)
        step(len(cases), len(cases))
    return list(rows.values()), list(dict.fromkeys(stand.left_out))


def _in_rounds(groups: Sequence[Group], targets: Sequence[Target]) -> Iterator[tuple[Target, Group]]:
    for number in range(max((group.rounds for group in groups), default=0)):
        for group in groups:
            if number < group.rounds:
                yield from ((target, group) for target in targets if group.wants(target))


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
