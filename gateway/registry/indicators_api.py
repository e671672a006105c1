"""``/v1/indicators``: how a figure is defined, and why two figures of one name differ.

Public, like the standards they are defined over: whoever hands in a figure must be able to read its definition without
asking anybody. Figures themselves are computed at the source (standards/provider-openapi.yaml) and not kept here.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from gateway.errors import NotFound
from gateway.lib.routes import Blueprint
from gateway.registry import indicators_schemas as schemas
from gateway.registry.published import PUBLIC, published
from standards import indicators
from standards.indicators import Indicator


def blueprint() -> Blueprint:
    blp = Blueprint("indicators", __name__, url_prefix="/v1", description="Statistical indicators · 统计指标（口径）")

    @blp.route("/indicators")
    class Indicators(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.response(200, schemas.IndicatorSummary(many=True))
        def get(self) -> list[dict[str, Any]]:
            """All published indicators · 已公布的统计指标"""
            return [_summary(indicators.get(name)) for name in indicators.names()]

    @blp.route("/indicators/<name>/<version>")
    class TheIndicator(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(responses={"200": {"description": "the definition", "content": {"application/json": {}}}})
        def get(self, name: str, version: str) -> Response:
            """One definition, as departments compute it · 指标口径正文"""
            try:
                return published(indicators.get(f"{name}/{version}").document, "application/json")
            except indicators.UnknownIndicator:
                raise NotFound(
                    "没有这个统计指标或版本。",
                    "There is no such indicator or version.",
                    fix_zh="可用的见 /v1/indicators。",
                    fix_en="See /v1/indicators for what there is.",
                ) from None

    @blp.route("/indicators/compare")
    class Compare(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.arguments(schemas.TwoFigures)
        @blp.response(200, schemas.DifferenceReason(many=True))
        def post(self, figures: dict[str, Any]) -> list[indicators.Reason]:
            """Why do two departments' figures differ? Nothing is kept · 两个部门的数字为何不同（不留存）"""
            return indicators.explain_difference(figures["a"], figures["b"])

    return blp


def _summary(indicator: Indicator) -> dict[str, Any]:
    document = indicator.document
    return {
        "id": indicator.id,
        "name_zh": document["name"]["zh"],
        "name_en": document["name"]["en"],
        "owner_zh": document["owner"]["zh"],
        "owner_en": document["owner"]["en"],
        "standard": indicator.standard.id,
        "elements": list(indicator.elements),
        "by": list(indicator.by),
        "every": indicator.every,
        "unit_zh": document["unit"]["zh"],
        "unit_en": document["unit"]["en"],
        "digest": indicator.digest,
        "url": f"/v1/indicators/{indicator.id}",
    }
