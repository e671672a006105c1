"""Requests for the addresses an application names come in and go out the short way, all others uvicorn's; both keep to
HTTP/1.1, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.lib.http_server import MAX_PENDING, Protocol, Whole, stop_listening
from gateway.lib.web import Peer, RawHeaders

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, ServerState], Awaitable[None]]
OK: Whole = (200, b"content-length: 2\r\n", b"ok", False)
REQUEST = b"POST /q HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = b"POST /q HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class App:
    """Answers ``/q`` directly, and notes what came which way."""

    def __init__(self) -> None:
        self.direct = {b"/q": self.answer}
        self.directly: list[bytes] = []
        self.usually: list[bytes] = []
        self.headers: list[RawHeaders] = []

    async def answer(self, headers: RawHeaders, body: bytes, peer: Peer) -> Whole:
        assert peer is not None and peer[0] == "127.0.0.1"
        self.directly.append(body)
        self.headers.append(headers)
        return await self.think(body)

    async def think(self, _body: bytes) -> Whole:
        return OK

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, message = b"", {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        self.usually.append(body)
        self.headers.append(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"us"})


def talk(app: App, story: Talk, **settings: Any) -> None:
    async def all_of_it() -> None:
        config = uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None, **settings)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"today")]
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
        try:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await asyncio.wait_for(story(reader, writer, state), 20)
            writer.close()
            while state.tasks:
                await asyncio.sleep(0.001)
        finally:
            server.close()

    asyncio.run(all_of_it())


async def answer_of(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readexactly(2)


def test_an_answer_is_whole_and_the_connection_stays_open_until_it_is_told_to_end() -> None:
    class Ends(App):
        async def think(self, _body: bytes) -> Whole:
            return (*OK[:3], len(self.directly) == 3)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        for _ in range(2):
            writer.write(REQUEST)
            assert await answer_of(reader) == (b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\n\r\n", b"ok")
        writer.write(REQUEST)
        head, _ = await answer_of(reader)
        assert b"connection: close\r\n" in head
        assert await reader.read() == b""
        assert state.total_requests == 3

    app = Ends()
    talk(app, story)
    assert (app.directly, app.usually) == ([b"body"] * 3, [])


def test_who_asks_for_an_end_has_it() -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(REQUEST.replace(b"Host", b"Connection: close\r\nHost"))
        assert b"connection: close\r\n" in (await answer_of(reader))[0]
        assert await reader.read() == b""

    talk(App(), story)


def test_a_connection_on_which_nothing_happens_is_closed() -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(REQUEST)
        assert b"connection: close" not in (await answer_of(reader))[0]
        assert await reader.read() == b""

    talk(App(), story, timeout_keep_alive=0)


@pytest.mark.parametrize(
    "request_of_another_kind",
    [
        REQUEST.replace(b"POST", b"PUT"),
        REQUEST.replace(b"/q", b"/%71"),
        REQUEST.replace(b"/q", b"/q?a=b"),
        REQUEST.replace(b"/q", b"//q"),
        REQUEST.replace(b"/q", b"http://x/q"),
        REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"),
        REQUEST.replace(b"Host", b"Connection: upgrade\r\nUpgrade: h2c\r\nHost"),
    ],
    ids=["method", "spelling", "query", "path", "absolute", "version", "upgrade"],
)
def test_all_that_is_not_exactly_it_goes_the_usual_way(request_of_another_kind: bytes) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(request_of_another_kind)
        assert (await answer_of(reader))[1] == b"us"

    app = App()
    talk(app, story)
    assert app.directly == []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (REQUEST[:-2], REQUEST[-2:]),
        (REQUEST[:-4], REQUEST[-4:]),
        (REQUEST[:-4].replace(b"Host", b"Expect: 100-continue\r\nHost"), b"body"),
        (CHUNKED + b"2\r\nbo\r\n", b"2\r\ndy\r\n0\r\n\r\n"),
    ],
    ids=["pieces", "headers", "expect", "chunks"],
)
def test_a_body_that_is_still_to_come_is_waited_for_the_usual_way(first: bytes, then: bytes) -> None:
    class Waits(App):
        begun = False

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            self.begun = True
            await super().__call__(scope, receive, send)

    app = Waits()

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(first)
        while not app.begun:
            await asyncio.sleep(0.001)
        if b"Expect" in first:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(then)
        assert (await answer_of(reader))[1] == b"us"
        writer.write(REQUEST)
        assert (await answer_of(reader))[1] == b"ok"

    talk(app, story)
    assert (app.usually, app.directly) == ([b"body"], [b"body"])


def test_headers_in_pieces_and_a_body_in_chunks_are_put_together() -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(CHUNKED[:30])
        await asyncio.sleep(0.01)
        writer.write(CHUNKED[30:] + b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n")
        assert (await answer_of(reader))[1] == b"ok"

    app = App()
    talk(app, story)
    assert (app.directly, app.usually) == ([b"body"], [])


@pytest.mark.parametrize("pieces", [1, 2])
def test_fields_behind_the_body_are_no_headers(pieces: int) -> None:
    """Nobody looks through them for what only a proxy may say (RFC 9110 section 6.5.1, RFC 9440 section 4)."""
    end = b"0\r\nClient-Cert: :MIIB:\r\n\r\n"

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        sent = [CHUNKED + b"4\r\nbody\r\n" + end] if pieces == 1 else [CHUNKED + b"4\r\nbody\r\n", end]
        for each in sent:
            writer.write(each)
            await asyncio.sleep(0.02)
        await answer_of(reader)

    app = App()
    talk(app, story)
    assert app.directly + app.usually == [b"body"]
    assert [name for name, _ in app.headers[0]] == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("when", ["while it is answered", "afterwards"])
def test_what_follows_an_unknown_upgrade_is_no_request(when: str) -> None:
    """llhttp skips the body of such a request, which would be taken for another one (request smuggling)."""

    class Thinks(App):
        def __init__(self) -> None:
            super().__init__()
            self.begun, self.may_end = asyncio.Event(), asyncio.Event()

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            self.begun.set()
            await self.may_end.wait()
            await super().__call__(scope, receive, send)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        upgrade = b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: %d" % len(REQUEST)
        writer.write(b"POST /q HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % upgrade)
        await app.begun.wait()
        if when == "afterwards":
            app.may_end.set()
            assert b"connection: close\r\n" in (await answer_of(reader))[0]
            assert await reader.read() == b""
        else:
            writer.write(REQUEST)
            await asyncio.sleep(0.02)
            app.may_end.set()
            assert (await reader.read()).count(b"HTTP/1.1 ") == 1

    app = Thinks()
    talk(app, story)
    assert (len(app.usually), app.directly) == (1, [])


def test_headers_that_came_twice_are_all_there_in_their_order() -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(REQUEST.replace(b"Host: x", b"DPoP: 1\r\nHost: x\r\ndpop: 2"))
        await answer_of(reader)

    app = App()
    talk(app, story)
    assert [each for each in app.headers[0] if each[0] == b"dpop"] == [(b"dpop", b"1"), (b"dpop", b"2")]


@pytest.mark.parametrize(
    "malformed",
    [CHUNKED + b"x\r\n", REQUEST.replace(b"Content-Length: 4", b"Content-Length: 4\r\nContent-Length: 5"),
     REQUEST.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost"), b"POST /q HTTP/9.9\r\n\r\n"],
    ids=["chunk", "lengths", "both", "version"],
)  # fmt: skip
def test_what_cannot_be_read_is_400_and_the_end(malformed: bytes) -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(malformed)
        answered = await reader.read()
        assert answered.startswith(b"HTTP/1.1 400 ") and b"connection: close" in answered
        assert answered.count(b"HTTP/1.1") == 1

    app = App()
    talk(app, story)
    assert (app.directly, app.usually) == ([], [])


@pytest.mark.parametrize(
    "begun",
    [b"POST /", b"POST /q HTTP/1.1\r\nHost: ", CHUNKED + b"0\r\nClient-Cert: ", CHUNKED + b"4;a="],
    ids=["address", "field", "behind", "chunk"],
)
def test_what_does_not_end_is_read_to_a_bound(begun: bytes) -> None:
    """Each piece of a field is put behind all before it: a hundred megabytes would keep everybody waiting."""

    async def story(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        writer.write(begun)
        while not state.connections:
            await asyncio.sleep(0.001)
        sent = 0
        while state.connections:
            assert sent < 64 * MAX_PENDING
            writer.write(b"x" * 4096)
            sent += 4096
            await asyncio.sleep(0)

    app = App()
    talk(app, story)
    assert app.directly == []


def test_long_headers_and_a_long_body_in_many_pieces_are_read() -> None:
    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        long = b"X: " + b"x" * 40_000 + b"\r\n"
        for piece in (b"POST /q HTTP/1.1\r\n", long, b"Content-Length: 600000\r\n\r\n", *[b"y" * 60_000] * 10):
            writer.write(piece)
            await asyncio.sleep(0.001)
        assert (await answer_of(reader))[1] == b"us"

    app = App()
    talk(app, story)
    assert app.usually == [b"y" * 600_000]


def test_requests_sent_ahead_are_answered_in_order() -> None:
    class Slow(App):
        async def think(self, body: bytes) -> Whole:
            await asyncio.sleep(0.02)
            return (*OK[:2], body[-2:], False)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        other = REQUEST.replace(b"/q", b"/other")
        writer.write(REQUEST + other + REQUEST + other)
        assert [(await answer_of(reader))[1] for _ in range(4)] == [b"dy", b"us", b"us", b"us"]
        writer.write(REQUEST)
        assert (await answer_of(reader))[1] == b"dy"

    talk(Slow(), story)


def test_who_has_hung_up_is_answered_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    asked, gone, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Late(App):
        async def think(self, _body: bytes) -> Whole:
            asked.set()
            await gone.wait()
            done.set()
            return OK

    async def story(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        writer.write(REQUEST)
        await asked.wait()
        writer.close()
        while state.connections:
            await asyncio.sleep(0.001)
        gone.set()
        await done.wait()
        while state.tasks:
            await asyncio.sleep(0.001)
        assert state.total_requests == 0

    talk(Late(), story)
    assert capsys.readouterr().err == ""


def test_who_does_not_read_has_the_next_answer_when_it_did() -> None:
    large = 4_000_000

    class Large(App):
        async def think(self, _body: bytes) -> Whole:
            return 200, b"content-length: %d\r\n" % large, bytes(large), False

    app = Large()

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        writer.write(REQUEST)
        while not app.directly:
            await asyncio.sleep(0.001)
        (connection,) = state.connections
        while not connection.transport.get_write_buffer_size():
            await asyncio.sleep(0.001)
        writer.write(REQUEST)
        while len(app.directly) < 2:
            await asyncio.sleep(0.001)
        assert state.tasks and connection.transport.get_write_buffer_size() < large
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            assert len(await reader.readexactly(large)) == large

    talk(app, story)


def test_told_to_end_it_finishes_what_it_began_and_closes_what_is_idle() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Busy(App):
        async def think(self, _body: bytes) -> Whole:
            asked.set()
            await go_on.wait()
            return OK

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        idle, other = await asyncio.open_connection(*writer.get_extra_info("peername"))
        writer.write(REQUEST)
        await asked.wait()
        while len(state.connections) < 2:
            await asyncio.sleep(0.001)
        for connection in list(state.connections):
            connection.shutdown()
        assert await idle.read() == b""
        other.close()
        assert len(state.tasks) == 1
        go_on.set()
        head, body = await answer_of(reader)
        assert b"connection: close\r\n" in head and body == b"ok"
        assert await reader.read() == b""

    talk(Busy(), story)


def test_who_has_connected_when_the_server_ends_is_answered_and_later_comers_are_turned_away() -> None:
    """Of five: one is accepted and has not asked, one has asked and was not read, one was answered before and asks
    again, one was answered and rests, one is connected and was not accepted yet. The server saw none of it so far."""

    async def ends() -> None:
        app, state = App(), ServerState()
        config = uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None)
        config.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        silent, asks, again, rests = callers = [await asyncio.open_connection(*address) for _ in range(4)]
        for reader, writer in (again, rests):
            writer.write(REQUEST)
            await answer_of(reader)
        while len(state.connections) < len(callers):
            await asyncio.sleep(0.001)

        with socket.create_connection(address, 5) as late:
            for _, writer in (asks, again):
                writer.write(REQUEST)  # sent at once, while the loop is held up
            await stop_listening(server, lambda: Protocol(config, state, {}))
            assert {each.is_asking for each in connections(state)} == {True, False}
            for connection in connections(state):
                if not connection.is_asking or connection.cycle is not None:
                    connection.shutdown()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*address)
            for reader, _ in (asks, again):
                assert (await answer_of(reader))[1] == b"ok"
            assert await rests[0].read() == b""
            callers.append(await asyncio.open_connection(sock=late))
            for reader, writer in (silent, callers[-1]):
                writer.write(REQUEST)
                assert (await answer_of(reader))[1] == b"ok"
            for _, writer in callers:
                writer.close()
                await writer.wait_closed()
            while state.connections:
                await asyncio.sleep(0.001)
        assert app.directly == [b"body"] * 6

    asyncio.run(asyncio.wait_for(ends(), 20))


def connections(state: ServerState) -> list[Protocol]:
    return [each for each in state.connections if isinstance(each, Protocol)]


@pytest.mark.parametrize("surprise", [ValueError("110101199001011234"), asyncio.CancelledError()])
def test_a_surprise_is_500_the_end_and_said_without_its_message(
    surprise: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(App):
        async def think(self, _body: bytes) -> Whole:
            raise surprise

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(REQUEST)
        answered = await reader.read()
        assert answered.startswith(b"HTTP/1.1 500 Internal Server Error\r\n") and b"connection: close" in answered

    talk(Broken(), story)
    said = capsys.readouterr().err
    assert [json.loads(line)["error"] for line in said.splitlines()] == [type(surprise).__name__]
    assert "110101" not in said


def test_while_a_handler_waits_nobody_else_holds_what_it_was_given() -> None:
    class Waits(App):
        async def answer(self, headers: RawHeaders, body: bytes, peer: Peer) -> Whole:
            own = [(b"nobody", b"else")]
            await asyncio.sleep(0)
            assert len(headers) == 2
            assert body == b"body"
            held.append((sys.getrefcount(headers) - sys.getrefcount(own), sys.getrefcount(body) - sys.getrefcount(own)))
            return OK

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        writer.write(REQUEST * 2)
        assert [(await answer_of(reader))[1] for _ in range(2)] == [b"ok", b"us"]
        writer.write(REQUEST)
        assert (await answer_of(reader))[1] == b"ok"

    held: list[tuple[int, int]] = []
    talk(Waits(), story)
    assert held == [(0, 0)] * 2


def test_an_answered_request_is_gone_without_the_collector() -> None:
    left: list[weakref.ref[Any]] = []

    class Noted(App):
        async def answer(self, headers: RawHeaders, body: bytes, peer: Peer) -> Whole:
            class Held:
                pass

            held = Held()
            left.append(weakref.ref(held))
            headers.append((b"held", held))  # type: ignore[attr-defined]
            return await self.think(body)

    async def story(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _state: ServerState) -> None:
        for _ in range(4):
            writer.write(REQUEST)
            await answer_of(reader)

    gc.disable()
    try:
        talk(Noted(), story)
        assert [ref() for ref in left[:-1]] == [None] * 3
    finally:
        gc.enable()
