"""What all pages about accounts are made of."""

from __future__ import annotations

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
    """Where the request comes from, as far as our own proxies tell; for counting failures only."""
    return request.remote_addr or ""


def posted_json() -> dict[str, Any]:
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise MalformedRequest("应为 JSON 对象。", "Expected a JSON object.")
    return sent
