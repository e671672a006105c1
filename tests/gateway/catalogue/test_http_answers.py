"""What our HTTP client believes of an answer, from a real socket that sends exactly these bytes (threats T8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.catalogue import outbound
from gateway.catalogue.http1 import MAX_FIELDS, MAX_HEAD, MAX_INFORMATION
from gateway.catalogue.outbound import Fetched, NotHttp, NotReached, OutboundPolicy, Session, TooLong, send, session

PLAIN = OutboundPolicy(networks=("127.0.0.1/32",), plain_http=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MAX_BODY = 1000

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.connections = 0
        self.heads: list[bytes] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        finally:
            writer.close()

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        return self.heads[-1]


@asynccontextmanager
async def asking(serve: Serve) -> AsyncIterator[tuple[Server, Session, Callable[[], Awaitable[Fetched]]]]:
    there = Server(serve)
    listening = await asyncio.start_server(there.accept, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/records"
    async with listening, session(PLAIN, "http", 4) as own:
        yield there, own, lambda: send(own, "GET", url, headers={}, body=b"", timeout_s=5, max_body=MAX_BODY)


def fetch(answer: bytes, *, times: int = 1) -> tuple[list[Fetched], int]:
    """What each of so many requests gets from a server that answers each with these bytes and, at last, closes."""

    async def run() -> tuple[list[Fetched], int]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while b"\r\n\r\n" in await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()
                if b"Content-Length" not in answer and b"chunked" not in answer:
                    return

        async with asking(serve) as (there, _, ask):
            return [await ask() for _ in range(times)], there.connections

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nEnd: here\r\n\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", b"ok"),  # as long as the connection
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
def test_each_way_of_saying_where_the_answer_ends_is_understood(answer: bytes, body: bytes) -> None:
    ((fetched,), _) = fetch(answer)
    assert fetched.body == body


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_INFORMATION + 1) + OK,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (MAX_FIELDS + 1) + b"Content-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * (MAX_HEAD + 1) + b"\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_what_readers_could_disagree_on_is_no_http(answer: bytes) -> None:
    with pytest.raises(NotHttp):
        fetch(answer)


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nA: ",
        b"HTTP/1.1 200 OK\r\nA",
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
    ],
)
def test_what_never_ends_is_cut_off_long_before_the_deadline(begin: bytes) -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begin)
        while True:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()

    async def run() -> None:
        async with asking(serve) as (_, _, ask):
            with pytest.raises(NotHttp):
                await ask()

    asyncio.run(run())
    assert sent < 32 << 20  # what was under way in the kernel's buffers, not what five seconds could carry


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (MAX_BODY + 1, b"x" * (MAX_BODY + 1)),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY + 1),
    ],
)
def test_more_than_the_caller_reads_is_not_read(answer: bytes) -> None:
    with pytest.raises(TooLong):
        fetch(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nA: b\r\n",
        b"",
    ],
)
def test_an_answer_cut_short_is_none(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async def run() -> None:
        async with asking(serve) as (_, _, ask):
            with pytest.raises(NotReached):
                await ask()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (OK, 1),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", 3),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 3),
        (OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", 3),  # a second answer is nobody's
        (OK + b"garbage", 3),
    ],
)
def test_a_connection_is_used_again_only_if_nothing_is_left_on_it(answer: bytes, connections: int) -> None:
    fetched, opened = fetch(answer, times=3)
    assert [each.body for each in fetched] == [b"ok", b"ok", b"ok"]
    assert opened == connections


@pytest.mark.parametrize(
    ("said", "connections"),
    [
        ("timeout=30", 1),
        ("timeout=30, max=100", 1),
        ("max=100, TIMEOUT=30", 1),
        ("timeout=999999", 1),
        ("timeout=1", 2),  # it might be closing just when the next request is on its way
        ("timeout=0", 2),
        ("timeout=", 1),  # says nothing, like none of the following
        ("timeout=-5", 1),
        ("timeout=99999999999999999999", 1),
        ("untimeout=0", 1),
        ("\u00b2", 1),
    ],
)
def test_a_connection_is_not_used_for_longer_than_the_department_keeps_it(said: str, connections: int) -> None:
    answer = OK.replace(b"\r\n", b"\r\nKeep-Alive: " + said.encode() + b"\r\n", 1)
    assert fetch(answer, times=2)[1] == connections


@pytest.mark.parametrize(("share", "expected"), [(outbound.SHARE_KEPT, [1, 2]), (0.0, [2, 2])])
def test_who_says_how_long_it_keeps_connections_is_asked_over_the_same_one_later(
    share: float, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds are more than a department is trusted with that says nothing, or when files are short."""
    monkeypatch.setattr(outbound, "SHARE_KEPT", share)

    async def connections(answer: bytes) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)

        async with asking(serve) as (there, _, ask):
            await ask()
            await asyncio.sleep(2)
            await ask()
            return there.connections

    async def run() -> list[int]:
        told = OK.replace(b"\r\n", b"\r\nKeep-Alive: timeout=30\r\n", 1)
        return list(await asyncio.gather(connections(told), connections(OK)))

    assert asyncio.run(run()) == expected


def test_a_connection_that_nobody_uses_is_closed_in_time_beside_one_that_is_kept_for_longer() -> None:
    told = OK.replace(b"\r\n", b"\r\nKeep-Alive: timeout=30\r\n", 1)

    async def run() -> list[int]:
        both, over, ended = asyncio.Barrier(2), asyncio.Event(), list[int]()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            number = await both.wait()  # none is idle before the other is there
            writer.write([told, OK][number])
            await reader.read()
            ended.append(number)
            over.set()

        async with asking(serve) as (_, _, ask):
            await asyncio.gather(ask(), ask())
            await over.wait()
            return ended

    assert asyncio.run(run()) == [1]


def test_an_answer_that_nobody_asked_for_is_taken_for_none() -> None:
    answered, forged = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await answered.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        await writer.drain()
        forged.set()
        await reader.read()

    async def run() -> tuple[list[Fetched], int]:
        async with asking(serve) as (there, _, ask):
            first = await ask()
            answered.set()
            await forged.wait()
            await asyncio.sleep(0.1)
            return [first, await ask()], there.connections

    fetched, connections = asyncio.run(run())
    assert [each.body for each in fetched] == [b"ok", b"ok"]
    assert connections == 2


def test_ending_a_session_ends_what_is_under_way() -> None:
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async def run() -> None:
        async with asking(serve) as (_, own, ask):
            waiting = asyncio.ensure_future(ask())
            await asked.wait()
            await own.close()
            with pytest.raises(NotReached):
                await waiting

    asyncio.run(run())


def test_a_caller_that_goes_away_leaves_no_connection_for_the_next() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await gone.wait()
        writer.write(OK)
        await reader.read()

    async def run() -> int:
        async with asking(serve) as (there, _, ask):
            left = asyncio.ensure_future(ask())
            await asked.wait()
            left.cancel()
            with pytest.raises(asyncio.CancelledError):
                await left
            gone.set()
            await ask()
            return there.connections

    assert asyncio.run(run()) == 2


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b"])
def test_no_header_value_becomes_two(value: str) -> None:
    async def run() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            raise AssertionError("nothing is sent")

        async with asking(serve) as (_, own, _ask):
            with pytest.raises(ValueError, match="header field"):
                await send(own, "GET", "http://127.0.0.1:1/", headers={"A": value}, body=b"", timeout_s=1)

    asyncio.run(run())
