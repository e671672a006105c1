"""A department reached over HTTP by the provider contract (standards/provider-openapi.yaml).

The department gets a request that the gateway has signed for this very question, and never the caller's token. What it
sends back is read under one deadline and one limit of size, as strict JSON; nothing of it enters an error or a log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from gateway.errors import (
    Busy,
    CircuitOpen,
    ProviderError,
    ProviderNonconformant,
    ProviderTimedOut,
    ProviderUnavailable,
)
from gateway.exchange.providers.base import FetchRequest, Reply
from gateway.exchange.providers.breaker import Breaker
from gateway.catalogue import outbound
from gateway.lib.canonical_json import MalformedJson, digest_bytes, strict_loads
from gateway.lib.clock import Clock, parse_rfc3339
from gateway.lib.ids import new_id

HEADER = "Tongqu-Request"
SIGNATURE_LIFETIME_S = 60  # the contract allows no more
MAX_RECORDS = 200
MAX_WAITING = 1000  # queries waiting for a place at one service; beyond it they are told to come back


@dataclass(slots=True)
class _Service:
    """One service as this process knows it."""

    session: aiohttp.ClientSession
    places: asyncio.Semaphore
    breaker: Breaker = field(default_factory=Breaker)
    waiting: int = 0


class RestProviders:
    """All departments reached over HTTP. Lives on one event loop. ``sign_request`` makes the JWS from claims."""

    def __init__(
        self,
        policy: outbound.OutboundPolicy,
        sign_request: Callable[[Mapping[str, Any]], str],
        issuer: str,
        clock: Clock,
        *,
        max_body: int = outbound.MAX_BODY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._sign_request = sign_request
        self._issuer = issuer
        self._clock = clock
        self._max_body = max_body
        self._monotonic = monotonic
        self._services: dict[tuple[str, str, int], _Service] = {}

    async def fetch(self, request: FetchRequest) -> Reply:
        """Ask. Raises ProviderError and its kin, and Busy when too many wait for this service."""
        service = self._service(request)
        if service.waiting >= MAX_WAITING:
            raise Busy("等待该部门答复的请求过多。", "Too many queries wait for this department.", retry_after=2)
        wait = service.breaker.wait(self._monotonic())
        if wait is not None:
            raise CircuitOpen(
                "该部门的服务连续出错，已暂停调用。",
                "The department's service keeps failing and is paused.",
                retry_after=round(wait),
            )
        service.waiting += 1
        try:
            reply = await self._within_limits(request, service)
        except (ProviderUnavailable, ProviderTimedOut, ProviderNonconformant):
            service.breaker.failed(self._monotonic())
            raise
        except BaseException:
            service.breaker.abandoned()
            raise
        finally:
            service.waiting -= 1
        service.breaker.succeeded()
        return reply

    def breaker_states(self) -> Mapping[str, str]:
        """By service id: closed, open or half-open."""
        now = self._monotonic()
        return {key[0]: service.breaker.state(now) for key, service in self._services.items()}

    async def close(self) -> None:
        for service in self._services.values():
            await service.session.close()
        self._services.clear()

    def _service(self, request: FetchRequest) -> _Service:
        key = (request.service_id, request.base_url, request.max_concurrent)
        if key not in self._services:
            scheme = urlsplit(request.base_url).scheme
            self._services[key] = _Service(
                outbound.session(self._policy, scheme, request.max_concurrent), asyncio.Semaphore(request.max_concurrent)
            )
        return self._services[key]

    async def _within_limits(self, request: FetchRequest, service: _Service) -> Reply:
        deadline = self._monotonic() + request.timeout_s
        try:
            async with asyncio.timeout(request.timeout_s):
                await service.places.acquire()
        except TimeoutError:
            raise _too_slow() from None
        try:
            return _reply(await self._call(request, service, max(0.001, deadline - self._monotonic())))
        finally:
            service.places.release()

    async def _call(self, request: FetchRequest, service: _Service, timeout_s: float) -> outbound.Fetched:
        self._policy.check_url(request.base_url)  # settings may have become stricter since it was registered
        body = orjson.dumps(
            {
                "standard": request.standard,
                "subject": {"scheme": request.subject_scheme, "id": request.subject_id},
                "fields": list(request.fields),
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
            raise _too_slow() from None
        except outbound.TooLong:
            raise _wrong("答复过大", "the answer is too large") from None
        except aiohttp.ClientConnectionError:
            raise ProviderUnavailable(
                "无法连接数据提供部门的系统。", "The department's system cannot be reached.", retry_after=5
            ) from None
        except (aiohttp.ClientError, ValueError):
            raise _wrong("答复不是合格的 HTTP", "the answer is no proper HTTP") from None

    def _claims(self, request: FetchRequest, body: bytes) -> dict[str, Any]:
        now = int(self._clock.now().timestamp())
        return {
            "iss": self._issuer,
            "aud": request.service_id,
            "iat": now,
            "exp": now + SIGNATURE_LIFETIME_S,
            "jti": new_id("req"),
            "agreement": {"id": request.agreement_id, "digest": request.agreement_digest},
            "purpose": request.purpose,
            "consumer": request.consumer,
            "standard": request.standard,
            "fields": list(request.fields),
            "query": request.query_id,
            "body_digest": digest_bytes(body),
        }


def _reply(fetched: outbound.Fetched) -> Reply:
    """Believe nothing: status, type, JSON and shape. Raises ProviderError and its kin."""
    _check_status(fetched)
    if fetched.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise _wrong("答复的类型应为 application/json", "the answer must be application/json")
    if fetched.headers.get("content-encoding", "identity").lower() != "identity":
        raise _wrong("答复不得压缩", "the answer must not be compressed")
    try:
        document = strict_loads(fetched.body)
    except MalformedJson as error:
        raise _wrong(f"答复不是有效的 JSON（{error}）", f"the answer is not valid JSON ({error})") from None
    records = document.get("records") if isinstance(document, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise _wrong("答复应有 records 数组，元素为对象", "the answer must have records, an array of objects")
    if len(records) > MAX_RECORDS:
        raise _wrong(f"答复超过 {MAX_RECORDS} 条记录", f"the answer holds more than {MAX_RECORDS} records")
    report = document.get("report")
    return Reply(records, _as_of(document.get("as_of")), report if isinstance(report, dict) else None)


def _as_of(value: Any) -> str | None:
    if value is None:
        return None
    try:
        parse_rfc3339(value)
    except (ValueError, TypeError):
        raise _wrong("as_of 应为 RFC 3339 时间", "as_of must be an RFC 3339 time") from None
    return str(value)


def _check_status(fetched: outbound.Fetched) -> None:
    status = fetched.status
    if status == 200:
        return
    if status in (429, 503):
        after = fetched.headers.get("retry-after", "")
        seconds = min(int(after), 300) if after.isascii() and after.isdecimal() and len(after) < 6 else 5
        raise ProviderUnavailable(
            "数据提供部门的系统暂不可用。", "The department's system is unavailable for now.", retry_after=seconds
        )
    if status == 504:
        raise _too_slow()
    if status >= 500:
        raise ProviderUnavailable(
            f"数据提供部门的系统出错（HTTP {status}）。", f"The department's system failed (HTTP {status})."
        )
    if status == 422:
        raise ProviderError(
            "部门有相关数据，但无法按标准提供，请联系该部门更正。",
            "The department has data but cannot give it in the standard; ask it to correct its source.",
            provider_status=status,
        )
    raise _wrong(f"部门的系统答复了 HTTP {status}", f"the department's system answered HTTP {status}")


def _too_slow() -> ProviderTimedOut:
    return ProviderTimedOut("数据提供部门未在时限内答复。", "The department did not answer in time.")


def _wrong(zh: str, en: str) -> ProviderNonconformant:
    return ProviderNonconformant(
        f"数据提供部门的答复不符合接口约定：{zh}。",
        f"The department's answer breaks the provider contract: {en}.",
        fix_zh="请数据提供部门运行符合性测试并修正。",
        fix_en="The department should run the conformance test and mend it.",
    )
