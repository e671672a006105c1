"""The addresses of a witness over HTTP: POST /add-checkpoint, and GET /<sha-256 of the origin>/checkpoint.
GET /healthz tells a supervisor that it runs.

No caller is known and none needs to be: what counts is the log's signature. Put a web server with TLS before it, or
give it a certificate; what goes over the line is public.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tongqu_witness.witness import Answer, Unusable, Witness

MAX_BODY = 65_536
MAX_CONNECTIONS = 64
IDLE_S = 30  # for a line that says nothing


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], witness: Witness, tls: ssl.SSLContext | None = None) -> None:
        self.witness = witness
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._tls = tls
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            if self._tls is not None:  # here, so that a slow handshake holds up only itself
                request.settimeout(IDLE_S)
                request = self._tls.wrap_socket(request, server_side=True)
            super().process_request_thread(request, client_address)
        except OSError:  # it broke off, or does not speak TLS
            self.shutdown_request(request)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        say("connection_failed", error=type(sys.exc_info()[1]).__name__)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self._send(Answer(404, "POST /add-checkpoint is what there is\n"))
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(Answer(411, "Content-Length is needed\n"))
            return
        if int(length) > MAX_BODY:
            self.close_connection = True
            self._send(Answer(413, f"at most {MAX_BODY} bytes\n"))
            return
        body = self.rfile.read(int(length))
        try:
            answer = self.server.witness.add(body)
        except (Unusable, OSError) as error:  # nothing was signed
            say("not_written", error=f"{type(error).__name__}: {error}")
            answer = Answer(500, "the witness cannot write down what it would sign; nothing was signed\n")
        say("add_checkpoint", status=answer.status, why=None if answer.status == 200 else answer.body.strip())
        self._send(answer)

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._send(Answer(200, "ok\n"))
            return
        origin, _, rest = self.path.removeprefix("/").partition("/")
        found = self.server.witness.latest(origin) if rest == "checkpoint" else None
        self._send(Answer(404, "no such checkpoint\n") if found is None else Answer(200, found))

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "tongqu-witness"

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are told by ``say``."""


def say(event: str, **what: object) -> None:
    """One line of JSON on standard error. Nothing personal: a witness sees hashes only."""
    at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    members = {name: value for name, value in what.items() if value is not None}
    sys.stderr.write(json.dumps({"at": at, "event": event, **members}, ensure_ascii=True) + "\n")
    sys.stderr.flush()
