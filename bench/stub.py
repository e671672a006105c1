"""A fast department: one process, one event loop, answers made beforehand. ``python -m bench.stub PORT``.

    POST /person/records   one record of 1 KB         POST /page/records    200 records of one person
    POST /slow/records     one record after 200 ms    POST /steady/records  the same, so many at once and no more
    GET  /plain            1 KB, for whoever only passes it on               GET  /…/health

It speaks the provider contract (standards/provider-openapi.yaml) but does not verify the gateway's envelope: what a
department spends is not measured here, and it shares the cores with what is. While a service is being registered a
stricter department stands at the same address (contract.py).
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httptools
import orjson
import uvloop

from bench import records

SLOW_S = 0.2
STEADY_AT_ONCE = 150
_ID = b'"id":"'


def _response(body: bytes, status: bytes = b"200 OK") -> bytes:
    """With the time for which a connection that is idle is kept, as nginx in front of a department says it."""
    head = (
        b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nKeep-Alive: timeout=30\r\n"
        b"Content-Length: %d\r\n\r\n"
    )
    return head % (status, len(body)) + body


_ABSENT = _response(orjson.dumps({"records": [], "as_of": records.AS_OF}))
_NOT_FOUND = _response(b'{"status":404,"code":"not_found"}', b"404 Not Found")


@dataclass(slots=True)
class Place:
    """What is answered at one path. ``limit``: how many it works on at once; the others wait their turn."""

    known: dict[bytes, bytes]
    delay_s: float = 0.0
    limit: int = 100_000
    under_way: int = 0
    waiting: deque[Callable[[], None]] = field(default_factory=deque)


def places(limit: int) -> dict[bytes, Place]:
    people = {id.encode(): _answer(records.PERSON, id) for id in records.ids()}
    page = {id.encode(): _answer(records.ASSISTANCE, id) for id in records.ids()[:8]}
    return {
        b"/person/records": Place(people),
        b"/page/records": Place(page),
        b"/slow/records": Place(people, SLOW_S, limit),
        b"/steady/records": Place(people, SLOW_S, STEADY_AT_ONCE),
    }


def _answer(standard: str, id: str) -> bytes:
    return _response(orjson.dumps(records.answers(standard, id)))


class Connection(asyncio.Protocol):
    """One caller, who sends one request after the other."""

    def __init__(self, places: dict[bytes, Place]) -> None:
        self._places = places
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._url = self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._url = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        place = self._places.get(self._url)
        if place is None:
            self._transport.write(self._other())
        elif place.delay_s == 0:
            self._transport.write(_found(place, self._body))
        else:
            self._begin(place, _found(place, self._body))

    def _other(self) -> bytes:
        if self._url == b"/plain":
            return _response(orjson.dumps(records.person(records.ids()[0])))
        return _response(b'{"status":"ok"}') if self._url.endswith(b"/health") else _NOT_FOUND

    def _begin(self, place: Place, answer: bytes) -> None:
        def work() -> None:
            place.under_way += 1
            asyncio.get_running_loop().call_later(place.delay_s, done)

        def done() -> None:
            place.under_way -= 1
            if not self._transport.is_closing():
                self._transport.write(answer)
            if place.waiting:
                place.waiting.popleft()()

        if place.under_way < place.limit:
            work()
        else:
            place.waiting.append(work)


def _found(place: Place, body: bytes) -> bytes:
    at = body.find(_ID) + len(_ID)
    return place.known.get(body[at : at + 18], _ABSENT)


async def _serve(port: int, limit: int) -> None:
    known = places(limit)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(known), "127.0.0.1", port, backlog=8192)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000))
