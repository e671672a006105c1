"""The load generator: N connections, each sending its next request when the answer to the last is there.

An asyncio protocol on raw sockets, about as cheap as Python can be, since it shares the cores with what it measures.
Every answer is checked: its status, its length, and that it holds what a right answer holds.
"""

from __future__ import annotations

import asyncio
import gc
import math
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop

CONNECT_AT_ONCE = 256
QUIET_S = 20.0  # when this long nothing was answered, what is still owed counts as an error


@dataclass(frozen=True, slots=True)
class Load:
    """What to send. ``requests`` are sent once each, or over and over when ``again``. ``holds``: in a right answer.
    An iterator of requests goes on where the last load has left it.

    ``per_second``: how many are due each second, over all connections; 0: the next as soon as the last is answered.
    A request that is late because no connection was free waits from the moment it was due. ``uneven``: each is due at a
    moment drawn from its own stretch of time, instead of at its beginning.
    """

    port: int
    requests: Iterable[bytes]
    connections: int
    seconds: float
    holds: bytes
    again: bool = False
    per_second: float = 0.0
    uneven: bool = False
    settle_s: float = 0.0  # before the interval begins: what is answered meanwhile is not counted
    settled_by: int = 0  # so many answers are there before answers count; the interval ends when it would have anyhow


@dataclass(slots=True)
class Outcome:
    """What came back. Latencies in seconds, of right answers only; ``errors`` by what was wrong.

    After the interval, the last answer is waited for on each connection: those late ones count in ``latencies``, too.
    """

    whole_s: float = 0.0  # from the first request to the last answer
    within_s: float = 0.0  # from the last answer before the interval to the last one in it
    within: int = 0  # right answers in the interval
    latencies: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)  # when these answers were there, on the clock of perf_counter
    errors: dict[str, int] = field(default_factory=dict)
    settled_s: float = 0.0  # from when answers count to the last answer
    early: int = 0  # right answers before the interval began
    used_up: bool = False  # the requests did not last for the interval, which ended with them

    @property
    def per_second(self) -> float:
        """In the interval. Answers that come in bursts are counted from the end of a burst to the end of a burst."""
        return self.within / self.within_s if self.within_s > 0 else 0.0

    @property
    def per_second_in_all(self) -> float:
        """From the first request to the last answer: for answers that take longer than an interval."""
        return (self.early + len(self.latencies)) / self.whole_s if self.whole_s > 0 else 0.0

    def percentile(self, share: float) -> float:
        """In seconds; not a number when nothing was answered."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    def wrong(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1


def run(load: Load) -> Outcome:
    """``play`` in an event loop of its own."""
    with undisturbed():
        return uvloop.run(play(load))


async def play(load: Load) -> Outcome:
    """Open the connections, send for ``load.seconds``, wait for the last answers, and tell."""
    return await _Generator(load).run()


@contextmanager
def undisturbed() -> Iterator[None]:
    """The collector of rubbish keeps away from what is measured."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


