"""How requests come in: uvicorn's protocol over httptools, with a shorter way for what is asked most.

An application may name addresses in ``direct``. A POST to exactly one of them that arrives whole, on a connection where
nothing else is under way, is given to its handler as headers and body, and what that returns is written at once: no
scope, no events, no messages. All else goes uvicorn's way: other methods and spellings, a body that is still to come
(slow, large, or waiting for ``100 Continue``), HTTP/1.0, requests sent ahead. Both ways answer alike.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import termios
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.lib import logs
from gateway.lib.surprise import where
from gateway.lib.web import Peer, RawHeaders

Whole = tuple[int, bytes, bytes, bool]  # status, header lines with their ends, body, is it the connection's last
Handler = Callable[[RawHeaders, bytes, Peer], Coroutine[Any, Any, Whole]]

MAX_PENDING: Final = 64 * 1024  # of headers and the like, in more than one read; the longest lawful ones are 20 KB
_DROPPED: Final[Any] = deque(maxlen=0)
_NONE_AHEAD: Final[Any] = ()  # of the requests that were sent ahead, until the first: an empty queue is 0.8 KB
_SURPRISE: Final = (
    500,
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\n",
    b"Internal Server Error",
    True,
)


class _Nobody:
    def set(self) -> None:
        """Nobody waits."""


class _Asked:
    """One request on the short way, where uvicorn expects its cycle: it reads and sets what is named here."""

    __slots__ = ("body", "disconnected", "handler", "headers", "keep_alive", "response_complete")
    message_event: Final = _Nobody()

    def __init__(self, handler: Handler, headers: RawHeaders, keep_alive: bool) -> None:
        self.handler, self.headers, self.keep_alive = handler, headers, keep_alive
        self.body: list[bytes] = []
        self.disconnected = self.response_complete = False

    def answer(self, peer: Peer) -> Coroutine[Any, Any, Whole]:
        """The handler's. Headers and body are its own from now on: it may wait long, and they are most of a request."""
        headers, self.headers = self.headers, ()
        body, self.body = b"".join(self.body), []
        return self.handler(headers, body, peer)


class _Flow:
    """As uvicorn's FlowControl, but what nearly nobody waits for is made when somebody does: an event is 0.8 KB."""

    __slots__ = ("_transport", "_writable", "read_paused", "write_paused")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.read_paused = self.write_paused = False
        self._writable: asyncio.Event | None = None

    def pause_reading(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self._transport.resume_reading()

    async def drain(self) -> None:
        if self.write_paused:
            self._writable = self._writable or asyncio.Event()
            await self._writable.wait()

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        if self._writable is not None:
            self._writable.set()
            self._writable = None


class Protocol(HttpToolsProtocol):
    """One connection. Its own members are in slots: with more names than Python shares between the objects of a class,
    each object would have a dictionary of 1.5 KB.
    """

    __slots__ = ("_direct", "_pending", "_reading")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._direct: Mapping[bytes, Handler] = getattr(config.app, "direct", {})
        self._reading: _Asked | None = None  # its headers are here, its body not wholly
        self._pending = 0  # bytes read of which nothing came yet
        self.pipeline = _NONE_AHEAD

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.flow = _Flow(transport)  # type: ignore[assignment]  # it has what uvicorn asks of one

    def data_received(self, data: bytes) -> None:
        self._pending += len(data)
        super().data_received(data)
        if self._pending > MAX_PENDING and not self.transport.is_closing():
            self.send_400_response("Header fields that do not end.")
        if self._reading is not None:
            asked, self._reading = self._reading, None
            if not self.transport.is_closing():  # what followed the headers can be read, but there is more to come
                self._go_uvicorns_way()
                super().on_body(b"".join(asked.body))

    @property
    def is_asking(self) -> bool:
        """Whether a request is on its way: nothing was asked on it yet, or what was asked is not wholly here."""
        return self.cycle is None or self._pending > 0 or self._unread > 0

    @property
    def _unread(self) -> int:
        """Bytes that have come and were not read yet."""
        if self.transport.is_closing():
            return 0
        number = self.transport.get_extra_info("socket").fileno()
        return int(struct.unpack("i", fcntl.ioctl(number, termios.FIONREAD, bytes(4)))[0])

    def shutdown(self) -> None:
        """The server ends. A connection at rest is closed; not if something has just come, which is read and answered
        in the next turn of the loop: to close would be to reset it."""
        if not self._unread:
            super().shutdown()

    def on_headers_complete(self) -> None:
        self._pending = 0
        handler = self._direct.get(self.url)
        if handler is not None and self._is_plain():
            self._reading = _Asked(handler, self.headers, self.parser.should_keep_alive())
        else:
            self._go_uvicorns_way()
            if self.parser.should_upgrade() and self.cycle is not None:
                # llhttp takes such a message to end with its headers and what follows for the next one: a body would be
                # read as a request of its own (RFC 9112 section 11.2). So nothing that follows is answered.
                self.cycle.keep_alive = False
        if not self.parser.should_upgrade():
            # Fields that follow a body in chunks are none of the request's (RFC 9110 section 6.5.1): a list that was
            # looked through already must not grow by them.
            self.headers = _DROPPED

    def _go_uvicorns_way(self) -> None:
        if self.pipeline is _NONE_AHEAD and self.cycle is not None:
            self.pipeline = deque()
        super().on_headers_complete()

    def _is_plain(self) -> bool:
        return (
            self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and self.parser.get_http_version() == "1.1"
        )

    def on_body(self, body: bytes) -> None:
        self._pending = 0
        if self._reading is None:
            super().on_body(body)
        else:
            self._reading.body.append(body)

    def on_message_complete(self) -> None:
        self._pending = 0
        asked = self._reading
        if asked is None:
            super().on_message_complete()
            return
        self._reading = None
        self.scope = _DROPPED  # made for uvicorn's way; it holds the headers
        self.cycle = asked  # type: ignore[assignment]  # it has what uvicorn asks of one
        task = self.loop.create_task(self._answer(asked))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _answer(self, asked: _Asked) -> None:
        try:
            status, head, body, last = await asked.answer(self.client)
        except (Exception, asyncio.CancelledError) as error:
            # Its class is safe to write down; its message might hold what somebody sent.
            logs.error("a request ended unexpectedly", error=type(error).__name__, at=where(error))
            status, head, body, last = _SURPRISE
        if self.flow.write_paused:  # the caller has not read the answer before this one
            await self.flow.drain()
        asked.response_complete = True
        if self.transport.is_closing():
            return
        last = last or not asked.keep_alive
        own = [b"%b: %b\r\n" % each for each in self.server_state.default_headers]
        end = b"connection: close\r\n\r\n" if last else b"\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], *own, head, end, body)))
        if last:
            self.transport.close()
        self.on_response_complete()


async def stop_listening(server: asyncio.Server, make: Callable[[], asyncio.Protocol]) -> None:
    """Close the listening sockets of ``server``, and take in who is connected already but was not accepted yet: the
    kernel would reset them."""
    loop, waiting = asyncio.get_running_loop(), []
    for each in server.sockets:
        with socket.socket(fileno=os.dup(each.fileno())) as listening:
            listening.setblocking(False)
            while (taken := _accepted(listening)) is not None:
                waiting.append(taken)
    server.close()
    for taken in waiting:
        await loop.connect_accepted_socket(make, taken)


def _accepted(listening: socket.socket) -> socket.socket | None:
    try:
        return listening.accept()[0]
    except OSError:  # nobody waits, or no more files may be opened
        return None
