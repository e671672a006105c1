"""Calls to other people's systems that cannot be turned against our own network (threats T6, T7, T8).

An address is given by somebody else (a department registers it), so the gateway decides where it may lead: https only,
no user names, listed ports, every resolved address checked, the connection made to a checked address without a second
look-up, no redirects, no proxies from the environment, a bound on time and size. Private networks are closed unless
the operator lists them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.errors import InvalidRequest
from standards.conformance import Response, Send, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What ``is_global`` calls global although it leads elsewhere (seen in Python 3.11), or tunnels to any IPv4 address.
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/48",  # local NAT64 (RFC 8215)
        "2002::/16",  # 6to4 (RFC 3056)
        "2001::/32",  # Teredo (RFC 4380)
        "fec0::/10",  # site-local (RFC 3879)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "::/96",  # IPv4-compatible, deprecated
    )
)
MAX_BODY = 1 << 20  # bytes of one answer


class NotAllowed(OSError):
    """The name resolves to an address that the gateway must not call."""


class TooLong(Exception):
    """The answer is larger than the caller reads."""


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """Where the gateway may connect.

    ``networks``: CIDRs of private networks in which departments' systems stand; inside them the operator vouches for
    the systems, so any port will do, and plain http if ``plain_http``. Elsewhere: global addresses, ``ports``, https.
    """

    networks: tuple[str, ...] = ()
    plain_http: bool = False
    ports: tuple[int, ...] = (443, 8443)

    def check_url(self, url: str) -> None:
        """Raise InvalidRequest, with what to change, unless this address may be registered and called.

        A name is resolved and checked again at each connection; here only what the address itself shows.
        """
        parts, port = _split(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and self.plain_http):
            raise _refused("地址应以 https:// 开头", "the address must begin with https://")
        if not host or parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise _refused(
                "地址应只含主机、端口和路径，不得含用户名、参数或片段",
                "the address must be host, port and path only: no user name, query or fragment",
            )
        literal = _literal(host)
        if literal is None and _looks_numeric(host):
            raise _refused("主机写法不规范的数字地址不予接受", "numeric hosts must be written as an ordinary IP address")
        if literal is not None and not self.allows(literal, port, parts.scheme):
            raise _refused(
                "该地址不在允许的网络或端口内，请联系网关运维", "this address is in no network that the operator allows"
            )
        if literal is None and parts.scheme == "https" and port not in self.ports and not self.networks:
            raise _refused(f"端口应为 {_list(self.ports)} 之一", f"the port must be one of {_list(self.ports)}")

    def allows(self, address: Address, port: int, scheme: str) -> bool:
        """May a connection be made to this address and port?"""
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:  # ::ffff:127.0.0.1 is 127.0.0.1
            return self.allows(mapped, port, scheme)
        if address.is_multicast or address.is_unspecified:
            return False
        if any(address.version == net.version and address in net for net in map(ipaddress.ip_network, self.networks)):
            return scheme == "https" or self.plain_http
        if any(address.version == net.version and address in net for net in _NEVER):
            return False
        return scheme == "https" and address.is_global and port in self.ports

    def connector(self, scheme: str, limit: int) -> aiohttp.TCPConnector:
        """Connections under this policy, at most ``limit`` at a time, kept alive between requests."""
        return aiohttp.TCPConnector(
            resolver=_CheckedResolver(self, scheme), use_dns_cache=False, limit=limit, keepalive_timeout=30.0
        )


@dataclass(slots=True)
class _CheckedResolver(AbstractResolver):
    """Resolve once and hand out only addresses that were checked; aiohttp connects to exactly these (T7)."""

    policy: OutboundPolicy
    scheme: str

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        addresses = {(kind, sockaddr[0]) for kind, _, _, _, sockaddr in found}
        for _, text in addresses:
            if not self.policy.allows(ipaddress.ip_address(str(text).partition("%")[0]), port, self.scheme):
                raise NotAllowed("the name resolves to an address outside the allowed networks")
        return [
            ResolveResult(hostname=host, host=str(text), port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, text in sorted(addresses, key=str)
        ]

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back: status, header fields (names in lower case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


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
    """One request under one deadline: connecting, sending, and the last byte of the answer.

    Raises TimeoutError, TooLong, NotAllowed, or aiohttp.ClientError. Follows no redirect, decodes no content coding.
    """
    async with asyncio.timeout(timeout_s):
        async with session.request(
            method, url, headers=headers, data=body or None, allow_redirects=False
        ) as response:
            chunks, size = [], 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > max_body:
                    response.close()  # the rest is not read, and the connection not used again
                    raise TooLong
                chunks.append(chunk)
            return Fetched(
                response.status, {name.lower(): value for name, value in response.headers.items()}, b"".join(chunks)
            )


def session(policy: OutboundPolicy, scheme: str, limit: int) -> aiohttp.ClientSession:
    """A session that keeps no cookies, reads no environment and sends nothing but what it is given."""
    return aiohttp.ClientSession(
        connector=policy.connector(scheme, limit),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tongqu-gateway"},
    )


def conformance_sender(policy: OutboundPolicy, base_url: str) -> Send:
    """How the conformance test sends: the same client under the same policy, in a loop of its own for each request."""

    def send_once(method: str, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
        started = time.monotonic()
        fetched = asyncio.run(_once(policy, method, base_url + path, headers, body, timeout))
        return Response(fetched.status, fetched.headers, fetched.body, time.monotonic() - started)

    return send_once


async def _once(
    policy: OutboundPolicy, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float
) -> Fetched:
    try:
        async with session(policy, urlsplit(url).scheme, 1) as own:
            return await send(own, method, url, headers=headers, body=body, timeout_s=timeout_s)
    except TimeoutError:
        raise Unreachable("没有在时限内答完", "no whole answer in time") from None
    except TooLong:
        raise Unreachable("答复过大", "the answer is larger than the gateway reads") from None
    except NotAllowed:
        raise Unreachable("主机名指向不允许的网络", "the name leads to a network that is not allowed") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable("无法连接", f"no connection ({type(error).__name__})") from None


def _split(url: str) -> tuple[Any, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        raise _refused("地址写法有误", "the address is not well formed") from None
    if any(ord(character) <= 32 or ord(character) > 126 or character == "\\" for character in url):
        raise _refused("地址含有空白或特殊字符", "the address holds blanks or other characters that no address has")
    return parts, port


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _looks_numeric(host: str) -> bool:
    """``2130706433``, ``0177.0.0.1``, ``127.1``, ``0x7f000001``: names to us, addresses to the C library."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdecimal() or last.lower().startswith("0x")


def _list(ports: Sequence[int]) -> str:
    return ", ".join(map(str, ports))


def _refused(zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(
        f"{zh}。", f"base_url: {en}.", errors=[{"pointer": "/base_url", "rule": "outbound_policy", "zh": zh, "en": en}]
    )


