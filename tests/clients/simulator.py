"""The gateway's side of the wire, small and strict: a real HTTP server that the client under test talks to.

It checks what a gateway checks (client assertion, DPoP proof, nonces, token) and can be told to fail in each way that
networks and gateways fail. What it signs and proves is made with the gateway's own code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gateway.exchange.receipt import salted_digest
from gateway.lib import jose
from gateway.lib.canonical_json import canonical
from gateway.lib.http_signature import sign_response
from tests.clients.made_log import MadeLog, authorized, good_log, released

CLIENT = "cli_linden"
RECORD = {"name": "张三", "residenceAddress": {"divisionCode": "990100001"}}


@dataclass
class Sent:
    """A reply of the simulator. ``after``: seconds of silence before it; ``then``: what to do to the connection."""

    status: int
    document: Any
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    signed: bool = True
    tamper: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]] | None = None
    hang_up: bool = False
    trickle: float = 0.0  # seconds between bytes


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def problem(status: int, code: str, **members: Any) -> Sent:
    document = {
        "type": f"https://tongqu.example/problems/{code}",
        "status": status,
        "code": code,
        "detail": "…",
        "detail_zh": "中文句子",
        "detail_en": "an English sentence",
        "request_id": "qry_refused",
        **members,
    }
    headers = {"Content-Type": "application/problem+json"}
    if "retry_after" in members:
        headers["Retry-After"] = str(members["retry_after"])
    return Sent(status, document, headers)


@dataclass
class Simulator:
    """One gateway. ``script``: replies to give to the next queries, in order, before it answers as it should."""

    client_key: dict[str, str]
    log: MadeLog = field(default_factory=good_log)
    base_url: str = ""
    script: list[Sent] = field(default_factory=list)
    token_script: list[Sent] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Sent] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=lambda: {"as": secrets.token_hex(8), "rs": secrets.token_hex(8)})
    proofs_seen: set[str] = field(default_factory=set)
    data: list[dict[str, Any]] = field(default_factory=lambda: [RECORD])
    explained: dict[str, Any] = field(default_factory=lambda: {"effect": "permit", "fields": ["name"], "reasons": []})
    published: int | None = None  # how many entries the log shows; None: all
    token_life: int = 300
    receipt_changes: dict[str, Any] = field(default_factory=dict)
    trust_changes: dict[str, Any] = field(default_factory=dict)
    date: str | None = None  # of the Date header, where it is not now

    # ── what came ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def to(self, path: str) -> list[Received]:
        return [received for received in self.received if urlsplit(received.path).path == path]

    def rotate_nonces(self) -> None:
        self.nonces = {role: secrets.token_hex(8) for role in self.nonces}

    # ── what goes ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def answer(self, request: Received) -> Sent:
        parts = urlsplit(request.path)
        match parts.path:
            case "/.well-known/oauth-authorization-server":
                return Sent(200, {"issuer": self.base_url, "token_endpoint": f"{self.base_url}/oauth/token"})
            case "/.well-known/tongqu-trust":
                return Sent(200, self.log.keys.trust(self.base_url) | self.trust_changes)
            case "/oauth/token":
                return self._token(request)
            case "/readyz":
                return Sent(200, {"status": "ok"})
            case "/v1/queries":
                return self._authorized(request, "exchange:query", self._query)
            case "/v1/queries/explain":
                return self._authorized(request, "agreements:read", lambda _: Sent(200, self.explained))
            case "/v1/catalogue":
                found = [{"id": "svc_1", "title_zh": "户籍", "q": parse_qs(parts.query)["q"][0]}]
                return self._authorized(request, "catalogue:read", lambda _: Sent(200, found))
            case "/v1/agreements":
                after = parse_qs(parts.query).get("after", ["0"])[0]
                page = {"agreements": [{"id": f"agr_{after}"}], "next": "1" if after == "0" else None}
                return self._authorized(request, "agreements:read", lambda _: Sent(200, page))
            case "/v1/standards/person-basic/1.0.0":
                name = {"title": "姓名", "x-en": "Name", "x-standard": "GB/T 1"}
                return Sent(200, {"title": "人员", "x-en": "Person", "properties": {"name": name}})
        if parts.path.startswith("/v1/log/"):
            return self._log(parts.path.removeprefix("/v1/log/"))
        return problem(404, "not_found")

    def _token(self, request: Received) -> Sent:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if (refusal := self._check_proof(request, "as", None)) is not None:
            return refusal
        if self.token_script:
            return self.token_script.pop(0)
        key = jose.public_key({name: self.client_key[name] for name in ("kty", "crv", "x", "y")})
        claims = jose.verify(form["client_assertion"], key, typ="JWT")
        assert claims["iss"] == claims["sub"] == form["client_id"] == CLIENT
        assert claims["aud"] == self.base_url  # one string, the issuer
        assert 0 < claims["exp"] - time.time() <= 300
        assert claims["jti"] not in self.proofs_seen, "an assertion was used twice"
        self.proofs_seen.add(claims["jti"])
        token = secrets.token_urlsafe(16)
        details = json.loads(form.get("authorization_details", "[]"))
        self.tokens[token] = {"scope": form["scope"], "details": details}
        document = {"access_token": token, "token_type": "DPoP", "expires_in": self.token_life}
        return Sent(200, document | {"authorization_details": details})

    def _authorized(self, request: Received, scope: str, then: Callable[[Received], Sent]) -> Sent:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "DPoP" or token not in self.tokens:
            return problem(401, "token_expired")
        if (refusal := self._check_proof(request, "rs", token)) is not None:
            return refusal
        assert scope in self.tokens[token]["scope"].split()
        return then(request)

    def _check_proof(self, request: Received, role: str, token: str | None) -> Sent | None:
        """RFC 9449 §4.3."""
        proof = request.headers["dpop"]
        jwk = jose.parse(proof).header["jwk"]
        assert jwk == {name: self.client_key[name] for name in ("kty", "crv", "x", "y")}
        claims = jose.verify(proof, jose.public_key(jwk), typ="dpop+jwt")
        assert claims["htm"] == request.method
        assert claims["htu"] == self.base_url + urlsplit(request.path).path
        assert abs(claims["iat"] - time.time()) < 10
        if token is not None:
            assert claims["ath"] == jose.encode64(hashlib.sha256(token.encode()).digest())
        assert claims["jti"] not in self.proofs_seen, "a proof was used twice"
        self.proofs_seen.add(claims["jti"])
        if claims.get("nonce") == self.nonces[role]:
            return None
        if role == "as":
            return Sent(400, {"error": "use_dpop_nonce"}, {"DPoP-Nonce": self.nonces["as"]})
        challenge = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": self.nonces["rs"]}
        refused = problem(401, "use_dpop_nonce")
        refused.headers |= challenge
        return refused

    def _query(self, request: Received) -> Sent:
        if self.script:
            scripted = self.script.pop(0)
            if scripted.status != 200 or scripted.document is not None:
                return scripted
        else:
            scripted = Sent(200, None)
        key, body = request.headers["idempotency-key"], request.json()
        if key not in self.answers:
            self.answers[key] = Sent(200, self._released(body))
        kept = self.answers[key]
        return Sent(
            200, kept.document, {}, scripted.after, scripted.signed, scripted.tamper, scripted.hang_up, scripted.trickle
        )

    def _released(self, body: dict[str, Any]) -> dict[str, Any]:
        """Log a permit and a release, and sign the receipt for it."""
        query = f"qry_{secrets.token_hex(8)}"
        source = {"party": "police", "service": "svc_1", "as_of": "2026-11-22T16:00:00.000Z"}
        core = {"data": self.data, "source": source, "withheld": []}
        salt = secrets.token_bytes(16)
        response_digest = salted_digest(salt, canonical(core))
        permit = self.log.add(**authorized(query))
        index = self.log.add(**released(query, permit, response_digest=response_digest))
        receipt = self.log.receipt(
            index,
            issuer=self.base_url,
            agreement={"id": body["agreement"], "digest": "sha-256:" + "ab" * 32},
            purpose=body["purpose"],
            standard=body["standard"],
            salt=base64.urlsafe_b64encode(salt).rstrip(b"=").decode(),
            request_digest=salted_digest(salt, canonical(body)),
            **{"iat": int(time.time()), **self.receipt_changes},
        )
        place = {"index": index, "origin": self.log.keys.log.origin}
        return {**core, "receipt": receipt, "log": place, "request_id": query}

    def _log(self, path: str) -> Sent:
        size = len(self.log.entries) if self.published is None else self.published
        if path.startswith("entries/"):
            index = int(path.split("/")[1])
            return Sent(200, self.log.proof(index, size).encode()) if index < size else problem(404, "not_found")
        for shown in range(size, 0, -1):  # a partial tile stays readable for each size that was signed
            if (data := self.log.files(shown).get(path)) is not None:
                return Sent(200, data)
        return problem(404, "not_found")


@contextmanager
def running(simulator: Simulator) -> Iterator[Simulator]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(simulator))
    server.daemon_threads = True
    simulator.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield simulator
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(simulator: Simulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, self.path, headers, body)
            simulator.received.append(request)
            sent = simulator.answer(request)
            time.sleep(sent.after)
            if sent.hang_up:
                self.close_connection = True
                return
            self._reply(request, sent)

        do_GET = do_POST = _any

        def _reply(self, request: Received, sent: Sent) -> None:
            raw = isinstance(sent.document, bytes)
            body = sent.document if raw else json.dumps(sent.document, ensure_ascii=False).encode()
            headers = {"Content-Type": "text/plain" if raw else "application/json", **sent.headers}
            if request.path.startswith("/v1/") and sent.signed:
                headers |= _signed(simulator, request, sent.status, headers["Content-Type"], body)
            if sent.tamper is not None:
                headers, body = sent.tamper(headers, body)
            self.send_response_only(sent.status)
            self.send_header("Date", simulator.date or self.date_time_string())
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for start in range(0, len(body), 1 if sent.trickle else len(body) or 1):
                    self.wfile.write(body[start : start + (1 if sent.trickle else len(body))])
                    time.sleep(sent.trickle)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    return Handler


def _signed(simulator: Simulator, request: Received, status: int, content_type: str, body: bytes) -> dict[str, str]:
    key = simulator.log.keys.response
    return dict(
        sign_response(
            status=status,
            content_type=content_type,
            body=body,
            method=request.method,
            target_uri=simulator.base_url + request.path,
            request_digest=request.headers.get("content-digest"),
            created=int(time.time()),
            key_id=key.kid,
            sign=key.sign_raw,
        )
    )
