"""Sharing the gateway fairly: how fast one client may ask, how much it may hold, and whose turn it is.

    Rate     a client that asks faster than it may is told when to come back
    Pace     one after the other at even distances
    Shares   of a bounded number of places one client holds at most as many as are free
    Line     who waits is served client by client, in turn, however many of its queries wait
    Room     a few places and the line in front of them, for coroutines
    Company  is a client alone at present, or are there others whom it would keep waiting
    Pressed  who asked faster than it may just now, and how many of its refusals are held back
    Aside    where queries of those who press stand while somebody else's is under way
    Admission    these together, in front of a query

Plain Python without input or output, on one event loop. A client is known here by its token, before anything is
verified, so a refusal costs a few microseconds. What an agreement allows in a day (its quota) is counted elsewhere, in
the log's own transactions.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
import types
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

from gateway.errors import Busy, RateLimited

PLACES: Final = 64  # queries between their token and their durable decision: enough for large groups in one commit
FEW: Final = 2  # of those for one client that is not alone: what a burst of its may keep the others waiting for
RECENT_S: Final = 1.0  # a client that asked within this time is still there
PATIENCE_S: Final = 15.0  # how long a query waits for its turn
# A client that presses stands aside while others' queries are under way, for so many of its distances at most: before a
# query of its is begun, and before each later step. So it keeps about a fifth of its rate, however busy the others are.
BEGUN_AFTER: Final = 4
GONE_ON_AFTER: Final = 1
TOLD_AFTER_S: Final = 1.0  # and a refusal that was held back for so long at most
LINGER_S: Final = 0.02  # at most so long the entries of a client that presses wait to be written with somebody else's
PACED_S: Final = 0.1  # a client that presses has its queries begun at distances of its rate, or of so much at most
HELD_S: Final = (0.25, 0.75)  # how long a refusal for asking too fast is held back, drawn anew each time
HELD_PER_SECOND: Final = 15  # of one client; who brings more has them held for longer,
LONGEST: Final = 4.0  # so many times as long at most
# Held at once; beyond it refusals go out at once. Held ones cost memory, and count among the requests of which asgi.py
# reads only so many: so they are also no more than half of what may be under way.
MAX_HELD: Final = 1_000
_ROUNDING: Final = 1e-6  # of one query: sums of intervals are not exact
CROWD: Final = 8  # queries under way from which on they take each step together
UNKNOWN: Final = ""  # whose token was not seen before shares one place in the round with all others of that kind

T = TypeVar("T")


class Rate:
    """So many a second and so many at once, for each client by itself. ``per_second`` 0: no limit.

    The generic cell rate algorithm: per client one number, the instant at which its bucket is full again.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        self.interval_s = 1 / per_second if per_second else 0.0
        self._slack = self.interval_s * (max(burst, 1) - 1 + _ROUNDING)
        self._full_at: dict[str, float] = {}

    def take(self, client: str, now: float) -> float:
        """0.0: it may go, and this is counted. Else in how many seconds it may; nothing is counted.

        ``now``: seconds of a clock that never goes back.
        """
        if not self.interval_s:
            return 0.0
        full_at = self._full_at.get(client, now)
        if full_at <= now:
            full_at = now
        elif full_at - now > self._slack:
            return full_at - now - self._slack
        self._full_at[client] = full_at + self.interval_s
        return 0.0


class Pace:
    """One after the other at even distances, for each client by itself: what became free while it was held back is not
    used up in one go."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self._next: dict[str, float] = {}

    def wait_s(self, client: str, now: float) -> float:
        """In how many seconds it is this one's time. As many may wait as the rate has let through: its burst."""
        at = max(now, self._next.get(client, now))
        self._next[client] = at + self.interval_s
        return at - now


class Shares:
    """``size`` places. A client gets another one only while it holds fewer than are free.

    So one alone may hold half of them, two a third each, and whoever comes new finds room.
    """

    def __init__(self, size: int) -> None:
        self.free = size
        self._held: dict[str, int] = {}

    def take(self, client: str) -> bool:
        held = self._held.get(client, 0)
        if held >= self.free:
            return False
        self._held[client] = held + 1
        self.free -= 1
        return True

    def held(self, client: str) -> int:
        return self._held.get(client, 0)

    def give_back(self, client: str) -> None:
        self.free += 1
        held = self._held[client]
        if held == 1:
            del self._held[client]
        else:
            self._held[client] = held - 1


