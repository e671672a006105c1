"""``GET /v1/log/entries/{index}/evidence``: the bundle of one query, for its two parties and for the overseers.
``POST /v1/agreements/what-if``: what a draft agreement would have done with the queries of the last month.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, g, request
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from gateway.agreements import schemas as agreement_schemas
from gateway.audit import tiles
from gateway.audit.entry import MAX_INDEX
from gateway.audit.log import Log
from gateway.audit.schemas import EntryAsked
from gateway.audit.search import OVERSEERS
from gateway.audit.search_api import Needs, looked
from gateway.errors import MalformedRequest, NotFound
from gateway.evidence.bundle import Bundler, subject_of, to_bytes
from gateway.evidence.what_if import SINCE, WhatIf, as_json
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.lib.routes import Blueprint

_DRAFT = {"required": True, "content": {"application/json": {"schema": agreement_schemas.drafted()}}}
MEDIA_TYPE = "application/vnd.tongqu.evidence+json"


def blueprint(log: Log, bundler: Callable[[], Bundler], guard: Needs) -> Blueprint:
    blp = Blueprint("evidence", __name__, url_prefix="/v1/log", description="Evidence bundles · 证据包")

    @blp.route(f"/entries/<int(max={MAX_INDEX}):index>/evidence")
    class Evidence(MethodView):
        @guard.needs("log:read")
        @blp.arguments(EntryAsked, location="query", unknown="raise")
        @blp.response(200, {"type": "object"}, content_type=MEDIA_TYPE)
        @blp.doc(summary="Everything that proves one query, in one file · 一次查询的证据包")
        def get(self, asked: dict[str, Any], index: int) -> Response:
            """Receipt and record are not in it: their holder adds them. Taking it is an entry (`audit.viewed`)."""
            position = tiles.position(log, index, asked.get("origin"))
            subject = None if position is None else subject_of(log, position)
            if subject is None or (g.caller.party_kind not in OVERSEERS and g.caller.party not in subject.parties):
                raise _nothing(index)
            made = bundler().bundle(subject)
            looked(log, {"evidence": position}, len(made["entries"]))
            name = f'attachment; filename="evidence-{index}.tqe"'
            headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
            return Response(to_bytes(made), content_type=MEDIA_TYPE, headers=headers)

    return blp


def _nothing(index: int) -> NotFound:
    return NotFound(
        f"第 {index} 条不是贵单位参与的查询。",
        f"Entry {index} is not of a query that your party took part in.",
        fix_zh="请用回执或查询结果中的日志序号；他人之间的查询只有审计机关和数据主管部门可以取证。",
        fix_en="Take the log index of the receipt; queries between others are for the audit office and data bureau.",
    )


class Since(Schema):
    since = fields.String(
        load_default=SINCE,
        validate=validate.Length(max=40),
        metadata={"description": "7d, 24h, or a date; how far back queries are replayed", "example": "30d"},
    )


class Counted(Schema):
    rule, code, zh, en = fields.String(), fields.String(), fields.String(), fields.String()
    count = fields.Integer()


class Asked(Schema):
    standard, field = fields.String(), fields.String()
    count = fields.Integer()
    granted = fields.Boolean()


class NeverAsked(Schema):
    standard, field = fields.String(), fields.String()


class Forecasted(Schema):
    since = fields.String()
    queries, allowed, denied = fields.Integer(), fields.Integer(), fields.Integer()
    newly_allowed, newly_denied = fields.Integer(), fields.Integer()
    consent_needed = fields.Integer()
    truncated = fields.Boolean()
    reasons = fields.List(fields.Nested(Counted))
    asked = fields.List(fields.Nested(Asked))
    never_asked = fields.List(fields.Nested(NeverAsked))
    purposes_never_used = fields.List(fields.String())


def what_if(log: Log, replay: WhatIf, guard: Needs) -> Blueprint:
    blp = Blueprint("what-if", __name__, url_prefix="/v1/agreements", description="Sharing agreements · 共享协议")

    @blp.route("/what-if")
    class OfDraft(MethodView):
        @guard.needs("agreements:read", "agreements:write", "admin")
        @blp.doc(requestBody=_DRAFT, summary="What would this draft have allowed? · 以上月查询试算协议草案")
        @blp.arguments(Since, location="query", unknown="raise")
        @blp.response(200, Forecasted)
        def post(self, asked: dict[str, str]) -> Response:
            """Replays the consumer's queries of that time against the draft. Looking is an entry (`audit.viewed`)."""
            overseer = g.caller.party_kind in OVERSEERS
            content = _body()
            with log.database.read() as conn:
                draft = replay.draft(conn, None if overseer else g.caller.party, content)
            told = replay.forecast(draft, since=asked["since"], reach=None if overseer else g.caller.party)
            looked(log, {"what_if": draft.digest, **asked}, told.queries)
            return Response(orjson.dumps(as_json(draft, told, asked["since"])), content_type="application/json")

    return blp


def _body() -> Any:
    try:
        return strict_loads(request.get_data())
    except MalformedJson as error:
        raise MalformedRequest(f"请求正文不是有效的 JSON：{error}", f"The body is not valid JSON: {error}") from None
