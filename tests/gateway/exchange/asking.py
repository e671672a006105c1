"""What the tests of providers share: one resident, one question, and a gateway's key that signs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from gateway.catalogue.outbound import OutboundPolicy
from gateway.exchange.providers.base import FetchRequest, Reply
from gateway.exchange.providers.rest import RestProviders
from gateway.lib.jose import SigningKey
from tests.clock import FixedClock
from tests.simulators.department import Department

ISSUER = "https://gateway.test"
RESIDENT = "990101199001010019"
RECORD = {
    "idNumber": RESIDENT,
    "name": "示例人",
    "sex": "1",
    "birthDate": "1990-01-01",
    "personStatus": "active",
    "phone": "13800000000",
}
KEY = SigningKey.generate()
HERE = OutboundPolicy(networks=("127.0.0.0/8",), plain_http=True)


def question(department: Department, **changes: Any) -> FetchRequest:
    request = FetchRequest(
        query_id="qry_01KAR3QUERY00000000000000",
        service_id="svc_test",
        base_url=department.base_url,
        standard="person-basic/1.0.0",
        subject_scheme="cn.resident-id",
        subject_id=RESIDENT,
        fields=("idNumber", "name"),
        agreement_id="agr_01KAR3AGREEMENT00000000000",
        agreement_digest="sha-256:" + "a" * 64,
        purpose="dibao.initial",
        consumer="street-linden",
        timeout_s=30.0,
    )
    return replace(request, **changes)


def providers(policy: OutboundPolicy = HERE, **settings: Any) -> RestProviders:
    return RestProviders(
        policy, lambda claims: KEY.sign_jwt("tongqu-request+jwt", claims), ISSUER, FixedClock(), **settings
    )


def run(what: Callable[[RestProviders], Coroutine[Any, Any, Any]], **settings: Any) -> Any:
    """Run ``what`` with providers of its own, in a loop of its own."""

    async def whole() -> Any:
        own = providers(**settings)
        try:
            return await what(own)
        finally:
            await own.close()

    return asyncio.run(whole())


def fetch(department: Department, *, settings: Any = None, **changes: Any) -> Reply:
    """Ask once. Raises what the provider raises."""
    reply: Reply = run(lambda own: own.fetch(question(department, **changes)), **(settings or {}))
    return reply
