# mypy: allow-untyped-decorators
"""``/v1/meta``: what a standard, a crosswalk, a form and an indicator may hold, at the address that each ``$id`` names.

Public, like the standards themselves: whoever writes such a document checks it before sending it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request
from flask.views import MethodView
from marshmallow import Schema, fields

from gateway.errors import NotFound
from gateway.lib.canonical_json import digest
from gateway.lib.routes import Blueprint
from standards import documents

PUBLIC: list[dict[str, list[str]]] = []  # OpenAPI: no token is needed


class MetaSchema(Schema):
    kind = fields.String(metadata={"description": "standard, crosswalk, form or indicator"})
    title_zh = fields.String()
    title_en = fields.String()
    url = fields.String()


def blueprint() -> Blueprint:
    blp = Blueprint("meta", __name__, url_prefix="/v1/meta", description="Rules for documents · 文件的写法")

    @blp.route("")
    class MetaSchemas(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.response(200, MetaSchema(many=True))
        def get(self) -> list[dict[str, Any]]:
            """The meta-schemas of the documents that departments write · 各类文件的元模式"""
            return [
                {
                    "kind": kind,
                    "title_zh": documents.meta_schema(kind)["title"],
                    "title_en": documents.meta_schema(kind)["x-en"],
                    "url": _address(kind),
                }
                for kind in documents.META_SCHEMAS
            ]

    @blp.route("/<kind>/<version>")
    class TheMetaSchema(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(responses={"200": {"description": "JSON Schema 2020-12", "content": {"application/schema+json": {}}}})
        def get(self, kind: str, version: str) -> Response:
            """One meta-schema, at the address of its $id · 元模式正文（JSON Schema）"""
            for known in documents.META_SCHEMAS:
                if _address(known) == f"/v1/meta/{kind}/{version}":
                    return _published(dict(documents.meta_schema(known)))
            raise NotFound(
                "没有这种元模式或版本，已有的见 /v1/meta。", "There is no such meta-schema or version; see /v1/meta."
            )

    return blp


def _address(kind: documents.Kind) -> str:
    return urlsplit(str(documents.meta_schema(kind)["$id"])).path


def _published(document: dict[str, Any]) -> Response:
    response = Response(json.dumps(document, ensure_ascii=False, indent=1), content_type="application/schema+json")
    response.set_etag(digest(document).removeprefix("sha-256:"))
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"  # a published version never changes
    response.make_conditional(request)
    return response
