"""``/v1/standards``: what a record looks like, at the address that its ``$id`` names.

Public: whoever builds a form or an endpoint must be able to read the standards without asking anybody.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from flask import Response, g, request
from flask.views import MethodView
from marshmallow import Schema, fields

from gateway.errors import InvalidRequest, MalformedRequest, TooLarge
from gateway.identity.guard import Guard
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.lib.routes import Blueprint
from gateway.registry import feed, notice, schemas
from gateway.registry.model import STATES, USABLE, Acting
from gateway.registry.published import PUBLIC, published
from gateway.registry.shelf import Shelf, standard_of

MAX_RECORDS = 1000  # in one request to validate
MAX_VIOLATIONS = 1000  # in one answer: more of the same helps nobody
OPTIONAL: list[dict[str, list[str]]] = [{}, {"dpop": []}]  # with the data bureau's token drafts are seen too


class Violation(Schema):
    record = fields.Integer(metadata={"description": "position in the array"})
    pointer = fields.String(metadata={"description": "JSON Pointer (RFC 6901) into the record"})
    rule = fields.String()
    zh = fields.String()
    en = fields.String()


class Validation(Schema):
    valid = fields.Boolean()
    records = fields.Integer()
    violations = fields.List(fields.Nested(Violation))
    truncated = fields.Boolean(metadata={"description": "there are more violations than the answer lists"})


def _records(body: bytes) -> list[Any]:
    try:
        value = strict_loads(body)
    except MalformedJson as error:
        raise MalformedRequest(f"不是有效的 JSON：{error}", f"Not valid JSON: {error}") from None
    records = value if isinstance(value, list) else [value]
    if len(records) > MAX_RECORDS:
        raise TooLarge(f"一次最多 {MAX_RECORDS} 条记录。", f"At most {MAX_RECORDS} records at a time.")
    if not all(isinstance(record, dict) for record in records):
        raise InvalidRequest("应为一条记录（对象）或记录数组。", "Expected one record (an object) or an array of them.")
    return records


def _brief(text: str, content_type: str) -> Response:
    """A document that changes now and then."""
    response = Response(text, content_type=content_type)
    response.add_etag()
    response.headers["Cache-Control"] = "public, max-age=300"
    response.make_conditional(request)
    return response


def _who() -> Acting | None:
    return Acting.of(g.caller) if g.caller else None


def blueprint(shelf: Shelf, guard: Guard, base_url: str) -> Blueprint:
    blp = Blueprint("standards", __name__, url_prefix="/v1", description="Standards · 数据标准")

    @blp.route("/standards")
    class Standards(MethodView):
        @guard.welcomes
        @blp.doc(security=OPTIONAL)
        @blp.arguments(schemas.StandardSearch, location="query")
        @blp.response(200, schemas.StandardSummary(many=True))
        def get(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
            """Standards in use, or in the state asked for · 数据标准"""
            states = {None: USABLE, "all": STATES}.get(wanted["state"], (wanted["state"],))
            found = [schemas.summary(each) for each in shelf.all(_who(), text=wanted["q"], states=states)]
            return [each for each in found if wanted["domain"] in (None, each["domain"])]

    @blp.route("/standards/feed.atom")
    class AtomFeed(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(responses={"200": {"description": "Atom (RFC 4287)", "content": {"application/atom+xml": {}}}})
        def get(self) -> Response:
            """What happened to standards lately · 标准动态（Atom）"""
            return _brief(feed.atom(shelf.feed(), base_url), "application/atom+xml; charset=utf-8")

    @blp.route("/standards/feed.json")
    class JsonFeed(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(responses={"200": {"description": "JSON Feed 1.1", "content": {"application/feed+json": {}}}})
        def get(self) -> Response:
            """The same as JSON · 标准动态（JSON）"""
            document = json.dumps(feed.json_feed(shelf.feed(), base_url), ensure_ascii=False)
            return _brief(document, "application/feed+json")

    @blp.route("/standards/<name>")
    class Versions(MethodView):
        @guard.welcomes
        @blp.doc(security=OPTIONAL)
        @blp.response(200, schemas.StandardVersion(many=True))
        def get(self, name: str) -> list[dict[str, Any]]:
            """The versions of one standard: state, dates, signature, what is new · 一项标准的各版本"""
            found = shelf.all(_who(), name=name)
            if not found:
                shelf.get(_who(), name)
            return [schemas.view(each) for each in found]

    @blp.route("/standards/<name>/<version>")
    class TheSchema(MethodView):
        @guard.welcomes
        @blp.doc(security=OPTIONAL)
        @blp.doc(responses={"200": {"description": "JSON Schema 2020-12", "content": {"application/schema+json": {}}}})
        def get(self, name: str, version: str) -> Response:
            """The schema itself, at the address of its $id · 标准正文（JSON Schema）"""
            found = shelf.get(_who(), f"{name}/{version}")
            response = published(found.document, "application/schema+json")
            if found.state != "published":  # whoever keeps it must hear when its state changes
                response.headers["Cache-Control"] = "public, no-cache" if found.visible_to(None) else "no-store"
            response.headers.extend(notice.headers(found.id, found.standing))
            return response

    @blp.route("/standards/<name>/<version>/signature")
    class TheSignature(MethodView):
        @guard.welcomes
        @blp.doc(security=OPTIONAL)
        @blp.response(200, schemas.StandardSignature)
        def get(self, name: str, version: str) -> dict[str, Any]:
            """The data bureau's signature, to be verified offline · 主管部门的签名"""
            return schemas.signature(shelf.get(_who(), f"{name}/{version}"))

    @blp.route("/standards/<name>/<version>/validate")
    class Validate(MethodView):
        @guard.welcomes
        @blp.doc(security=OPTIONAL)
        @blp.doc(requestBody={"required": True, "content": {"application/json": {"schema": {}}}})
        @blp.response(200, Validation)
        def post(self, name: str, version: str) -> Any:
            """Which rules do these records break? Nothing is kept · 校验记录（不留存）"""
            asked = shelf.get(_who(), f"{name}/{version}")
            validator = standard_of(asked).validator()
            records = _records(request.get_data())
            violations = (
                {"record": position, "pointer": v.pointer, "rule": v.rule, "zh": v.zh, "en": v.en}
                for position, record in enumerate(records)
                for v in validator.errors(record)
            )
            found = list(islice(violations, MAX_VIOLATIONS + 1))  # what is not listed is not looked for
            answer = {
                "valid": not found,
                "records": len(records),
                "violations": found[:MAX_VIOLATIONS],
                "truncated": len(found) > MAX_VIOLATIONS,
            }
            return answer, 200, dict(notice.headers(asked.id, asked.standing))

    return blp
