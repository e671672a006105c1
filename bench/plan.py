"""What is measured in one run: which payloads at how many connections, for whom, and in how many rounds at least."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bench.measure import Target

EVERYBODY: Sequence[str] = ("*",)
PLAIN, OURS = ("direct", "nginx proxy_pass", "tongqu"), ("direct", "tongqu")


@dataclass(frozen=True, slots=True)
class Group:
    """Measured together, one after the other, in ``rounds`` rounds or more. ``stores`` and ``processes``: of Tongqu."""

    payload: str
    connections: int
    systems: Sequence[str]
    rounds: int
    seconds: float
    stores: Sequence[str] = EVERYBODY
    processes: Sequence[int] = (1, 2)

    @property
    def at_least_s(self) -> float:
        """What a round takes at the very least: when it is not known yet."""
        return 2 * (self.seconds + 1) * len(self.systems)

    def wants(self, target: Target) -> bool:
        return (
            target.payload == self.payload
            and ("*" in self.systems or target.system in self.systems)
            and ("*" in self.stores or target.store in (*self.stores, "-"))
            and (target.system != "tongqu" or target.processes in self.processes)
        )


# Both numbers of processes where they differ most; elsewhere the time goes into more slices of one of them.
SHORT = (
    Group("1k", 64, EVERYBODY, 6, 0.4),
    Group("1k", 1, PLAIN, 5, 0.4, ("sqlite",), (1,)),
    Group("1k", 16, PLAIN, 5, 0.4, ("sqlite",), (2,)),
    Group("1k", 256, PLAIN, 5, 0.5, ("sqlite",), (2,)),
    Group("page", 64, OURS, 5, 0.6, ("sqlite",), (2,)),
    Group("slow", 500, OURS, 4, 0.8, ("sqlite",), (2,)),
    Group("steady", 5000, OURS, 2, 0.5, ("sqlite",)),
)
FULL = (
    *(Group("1k", connections, EVERYBODY, 15, 1.5) for connections in (1, 16, 64, 256)),
    *(Group("page", connections, OURS, 9, 1.5) for connections in (1, 16, 64, 256)),
    Group("1k-kept", 64, ("tongqu",), 3, 5.0),
    Group("1k-plain", 64, ("tongqu",), 3, 5.0),
    Group("slow", 500, OURS, 3, 8.0),
    Group("slow", 5000, OURS, 3, 10.0),
    Group("steady", 5000, OURS, 3, 10.0),
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
                self.rounds or each.rounds,
                self.seconds or each.seconds,
                each.stores,
                tuple(self.processes) or each.processes,
            )
            for each in plan
            if (not self.connections or each.connections in self.connections)
            and (not self.payloads or each.payload in self.payloads)
        ]

    def has(self, system: str) -> bool:
        return not self.systems or any(system.startswith(each) for each in self.systems)
