"""``/v1/emergencies``: schema in, one action, schema out."""

from __future__ import annotations

from typing import Any

from flask import g
from flask.views import MethodView

from gateway.exchange.emergencies import schemas
from gateway.exchange.emergencies.actions import Emergencies
from gateway.identity.guard import Guard
from gateway.identity.model import ADMIN_SCOPE, QUERY_SCOPE
from gateway.lib.routes import Blueprint


def blueprint(emergencies: Emergencies, guard: Guard) -> Blueprint:
    blp = Blueprint("emergencies", __name__, url_prefix="/v1/emergencies", description="Emergencies · 紧急查询")
    reads = guard.needs("agreements:read", "agreements:write", ADMIN_SCOPE)
    writes = guard.needs("agreements:write")

    @blp.route("")
    class All(MethodView):
        @reads
        @blp.response(200, schemas.EmergencyList)
        def get(self) -> dict[str, Any]:
            """One's own, the newest first; everybody's for data bureau and audit office · 紧急查询列表"""
            return {"emergencies": [schemas.view(each) for each in emergencies.page(g.caller)]}

        @writes
        @blp.arguments(schemas.Open)
        @blp.response(201, schemas.EmergencyView)
        def post(self, body: dict[str, Any]) -> dict[str, Any]:
            """The first officer asks for one; it opens when a second confirms it within half an hour · 申请开启"""
            jws = body.pop("jws")
            return schemas.view(emergencies.open(g.caller, body, jws))

    @blp.route("/<emergency_id>")
    class One(MethodView):
        @guard.needs("agreements:read", "agreements:write", ADMIN_SCOPE, QUERY_SCOPE)
        @blp.response(200, schemas.EmergencyView)
        def get(self, emergency_id: str) -> dict[str, Any]:
            """Its state, its end, and until when it must be reviewed · 查看"""
            return schemas.view(emergencies.get(g.caller, emergency_id))

    @blp.route("/<emergency_id>/confirm")
    class Confirm(MethodView):
        @writes
        @blp.arguments(schemas.Confirm)
        @blp.response(200, schemas.EmergencyView)
        def post(self, body: dict[str, Any], emergency_id: str) -> dict[str, Any]:
            """The second officer opens it; an alarm is raised · 第二人确认，随即报警"""
            return schemas.view(emergencies.confirm(g.caller, emergency_id, body["jws"]))

    @blp.route("/<emergency_id>/close")
    class Close(MethodView):
        @guard.needs("agreements:write", ADMIN_SCOPE)
        @blp.response(200, schemas.EmergencyView)
        def post(self, emergency_id: str) -> dict[str, Any]:
            """End it before its time · 提前结束"""
            return schemas.view(emergencies.close(g.caller, emergency_id))

    @blp.route("/<emergency_id>/review")
    class Review(MethodView):
        @guard.needs("agreements:write", "agreements:read", ADMIN_SCOPE)
        @blp.arguments(schemas.Review)
        @blp.response(200, schemas.EmergencyView)
        def post(self, body: dict[str, Any], emergency_id: str) -> dict[str, Any]:
            """A compliance officer says whether it was right; due within a day of its opening · 复核"""
            return schemas.view(emergencies.review(g.caller, emergency_id, body["outcome"], body["jws"]))

    return blp
