"""The exchange's operations as openapi.yaml shows them. They are served by asgi.py; nothing here runs for a query."""

from __future__ import annotations

from typing import Any, NoReturn

from flask.views import MethodView

from gateway.errors import TongquError
from gateway.exchange.api import EXPLAIN_SCHEMA, QUERY_SCHEMA
from gateway.lib.routes import Blueprint

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def document_members() -> dict[str, Any]:
    """Members of the OpenAPI document that belong to no operation."""
    return {
        "info": {
            "description": (
                "Inter-agency data exchange: standards, agreements, consent, queries, a tamper-evident log.\n\n"
                "跨部门数据共享网关：数据标准、共享协议、当事人同意、查询与防篡改日志。"
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"dpop": []}],  # operations that anybody may call say so themselves
        "servers": [{"url": "http://127.0.0.1:8080", "description": "the demo city / 示范城市"}],
        "components": {
            "schemas": {"Problem": _problem_schema(), "Answer": _answer_schema()},
            "securitySchemes": {
                "dpop": {
                    "type": "http",
                    "scheme": "DPoP",
                    "description": "RFC 9449; the token from /oauth/token, the proof in the DPoP header",
                }
            },
        },
    }


def _text(description: str) -> dict[str, str]:
    return {"type": "string", "description": description}


def _problem_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "RFC 9457 problem document. Codes: docs/errors.md",
        "required": ["type", "status", "code", "title", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "status": {"type": "integer"},
            "code": _text("stable code"),
            "title": _text("in the asked language"),
            "detail": _text("in the asked language"),
            "detail_zh": _text("中文说明"),
            "detail_en": _text("the same in English"),
            "rule": _text("the rule that refused, R1 to R19 or A1 to A9"),
            "fix": _text("what to do next"),
            "retryable": {"type": "boolean"},
            "reasons": {"type": "array", "items": {"type": "object"}},
            "errors": {"type": "array", "items": {"type": "object"}},
            "request_id": _text("give this to the operator"),
            "log_index": {"type": "integer", "description": "the entry that recorded it, counted over all years"},
        },
    }


def _answer_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["data", "withheld", "source", "receipt", "log", "request_id"],
        "properties": {
            "data": {"type": "array", "items": {"type": "object"}, "description": "granted fields only"},
            "withheld": {"type": "array", "items": {"type": "object"}},
            "source": {"type": "object", "description": "party, service, as_of"},
            "receipt": _text("compact JWS, typ tongqu-receipt+jwt"),
            "log": {"type": "object", "description": "index and origin of the release's entry"},
            "request_id": _text("qry_…"),
        },
    }


def _without_dialect(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "$schema"}


def _operation(summary: str, schema: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    refusals = {"401": "A1–A9", "403": "refused, with its rule", "404": "unknown standard", "409": "try again"}
    failures = {"422": "not as described", "429": "quota or load", "502": "department", "503": "log or service"}
    return {
        "summary": summary,
        "parameters": [
            {"in": "header", "name": "DPoP", "required": True, "schema": {"type": "string"}, "description": "RFC 9449"},
            {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string", "minLength": 16}},
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _without_dialect(schema)}}},
        "responses": {
            "200": {"description": "answered", "content": {"application/json": {"schema": answer}}},
            **{
                code: {"description": text, "content": {"application/problem+json": {"schema": _PROBLEM}}}
                for code, text in (refusals | failures | {"504": "department too slow"}).items()
            },
        },
    }


def blueprint() -> Blueprint:
    blp = Blueprint("queries", __name__, url_prefix="/v1/queries", description="The brokered query · 查询")

    @blp.route("")
    class Queries(MethodView):
        @blp.doc(**_operation("Ask a department for one resident's record · 查询", QUERY_SCHEMA, _answer_ref()))
        def post(self) -> NoReturn:
            raise TongquError  # reached only when this application is served without asgi.py

    @blp.route("/explain")
    class Explain(MethodView):
        @blp.doc(**_operation("Would it be permitted, and why (not) · 预判", EXPLAIN_SCHEMA, {"type": "object"}))
        def post(self) -> NoReturn:
            raise TongquError

    return blp


def _answer_ref() -> dict[str, Any]:
    return {"$ref": "#/components/schemas/Answer"}
