"""A department's system on a port of its own: a real HTTP server that answers well, and misbehaves on demand.

    with Department({"990101199001010014": [{…}]}) as department:
        … call department.base_url …
        department.behave("slow_trickle")             # until told otherwise; see misbehaviour.py for the names
        department.behave("reset", times=3)           # three times, then good again
        department.requests[-1].headers               # what really came over the wire, names in lower case
    department.on_request = lambda received: …    # happens elsewhere while the department is still looking it up

With ``gateway_keys`` it verifies each request as provider-openapi.yaml demands, so that it passes the conformance test;
set ``service`` to the id the catalogue gave it. Without, it answers whoever asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import standards
from gateway.lib.jose import JoseInvalid, PublicKey, verify
from tests.simulators.misbehaviour import MISBEHAVIOURS, respond

AS_OF = "2026-11-23T00:30:00.000Z"
Records = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came. ``headers``: lower-case names, in order, as often as they were sent."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    connection: int = 0  # requests with one number came over one connection

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code
        super().__init__(code)


class Department:
    """``people``: by subject id, that person's records. ``native``: they are in columns of its own, never cut."""

    def __init__(
        self,
        people: Records | None = None,
        *,
        standard: str = "person-basic/1.0.0",
        known: Mapping[str, standards.Standard] = standards.REGISTRY,
        service: str = "svc_test",
        native: bool = False,
        gateway_keys: Mapping[str, PublicKey] | None = None,
        issuer: str = "https://gateway.test",
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        delay_s: float = 0.0,
    ) -> None:
        self.people: dict[str, list[Mapping[str, Any]]] = {who: list(found) for who, found in (people or {}).items()}
        self.standard, self.service, self.native = standard, service, native
        self._known = known
        self.requests: list[Received] = []
        self.delay_s = delay_s
        self.on_request: Callable[[Received], object] | None = None  # runs in a thread before the answer is given
        self.sign_records: Callable[[Received, Mapping[str, Any]], str] | None = None  # its own word for its records
        self.under_way = self.most_under_way = self.connections = 0
        self._gateway_keys, self._issuer, self.now, self._tls = gateway_keys, issuer, now, tls
        self._spent: set[str] = set()
        self._behaviour: tuple[str, int | None] = ("good", None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="department", daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def __enter__(self) -> Department:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/tongqu"

    def trust(self, keys: Mapping[str, PublicKey], issuer: str, service: str) -> None:
        """From now on answer only what this gateway has signed, for the service of this id."""
        self._gateway_keys, self._issuer, self.service = keys, issuer, service

    def behave(self, name: str, *, times: int | None = None) -> None:
        """Answer like this to questions for records from now on; after ``times`` of them, well again."""
        assert name == "good" or name in MISBEHAVIOURS, name
        self._behaviour = (name, times)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)

    async def _end(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        ours = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not ours]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ── one connection ────────────────────────────────────────────────────────────────────────────────────────────────
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        number = self.connections
        try:
            while not writer.is_closing():
                received = await _read(reader, number)
                self.requests.append(received)
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                try:
                    await self._answer(received, writer)
                finally:
                    self.under_way -= 1
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return  # the other side has gone, as it may
        except asyncio.CancelledError:
            return  # the department closes (asyncio's streams of 3.11 would report it as a mishap)
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                writer.close()

    async def _answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        if received.path.endswith("/health"):
            health = {"status": "ok", "standard": self.standard, "service": self.service, "as_of": AS_OF}
            return await respond(writer, 200, json.dumps(health).encode())
        await asyncio.sleep(self.delay_s)
        if self.on_request is not None:
            await asyncio.to_thread(self.on_request, received)
        try:
            good = {"records": self._records(received), "as_of": AS_OF}
        except Refused as refused:
            problem = {"type": "about:blank", "title": "不行", "status": refused.status, "code": refused.code}
            return await respond(
                writer, refused.status, json.dumps(problem).encode(), content_type="application/problem+json"
            )
        name = self._next_behaviour()
        if name == "good":
            headers = (
                {} if self.sign_records is None else {"tongqu_record_signature": self.sign_records(received, good)}
            )
            return await respond(writer, 200, json.dumps(good, ensure_ascii=False).encode(), **headers)
        return await MISBEHAVIOURS[name](writer, good)

    def _next_behaviour(self) -> str:
        name, times = self._behaviour
        if times is not None:
            self._behaviour = (name, times - 1) if times > 1 else ("good", None)
        return name

    # ── the good answer ───────────────────────────────────────────────────────────────────────────────────────────────
    def _records(self, received: Received) -> list[Mapping[str, Any]]:
        claims = self._verified(received) if self._gateway_keys is not None else None
        question = _question(received.body)
        asked = {"standard": question["standard"], "fields": question["fields"]}
        if claims is not None and {name: claims[name] for name in asked} != asked:
            raise Refused(401, "request_signature_invalid")
        if question["standard"] != self.standard:
            raise Refused(404, "unknown_standard")
        wanted = {path.split(".")[0] for path in question["fields"]}
        if not wanted <= set(self._known[self.standard].top_level):
            raise Refused(400, "malformed_request")
        found = self.people.get(question["subject"]["id"], [])
        if self.native:
            return list(found)
        return [{name: value for name, value in record.items() if name in wanted} for record in found]

    def _verified(self, received: Received) -> dict[str, Any]:
        try:
            claims = verify(received.header("tongqu-request") or "", self._key, typ="tongqu-request+jwt")
        except JoseInvalid:
            raise Refused(401, "request_signature_invalid") from None
        now = self.now()
        good = (
            (claims["iss"], claims["aud"]) == (self._issuer, self.service)
            and claims["iat"] <= now + 30
            and now < claims["exp"] <= claims["iat"] + 60
            and claims["jti"] not in self._spent
            and claims["body_digest"] == "sha-256:" + hashlib.sha256(received.body).hexdigest()
        )
        if not good:
            raise Refused(401, "request_signature_invalid")
        self._spent.add(claims["jti"])
        return claims

    def _key(self, header: Mapping[str, Any]) -> PublicKey:
        key = (self._gateway_keys or {}).get(header.get("kid", ""))
        if key is None:
            raise JoseInvalid("not a key of the gateway")
        return key


async def _read(reader: asyncio.StreamReader, connection: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = tuple((name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    method, path, _ = first.split(" ", 2)
    body = await reader.readexactly(int(dict(headers).get("content-length", "0")))
    return Received(method, path, headers, body, connection)


def _question(body: bytes) -> dict[str, Any]:
    """The body as the contract has it, or 400."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    try:
        question = json.loads(body.decode(), object_pairs_hook=once)
    except ValueError:
        raise Refused(400, "malformed_request") from None
    if not isinstance(question, dict) or set(question) != {"standard", "subject", "fields"}:
        raise Refused(400, "malformed_request")
    return question