class _Generator:
    def __init__(self, load: Load) -> None:
        self.load, self.outcome = load, Outcome()
        self.latencies, self.times = self.outcome.latencies, self.outcome.times
        self._due = 0.0
        self.counts = self.ends = 0.0  # from when answers count; when to stop sending
        self.before = self.inside = self.last = 0.0  # the latest answer before, in, and since the interval
        self._todo = self._requests()
        self._open = 0
        self._idle: asyncio.Event = asyncio.Event()

    def _requests(self) -> Iterator[bytes]:
        while True:
            yield from self.load.requests
            if not self.load.again:
                return

    async def run(self) -> Outcome:
        connections = await self._connect()
        began = time.perf_counter()
        self.counts = began + self.load.settle_s
        self.ends = self.counts + self.load.seconds
        if self.load.settled_by:
            self.counts = math.inf
        self._due = began
        self.before = self.counts
        self._open = len(connections)
        for connection in connections:
            connection.send()
        await self._until_quiet()
        for connection in connections:
            connection.close()
        self.outcome.whole_s = self.last - began
        self.outcome.settled_s = max(0.0, self.last - self.counts)
        self.outcome.within_s = max(0.0, self.inside - self.before)
        return self.outcome

    async def _connect(self) -> list[_Connection]:
        loop = asyncio.get_running_loop()
        made: list[_Connection] = []
        while len(made) < self.load.connections:
            wanted = min(CONNECT_AT_ONCE, self.load.connections - len(made))
            opening = [
                loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.load.port) for _ in range(wanted)
            ]
            made += [connection for _, connection in await asyncio.gather(*opening)]
        return made

    async def _until_quiet(self) -> None:
        """Until each connection has its last answer, or nothing was answered for QUIET_S."""
        while not self._idle.is_set():
            before = len(self.latencies)
            try:
                await asyncio.wait_for(self._idle.wait(), QUIET_S)
            except TimeoutError:
                if len(self.latencies) == before:
                    for _ in range(self._open):
                        self.outcome.wrong("no answer")
                    return

    def due(self, now: float) -> float:
        """When the next request is to be sent."""
        if not self.load.per_second:
            return now
        stretch_s = 1 / self.load.per_second
        due, self._due = self._due, self._due + stretch_s
        return due + random.random() * stretch_s if self.load.uneven else due  # noqa: S311

    def next(self, now: float) -> bytes | None:
        if now >= self.ends:
            return None
        request = next(self._todo, None)
        if request is None:
            self.outcome.used_up = True
        return request

    def early(self, now: float) -> None:
        """A right answer before answers count."""
        self.outcome.early += 1
        self.before = self.last = now
        if self.outcome.early == self.load.settled_by:
            self.counts = now

    def done(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._idle.set()


class _Connection(asyncio.Protocol):
    """One keep-alive connection, with at most one request under way."""

    def __init__(self, generator: _Generator) -> None:
        self._generator = generator
        self._holds = generator.load.holds
        self._transport: Any = None
        self._sent = 0.0
        self._waiting = False
        self._buffer = b""
        self._needed = 0  # bytes of the whole answer, once its head is here

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting:
            self._waiting = False
            self._generator.outcome.wrong("connection lost")
            self._generator.done()

    def close(self) -> None:
        self._waiting = False
        self._transport.close()

    def send(self) -> None:
        """The next request, when it is due."""
        now = time.perf_counter()
        self._sent = due = self._generator.due(now)
        if due <= now:
            self._send(now)
        else:
            asyncio.get_running_loop().call_later(due - now, self._send, due)

    def _send(self, now: float) -> None:
        request = self._generator.next(now)
        if request is None:
            self._waiting = False
            self._generator.done()
            return
        self._waiting = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        if not self._needed:
            head = data.find(b"\r\n\r\n")
            if head < 0:
                self._buffer = data
                return
            self._needed = _length(data, head)
        if len(data) < self._needed:
            self._buffer = data
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        generator = self._generator
        now = time.perf_counter()
        if not data.startswith(b"HTTP/1.1 200"):
            generator.outcome.wrong(f"status {data[9:12].decode('latin-1')}")
        elif len(data) != self._needed or self._holds not in data:
            generator.outcome.wrong("wrong answer")
        elif now < generator.counts:
            generator.early(now)
        else:
            generator.latencies.append(now - self._sent)
            generator.times.append(now)
            generator.last = now
            if now <= generator.ends:
                generator.outcome.within += 1
                generator.inside = now
        self._buffer, self._needed = b"", 0
        self.send()


def _length(data: bytes, head: int) -> int:
    """Bytes of the whole answer whose head ends at ``head``. Answers of unstated length count as ended there."""
    lower = data[: head + 2].lower()
    at = lower.find(b"content-length:")
    if at < 0:
        return head + 4
    return head + 4 + int(lower[at + 15 : lower.find(b"\r\n", at)])
