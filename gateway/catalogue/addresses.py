"""Where the gateway may connect (threats T6, T7, T8). Plain rules: no network, no database.

An address is given by somebody else (a department registers it), so the gateway decides where it may lead: https only,
no user names, listed ports, and only addresses that are global or that the operator listed.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn
from urllib.parse import SplitResult, urlsplit

from gateway.errors import InvalidRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL: Final = 500  # characters
DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
# urlsplit takes [v1.x] for a host (RFC 3986: an address of the future), and what stands beside brackets for nothing.
_BRACKETS: Final = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*")

# Never a department's system, not even inside a listed network: what leads to many machines or to none, what carries
# another address inside (and so past every other rule), and where clouds keep the secrets of the machine itself.
# ``is_global`` of Python 3.11 says True for 64:ff9b::7f00:1, 2002:7f00:1::, 192.0.0.8, 224.0.0.1 and fec0::1.
NEVER: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host (RFC 1122)
        "169.254.0.0/16",  # link-local (RFC 3927); 169.254.169.254 is the clouds' metadata service
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::ffff:0:0/96",  # IPv4-mapped: write the IPv4 address plainly
        "::/96",  # unspecified, IPv4-compatible (RFC 4291, deprecated); ::1 is told apart below
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/48",  # local NAT64 (RFC 8215)
        "100::/64",  # discard (RFC 6666)
        "2001::/32",  # Teredo (RFC 4380)
        "2001:20::/28",  # ORCHIDv2 (RFC 7343): not routed
        "2002::/16",  # 6to4 (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local (RFC 3879)
        "ff00::/8",  # multicast
    )
)
_IPV6_LOOPBACK: Final = ipaddress.IPv6Address("::1")
_IPV6_UNICAST: Final = ipaddress.ip_network("2000::/3")  # all that was ever given out for the whole world to reach


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """Where the gateway may connect.

    ``networks``: CIDRs of private networks in which departments' systems stand; inside them the operator vouches for
    the systems, so any port will do, and plain http if ``plain_http``. Elsewhere: global addresses, ``ports``, https.
    ``tls``: whom to trust (default: the machine's certificate authorities).
    """

    networks: tuple[str, ...] = ()
    plain_http: bool = False
    ports: tuple[int, ...] = (443, 8443)
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    def check_url(self, url: str) -> None:
        """Raise InvalidRequest, with what to change, unless this address may be registered and called.

        A name is looked up and its addresses are checked at each connection; here only what the text itself shows.
        """
        parts, port = _split(url)
        if parts.scheme not in DEFAULT_PORTS or (parts.scheme == "http" and not self.plain_http):
            _refuse("地址应以 https:// 开头", "the address must begin with https://")
        host = parts.hostname or ""
        literal = _literal(host)
        if literal is None and not _HOST.fullmatch(host.removesuffix(".")):
            _refuse("主机名写法有误；中文域名请用 xn-- 形式", "the host is not well formed; write it in ASCII")
        if literal is None and _looks_numeric(host):
            _refuse(
                "数字地址应写成普通的 IP 地址，如 10.1.2.3",
                "a numeric host must be an ordinary IP address, as 10.1.2.3",
            )
        if literal is not None and not self.allows(literal, port, parts.scheme):
            _refuse("该地址不在允许的网络或端口内，请联系网关运维", "the operator allows no such network or port")
        if literal is None and not self.networks and port not in self.ports:
            _refuse(f"端口应为 {_list(self.ports)} 之一", f"the port must be one of {_list(self.ports)}")

    def allows(self, address: Address, port: int, scheme: str) -> bool:
        """May a connection be made to this very address and port?"""
        if address != _IPV6_LOOPBACK and _within(address, NEVER):
            return False
        if _within(address, [ipaddress.ip_network(network) for network in self.networks]):
            return scheme == "https" or self.plain_http
        everywhere = address.is_global and (address.version == 4 or address in _IPV6_UNICAST)
        return scheme == "https" and everywhere and port in self.ports


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _split(url: str) -> tuple[SplitResult, int]:
    """The parts of a URL that is host, port and path, and nothing a reader could take for something else."""
    if len(url) > MAX_URL or any(not "!" <= character <= "~" or character in '\\"<>^`{|}' for character in url):
        _refuse("地址过长或含有空白等字符", "the address is too long or holds characters that no address has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        _refuse("地址写法有误", "the address is not well formed")
    if "[" in parts.netloc and not _BRACKETS.fullmatch(parts.netloc):
        _refuse(
            "方括号内应为 IPv6 地址，其外只可有端口", "brackets hold an IPv6 address, and beside them is a port only"
        )
    if not parts.netloc or "@" in parts.netloc or "?" in url or "#" in url or port == 0:
        _refuse(
            "地址应只含主机、端口和路径，不得含用户名、参数或片段",
            "the address must be host, port and path only: no user name, query or fragment",
        )
    if not _PATH.fullmatch(parts.path) or {".", ".."} & set(parts.path.split("/")):
        _refuse("路径含有不允许的字符或 . ..", "the path holds percent signs, dot segments or other odd characters")
    return parts, port or DEFAULT_PORTS.get(parts.scheme, 0)


def _literal(host: str) -> Address | None:
    if "%" in host:  # a zone (RFC 6874) names a network card of ours
        return None
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _looks_numeric(host: str) -> bool:
    """``2130706433``, ``0177.0.0.1``, ``127.1``, ``0x7f000001``: names to us, addresses to the C library."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdecimal() or last.startswith("0x")


def _list(ports: Sequence[int]) -> str:
    return ", ".join(map(str, ports))


def _refuse(zh: str, en: str) -> NoReturn:
    raise InvalidRequest(
        f"{zh}。", f"base_url: {en}.", errors=[{"pointer": "/base_url", "rule": "outbound_policy", "zh": zh, "en": en}]
    )
