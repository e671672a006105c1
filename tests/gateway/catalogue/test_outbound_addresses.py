"""Which addresses may be registered, and to which the gateway connects (threats T6, T7, T8)."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalogue.addresses import OutboundPolicy
from gateway.errors import InvalidRequest

WORLD = OutboundPolicy()
EXTRANET = OutboundPolicy(networks=("10.0.0.0/8", "fd00:1::/32"))
WORKSHOP = OutboundPolicy(networks=("127.0.0.0/8", "::1/128"), plain_http=True)
EVERYTHING = OutboundPolicy(networks=("0.0.0.0/0", "::/0"), plain_http=True)

GLOBAL = ["8.8.8.8", "1.1.1.1", "223.5.5.5", "2400:3200::1", "2606:4700::1111", "240e::1"]


@pytest.mark.parametrize("address", GLOBAL)
def test_a_global_address_may_be_called_by_https_on_the_listed_ports(address: str) -> None:
    there = ipaddress.ip_address(address)
    assert WORLD.allows(there, 443, "https")
    assert WORLD.allows(there, 8443, "https")
    assert not WORLD.allows(there, 443, "http")
    assert not OutboundPolicy(plain_http=True).allows(there, 443, "http"), "plain http is for listed networks only"
    for port in (22, 80, 5432, 6379, 9200):
        assert not WORLD.allows(there, port, "https")


PRIVATE = {
    "10.0.0.1": "private (RFC 1918)",
    "172.16.0.1": "private (RFC 1918)",
    "192.168.1.1": "private (RFC 1918)",
    "100.64.0.1": "behind a carrier's NAT (RFC 6598)",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "fc00::1": "unique local (RFC 4193)",
    "fd12:3456::1": "unique local (RFC 4193)",
    "198.18.0.1": "benchmarks (RFC 2544)",
    "192.0.2.1": "documentation",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "2001:db8::1": "documentation",
}
NEVER = {
    "0.0.0.0": "this host",
    "0.1.2.3": "this host",
    "169.254.169.254": "clouds' metadata",
    "169.254.0.1": "link-local",
    "192.0.0.8": "protocol assignments; is_global says True",
    "192.0.0.170": "protocol assignments (NAT64 discovery)",
    "192.88.99.1": "6to4 relay",
    "224.0.0.1": "multicast; is_global says True",
    "239.255.255.250": "multicast (SSDP)",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::7f00:1": "IPv4-compatible 127.0.0.1",
    "::ffff:127.0.0.1": "IPv4-mapped loopback",
    "::ffff:10.0.0.1": "IPv4-mapped private",
    "::ffff:8.8.8.8": "IPv4-mapped",
    "64:ff9b::7f00:1": "NAT64 of 127.0.0.1; is_global says True",
    "64:ff9b::808:808": "NAT64",
    "64:ff9b:1::7f00:1": "local NAT64",
    "100::1": "discard",
    "2001::1": "Teredo",
    "2001:0:7f00:1::": "Teredo of 127.0.0.1",
    "2001:20::1": "ORCHIDv2",
    "2002:7f00:1::": "6to4 of 127.0.0.1; is_global says True",
    "2002:a00:1::1": "6to4 of 10.0.0.1",
    "3fff::1": "documentation (RFC 9637)",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local with a zone",
    "fec0::1": "site-local; is_global says True",
    "feff::1": "site-local, its other end",
    "ff02::1": "multicast; is_global says True",
}
NOT_GIVEN_OUT = ["5f00::1", "4000::1", "8000::1", "a000::1", "e000::1"]


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER, *NOT_GIVEN_OUT])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_no_other_address_may_be_called_by_default(address: str, scheme: str) -> None:
    for port in (80, 443, 8443):
        assert not WORLD.allows(ipaddress.ip_address(address), port, scheme)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_may_not_be_called_even_if_the_operator_lists_them(address: str) -> None:
    assert not EVERYTHING.allows(ipaddress.ip_address(address), 443, "https")
    assert not EVERYTHING.allows(ipaddress.ip_address(address), 80, "http")


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_be_called_where_the_operator_lists_them(address: str) -> None:
    assert EVERYTHING.allows(ipaddress.ip_address(address), 8080, "http")


def test_a_listed_network_opens_itself_and_no_other() -> None:
    assert EXTRANET.allows(ipaddress.ip_address("10.1.2.3"), 9443, "https")
    assert EXTRANET.allows(ipaddress.ip_address("fd00:1::5"), 443, "https")
    assert EXTRANET.allows(ipaddress.ip_address("8.8.8.8"), 443, "https")
    for closed in ("11.0.0.1.", "192.168.1.1", "127.0.0.1", "fd00:2::1"):
        assert not EXTRANET.allows(ipaddress.ip_address(closed.rstrip(".")), 9443, "https")


def test_plain_http_needs_the_setting_and_a_listed_network() -> None:
    here = ipaddress.ip_address("127.0.0.1")
    assert WORKSHOP.allows(here, 8000, "http")
    assert WORKSHOP.allows(ipaddress.ip_address("::1"), 8000, "http")
    assert not OutboundPolicy(networks=("127.0.0.0/8",)).allows(here, 8000, "http")
    assert not WORKSHOP.allows(ipaddress.ip_address("8.8.8.8"), 80, "http")


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_in_an_ipv6_disguise_may_be_called(inside: ipaddress.IPv4Address) -> None:
    number = int(inside)
    disguises = (
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1),
        ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    )
    for disguise in disguises:
        if disguise != ipaddress.IPv6Address("::1"):
            assert not EVERYTHING.allows(disguise, 443, "https")


# ── what may be registered ────────────────────────────────────────────────────────────────────────────────────────────
GOOD = [
    "https://data.police.example",
    "https://data.police.example/",
    "https://data.police.example/tongqu/v1",
    "https://data.police.example:8443/a-b_c~d.e/",
    "https://DATA.police.example",
    "https://xn--fiq228c.example/tongqu",
    "https://data.police.example.",
    "https://8.8.8.8/tongqu",
    "https://[2400:3200::1]:8443/tongqu",
]


@pytest.mark.parametrize("url", GOOD)
def test_an_ordinary_address_may_be_registered(url: str) -> None:
    WORLD.check_url(url)


BAD = {
    "plain http": "http://data.police.example",
    "another scheme": "ftp://data.police.example",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "no scheme": "data.police.example/tongqu",
    "no host": "https:///tongqu",
    "nothing": "",
    "a user name": "https://admin@data.police.example",
    "an empty user name": "https://@data.police.example",
    "a password": "https://admin:secret@data.police.example",
    "a host before an at sign": "https://data.police.example@127.0.0.1/",
    "a query": "https://data.police.example/?to=internal",
    "an empty query": "https://data.police.example/?",
    "a fragment": "https://data.police.example/#x",
    "an empty fragment": "https://data.police.example/#",
    "dot segments": "https://data.police.example/a/../../admin",
    "a dot segment": "https://data.police.example/./a",
    "encoded dot segments": "https://data.police.example/%2e%2e/admin",
    "a blank": "https://data.police.example/a b",
    "a tab, which urlsplit would drop": "https://data.poli\tce.example",
    "a line feed": "https://data.police.example/\nHost: internal",
    "a backslash": "https://data.police.example\\@127.0.0.1/",
    "Chinese letters": "https://数据.公安.example",
    "full-width digits": "https://１２７.0.0.1/",
    "circled letters, which some readers fold": "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "an ideographic full stop": "https://127。0。0。1/",
    "another port": "https://data.police.example:22",
    "port 0": "https://data.police.example:0",
    "a port too high": "https://data.police.example:99999",
    "no number as port": "https://data.police.example:ssh",
    "loopback": "https://127.0.0.1",
    "IPv6 loopback": "https://[::1]",
    "IPv4-mapped loopback": "https://[::ffff:127.0.0.1]",
    "IPv4-mapped loopback in hex": "https://[::ffff:7f00:1]",
    "metadata": "https://169.254.169.254/latest/meta-data",
    "private": "https://10.0.0.5",
    "link-local with a zone": "https://[fe80::1%25eth0]",
    "a global address with a zone": "https://[2400:3200::1%25eth0]",
    "decimal": "https://2130706433",
    "octal": "https://0177.0.0.1",
    "octal of a public address": "https://010.8.8.8",
    "hexadecimal": "https://0x7f000001",
    "hexadecimal in parts": "https://0x7f.0x0.0x0.0x1",
    "upper-case hexadecimal": "https://0X7F000001",
    "short": "https://127.1",
    "shorter": "https://127",
    "zero": "https://0",
    "five parts": "https://1.2.3.4.5",
    "a dot behind digits": "https://127.0.0.1.",
    "decimal with a dot": "https://2130706433.",
    "brackets without an address": "https://[data.police.example]",
    "an address of the future": "https://[v1.fe]",
    "an address of the future that names another": "https://[vF.10.0.0.1]:8443",
    "a name behind brackets": "https://[2400:3200::1].police.example",
    "a name before brackets": "https://police.example[2400:3200::1]",
    "a name with empty labels": "https://data..police.example",
    "a name that begins with a hyphen": "https://-data.example",
    "a name too long": "https://" + "a." * 130 + "example",
    "a label too long": "https://" + "a" * 64 + ".example",
    "an address too long": "https://data.police.example/" + "a" * 500,
}


@pytest.mark.parametrize("defect", BAD)
def test_an_odd_address_is_refused_with_what_to_change(defect: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        WORLD.check_url(BAD[defect])
    (error,) = caught.value.members["errors"]
    assert error["pointer"] == "/base_url"
    assert error["zh"] and error["en"]


SPELLINGS = [
    "decimal",
    "octal",
    "hexadecimal",
    "hexadecimal in parts",
    "short",
    "shorter",
    "zero",
    "a dot behind digits",
]


@pytest.mark.parametrize(
    "defect", [*SPELLINGS, "IPv4-mapped loopback", "full-width digits", "an ideographic full stop"]
)
def test_odd_spellings_of_an_address_are_refused_even_where_the_address_is_allowed(defect: str) -> None:
    """The C library reads 2130706433, 0177.0.0.1 and 127.1 as 127.0.0.1; two readers of one text is one too many."""
    with pytest.raises(InvalidRequest):
        EVERYTHING.check_url(BAD[defect])


def test_plain_http_may_be_registered_only_where_the_operator_allows_it() -> None:
    WORKSHOP.check_url("http://127.0.0.1:9000/tongqu")
    WORKSHOP.check_url("http://[::1]:9000/tongqu")
    WORKSHOP.check_url("http://police.localdomain:9000")
    with pytest.raises(InvalidRequest):
        EXTRANET.check_url("http://10.0.0.1:9000")


@given(st.text(max_size=60))
def test_any_text_is_either_accepted_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://data.example{text}"):
        try:
            WORLD.check_url(url)
        except InvalidRequest:
            continue
        assert url.isascii()
        assert "@" not in url.split("/")[2]
