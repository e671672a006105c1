"""What is measured in one run: which payloads at how many connections, for whom, and for how long."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bench.measure import Target

EVERYBODY: Sequence[str] = ("*",)
PLAIN, ADDED, OURS = ("nginx proxy_pass", "tongqu"), ("direct", "nginx proxy_pass", "tongqu"), ("direct", "tongqu")


@dataclass(frozen=True, slots=True)
class Group:
    """Who takes turns with whom. ``visits``: blocks of turns, ``seconds`` each at most. ``stores`` and ``processes``:
    of Tongqu. ``turn_s``: one turn of this length each, instead of many short ones."""

    payload: str
    connections: int
    systems: Sequence[str]
    visits: int
    seconds: float
    stores: Sequence[str] = EVERYBODY
    processes: Sequence[int] = (1, 2)
    turn_s: float = 0.0

    @property
    def block_s(self) -> float:
        """With the making of the proofs."""
        return self.seconds * 1.1 + 1

    def wants(self, target: Target) -> bool:
        return (
            target.payload == self.payload
            and ("*" in self.systems or target.system in self.systems)
            and ("*" in self.stores or target.store in (*self.stores, "-"))
            and (target.system != "tongqu" or target.processes in self.processes)
        )


SHORT = (
    Group("1k", 64, EVERYBODY, 6, 22),
    Group("1k", 1, ADDED, 2, 5, ("sqlite",), (1,)),
    Group("1k", 16, PLAIN, 2, 6, ("sqlite",), (2,)),
    Group("1k", 256, PLAIN, 2, 9, ("sqlite",), (2,)),
    Group("page", 64, OURS, 2, 9, ("sqlite",), (2,)),
    Group("steady", 500, ("tongqu",), 1, 7, ("sqlite",), (2,), turn_s=6),
    Group("steady", 5000, ("tongqu",), 1, 20, ("sqlite",), turn_s=3),
)
FULL = (
    *(Group("1k", connections, EVERYBODY, 12, 30) for connections in (1, 16, 64, 256)),
    *(Group("page", connections, OURS, 6, 20) for connections in (1, 16, 64, 256)),
    Group("1k-kept", 64, ("tongqu",), 3, 10),
    Group("1k-plain", 64, ("tongqu",), 3, 10),
    Group("slow", 500, ("tongqu",), 3, 40, turn_s=8),
    Group("slow", 5000, ("tongqu",), 3, 60, turn_s=10),
    Group("steady", 500, ("tongqu",), 3, 40, turn_s=8),
    Group("steady", 5000, ("tongqu",), 3, 60, turn_s=10),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line leaves of a plan. Empty: everything."""

    systems: Collection[str] = ()
    stores: Collection[str] = ()
    connections: Collection[int] = ()
    payloads: Collection[str] = ()
    processes: Collection[int] = ()
    seconds: float | None = None
    rounds: int | None = None

    def groups(self, plan: Sequence[Group]) -> list[Group]:
        return [
            Group(
                each.payload,
                each.connections,
                each.systems,
                self.rounds or each.visits,
                self.seconds or each.seconds,
                each.stores,
                tuple(self.processes) or each.processes,
                each.turn_s and (self.seconds or each.turn_s),
            )
            for each in plan
            if (not self.connections or each.connections in self.connections)
            and (not self.payloads or each.payload in self.payloads)
        ]

    def has(self, system: str) -> bool:
        return not self.systems or any(system.startswith(each) for each in self.systems)
