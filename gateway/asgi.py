"""The one port: serves the path of a query itself and hands everything else to the Flask application.

Every response under ``/v1`` is signed here (RFC 9421), errors included, so that a missing signature always means that
somebody between gateway and caller removed it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, MutableMapping
from functools import partial
from typing import Any

import orjson
from a2wsgi import WSGIMiddleware

from gateway import __version__
from gateway.app import MAX_BODY as CONTROL_PLANE_MAX_BODY
from gateway.app import create_app
from gateway.errors import Busy, RequestTimedOut, TongquError, TooLarge
from gateway.exchange.api import MAX_BODY
from gateway.health import DATABASE
from gateway.lib.http_server import Handler, Whole
from gateway.lib.http_signature import content_digest, sign_response
from gateway.lib.ids import new_id
from gateway.lib.proxy_certificates import ProxyCertificates
from gateway.lib.web import Headers, Peer, RawHeaders, Request, Response
from gateway.problems import CONTENT_TYPE, document, language
from gateway.wiring import Deps

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DATA_PLANE = frozenset({"/v1/queries", "/v1/queries/explain"})
OCTETS = "application/octet-stream"
BODY_TIMEOUT_S = 10.0  # a caller that trickles its request is let go
CONTROL_PLANE_THREADS = 16
CONTROL_PLANE_MAX = 128  # requests being read, waiting for a thread or in one; beyond it callers come back
OPERATORS = frozenset({"/healthz", "/readyz", "/metrics"})
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
READY_WITHIN_S = 3.0

_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_ALWAYS_TEXT = b"".join(b"%b: %b\r\n" % each for each in _ALWAYS).decode()


class Gateway:
    """The ASGI application. ``deps.start`` and ``deps.stop`` run with the server's own start and stop."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._control_plane = WSGIMiddleware(
            create_app(deps),  # type: ignore[arg-type]  # werkzeug spells the WSGI types its own way
            workers=CONTROL_PLANE_THREADS,
        )
        self._certificates = ProxyCertificates(deps.settings.client_cert_proxies)
        self.direct: dict[bytes, Handler] = {
            path.encode(): partial(self._query, path, deps.settings.public_url + path) for path in sorted(DATA_PLANE)
        }
        self._asking = self._handed_over = 0
        self._max_asking = 2 * deps.settings.max_queries_under_way  # under way, and being read or sent
        self._looking: asyncio.Future[tuple[list[dict[str, str]], list[dict[str, str]]]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._deps.start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._deps.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = self._certificates.only_from_proxies(scope)
        path = scope["path"]
        if path in DATA_PLANE and scope["method"] == "POST":
            await self._data_plane(scope, receive, send)
            return
        if path in OPERATORS and scope["method"] in ("GET", "HEAD"):
            response = await self._operators(path)
            await _send(_with_headers(send, self._farewell()), response)
            return
        send = _with_headers(send, self._farewell())
        if path.startswith(("/v1/", "/oauth/")):
            send = _with_headers(send, [self._nonce()])
        if path.startswith("/v1/"):
            send = _Signing(self._deps, scope, send)
        await self._hand_over(scope, receive, send)

    def _farewell(self) -> list[tuple[bytes, bytes]]:
        """Who hears this should come back to another process."""
        return [(b"connection", b"close")] if self._deps.health.stopping else []

    async def _data_plane(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A query that came in pieces, or whose address is spelt otherwise: it is put together first."""
        request = _request(scope)
        if self._asking >= self._max_asking:
            response = _cannot_read(_busy(), scope["headers"])
        else:
            self._asking += 1
            try:
                body = await _read(scope["headers"], receive, MAX_BODY)
                if isinstance(body, Response):
                    response = body
                else:
                    request.body = body
                    response = await self._deps.exchange.handle(request)
            finally:
                self._asking -= 1
        lines = self._lines(request, _target_uri(self._deps, scope), response)
        headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines.split(b"\r\n")[:-1])]
        await send({"type": "http.response.start", "status": response.status, "headers": headers + self._farewell()})
        await send({"type": "http.response.body", "body": response.body})

    async def _query(self, path: str, target_uri: str, headers: RawHeaders, body: bytes, peer: Peer) -> Whole:
        """A query that came whole (lib/http_server.py)."""
        request = Request("POST", path, "", self._certificates.believed(headers, peer), body)
        if self._asking >= self._max_asking:
            response = _cannot_read(_busy(), headers)
        elif len(body) > MAX_BODY:
            response = _cannot_read(_too_large(MAX_BODY), headers)
        else:
            del headers, body  # the request has them, and lets go of them as soon as it can
            self._asking += 1
            try:
                response = await self._deps.exchange.handle(request)
            finally:
                self._asking -= 1
        in_step = self._deps.exchange.admission.in_step
        await in_step()
        lines = self._lines(request, target_uri, response)
        await in_step()
        return response.status, lines, response.body, self._deps.health.stopping

    def _lines(self, request: Request, target_uri: str, response: Response) -> bytes:
        """All headers of the answer to a query, as they go over the wire."""
        body, own = response.body, _text(response.headers)
        if own.count("\n") != len(response.headers) or own.count("\r") != len(response.headers) or "\0" in own:
            raise ValueError("a line end in a header field")  # it would begin a header of somebody else's
        content_type = dict(response.headers).get("Content-Type", OCTETS)
        signed = _signature(self._deps, request, target_uri, response.status, content_type, content_digest(body))
        nonce = self._deps.authenticator.nonce()
        return (f"{own}{_ALWAYS_TEXT}dpop-nonce: {nonce}\r\n{_text(signed)}content-length: {len(body)}\r\n").encode(
            "latin-1"
        )

    async def _hand_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To Flask, but only once the body is here: a caller that trickles it must not hold one of the few threads."""
        if self._handed_over >= CONTROL_PLANE_MAX:
            await _send(send, _cannot_read(_busy(), scope["headers"]))
            return
        self._handed_over += 1
        try:
            await self._in_thread(scope, receive, send)
        finally:
            self._handed_over -= 1

    async def _in_thread(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(scope["headers"], receive, CONTROL_PLANE_MAX_BODY)
        if isinstance(body, Response):
            await _send(send, body)
            return
        framing = (b"content-length", b"transfer-encoding")
        headers = [(name, value) for name, value in scope["headers"] if name not in framing]
        if any(name in framing for name, _ in scope["headers"]):
            headers.append((b"content-length", str(len(body)).encode()))
        await self._control_plane(
            {**scope, "headers": headers},  # type: ignore[arg-type]  # a2wsgi spells the ASGI types its own way
            _replay(body, receive),  # type: ignore[arg-type]
            _with_headers(send, _ALWAYS),  # type: ignore[arg-type]
        )

    async def _operators(self, path: str) -> Response:
        """Health, readiness and metrics: answered however busy the control plane is, and whatever the database does."""
        if path == "/healthz":
            return _json(200, {"status": "ok", "version": __version__})
        if path == "/metrics":
            self._deps.measure()
            return Response(200, [("Content-Type", METRICS_TYPE)], await asyncio.to_thread(self._deps.metrics))
        findings, warnings = await self._ready()
        status = "not ready" if findings else "ready"
        return _json(503 if findings else 200, {"status": status, "findings": findings, "warnings": warnings})

    async def _ready(self) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """One look at a time, however many ask; who would have to wait longer is told that there is no answer."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._look))
        try:
            return await asyncio.wait_for(asyncio.shield(self._looking), READY_WITHIN_S)
        except TimeoutError:
            return [dataclasses.asdict(DATABASE)], []

    def _look(self) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        return self._deps.ready(), self._deps.warnings()

    def _nonce(self) -> tuple[bytes, bytes]:
        """A fresh DPoP nonce with every response of the authorization and the resource server (RFC 9449 section 8)."""
        return b"dpop-nonce", self._deps.authenticator.nonce().encode()


class _Signing:
    """Holds a response back until its body is whole, then sends it signed. A large one, whose digest and length the
    handler names, is passed on as it comes."""

    def __init__(self, deps: Deps, scope: Scope, send: Send) -> None:
        self._deps, self._scope, self._send = deps, scope, send
        self._start: Message = {}
        self._chunks: list[bytes] = []
        self._passing = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            await self._pass_on()
            return
        if self._passing:
            await self._send(message)
            return
        self._chunks.append(message.get("body", b""))
        if message.get("more_body"):
            return
        body = b"".join(self._chunks)
        headers = [(name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"]
        content_type = _first(headers, b"content-type")
        if content_type is None:
            content_type = OCTETS
            headers.append((b"content-type", content_type.encode()))
        headers += self._signature(content_type, content_digest(body))
        headers.append((b"content-length", b"%d" % len(body)))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _pass_on(self) -> None:
        headers = self._start["headers"]
        digest, content_type = _first(headers, b"content-digest"), _first(headers, b"content-type")
        if digest is None or content_type is None:
            return
        self._passing = True
        kept = [(name, value) for name, value in headers if name.lower() != b"content-digest"]
        kept += self._signature(content_type, digest)
        await self._send({**self._start, "headers": kept})

    def _signature(self, content_type: str, digest: str) -> Iterable[tuple[bytes, bytes]]:
        request, target_uri = _request(self._scope), _target_uri(self._deps, self._scope)
        return _encoded(_signature(self._deps, request, target_uri, self._start["status"], content_type, digest))


def _signature(
    deps: Deps, request: Request, target_uri: str, status: int, content_type: str, digest: str
) -> list[tuple[str, str]]:
    key = deps.keys.response
    digests = request.values(b"content-digest")
    return sign_response(
        status=status,
        content_type=content_type,
        digest=digest,
        method=request.method,
        target_uri=target_uri,
        request_digest=digests[0] if digests else None,
        request_signature=_request_signature(request),
        created=int(time.time()),
        key_id=key.kid,
        sign=key.sign_raw,
    )


def _request_signature(request: Request) -> tuple[str, str] | None:
    """The two fields of a signed request; None when it is not signed, or one of them is there twice."""
    given, signature = request.header(b"signature-input"), request.header(b"signature")
    return None if given is None or signature is None else (given.strip(), signature.strip())


def _request(scope: Scope) -> Request:
    """Without its body, which is still to be read."""
    return Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), scope["headers"], b"")


def _target_uri(deps: Deps, scope: Scope) -> str:
    """The address as the caller spelt it, below the gateway's own."""
    query = scope["query_string"].decode("latin-1")
    raw_path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").split("?")[0]
    return f"{deps.settings.public_url}{raw_path}{'?' + query if query else ''}"


def _encoded(headers: Headers) -> Iterable[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


def _text(headers: Headers) -> str:
    """As they go over the wire."""
    return "".join([f"{name.lower()}: {value}\r\n" for name, value in headers])


def _with_headers(send: Send, more: list[tuple[bytes, bytes]]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in more if name not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return wrapped


def _first(headers: RawHeaders, name: bytes) -> str | None:
    for key, value in headers:
        if key == name or key.lower() == name:
            return value.decode("latin-1")
    return None


async def _read(headers: RawHeaders, receive: Receive, max_body: int) -> bytes | Response:
    """The whole body; or the problem, when it is too large or does not arrive in time."""
    try:
        return await _in_time(_body(receive, max_body))
    except TooLarge as error:
        return _cannot_read(error, headers)
    except (TimeoutError, ConnectionError):
        return _cannot_read(RequestTimedOut(), headers)


async def _in_time(reading: Coroutine[Any, Any, bytes]) -> bytes:
    """What ``reading`` gives, with a timer only if it has to wait: nearly always everything is here already."""
    try:
        waits_for = reading.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # typeshed knows no type for it
    async with asyncio.timeout(BODY_TIMEOUT_S):
        return await _rest(reading, waits_for)


@types.coroutine
def _rest(reading: Coroutine[Any, Any, bytes], waits_for: object) -> Generator[object, None, bytes]:
    """Go on with a coroutine that was begun by hand."""
    try:
        yield waits_for
    except BaseException:  # cancelled: it must not wait any longer either
        reading.close()
        raise
    return (yield from reading.__await__())


def _replay(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, and after it whatever else the connection has to say."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


async def _body(receive: Receive, max_body: int) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > max_body:
            raise _too_large(max_body)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _cannot_read(error: TongquError, headers: RawHeaders) -> Response:
    accepted = _first(headers, b"accept-language")
    problem = document(error, lang=language(accepted), request_id=new_id("req"))
    said = [("Content-Type", CONTENT_TYPE)]
    if "retry_after" in problem:
        said.append(("Retry-After", str(problem["retry_after"])))
    return Response(problem["status"], said, orjson.dumps(problem))


def _too_large(max_body: int) -> TooLarge:
    limit = max_body // 1024
    return TooLarge(f"请求正文超过 {limit} KiB。", f"The request body is larger than {limit} KiB.")


def _busy() -> Busy:
    return Busy("网关正忙，请稍后重试。", "The gateway is busy; try again shortly.", retry_after=1)


def _json(status: int, body: object) -> Response:
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Response(status, headers, orjson.dumps(body))


async def _send(send: Send, response: Response) -> None:
    headers = [*_encoded(response.headers), *_ALWAYS]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
