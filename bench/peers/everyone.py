"""All peers, as the table lists them."""

from __future__ import annotations

from . import Peer
from .nginx import Nginx, NginxToken
from .node_js import Broker, ExpressGateway


def peers() -> list[Peer]:
    """Each not started. The Node.js ones with two processes, for the machine has two cores."""
    return [Nginx(), NginxToken(), ExpressGateway(2), Broker(2)]
