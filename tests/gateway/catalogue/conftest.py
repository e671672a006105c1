"""A catalogue over a real log and database, and the people who use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway import db
from gateway.audit import entry
from gateway.audit.log import Log
from gateway.audit.store import Rows
from gateway.catalogue.actions import Catalogue
from gateway.catalogue.outbound import OutboundPolicy
from gateway.identity.model import Caller
from gateway.lib.jose import SigningKey
from gateway.registry.library import Library
from standards.conformance import Response, Unreachable
from tests.clock import FixedClock

KEY = SigningKey.generate()
POLICY = OutboundPolicy(networks=("127.0.0.0/8",), plain_http=True)


def caller(party: str, kind: str) -> Caller:
    return Caller(
        party=party,
        party_kind=kind,
        client=f"cli_{party}",
        scopes=frozenset({"catalogue:read", "catalogue:write", "admin"}),
        grant=None,
        token_id="jti",
        key_thumbprint="A" * 43,
        client_key="A" * 43,
        expires=datetime(2030, 1, 1, tzinfo=UTC),
    )


POLICE = caller("police", "department")
TAX = caller("tax", "department")
LINDEN = caller("street-linden", "street_office")
BUREAU = caller("data-bureau", "data_bureau")


def entries_of(database: db.Database) -> list[dict[str, Any]]:
    """The whole log."""
    with database.read() as conn:
        return [entry.read(data) for data in Rows(conn).entries(0, 10_000)]


def manifest(**changes: Any) -> dict[str, Any]:
    return {
        "standard": "person-basic/1.0.0",
        "title_zh": "常住人口",
        "title_en": "Permanent residents",
        "base_url": "http://127.0.0.1:9000",
        "crosswalk": None,
        "timeout_ms": 1000,
        "max_concurrent": 4,
        "contact": "数据科",
    } | changes


@pytest.fixture
def catalogue(database: db.Database, log: Log, clock: FixedClock) -> Catalogue:
    """Its departments do not answer: a conformance test fails, which is all that these tests need of it."""

    def silent(_base_url: str) -> Callable[..., Response]:
        def send(method: str, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
            raise Unreachable("无法连接", "no connection")

        return send

    return Catalogue(
        database,
        log,
        clock,
        Library(database),
        issuer="http://gw.test",
        check_url=POLICY.check_url,
        sender=silent,
        sign_request=lambda claims: KEY.sign_jwt("tongqu-request+jwt", claims),
    )


@pytest.fixture
def conformant(catalogue: Catalogue, log: Log) -> Callable[..., str]:
    """Register a service and bring it as far as a passed conformance test does."""

    def make(**changes: Any) -> str:
        service = catalogue.register(POLICE, manifest(**changes))
        catalogue._move(POLICE, service.id, "pass", "service.tested", "passed")
        return service.id

    return make
