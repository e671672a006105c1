"""Systems take turns, round after round, in an order drawn anew each time; a turn is a few tenths of a second.

The reference of a ratio has a short turn between every two others. Of a turn those answers count that come after twice
as many as there are connections: by then a system works as it would for hours. Connections are opened before the turn
and closed after it, since some servers close what is idle; what that takes is not counted. Where a department lets one
wait, each has one turn, long enough for all that wait.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import uvloop

from bench.load import Load, play, undisturbed
from bench.machine import Cores, Tree, cores, memory_mb
from bench.measure import Target

ANSWERED = 10  # so many times each connection is answered in a turn
SETTLED = 2  # so many answers on each connection before answers count: at first its code and data are in no cache
SHORTEST_S, LONGEST_S = 0.5, 1.0
REFERENCE_S = 0.1
UNEVEN = 0.25  # the length of each turn is drawn anew, so much up or down: some of what disturbs is periodic
SPARE = 1.5  # so many more requests are made than the last rate says will be sent
FEWEST = 200
OPENING_S = 0.01  # what a turn takes beside itself


@dataclass(frozen=True, slots=True)
class Turn:
    """What one system did in one turn."""

    system: int  # its place among the players
    round: int
    began: float
    seconds: float  # from the opening of the connections to the last answer
    qps: float  # 0.0: nothing was counted
    counted: int
    counted_s: float
    answers: int  # right ones, all of them
    errors: Mapping[str, int]
    latencies: Sequence[float]  # of those counted
    each_second: Sequence[int]  # answers in each whole second that counts
    cpu_s: float  # of its own processes
    store_cpu_s: float
    idle: float  # the share of all cores that nobody used
    taken: float  # the share that went to programs that take no part in this turn, and to other guests of the host


@dataclass(slots=True)
class Player:
    """One of those who take turns."""

    target: Target
    connections: int
    rate: float  # queries a second, as of late
    fixed_s: float = 0.0  # the length of its turn, where each has one
    reference: bool = False
    resting: float = 0.0  # the share of a core that it takes while nobody asks it anything
    requests: Iterator[bytes] = field(default_factory=lambda: iter(()))

    @property
    def turn_s(self) -> float:
        """On average."""
        if self.reference:
            return REFERENCE_S
        return self.fixed_s or min(max(SHORTEST_S, ANSWERED * self.connections / self.rate), LONGEST_S)

    def prepare(self, seconds: float) -> None:
        """Make the requests for so many seconds of turns."""
        if self.target.again:
            made = self.target.make(self.connections)
            self.requests = chain.from_iterable(iter(lambda: made, None))
        else:
            self.requests = iter(self.target.make(self.connections + FEWEST + int(self.rate * seconds * SPARE)))

    def load(self, chosen: random.Random) -> Load:
        seconds = self.turn_s * (1 if self.fixed_s else chosen.uniform(1 - UNEVEN, 1 + UNEVEN))
        settled_by = int(self.rate) if self.fixed_s else SETTLED * self.connections  # a second, or twice each
        return Load(
            self.target.port, self.requests, self.connections, seconds, self.target.holds, settled_by=settled_by
        )


@dataclass(frozen=True, slots=True)
class Block:
    """Some rounds, one after the other. ``memory_mb``, by place of the player: at the end of its last turn, or when all
    its connections wait."""

    turns: Sequence[Turn]
    memory_mb: Sequence[float]


def prepare(players: Sequence[Player], seconds: float) -> int:
    """Make the requests for about so many seconds of turns; returns for how many rounds."""
    number = {place: order(players, random.Random(0)).count(place) for place in range(len(players))}  # noqa: S311
    round_s = sum((player.turn_s + OPENING_S) * number[place] for place, player in enumerate(players))
    rounds = 1 if any(player.fixed_s for player in players) else max(1, round(seconds / round_s))
    for place, player in enumerate(players):
        player.prepare(player.turn_s * number[place] * rounds)
    return rounds


def block(players: Sequence[Player], rounds: int) -> Block:
    """Those rounds, at once: what was prepared is good for a minute."""
    trees = [(Tree(player.target.pids), Tree(player.target.store_pids)) for player in players]
    with undisturbed():
        return Block(*uvloop.run(_rounds(players, trees, rounds, random.Random())))  # noqa: S311  # an order, no secret


def order(players: Sequence[Player], chosen: random.Random) -> list[int]:
    """Who has a turn after whom in one round: the others in any order, the reference before each of them."""
    others = [place for place, player in enumerate(players) if not player.reference]
    references = [place for place, player in enumerate(players) if player.reference]
    chosen.shuffle(others)
    return [place for other in others for place in (*references, other)]


async def _rounds(
    players: Sequence[Player], trees: Sequence[tuple[Tree, Tree]], rounds: int, chosen: random.Random
) -> tuple[list[Turn], list[float]]:
    turns, used = [], [0.0] * len(players)
    loop = asyncio.get_running_loop()
    for number in range(rounds):
        for place in order(players, chosen):
            player = players[place]

            def look(place: int = place) -> None:
                used[place] = memory_mb(players[place].target.pids)

            load = player.load(chosen)
            if player.fixed_s:
                loop.call_later(load.seconds, look)
            turns.append(await _turn(place, number, player, load, trees[place]))
            if number == rounds - 1 and not player.fixed_s:
                look()
    for place, player in enumerate(players):
        mine = [turn for turn in turns if turn.system == place]
        if (counted_s := sum(turn.counted_s for turn in mine)) > 0:
            player.rate = sum(turn.counted for turn in mine) / counted_s
    return turns, used


async def _turn(place: int, number: int, player: Player, load: Load, trees: tuple[Tree, Tree]) -> Turn:
    own, store = trees
    department = Tree([pid for pid in player.target.department_pids if pid not in player.target.pids], deep=False)
    clocks = (own.cpu_s, store.cpu_s, department.cpu_s, time.process_time)
    whole, before, began = cores(), [clock() for clock in clocks], time.perf_counter()
    outcome = await play(load)
    seconds = time.perf_counter() - began
    spent = [clock() - early for clock, early in zip(clocks, before, strict=True)]
    idle, taken = _shares(cores() - whole, sum(spent))
    counted, counted_s = outcome.within, outcome.within_s
    if player.fixed_s:
        counted, counted_s = len(outcome.latencies), outcome.settled_s
    rate = counted / counted_s if counted_s else 0.0
    answers = outcome.early + len(outcome.latencies)
    return Turn(
        place, number, began, seconds, rate, counted, counted_s, answers, outcome.errors, outcome.latencies,
        _each_second(outcome.times), spent[0], spent[1], idle, taken,
    )  # fmt: skip


def _shares(passed: Cores, ours_s: float) -> tuple[float, float]:
    """What nobody used of the cores, and what others took: whoever takes no part in this turn is another."""
    whole_s = passed.idle_s + passed.worked_s or 1.0
    return passed.idle_s / whole_s, max(0.0, passed.worked_s - ours_s) / whole_s


def _each_second(times: Sequence[float]) -> list[int]:
    counts = [0] * (int(times[-1] - times[0]) + 1) if times else []
    for each in times:
        counts[int(each - times[0])] += 1
    return counts[:-1]  # the last is not whole
