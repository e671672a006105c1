"""Enter the service in the gateway's catalogue, keep what comes back, and ask for the conformance test."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tongqu_client.provider import trust
from tongqu_client.provider.config import Config
from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.server import build, running
from tongqu_client.provider.service import Service

SCOPE = "catalogue:write"


class Caller(Protocol):
    """The part of the SDK's Gateway that is used here."""

    def request(self, method: str, path: str, *, json: Mapping[str, Any] | None = None, scope: str) -> Any:
        """An authenticated call; the JSON of a 2xx answer, or an exception of tongqu_client.errors."""
        ...


@dataclass(frozen=True, slots=True)
class Registered:
    """What the catalogue says of the service, the keys now trusted, and the conformance report if one was made."""

    config: Config
    state: str
    fingerprints: list[str]
    report: Mapping[str, Any] | None


def manifest(config: Config) -> dict[str, Any]:
    """The body of POST /v1/services. ``crosswalk`` is null: the kit answers in the standard itself."""
    if not config.base_url:
        raise ConfigInvalid(
            "还没有 base_url：网关要用哪个地址访问本服务？用 --base-url 给出",
            "there is no base_url: at which address does the gateway reach this service? Give --base-url",
        )
    return {
        "standard": config.standard,
        "title_zh": config.title_zh,
        "title_en": config.title_en,
        "base_url": config.base_url,
        "crosswalk": None,
        "timeout_ms": round(config.timeout_seconds * 1000),
        "max_concurrent": config.threads,
        "contact": config.contact,
    }


def register(config: Config, gateway_url: str, caller: Caller) -> Registered:
    """Pin the gateway's keys, register once, and save the service id in provider.toml.

    If we stop between registering and saving, the catalogue holds a service nobody serves; a second run makes another
    and the bureau removes the first. A service that has an id already is not registered again.
    """
    fingerprints = trust.pin(config, trust.fetch(gateway_url))
    config = replace(config, gateway=gateway_url)
    if config.service:
        entry = caller.request("GET", f"/v1/services/{config.service}", scope="catalogue:read")
    else:
        entry = caller.request("POST", "/v1/services", json=manifest(config), scope=SCOPE)
        config = replace(config, service=str(entry["id"]))
    config.save()
    return Registered(config, str(entry["state"]), fingerprints, None)


def conform(registered: Registered, caller: Caller) -> Registered:
    """Ask the gateway to test the service; the sample subjects are sent in the body and kept by nobody.

    If nothing answers on the configured port, the service runs in this process for as long as the test lasts.
    """
    config = registered.config
    service = Service.of(config)
    service.open()
    found, absent = service.samples(secrets.randbelow)
    service.close()
    body = {"subject_absent": absent} | ({"subject_found": found} if found else {})
    with _answering(config):
        answer = caller.request("POST", f"/v1/services/{config.service}/conformance", json=body, scope=SCOPE)
    entry = caller.request("GET", f"/v1/services/{config.service}", scope="catalogue:read")
    return replace(registered, report=answer.get("report", answer), state=str(entry["state"]))


@contextmanager
def _answering(config: Config) -> Iterator[None]:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex((config.host, config.port)) == 0
    if taken:
        yield
        return
    parts = build(config)
    try:
        with running(parts, config.host, config.port):
            yield
    finally:
        parts.service.close()
        parts.ledger.close()
