"""``/v1/standards``: what a record looks like, at the address that its ``$id`` names.

Public: whoever builds a form or an endpoint must be able to read the standards without asking anybody.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

import standards
from gateway.errors import InvalidRequest, MalformedRequest, TooLarge, UnknownStandard
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.registry.published import PUBLIC, published

MAX_RECORDS = 1000  # in one request to validate
MAX_VIOLATIONS = 1000  # in one answer: more of the same helps nobody


class StandardSummary(Schema):
    id = fields.String(metadata={"description": "name/version"})
    title_zh = fields.String()
    title_en = fields.String()
    authority_zh = fields.String()
    authority_en = fields.String()
    sharing_attribute = fields.String()
    digest = fields.String()
    url = fields.String()


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


def _standard(standard_id: str) -> standards.Standard:
    try:
        return standards.get(standard_id)
    except standards.UnknownStandard:
        raise UnknownStandard(
            "没有这个数据标准或版本。",
            "There is no such standard or version.",
            fix_zh="可用的标准见 /v1/standards。",
            fix_en="See /v1/standards for what is published.",
            known=[f"{name}/{version}" for name in standards.names() for version in standards.versions(name)],
        ) from None


def _summary(standard: standards.Standard) -> dict[str, Any]:
    return {
        "id": standard.id,
        "title_zh": standard.zh,
        "title_en": standard.en,
        "authority_zh": standard.authority_zh,
        "authority_en": standard.authority_en,
        "sharing_attribute": standard.sharing_attribute,
        "digest": standard.digest,
        "url": f"/v1/standards/{standard.id}",
    }


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


def blueprint() -> Blueprint:
    blp = Blueprint("standards", __name__, url_prefix="/v1", description="Standards · 数据标准")

    @blp.route("/standards")
    class Standards(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.response(200, StandardSummary(many=True))
        def get(self) -> list[dict[str, Any]]:
            """All published standards · 已发布的数据标准"""
            return [_summary(standards.REGISTRY[key]) for key in standards.REGISTRY]

    @blp.route("/standards/<name>")
    class Versions(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.response(200, StandardSummary(many=True))
        def get(self, name: str) -> list[dict[str, Any]]:
            """The versions of one standard · 一项标准的各版本"""
            if name not in standards.names():
                _standard(f"{name}/")
            return [_summary(standards.get(f"{name}/{version}")) for version in standards.versions(name)]

    @blp.route("/standards/<name>/<version>")
    class TheSchema(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(responses={"200": {"description": "JSON Schema 2020-12", "content": {"application/schema+json": {}}}})
        def get(self, name: str, version: str) -> Response:
            """The schema itself, at the address of its $id · 标准正文（JSON Schema）"""
            return published(_standard(f"{name}/{version}").schema, "application/schema+json")

    @blp.route("/standards/<name>/<version>/validate")
    class Validate(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(requestBody={"required": True, "content": {"application/json": {"schema": {}}}})
        @blp.response(200, Validation)
        def post(self, name: str, version: str) -> dict[str, Any]:
            """Which rules do these records break? Nothing is kept · 校验记录（不留存）"""
            validator = _standard(f"{name}/{version}").validator()
            records = _records(request.get_data())
            found = [
                {"record": position, "pointer": v.pointer, "rule": v.rule, "zh": v.zh, "en": v.en}
                for position, record in enumerate(records)
                for v in validator.errors(record)
            ]
            return {
                "valid": not found,
                "records": len(records),
                "violations": found[:MAX_VIOLATIONS],
                "truncated": len(found) > MAX_VIOLATIONS,
            }

    return blp
