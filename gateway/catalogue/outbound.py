"""Calls to other people's systems that cannot be turned against our own network (threats T6, T7, T8).

The name is looked up once per connection, *every* address that comes back is checked by addresses.py, and the
connection is made to a checked address under the name's own certificate; so a name that changes its mind (DNS
rebinding) gains nothing. No redirects, no proxies or passwords from the environment, no cookies, no decompression, one
deadline over everything, a bound on size.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import re
import resource
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from types import TracebackType
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakSet

from gateway.catalogue.addresses import DEFAULT_PORTS, OutboundPolicy
from gateway.catalogue.http1 import Connection, Fetched, NotHttp, NotReached, TooLong
from standards.conformance import Response, Send, Unreachable

__all__ = ["Fetched", "LookUp", "NotAllowed", "NotHttp", "NotReached", "OutboundPolicy", "TooLong", "send", "session"]

MAX_BODY: Final = 1 << 20  # bytes of one answer
# Shorter than the 2 s after which gunicorn, by default, closes an idle connection: a request is never sent into one
# that the department is just closing, which would look like a failure of the department.
KEEP_ALIVE_S: Final = 1.5
# A department that says for how long it keeps a connection that is idle (Keep-Alive: timeout=30) is believed so far.
LONGEST_KEPT_S: Final = 30.0
CLOSING_S: Final = 1.0  # before that time is over: what is on its way then must still arrive
SHARE_KEPT: Final = 0.25  # of the files that the process may open; where more are idle, no more are kept for so long
LOOKED_UP_FOR_S: Final = 10  # checked addresses are used this long for further connections

# A look-up can hang for many seconds and cannot be cancelled; here it does not take threads from the database.
_LOOK_UPS: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="look-up")

LookUp = Callable[[str, int], Sequence[str]]


class NotAllowed(OSError):
    """The name leads to an address that the gateway must not call."""


class _Place(NamedTuple):
    """Where a URL leads, and how a request to it begins."""

    host: str
    port: int
    start: str  # request line without the method, and the fields that every request has


def look_up(host: str, port: int) -> list[str]:
    """All addresses of a name, as the machine's resolver has them. Raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class Session:
    """Connections to one system, kept open between requests. Lives on one event loop.

    It sends nothing but what it is given: no cookies, and nothing from the environment. ``limit`` idle connections are
    kept; how many requests may run at once is for the caller to say.
    """

    def __init__(self, policy: OutboundPolicy, scheme: str, limit: int, names: LookUp) -> None:
        self._policy, self._scheme, self._limit, self._names = policy, scheme, limit, names
        self._open: set[Connection] = set()
        self._idle: dict[tuple[str, int], list[Connection]] = {}
        self._checked: dict[tuple[str, int], tuple[float, Sequence[str]]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._sweeps_at = 0.0

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends what is under way, too: whoever waits for it is told that the connection broke."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._open):
            connection.close()
        self._idle.clear()

    def idle(self, place: _Place) -> Connection | None:
        """The connection used last, unless it has been idle for too long."""
        waiting = self._idle.get((place.host, place.port), [])
        while waiting:
            connection = waiting.pop()
            _IDLE.discard(connection)
            if connection.usable and time.monotonic() < connection.idle_until:
                return connection
            connection.close()
        return None

    def keep(self, place: _Place, connection: Connection, kept_s: float = KEEP_ALIVE_S) -> None:
        """For the next request within ``kept_s``, if the other side agrees."""
        waiting = self._idle.setdefault((place.host, place.port), [])
        if not connection.usable or kept_s <= 0 or len(waiting) >= self._limit:
            connection.close()
            return
        if kept_s > KEEP_ALIVE_S and len(_IDLE) >= _most_idle():
            kept_s = KEEP_ALIVE_S  # a thousand departments must not take the files that callers need
        connection.idle_until = time.monotonic() + kept_s
        waiting.append(connection)
        _IDLE.add(connection)
        self._sweep_at(connection.idle_until)

    def _sweep_at(self, until: float) -> None:
        """Look for what has been idle for too long then or before, but not more often than every KEEP_ALIVE_S."""
        if self._sweep is not None:
            if until >= self._sweeps_at:
                return
            self._sweep.cancel()
        self._sweeps_at = max(until, time.monotonic() + KEEP_ALIVE_S)
        self._sweep = asyncio.get_running_loop().call_later(self._sweeps_at - time.monotonic(), self._close_old)

    def _close_old(self) -> None:
        now, self._sweep = time.monotonic(), None
        for place, waiting in list(self._idle.items()):
            for connection in waiting:
                if connection.idle_until <= now:
                    connection.close()
            self._idle[place] = [connection for connection in waiting if connection.usable]
        if left := [connection.idle_until for waiting in self._idle.values() for connection in waiting]:
            self._sweep_at(min(left))

    async def connect(self, place: _Place) -> Connection:
        """A new connection to one of the checked addresses. Raises NotAllowed, NotReached."""
        loop = asyncio.get_running_loop()
        tls = (self._policy.tls or _default_tls()) if self._scheme == "https" else None
        failed: Exception = NotReached("the name is unknown")
        addresses = await self._addresses(place.host, place.port)
        for address in addresses:
            try:
                async with asyncio.timeout(None if address == addresses[-1] else 1.0):  # or the next one in its stead
                    _, connection = await loop.create_connection(
                        lambda: Connection(loop, self._open.discard),
                        address,
                        place.port,
                        ssl=tls,
                        server_hostname=place.host if tls else None,
                    )
                self._open.add(connection)
                return connection
            except ssl.SSLError:
                failed = NotReached("the certificate or TLS is not accepted")
            except (OSError, TimeoutError):
                failed = NotReached("the connection is refused")
        raise failed

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        """All of them are allowed, or none is given (T7)."""
        until, known = self._checked.get((host, port), (0.0, ()))
        if time.monotonic() < until:
            return known
        texts: Sequence[str] = [host] if _is_literal(host) else await self._look_up(host, port)
        for text in texts:
            if not self._policy.allows(ipaddress.ip_address(text), port, self._scheme):
                raise NotAllowed("the name leads to an address outside the allowed networks")
        self._checked[host, port] = (time.monotonic() + LOOKED_UP_FOR_S, texts)
        return texts

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        try:
            texts = await asyncio.get_running_loop().run_in_executor(_LOOK_UPS, self._names, host, port)
        except (OSError, UnicodeError):
            raise NotReached("the name is unknown") from None
        if not texts:
            raise NotReached("the name is unknown")
        return texts


def session(policy: OutboundPolicy, scheme: str, limit: int, names: LookUp = look_up) -> Session:
    """Connections under this policy; ``scheme`` and ``limit`` as Session has them."""
    return Session(policy, scheme, limit, names)


async def send(
    session: Session,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    timeout_s: float,
    max_body: int = MAX_BODY,
) -> Fetched:
    """One request under one deadline: look-up, connection, sending, and the last byte of the answer.

    ``url`` was checked by ``OutboundPolicy.check_url`` and is sent as it stands. Raises TimeoutError, TooLong,
    NotAllowed, NotReached or NotHttp; none of them holds what was sent or received. Follows no redirect.
    """
    place = _place(url)
    request = _request(method, place.start, headers, body)
    connection = session.idle(place)
    if connection is None:
        began = time.monotonic()
        async with asyncio.timeout(timeout_s):
            connection = await session.connect(place)
        timeout_s -= time.monotonic() - began
    try:
        fetched = await connection.ask(request, max_body, timeout_s)
    except BaseException:
        connection.close()  # also when the caller has gone away: the answer would be taken for the next one's
        raise
    session.keep(place, connection, _kept_s(fetched.headers.get("keep-alive", "")))
    return fetched


_IDLE: Final = WeakSet[Connection]()  # of all sessions of this process; what is closed leaves by itself


def _most_idle() -> float:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return math.inf if files == resource.RLIM_INFINITY else files * SHARE_KEPT


def _kept_s(said: str) -> float:
    """How long a connection may be idle, by the field Keep-Alive of the answer (RFC 2068 section 19.7.1.1)."""
    if not said or (found := _TIMEOUT.search(said)) is None:
        return KEEP_ALIVE_S
    return min(int(found[1]) - CLOSING_S, LONGEST_KEPT_S)


_TIMEOUT: Final = re.compile(r"(?:^|[,;\s])timeout=([0-9]{1,6})(?![0-9])", re.ASCII | re.IGNORECASE)


def _request(method: str, start: str, headers: Mapping[str, str], body: bytes) -> bytes:
    given = "".join((*headers, *headers.values()))
    if "\n" in given or "\r" in given or "\0" in given:
        raise ValueError("a line end in a header field")
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method}{start}{fields}{length}\r\n".encode("ascii") + body


