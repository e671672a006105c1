"""How requests come in: uvicorn's protocol over httptools, with a shorter way out for answers that are whole.

ASGI sends an answer in two messages, and uvicorn looks at each header with two patterns. The path of a query makes its
answer at once and makes its headers itself; so it asks the scope's extension ``REPLY`` to write it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

REPLY: Final = "tongqu.reply"
Reply = Callable[[int, bytes, bytes, bool], bool]  # status, header lines, body, end the connection → was it taken


class Protocol(HttpToolsProtocol):
    """One connection."""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        # The cycle holds the scope: held by it in turn, both would be left to the collector, which takes milliseconds.
        reply = partial(_reply, weakref.ref(self.cycle))
        self.scope["extensions"] = {REPLY: reply}  # type: ignore[dict-item]  # one of our own


def _reply(answered: weakref.ref[RequestResponseCycle], status: int, headers: bytes, body: bytes, close: bool) -> bool:
    """Send a whole answer; ``headers`` are lines with their ends. False, and nothing is done, when the caller reads too
    slowly: then it is to be sent the usual way, which waits. An answer to nobody counts as sent, as with ASGI.
    """
    cycle = answered()
    if cycle is None:
        return True
    if cycle.response_started or (cycle.flow.write_paused and not cycle.disconnected):
        return False
    if cycle.disconnected:
        return True
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.keep_alive = cycle.keep_alive and not close
    end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
    cycle.transport.write(b"".join((STATUS_LINE[status], *_defaults(cycle), headers, end, body)))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


def _defaults(cycle: RequestResponseCycle) -> list[bytes]:
    """The server's own headers (the date)."""
    return [b"%b: %b\r\n" % each for each in cycle.default_headers]
