"""Calls to other people's systems that cannot be turned against our own network (threats T6, T7, T8).

The name is looked up once per connection, *every* address that comes back is checked by addresses.py, and the
connection is made to a checked address under the name's own certificate; so a name that changes its mind (DNS
rebinding) gains nothing. No redirects, no proxies or passwords from the environment, no cookies, no decompression, one
deadline over everything, a bound on size.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.catalogue.addresses import OutboundPolicy
from standards.conformance import Response, Send, Unreachable

__all__ = ["Fetched", "LookUp", "NotAllowed", "NotHttp", "NotReached", "OutboundPolicy", "TooLong", "send", "session"]

MAX_BODY: Final = 1 << 20  # bytes of one answer
# Shorter than the 2 s after which gunicorn, by default, closes an idle connection: a request is never sent into one
# that the department is just closing, which would look like a failure of the department.
KEEP_ALIVE_S: Final = 1.5
LOOKED_UP_FOR_S: Final = 10  # checked addresses are used this long for further connections

# A look-up can hang for many seconds and cannot be cancelled; here it does not take threads from the database.
_LOOK_UPS: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="look-up")

LookUp = Callable[[str, int], Sequence[str]]


class NotAllowed(OSError):
    """The name leads to an address that the gateway must not call."""


class NotReached(Exception):
    """No connection, or one that broke before the answer was whole. ``cause``: a word for people, without addresses."""

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(cause)


class NotHttp(Exception):
    """What came back is not HTTP."""


class TooLong(Exception):
    """The answer is larger than the caller reads."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back: status, header fields (names in lower case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def look_up(host: str, port: int) -> list[str]:
    """All addresses of a name, as the machine's resolver has them. Raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class _CheckedResolver(AbstractResolver):
    """Hands out only addresses that were checked; aiohttp connects to exactly these (T7)."""

    def __init__(self, policy: OutboundPolicy, scheme: str, names: LookUp) -> None:
        self._policy, self._scheme, self._names = policy, scheme, names

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        texts = await asyncio.get_running_loop().run_in_executor(_LOOK_UPS, self._names, host, port)
        if not texts:
            raise OSError("the name has no address")
        for text in texts:
            _check(self._policy, text, port, self._scheme)
        return [
            ResolveResult(
                hostname=host,
                host=text,
                port=port,
                family=socket.AF_INET6 if ":" in text else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for text in texts
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _check(policy: OutboundPolicy, address: str, port: int, scheme: str) -> None:
    if not policy.allows(ipaddress.ip_address(address), port, scheme):
        raise NotAllowed("the name leads to an address outside the allowed networks")


def session(policy: OutboundPolicy, scheme: str, limit: int, names: LookUp = look_up) -> aiohttp.ClientSession:
    """A session that keeps no cookies, reads no environment and sends nothing but what it is given."""

    def last_gate(info: tuple[Any, ...]) -> socket.socket:
        """Every connection passes here, also one to an address written as digits, which no resolver sees."""
        family, kind, protocol, _, where = info
        _check(policy, str(where[0]), int(where[1]), scheme)
        return socket.socket(family, kind, protocol)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=_CheckedResolver(policy, scheme, names),
            ttl_dns_cache=LOOKED_UP_FOR_S,
            limit=limit,
            keepalive_timeout=KEEP_ALIVE_S,
            socket_factory=last_gate,
            ssl=policy.tls or True,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tongqu-gateway"},
    )


async def send(
    session: aiohttp.ClientSession,
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
    try:
        async with asyncio.timeout(timeout_s):
            async with session.request(
                method, URL(url, encoded=True), headers=headers, data=body or None, allow_redirects=False
            ) as response:
                return Fetched(
                    response.status,
                    {name.lower(): value for name, value in response.headers.items()},
                    await _whole(response, max_body),
                )
    except (aiohttp.ClientError, ValueError) as error:
        raise _named(error) from None


async def _whole(response: aiohttp.ClientResponse, max_body: int) -> bytes:
    """The body; what is longer is not read, and its connection not used again."""
    chunks, size = [], response.content_length or 0
    if size <= max_body:
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > max_body:
                break
            chunks.append(chunk)
    if size > max_body:
        response.close()
        raise TooLong
    return b"".join(chunks)


def _named(error: Exception) -> Exception:
    """aiohttp's errors, whose texts hold addresses and pieces of answers, as ours, which do not."""
    if isinstance(getattr(error, "os_error", None), NotAllowed):
        return NotAllowed("the name leads to an address outside the allowed networks")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NotReached("the name is unknown")
    if isinstance(error, aiohttp.ClientSSLError):
        return NotReached("the certificate or TLS is not accepted")
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotReached("the connection is refused")
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
        return NotReached("the connection broke")
    return NotHttp()


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
