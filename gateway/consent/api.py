"""``/v1/consents``: schema in, one action, schema out. A resident's identifier comes in bodies only, never in a URL."""

from __future__ import annotations

from typing import Any

from flask import g
from flask.views import MethodView

from gateway.consent import schemas
from gateway.consent.actions import Consents
from gateway.identity.guard import Guard
from gateway.lib.routes import Blueprint


def blueprint(consents: Consents, guard: Guard) -> Blueprint:
    blp = Blueprint("consents", __name__, url_prefix="/v1/consents", description="Residents' consents · 当事人同意")
    reads = guard.needs("consents:write", "agreements:read", "admin")
    writes = guard.needs("consents:write")

    @blp.route("")
    class All(MethodView):
        @reads
        @blp.arguments(schemas.Page, location="query")
        @blp.response(200, schemas.ConsentList)
        def get(self, page: dict[str, Any]) -> dict[str, Any]:
            """The consents of one's own party's agreements · 同意记录列表"""
            found = consents.page(g.caller, agreement_id=page["agreement_id"], after=page["after"], limit=page["limit"])
            more = len(found) == page["limit"]
            return {"consents": [schemas.view(each) for each in found], "next": found[-1].id if more else None}

        @writes
        @blp.arguments(schemas.Request)
        @blp.response(201, schemas.ConsentView)
        def post(self, asked: dict[str, Any]) -> dict[str, Any]:
            """Put down what a resident is asked · 征求同意"""
            return schemas.view(consents.request(g.caller, asked))

    @blp.route("/search")
    class Search(MethodView):
        @reads
        @blp.arguments(schemas.Search)
        @blp.response(200, schemas.ConsentList)
        def post(self, body: dict[str, Any]) -> dict[str, Any]:
            """One resident's consents to one agreement · 查询某人的同意记录"""
            found = consents.of_subject(g.caller, body["agreement_id"], body["subject"])
            return {"consents": [schemas.view(each) for each in found], "next": None}

    @blp.route("/<consent_id>")
    class One(MethodView):
        @reads
        @blp.response(200, schemas.ConsentView)
        def get(self, consent_id: str) -> dict[str, Any]:
            """One consent, its proof and what became of it · 查看同意记录"""
            return schemas.view(consents.get(g.caller, consent_id))

    @blp.route("/<consent_id>/give")
    class Give(MethodView):
        @writes
        @blp.arguments(schemas.Give)
        @blp.response(200, schemas.GivenView)
        def post(self, body: dict[str, Any], consent_id: str) -> dict[str, Any]:
            """Record the resident's yes, with its proof; print the withdrawal code · 记录同意"""
            consent, code = consents.give(g.caller, consent_id, body["proof"])
            return {**schemas.view(consent), "withdrawal_code": code}

    @blp.route("/<consent_id>/refuse")
    class Refuse(MethodView):
        @writes
        @blp.response(200, schemas.ConsentView)
        def post(self, consent_id: str) -> dict[str, Any]:
            """Record the resident's no · 记录不同意"""
            return schemas.view(consents.refuse(g.caller, consent_id))

    @blp.route("/<consent_id>/withdraw")
    class Withdraw(MethodView):
        @guard.needs("consents:write", "admin")
        @blp.arguments(schemas.Withdraw, required=False)
        @blp.response(200, schemas.ConsentView)
        def post(self, body: dict[str, Any], consent_id: str) -> dict[str, Any]:
            """Take it back, effective at once, no reason asked · 撤回同意"""
            return schemas.view(consents.withdraw(g.caller, consent_id, body["code"]))

    @blp.route("/<consent_id>/invalidate")
    class Invalidate(MethodView):
        @guard.needs("consents:write", "admin")
        @blp.arguments(schemas.Invalidate)
        @blp.response(200, schemas.ConsentView)
        def post(self, body: dict[str, Any], consent_id: str) -> dict[str, Any]:
            """Say that it should never have been recorded · 认定无效"""
            return schemas.view(consents.invalidate(g.caller, consent_id, body["reason"]))

    return blp
