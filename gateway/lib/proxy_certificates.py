"""Whose word counts about a client's certificate: the configured proxies', nobody else's (RFC 9440 section 4)."""

from __future__ import annotations

import ipaddress
from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from gateway.lib.web import Peer, RawHeaders

_FIELDS: Final = frozenset((b"client-cert", b"client-cert-chain"))


class ProxyCertificates:
    """``proxies``: addresses or networks (CIDR). What counts is where the connection comes from; no header moves it."""

    def __init__(self, proxies: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(each) for each in proxies]

    def only_from_proxies(self, scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The same request, without certificates that anybody else claims to have seen."""
        believed = self.believed(scope["headers"], scope.get("client"))
        return scope if believed is scope["headers"] else {**scope, "headers": believed}

    def believed(self, headers: RawHeaders, peer: Peer) -> RawHeaders:
        """The headers themselves, or those that are left of them."""
        if _FIELDS.isdisjoint([name.lower() for name, _ in headers]) or self._is_proxy(peer):
            return headers
        return [each for each in headers if each[0].lower() not in _FIELDS]

    def _is_proxy(self, peer: Peer) -> bool:
        try:
            address = ipaddress.ip_address(peer[0] if peer else "")
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)
