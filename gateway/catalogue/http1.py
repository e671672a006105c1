"""One HTTP/1.1 connection to somebody else's system: one request at a time, an answer bounded in size, nothing more.

A protocol of asyncio over httptools (llhttp), which reads strictly: two lengths, a length beside chunks, odd spaces and
line ends are faults. What only a browser needs (redirects, cookies, decompression, upgrades) is not there, so it cannot
be turned against us. Why not a library: docs/decisions/0013-own-client-for-departments.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final, cast

import httptools

from gateway.lib.value import value

MAX_HEAD: Final = 32 * 1024  # bytes of header fields, and of trailers
MAX_FIELDS: Final = 100
READ_AT_ONCE: Final = 256 * 1024  # bytes that asyncio and uvloop read at most
MAX_INFORMATION: Final = 8  # 1xx responses before the answer (RFC 9110 section 15.2)


class NotReached(Exception):
    """No connection, or one that broke before the answer was whole. ``cause``: a word for people, without addresses."""

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(cause)


class NotHttp(Exception):
    """What came back is not HTTP."""


class TooLong(Exception):
    """The answer is larger than the caller reads."""


@value
class Fetched:
    """What came back: status, header fields (names in lower case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Connection(asyncio.Protocol):
    """``ask`` at most once at a time; ``usable`` says whether another request may follow. ``on_lost`` hears its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_lost: Callable[[Connection], None]) -> None:
        self._loop = loop
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Fetched] | None = None
        self.idle_until = 0.0  # on the monotonic clock, while nothing is asked
        self.usable = False

    def ask(self, request: bytes, max_body: int, timeout_s: float) -> asyncio.Future[Fetched]:
        """Send the bytes of a request; the future brings the answer, or TimeoutError, TooLong, NotReached, NotHttp.

        Whoever stops waiting must ``close``. After an error the connection is closed already.
        """
        assert self._transport is not None and self._answer is None
        self._begin()
        self._max_body, self._informed = max_body, 0
        self._parser = httptools.HttpResponseParser(self)
        answer = self._answer = self._loop.create_future()
        self._timer = self._loop.call_later(timeout_s, self._fail, TimeoutError())
        self._transport.write(request)
        return answer

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    # ── called by the event loop ──────────────────────────────────────────────────────────────────────────────────────
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked
            self.close()
            return
        self._unnamed += len(data)  # what the parser holds back or skips: half a field, a reason, a chunk's extension
        try:
            self._parser.feed_data(data)
            if self._unnamed > MAX_HEAD + READ_AT_ONCE:
                raise httptools.HttpParserError
        except httptools.HttpParserCallbackError as error:
            self._fail(error.__context__ if isinstance(error.__context__, TooLong) else NotHttp())
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(NotHttp())

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        self._on_lost(self)
        if self._answer is None:
            return
        if error is None and self._until_close:
            self._finish(keep=False)
        else:
            self._fail(NotReached("the connection broke"))

    # ── called by the parser ──────────────────────────────────────────────────────────────────────────────────────────
    def on_message_begin(self) -> None:
        if self._answer is None:
            raise NotHttp  # more came than the answer: what was answered stands, the connection ends
        self._begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._unnamed = 0
        self._head += len(name) + len(value)
        self._fields += 1
        if self._head > MAX_HEAD or self._fields > MAX_FIELDS:
            raise NotHttp
        if not self._in_body:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._unnamed = 0
        self._in_body = True
        self._status = self._parser.get_status_code()
        length = self._headers.get("content-length")
        if length is not None and int(length) > self._max_body:
            raise TooLong
        framed = length is not None or "transfer-encoding" in self._headers or self._status in (204, 304)
        self._until_close = not framed and self._status >= 200
        self._keep = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._unnamed = 0
        self._size += len(data)
        if self._size > self._max_body:
            raise TooLong
        self._chunks.append(data)

    def on_message_complete(self) -> None:
        if self._answer is None:
            return
        if self._status < 200:
            self._informed += 1
            if self._informed > MAX_INFORMATION or self._status == 101:
                raise NotHttp
            return
        self._finish(keep=self._keep)

    # ── the answer ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _begin(self) -> None:
        self._unnamed = 0
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._status = self._size = self._head = self._fields = 0
        self._in_body = self._until_close = self._keep = False

    def _finish(self, *, keep: bool) -> None:
        answer = self._done()
        if not keep:
            self.close()
        if answer is not None and not answer.done():
            body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
            answer.set_result(Fetched(self._status, self._headers, body))

    def _fail(self, error: BaseException) -> None:
        answer = self._done()
        self.close()
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _done(self) -> asyncio.Future[Fetched] | None:
        answer, self._answer = self._answer, None
        if answer is not None:
            self._timer.cancel()
        return answer
