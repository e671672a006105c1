"""``/v1/conflicts`` and ``/v1/protected-persons``: schema in, one action, schema out."""

from __future__ import annotations

from typing import Any

from flask import g
from flask.views import MethodView

from gateway.exchange.persons import schemas
from gateway.exchange.persons.actions import Persons
from gateway.identity.guard import Guard
from gateway.identity.model import ADMIN_SCOPE
from gateway.lib.routes import Blueprint


def blueprints(persons: Persons, guard: Guard) -> list[Blueprint]:
    return [_conflicts(persons, guard), _protected(persons, guard)]


def _conflicts(persons: Persons, guard: Guard) -> Blueprint:
    blp = Blueprint("conflicts", __name__, url_prefix="/v1/conflicts", description="Conflicts of interest · 回避")
    own = guard.needs("agreements:write", ADMIN_SCOPE)

    def counted(officer_id: str) -> dict[str, Any]:
        found = persons.counted(g.caller, officer_id)
        return {"officer": officer_id, "self_": found["self"], "declared": found["declared"]}

    @blp.route("/<officer_id>")
    class Conflicts(MethodView):
        @own
        @blp.response(200, schemas.Conflicts)
        def get(self, officer_id: str) -> dict[str, Any]:
            """How many conflicts an officer of one's own declared, never about whom · 已申报的回避数"""
            return counted(officer_id)

        @own
        @blp.arguments(schemas.Declare)
        @blp.response(201, schemas.Conflicts)
        def post(self, body: dict[str, Any], officer_id: str) -> dict[str, Any]:
            """Declare whose record this officer must not look up · 申报回避"""
            persons.declare(g.caller, officer_id, body["subject"], body["relation"])
            return counted(officer_id)

    @blp.route("/<officer_id>/withdraw")
    class Withdraw(MethodView):
        @guard.needs(ADMIN_SCOPE)
        @blp.arguments(schemas.OfPerson)
        @blp.response(200, schemas.Conflicts)
        def post(self, body: dict[str, Any], officer_id: str) -> dict[str, Any]:
            """Take a declaration back; the data bureau alone · 撤销申报"""
            persons.withdraw(g.caller, officer_id, body["subject"])
            return counted(officer_id)

    return blp


def _protected(persons: Persons, guard: Guard) -> Blueprint:
    blp = Blueprint(
        "protected", __name__, url_prefix="/v1/protected-persons", description="Protected persons · 特别保护人员"
    )
    admin = guard.needs(ADMIN_SCOPE)

    @blp.route("")
    class Protected(MethodView):
        @admin
        @blp.response(200, schemas.Protected)
        def get(self) -> dict[str, int]:
            """How many there are · 名单人数"""
            return {"total": persons.how_many_protected(g.caller)}

        @admin
        @blp.arguments(schemas.OfPerson)
        @blp.response(201, schemas.Protected)
        def post(self, body: dict[str, Any]) -> dict[str, int]:
            """Put a person under protection: a second officer must stand by each query · 列入名单"""
            return {"total": persons.protect(g.caller, body["subject"])}

    @blp.route("/remove")
    class Remove(MethodView):
        @admin
        @blp.arguments(schemas.OfPerson)
        @blp.response(200, schemas.Protected)
        def post(self, body: dict[str, Any]) -> dict[str, int]:
            """End the protection · 移出名单"""
            return {"total": persons.unprotect(g.caller, body["subject"])}

    return blp
