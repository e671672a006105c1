"""The socket that the gateway is reached at."""

from __future__ import annotations

import socket


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """Bound, not listening: the kernel sends it connections only once somebody is ready to answer.

    ``::`` is every address of this machine, those of IPv4 too, whatever the machine's default. ``shared``: others that
    ask for it so may have the same port. Raises OSError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, where = found[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(where)
    except OSError:
        made.close()
        raise
    return made