class Line(Generic[T]):
    """Who waits, in the order in which they are served: one of each client, then the next of each, and so on.

    Whoever is the n-th of its client is served within n rounds, and a round has one turn for each client that waits.
    """

    def __init__(self) -> None:
        self._of: OrderedDict[str, OrderedDict[T, None]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def join(self, client: str, who: T) -> None:
        self._of.setdefault(client, OrderedDict())[who] = None
        self._length += 1

    def leave(self, client: str, who: T) -> None:
        """It waits no longer; nothing happens if it was served already."""
        mine = self._of.get(client)
        if mine is not None and who in mine:
            del mine[who]
            self._length -= 1
            if not mine:
                del self._of[client]

    def next(self) -> T:
        """Whose turn it is; its client goes to the end of the round. Raises KeyError when nobody waits."""
        client, mine = self._of.popitem(last=False)
        who, _ = mine.popitem(last=False)
        self._length -= 1
        if mine:
            self._of[client] = mine
        return who


class Full(Exception):
    """No place, and no room to wait for one; or the wait was too long."""


class Turn:
    """A place in a room, until ``end``; ending it again does nothing. Both moments in seconds of ``perf_counter``."""

    __slots__ = ("_room", "also", "began", "ended")

    def __init__(self, room: Room) -> None:
        self._room: Room | None = room
        self.also: Turn | None = None  # ends with this one
        self.began = self.ended = time.perf_counter()

    def end(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            self.ended = time.perf_counter()
            room.leave()
            if self.also is not None:
                self.also.end()


class Room:
    """``places`` for coroutines of one event loop. Who finds none waits in line, ``patience_s`` seconds at most."""

    def __init__(self, places: int, max_waiting: int) -> None:
        self._free = places
        self._shares = Shares(max_waiting)
        self._line: Line[asyncio.Future[None]] = Line()

    @property
    def waiting(self) -> int:
        return len(self._line)

    def enter_now(self) -> Turn | None:
        """A place if one is free; then nobody waits."""
        if self._free:
            self._free -= 1
            return Turn(self)
        return None

    async def enter(self, client: str, patience_s: float) -> Turn:
        """A place, when this client's turn has come. Raises Full."""
        turn = self.enter_now()
        if turn is None:
            if not self._shares.take(client):
                raise Full
            try:
                await self._wait(client, patience_s)
            finally:
                self._shares.give_back(client)
            turn = Turn(self)
        return turn

    def leave(self) -> None:
        """The place goes to whoever is next."""
        while self._line:
            next_one = self._line.next()
            if not next_one.done():
                next_one.set_result(None)
                return
        self._free += 1

    async def _wait(self, client: str, patience_s: float) -> None:
        loop = asyncio.get_running_loop()
        called: asyncio.Future[None] = loop.create_future()
        self._line.join(client, called)
        timer = loop.call_later(patience_s, _lose_patience, called)
        try:
            await called
        except BaseException:
            if called.done() and not called.cancelled() and called.exception() is None:
                self.leave()  # called and cancelled in one moment: somebody else may have the place
            else:
                self._line.leave(client, called)
            raise
        finally:
            timer.cancel()


def _lose_patience(called: asyncio.Future[None]) -> None:
    if not called.done():
        called.set_exception(Full())


class Company:
    """Whether a client is alone: nobody else came within ``RECENT_S``. Remembers the last two that came."""

    def __init__(self) -> None:
        self._last, self._last_at = UNKNOWN, -math.inf
        self._other_at = -math.inf  # when somebody else than the last came last

    def came(self, client: str, now: float) -> None:
        if client != self._last:
            self._last, self._other_at = client, self._last_at
        self._last_at = now

    def is_alone(self, client: str, now: float) -> bool:
        other_at = self._other_at if client == self._last else self._last_at
        return now - other_at > RECENT_S


class Pressed:
    """Who asked faster than it may, and when last. How long its next refusal is held back: the longer, the more of them
    are held already, so that more connections bring no more refusals to send."""

    def __init__(self, *, held_s: tuple[float, float], per_second: int, max_held: int) -> None:
        self._held_s, self._per_second, self._max = held_s, per_second, max_held
        self._at: dict[str, float] = {}
        self._held: dict[str, int] = {}
        self._all = 0

    def refused(self, client: str, now: float) -> None:
        self._at[client] = now

    def presses(self, client: str, now: float) -> bool:
        return now - self._at.get(client, -math.inf) <= RECENT_S

    def all(self, now: float) -> list[str]:
        """Whoever presses now; the others are forgotten."""
        self._at = {client: at for client, at in self._at.items() if now - at <= RECENT_S}
        return list(self._at)

    @contextmanager
    def holding(self, client: str) -> Iterator[float]:
        """How many seconds to hold this refusal: not the same for all, or those who are held would come back together,
        find what has become free in the meantime, and keep everybody else waiting while they are served."""
        if self._all >= self._max:
            yield 0.0
            return
        held = self._held.get(client, 0)
        self._held[client], self._all = held + 1, self._all + 1
        try:
            longest = max(1.0, held / self._per_second / self._held_s[1])
            yield random.uniform(*self._held_s) * min(longest, LONGEST)  # noqa: S311
        finally:
            self._all -= 1
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]


class Aside:
    """Where queries of those who press stand while somebody else's is under way (``busy``), each for its own patience.
    Then they go on one in a turn of the event loop: whoever comes meanwhile finds one step ahead, not all of theirs."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        self._busy = busy
        self._line: dict[asyncio.Future[None], None] = {}
        self._calling = False  # one is called in the next turn of the loop

    def __len__(self) -> int:
        return len(self._line)

    async def stand(self, patience_s: float) -> None:
        """Returns at once if nobody is in the way, nor stands here already."""
        if not self._line and not self._busy():
            return
        loop = asyncio.get_running_loop()
        called: asyncio.Future[None] = loop.create_future()
        self._line[called] = None
        timer = loop.call_later(patience_s, self._let_go, called)
        self.look()
        try:
            await called
        finally:
            timer.cancel()
            self._line.pop(called, None)

    def look(self) -> None:
        """A query has ended, or one has come to stand here."""
        if self._line and not self._calling and not self._busy():
            self._calling = True
            asyncio.get_running_loop().call_soon(self._call)

    def _call(self) -> None:
        self._calling = False
        if self._line and not self._busy():
            self._let_go(next(iter(self._line)))
            self.look()

    def _let_go(self, called: asyncio.Future[None]) -> None:
        self._line.pop(called, None)
        if not called.done():
            called.set_result(None)


class Admission:
    """What every query passes: its client's rate, its client's share of ``max_under_way``, and its turn.

    Between ``begin`` and ``end`` it is under way; the turn, which it has from its token to its decision, ends earlier.
    """

    def __init__(
        self,
        *,
        per_second: float,
        burst: int,
        max_under_way: int,
        places: int = PLACES,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = Rate(per_second, burst)
        self._shares = Shares(max_under_way)
        self._room = Room(places, max_under_way)
        self._own: dict[str, Room] = {}  # of clients that were not alone
        self._pace = Pace(min(self._rate.interval_s, PACED_S))
        self._aside = Aside(self._others_under_way)
        self._everybody, self._calm = Company(), Company()
        self.pressed = Pressed(held_s=HELD_S, per_second=HELD_PER_SECOND, max_held=min(MAX_HELD, max_under_way // 2))
        self._max = max_under_way
        self._patience_s = patience_s
        self._monotonic = monotonic

    @property
    def under_way(self) -> int:
        return self._max - self._shares.free

    @property
    def waiting(self) -> int:
        """Of those under way, how many have had no turn yet."""
        return self._room.waiting + sum(own.waiting for own in self._own.values())

    @types.coroutine
    def in_step(self, client: str = UNKNOWN) -> Generator[Any, None, None]:
        """Awaited before a step of a query: all that are ready take it, one right after the other, before any goes on.

        The whole path is more code and data than a core's caches hold: taken from end to end, each query would find
        each step cold (decision 0037). Where few are under way nobody is held up, but that a client that presses stands
        aside for others (decision 0025).
        """
        if self._presses(client):
            yield from self._aside.stand(GONE_ON_AFTER * self._pace.interval_s).__await__()
        if self.under_way - len(self._aside) >= CROWD:
            yield

    def begin(self, client: str) -> None:
        """Count a query in. Raises RateLimited, or Busy when the gateway is full; then nothing was counted."""
        now = self._monotonic()
        self._everybody.came(client, now)
        if not self.pressed.presses(client, now):
            self._calm.came(client, now)
        if client != UNKNOWN and (wait_s := self._rate.take(client, now)):
            self.pressed.refused(client, now)
            raise _too_fast(wait_s)
        if not self._shares.take(client):
            raise _too_many() if self._shares.free else _full()

    def end(self, client: str) -> None:
        self._shares.give_back(client)
        self._aside.look()

    async def held_back(self, client: str) -> None:
        """Before a refusal for asking too fast is sent."""
        with self.pressed.holding(client) as held_s:
            await asyncio.sleep(held_s)
            if held_s:
                await self._aside.stand(TOLD_AFTER_S)

    def _presses(self, client: str) -> bool:
        return self.pressed.presses(client, self._monotonic())

    def _is_alone(self, client: str) -> bool:
        """Who presses is no company for those who do not: it must not cost them their turns."""
        company = self._everybody if self._presses(client) else self._calm
        return company.is_alone(client, self._monotonic())

    def _others_under_way(self) -> bool:
        """Whether a query of somebody who does not press is under way."""
        return self.under_way > sum(map(self._shares.held, self.pressed.all(self._monotonic())))

    def linger_s(self, client: str) -> float:
        """How long this query's entries may wait to be written with others: only those of a client that presses while
        it is not alone do, and no longer than it has to wait between two queries anyway."""
        if not self._presses(client) or self._is_alone(client):
            return 0.0
        return min(self._rate.interval_s, LINGER_S)

    def turn_now(self, client: str) -> Turn | None:
        """Its turn, if nobody else has to wait and none could be kept waiting; else it must ask for ``turn``."""
        return self._room.enter_now() if self._is_alone(client) else None

    async def turn(self, client: str) -> Turn:
        """Its turn among all clients and, unless it is alone, among its own; evenly in time if it presses. Raises Busy
        when that takes too long."""
        try:
            if self._is_alone(client):
                return await self._room.enter(client, self._patience_s)
            if self._presses(client):
                await asyncio.sleep(self._pace.wait_s(client, self._monotonic()))
            own = await self._own.setdefault(client, Room(FEW, self._max)).enter(client, self._patience_s)
            try:
                if self._presses(client):
                    await self._aside.stand(BEGUN_AFTER * self._pace.interval_s)
                turn = await self._room.enter(client, self._patience_s)
            except BaseException:
                own.end()
                raise
            turn.also = own
            return turn
        except Full:
            raise _full() from None


def _too_fast(wait_s: float) -> RateLimited:
    return RateLimited(
        "贵系统的查询速度超过上限，本次未受理。",
        "Your system asks faster than it may; this query was not taken.",
        fix_zh="按 Retry-After 等待后重试，并放慢查询；确需更快，请联系网关管理员。",
        fix_en="Wait as Retry-After says and ask more slowly; if you need more, talk to the gateway's operator.",
        retry_after=math.ceil(wait_s),
    )


def _too_many() -> RateLimited:
    return RateLimited(
        "贵系统同时进行的查询过多，本次未受理。",
        "Your system has too many queries under way at once; this one was not taken.",
        fix_zh="等已发出的查询返回后再发，减少并发连接。",
        fix_en="Wait for the answers to those already sent, and use fewer connections.",
        retry_after=1,
    )


def _full() -> Busy:
    return Busy("网关正忙，请稍后重试。", "The gateway is busy; try again shortly.", retry_after=1)