@lru_cache(maxsize=4096)
def _place(url: str) -> _Place:
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    start = (
        f" {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Accept: application/json\r\nAccept-Encoding: identity\r\nUser-Agent: tongqu-gateway\r\n"
    )
    return _Place((parts.hostname or "").removesuffix("."), port, start)


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _default_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


# ── the conformance test, which is not asynchronous ───────────────────────────────────────────────────────────────────
def conformance_sender(policy: OutboundPolicy, base_url: str, names: LookUp = look_up) -> Send:
    """How the conformance test sends: the same client under the same policy, in a loop of its own for each request."""

    def send_once(method: str, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
        started = time.monotonic()
        fetched = asyncio.run(_once(policy, names, method, base_url + path, headers, body, timeout))
        return Response(fetched.status, fetched.headers, fetched.body, time.monotonic() - started)

    return send_once


async def _once(
    policy: OutboundPolicy,
    names: LookUp,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    timeout_s: float,
) -> Fetched:
    try:
        async with session(policy, urlsplit(url).scheme, 1, names) as own:
            return await send(own, method, url, headers=headers, body=body, timeout_s=timeout_s)
    except TimeoutError:
        raise Unreachable("没有在时限内答完", "no whole answer in time") from None
    except TooLong:
        raise Unreachable("答复过大", "the answer is larger than the gateway reads") from None
    except NotAllowed:
        raise Unreachable("主机名指向不允许的网络", "the name leads to a network that is not allowed") from None
    except NotHttp:
        raise Unreachable("答复不是 HTTP", "the answer is not HTTP") from None
    except NotReached as error:
        raise Unreachable(f"无法连接（{error.cause}）", f"no connection: {error.cause}") from None
