"""The health commission's old HTTP interface: its own element numbers, no crosswalk of its own.

Run as ``python -m gateway.demo.health FOLDER PORT``. It checks the gateway's signature like any endpoint of the
provider contract, and leaves the translation to the gateway.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from tongqu_client.provider.envelope import EnvelopeInvalid, Trust, verify
from tongqu_client.provider.ledger import Ledger
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

STANDARD = "person-basic/1.0.0"
SUBJECT = "WS02_01_030_00"
AS_OF = "2026-11-22T16:00:00.000Z"


def create_app(folder: Path) -> Flask:
    """``folder`` holds records.json, trust.json, service.txt and the ledger of used signatures."""
    app = Flask("health")
    records = json.loads((folder / "records.json").read_text(encoding="utf-8"))
    trust = Trust.load(folder / "trust.json")
    service = (folder / "service.txt").read_text().strip()
    ledger = Ledger(folder / "ledger.sqlite", b"health commission of the demo city")
    known = set(json.loads((folder / "fields.json").read_text()))

    @app.post("/records")
    def look_up() -> Response:
        body = request.get_data()
        try:
            envelope = verify(
                request.headers.get("Tongqu-Request"), body, trust=trust, service=service, now=time.time()
            )
            ledger.use(envelope, time.time())
        except EnvelopeInvalid:
            return _problem(401, "request_signature_invalid", "请求签名无效", "the request's signature is not valid")
        try:
            asked = json.loads(body)
            standard, subject, fields = asked["standard"], asked["subject"], asked["fields"]
            wanted = subject["id"]
            wrong = subject["scheme"] != "cn.resident-id" or not fields or not set(fields) <= known
        except (ValueError, KeyError, TypeError):
            return _problem(400, "malformed_request", "请求无法解析", "the request cannot be read")
        if standard != STANDARD:
            return _problem(404, "unknown_standard", "本服务不提供该标准", "this standard is not served here")
        if wrong:
            return _problem(400, "malformed_request", "字段或标识方案不对", "a field or the scheme is not right")
        if (envelope.standard, list(envelope.fields)) != (standard, fields):
            return _problem(401, "request_signature_invalid", "签名与正文不符", "signature and body differ")
        found = [record for record in records if record[SUBJECT] == wanted]
        return _json(200, {"records": found, "as_of": AS_OF})

    @app.get("/health")
    def health() -> Response:
        return _json(200, {"status": "ok", "standard": STANDARD, "service": service, "as_of": AS_OF})

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return _problem(error.code or 500, "http", "请求不受支持", "not supported")

    return app


def _json(status: int, document: Any, content_type: str = "application/json") -> Response:
    response = Response(json.dumps(document, ensure_ascii=False), status, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def _problem(status: int, code: str, zh: str, en: str) -> Response:
    document = {
        "type": f"https://tongqu.example/problems/{code}",
        "status": status,
        "code": code,
        "title": en,
        "detail": f"{zh} / {en}",
    }
    return _json(status, document, "application/problem+json")


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    make_server("127.0.0.1", port, create_app(folder), threaded=True).serve_forever()


if __name__ == "__main__":
    main()
