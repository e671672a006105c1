"""What all pages about accounts are made of."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Response, request
from jinja2 import Environment

from gateway.accounts.actions import Accounts
from gateway.accounts.ceremonies import Ceremonies
from gateway.accounts.factors import Factors
from gateway.accounts.oidc import RelyingParty
from gateway.accounts.pace import Pace
from gateway.accounts.passkeys import Passkeys
from gateway.errors import MalformedRequest
from gateway.pages.frame.render import Frame

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    factors: Factors
    passkeys: Passkeys
    ceremonies: Ceremonies
    providers: Mapping[str, RelyingParty]
    frame: Frame
    pace: Pace = field(default_factory=Pace)
    templates: Environment = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "templates", self.frame.environment(HERE / "templates"))

    def page(self, template: str, **data: Any) -> Response:
        return self.frame.page(self.templates, template, **data)


def client_address() -> str:
    """Where the request comes from, as far as our own proxies tell; for counting failures only.

    Of IPv6 the network (/64): whoever has one address there has 2^64 of them.
    """
    address = request.remote_addr or ""
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return address
    if given.version == 4 or given.ipv4_mapped is not None:
        return address
    return str(ipaddress.ip_network((given, 64), strict=False))


def posted_json() -> dict[str, Any]:
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise MalformedRequest("应为 JSON 对象。", "Expected a JSON object.")
    return sent
