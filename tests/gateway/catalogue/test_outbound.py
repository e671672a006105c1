"""The gateway calls no address that could be turned against its own network (threats T6, T7, T8)."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from gateway.catalogue.outbound import NotAllowed, OutboundPolicy, send, session
from gateway.errors import InvalidRequest

OPEN = OutboundPolicy()
CITY = OutboundPolicy(networks=("10.20.0.0/16", "127.0.0.0/8", "fd00::/8"), plain_http=True)

REFUSED = [
    "http://example.org",
    "ftp://example.org",
    "file:///etc/passwd",
    "https://",
    "https://user@example.org",
    "https://user:secret@example.org",
    "https://example.org/?a=b",
    "https://example.org/#x",
    "https://example.org:22",
    "https://127.0.0.1",
    "https://10.0.0.1",
    "https://169.254.169.254",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[64:ff9b::7f00:1]",
    "https://[2002:7f00:1::]",
    "https://[fec0::1]",
    "https://192.0.0.8",
    "https://224.0.0.1",
    "https://0.0.0.0",
    "https://2130706433",
    "https://0177.0.0.1",
    "https://127.1",
    "https://0x7f000001",
    "https://127.0.0.1.",
    "https://exa mple.org",
    "https://example.org\\@127.0.0.1",
    "https://example.org:99999",
]


@pytest.mark.parametrize("url", REFUSED)
def test_such_an_address_cannot_be_registered(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OPEN.check_url(url)
    assert refused.value.members["errors"][0]["pointer"] == "/base_url"


@pytest.mark.parametrize("url", ["https://api.example.org", "https://api.example.org:8443/v1", "https://93.184.216.34"])
def test_an_ordinary_address_can(url: str) -> None:
    OPEN.check_url(url)


def test_listed_networks_are_open_to_what_stands_in_them_and_to_nothing_else() -> None:
    CITY.check_url("http://10.20.1.1:9000")
    CITY.check_url("https://10.20.1.1:9000")
    for url in ("http://10.21.1.1", "https://10.21.1.1", "http://93.184.216.34", "https://169.254.169.254"):
        with pytest.raises(InvalidRequest):
            CITY.check_url(url)


ADDRESSES = {
    "127.0.0.1": False, "10.1.1.1": False, "100.64.0.1": False, "169.254.1.1": False, "192.168.1.1": False,
    "224.0.0.1": False, "255.255.255.255": False, "192.0.0.8": False, "::1": False, "fe80::1": False,
    "fec0::1": False, "ff02::1": False, "64:ff9b::7f00:1": False, "2002:7f00:1::": False, "2001:0:1::": False,
    "::ffff:10.0.0.1": False, "::127.0.0.1": False, "93.184.216.34": True, "2606:2800:220:1::1": True,
}  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_resolved_address_is_judged(address: str) -> None:
    assert OPEN.allows(ipaddress.ip_address(address), 443, "https") is ADDRESSES[address]


class Names:
    """The machine's resolver, with one answer after the other."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    def __call__(self, host: str, port: int) -> list[str]:
        return [self.answers.pop(0)]


def _fetch(url: str, names: Names) -> None:
    async def run() -> None:
        async with session(OPEN, "https", 1, names) as own:
            await send(own, "GET", url, headers={}, body=b"", timeout_s=2)

    asyncio.run(run())


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "10.0.0.1"])
def test_a_name_that_leads_inside_is_not_called(address: str) -> None:
    with pytest.raises(NotAllowed):
        _fetch("https://department.example:443", Names(address))


def test_a_name_is_looked_up_once_for_checking_and_connecting() -> None:
    """Rebinding (T7): the second answer, another address, is never asked for."""
    names = Names("192.0.2.1", "127.0.0.1")  # 192.0.2.0/24 is for documentation, hence not global and refused at once
    with pytest.raises(NotAllowed):
        _fetch("https://department.example:443", names)
    assert names.answers == ["127.0.0.1"]
