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


class Protocol(HttpToolsProtocol):
    """One connection."""

    _reading: _Asked | None = None  # its headers are here, its body not wholly
    _pending = 0  # bytes read of which nothing came yet

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._direct: Mapping[bytes, Handler] = getattr(config.app, "direct", {})

    def data_received(self, data: bytes) -> None:
        self._pending += len(data)
        super().data_received(data)
        if self._pending > MAX_PENDING and not self.transport.is_closing():
            self.send_400_response("Header fields that do not end.")
        if self._reading is not None:
            asked, self._reading = self._reading, None
            if not self.transport.is_closing():  # what followed the headers can be read, but there is more to come
                super().on_headers_complete()
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
            super().on_headers_complete()
            if self.parser.should_upgrade() and self.cycle is not None:
                # llhttp takes such a message to end with its headers and what follows for the next one: a body would be
                # read as a request of its own (RFC 9112 section 11.2). So nothing that follows is answered.
                self.cycle.keep_alive = False
        if not self.parser.should_upgrade():
            # Fields that follow a body in chunks are none of the request's (RFC 9110 section 6.5.1): a list that was
            # looked through already must not grow by them.
            self.headers = _DROPPED

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
        self.cycle = asked  # type: ignore[assignment]  # it has what uvicorn asks of one
        task = self.loop.create_task(self._answer(asked))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    async def _answer(self, asked: _Asked) -> None:
        try:
            status, head, body, last = await asked.handler(asked.headers, b"".join(asked.body), self.client)
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
