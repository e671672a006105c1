"""Whole answers go out at once, on connections that stay open, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from gateway.lib.http_server import REPLY, Protocol

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def talk(app: Any, story: Talk) -> None:
    async def all_of_it() -> None:
        config = uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"today")]
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
        try:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await asyncio.wait_for(story(reader, writer), 20)
            writer.close()
        finally:
            server.close()

    asyncio.run(all_of_it())


async def answer_of(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readexactly(2)


def test_an_answer_is_whole_and_the_connection_stays_open_until_it_is_told_to_end() -> None:
    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        assert scope["extensions"][REPLY](200, b"content-length: 2\r\n", b"ok", scope["path"] == "/last")

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(REQUEST)
            assert await answer_of(reader) == (b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\n\r\n", b"ok")
        writer.write(REQUEST.replace(b"/", b"/last", 1))
        head, _ = await answer_of(reader)
        assert b"connection: close\r\n" in head
        assert await reader.read() == b""

    talk(app, story)


def test_requests_sent_ahead_are_answered_in_order() -> None:
    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(0 if scope["path"] == "/b" else 0.01)
        assert scope["extensions"][REPLY](200, b"content-length: 2\r\n", scope["path"].encode(), False)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(REQUEST.replace(b"/", b"/" + name, 1) for name in (b"a", b"b", b"c")))
        assert [(await answer_of(reader))[1] for _ in range(3)] == [b"/a", b"/b", b"/c"]

    talk(app, story)


def test_who_has_hung_up_is_answered_nothing() -> None:
    answered: list[bool] = []
    asked, done = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        asked.set()
        assert (await receive())["type"] == "http.disconnect"
        answered.append(scope["extensions"][REPLY](200, b"", b"", False))
        done.set()

    async def story(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(REQUEST)
        await asked.wait()
        writer.close()
        await done.wait()

    talk(app, story)
    assert answered == [True]


def test_an_answered_request_is_gone_without_the_collector() -> None:
    left: list[weakref.ref[Any]] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reply = scope["extensions"][REPLY]
        left.append(reply.args[0])
        reply(200, b"content-length: 2\r\n", b"ok", False)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(4):
            writer.write(REQUEST)
            await answer_of(reader)

    gc.disable()
    try:
        talk(app, story)
        assert [ref() for ref in left[:-1]] == [None] * 3
    finally:
        gc.enable()
