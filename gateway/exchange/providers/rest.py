"""A department reached over HTTP by the provider contract (standards/provider-openapi.yaml).

The department gets a request that the gateway has signed for this very question, and never the caller's token (threat
T14). One deadline holds for everything. A slow or broken department takes nothing from the others: each service has its
own places, its own queue and its own breaker.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from gateway.catalogue import outbound
from gateway.errors import (
    Busy,
    CircuitOpen,
    InvalidRequest,
    ProviderTimedOut,
    ProviderUnavailable,
)
from gateway.exchange.fairness import Full, Room, Turn
from gateway.exchange.providers import reading
from gateway.exchange.providers.base import FetchRequest, Reply
from gateway.exchange.providers.breaker import Admission, Breaker, Outcome
from gateway.lib.canonical_json import digest_bytes
from gateway.lib.clock import Clock
from gateway.lib.ids import random_piece
from gateway.lib.jose import encode64

HEADER: Final = "Tongqu-Request"
SIGNATURE_LIFETIME_S: Final = 60  # the contract allows no more
MAX_WAITING: Final = 12_000  # queries waiting for a place at one service, of one client at most as many as are free
WAITING_SHARE: Final = 0.5  # of the deadline; the department always has the rest for itself


@dataclass(slots=True)
class _Service:
    """One service as this process knows it."""

    session: outbound.Session
    places: Room  # fair: one consumer cannot fill the line in front of a department
    breaker: Breaker = field(default_factory=Breaker)


class RestProviders:
    """All departments reached over HTTP. Lives on one event loop. ``sign_request`` makes the JWS from claims.

    ``processes``: how many on this machine share what a service gives at once; each takes its part, one at least.
    """

    def __init__(
        self,
        policy: outbound.OutboundPolicy,
        sign_request: Callable[[Mapping[str, Any]], str],
        issuer: str,
        clock: Clock,
        *,
        max_body: int = outbound.MAX_BODY,
        max_waiting: int = MAX_WAITING,
        processes: int = 1,
        names: outbound.LookUp = outbound.look_up,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._sign_request = sign_request
        self._issuer = issuer
        self._clock = clock
        self._max_body = max_body
        self._max_waiting = max_waiting
        self._processes = processes
        self._names = names
        self._monotonic = monotonic
        self._services: dict[tuple[str, str, int], _Service] = {}
        self._closed = False
        self._asking: set[asyncio.Task[Any]] = set()

    async def fetch(self, request: FetchRequest) -> Reply:
        """Ask. Raises ProviderError and its kin, and Busy when too many wait for this service."""
        service = self._service(request)
        if service.breaker.state(self._monotonic()) == "open":
            self._admit(service)  # refuses at once, without standing in the queue
        deadline = self._monotonic() + request.timeout_s
        turn = service.places.enter_now()
        if turn is None:
            turn = await self._place(service, request.consumer, request.timeout_s * WAITING_SHARE)
        try:
            return await self._in_turn(request, service, deadline)
        finally:
            turn.end()

    async def _in_turn(self, request: FetchRequest, service: _Service, deadline: float) -> Reply:
        if self._closed:
            raise _stopping()
        admission = self._admit(service)
        outcome: Outcome = "failed"
        try:
            fetched = await self._unless_closed(self._ask(request, service, deadline - self._monotonic()))
            if reading.shows_life(fetched.status):
                outcome = "worked"
            reply = reading.read(fetched)
            outcome = "worked"
            return reply
        except asyncio.CancelledError:
            outcome = "unknown"  # the caller has gone away
            raise
        finally:
            service.breaker.settle(admission, outcome, self._monotonic())

    @property
    def waiting(self) -> int:
        """Queries that wait for a place at some service."""
        return sum(service.places.waiting for service in self._services.values())

    def breaker_states(self) -> Mapping[str, str]:
        """By service id: closed, open or half-open."""
        now = self._monotonic()
        return {key[0]: service.breaker.state(now) for key, service in self._services.items()}

    async def close(self) -> None:
        """No department is called from now on, and calls under way end as unreachable."""
        self._closed = True
        for asking in self._asking:
            asking.cancel()
        for service in self._services.values():
            await service.session.close()
        self._services.clear()

    # ── one service among many ────────────────────────────────────────────────────────────────────────────────────────
    def _service(self, request: FetchRequest) -> _Service:
        key = (request.service_id, request.base_url, request.max_concurrent)
        if key not in self._services:
            try:
                self._policy.check_url(request.base_url)
            except InvalidRequest:  # settings have become stricter since it was registered
                raise _not_allowed() from None
            scheme = urlsplit(request.base_url).scheme
            at_once = max(1, request.max_concurrent // self._processes)
            self._services[key] = _Service(
                outbound.session(self._policy, scheme, at_once, self._names),
                Room(at_once, self._max_waiting),
            )
        return self._services[key]

    def _admit(self, service: _Service) -> Admission:
        admission = service.breaker.admit(self._monotonic())
        if not admission.allowed:
            raise CircuitOpen(
                "该部门的服务连续出错，已暂停调用，稍后自动重试。",
                "The department's service keeps failing and is paused; it will be tried again by itself.",
                retry_after=math.ceil(admission.retry_after_s),
            )
        return admission

    async def _place(self, service: _Service, consumer: str, patience_s: float) -> Turn:
        """One of the service's places. A full queue, or waiting too long in it, is no fault of the department."""
        try:
            return await service.places.enter(consumer, patience_s)
        except Full:
            raise _busy() from None

    async def _unless_closed(self, asking: Awaitable[outbound.Fetched]) -> outbound.Fetched:
        """What is fetched; when ``close`` comes first, it ends there and the query goes on without it."""
        task = asyncio.current_task()
        assert task is not None
        self._asking.add(task)
        try:
            return await asking
        except asyncio.CancelledError:
            if self._closed and task.uncancel() == 0:
                raise _stopping() from None
            raise
        finally:
            self._asking.discard(task)

    # ── one question ──────────────────────────────────────────────────────────────────────────────────────────────────
    async def _ask(self, request: FetchRequest, service: _Service, timeout_s: float) -> outbound.Fetched:
        body = orjson.dumps(
            {
                "standard": request.standard,
                "subject": {"scheme": request.subject_scheme, "id": request.subject_id},
                "fields": request.fields,
            }
        )
        headers = {"Content-Type": "application/json", HEADER: self._sign_request(self._claims(request, body))}
        try:
            return await outbound.send(
                service.session,
                "POST",
                request.base_url + "/records",
                headers=headers,
                body=body,
                timeout_s=timeout_s,
                max_body=self._max_body,
            )
        except TimeoutError:
            raise ProviderTimedOut("数据提供部门未在时限内答复。", "The department did not answer in time.") from None
        except outbound.TooLong:
            raise reading.nonconformant("过大", "it is too large") from None
        except outbound.NotHttp:
            raise reading.nonconformant("不是 HTTP", "it is not HTTP") from None
        except outbound.NotAllowed:
            raise _not_allowed() from None
        except outbound.NotReached as error:
            raise ProviderUnavailable(
                "无法连接数据提供部门的系统。",
                f"The department's system cannot be reached: {error.cause}.",
                retry_after=reading.RETRY_AFTER_S,
            ) from None

    def _claims(self, request: FetchRequest, body: bytes) -> dict[str, Any]:
        now = int(self._clock.now().timestamp())
        return {
            "iss": self._issuer,
            "aud": request.service_id,
            "iat": now,
            "exp": now + SIGNATURE_LIFETIME_S,
            "jti": encode64(random_piece()),
            "agreement": {"id": request.agreement_id, "digest": request.agreement_digest},
            "purpose": request.purpose,
            "consumer": request.consumer,
            "standard": request.standard,
            "fields": list(request.fields),
            "query": request.query_id,
            "body_digest": digest_bytes(body),
        }


def _busy() -> Busy:
    return Busy("等待该部门答复的请求过多。", "Too many queries wait for this department.", retry_after=1)


def _stopping() -> ProviderUnavailable:
    return ProviderUnavailable(
        "网关正在停止，不再等待部门答复。",
        "The gateway is being stopped and waits for no department any more.",
        retry_after=reading.RETRY_AFTER_S,
    )


def _not_allowed() -> ProviderUnavailable:
    return ProviderUnavailable(
        "该部门系统的地址不在网关允许的网络内。",
        "The address of the department's system is outside the networks that the gateway may call.",
        fix_zh="请联系网关运维核对 provider_networks 与该主机名的解析结果。",
        fix_en="The operator should compare provider_networks with what the host name resolves to.",
    )
