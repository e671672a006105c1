"""The department while its service is being registered: it verifies each request, as the conformance test demands.

Afterwards stub.py answers at the same address, without verifying.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from flask import Flask, Response, request
from tongqu_client.provider.envelope import EnvelopeInvalid, Trust, verify
from werkzeug.serving import WSGIRequestHandler, make_server

import standards
from bench import records

SERVED = {"person": records.PERSON, "slow": records.PERSON, "steady": records.PERSON, "page": records.ASSISTANCE}


@contextmanager
def standing(port: int, trust: Mapping[str, Any], services: Mapping[str, str]) -> Iterator[None]:
    """Answer on this port for as long as the block runs. ``services``: id of the service by place, filled meanwhile."""
    server = make_server("127.0.0.1", port, _app(Trust(trust), services), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are no news here."""


def _app(trust: Trust, services: Mapping[str, str]) -> Flask:
    app = Flask("department")
    spent: set[str] = set()

    @app.get("/<place>/health")
    def health(place: str) -> Response:
        state = {"status": "ok", "standard": SERVED[place], "service": services[place], "as_of": records.AS_OF}
        return _json(200, state)

    @app.post("/<place>/records")
    def look_up(place: str) -> Response:
        body = request.get_data()
        try:
            envelope = verify(
                request.headers.get("Tongqu-Request"), body, trust=trust, service=services[place], now=time.time()
            )
        except EnvelopeInvalid:
            return _problem(401, "request_signature_invalid")
        if envelope.jti in spent:
            return _problem(401, "request_signature_invalid")
        spent.add(envelope.jti)
        return _found(SERVED[place], body, envelope.standard, list(envelope.fields))

    return app


def _found(standard: str, body: bytes, signed_standard: str, signed_fields: list[str]) -> Response:
    try:
        asked = json.loads(body)
        about, fields, wanted = asked["standard"], asked["fields"], asked["subject"]
        if wanted["scheme"] != "cn.resident-id" or not fields:
            return _problem(400, "malformed_request")
    except (ValueError, KeyError, TypeError):
        return _problem(400, "malformed_request")
    if about != standard:
        return _problem(404, "unknown_standard")
    if not {field.split(".")[0] for field in fields} <= set(standards.get(standard).top_level):
        return _problem(400, "malformed_request")
    if (signed_standard, signed_fields) != (about, fields):
        return _problem(401, "request_signature_invalid")
    return _json(200, records.answers(standard, wanted["id"]))


def _json(status: int, document: Any, content_type: str = "application/json") -> Response:
    return Response(orjson.dumps(document), status, {"Cache-Control": "no-store"}, content_type=content_type)


def _problem(status: int, code: str) -> Response:
    problem = {"type": "about:blank", "title": code, "status": status, "code": code}
    return _json(status, problem, "application/problem+json")
