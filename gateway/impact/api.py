"""``POST /v1/standards/{name}/impact``: whom would this change concern? For those who may read the log."""

from __future__ import annotations

from typing import Any

from flask import g
from flask.views import MethodView

from gateway.identity.guard import Guard
from gateway.impact import schemas
from gateway.impact.actions import Impact
from gateway.lib.routes import Blueprint
from gateway.registry.compare_api import EFFORT
from gateway.registry.compared import side
from gateway.registry.model import Acting
from gateway.registry.shelf import Shelf


def blueprint(impact: Impact, shelf: Shelf, guard: Guard) -> Blueprint:
    blp = Blueprint("impact", __name__, url_prefix="/v1/standards", description="Whom a change concerns · 变更影响清单")

    @blp.route("/<name>/impact")
    class TheImpact(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.ImpactAsked)
        @blp.response(200, schemas.ImpactList)
        def post(self, body: dict[str, Any], name: str) -> dict[str, Any]:
            """Agreements, services, forms and readers touched, and how much each element was asked for · 变更影响清单

            The data bureau and the audit office see all of it, a party what concerns itself. Reading it is itself an
            entry (`audit.viewed`).
            """
            who = Acting.of(g.caller)
            old = side(shelf, who, name, body["from_"], "from")
            new = side(shelf, who, name, body["to"], "to")
            report = impact.of(
                who, old.label, old.document, new.document, days=body["days"], forms=body["documents"], effort=EFFORT
            )
            return schemas.view(report, old.label, new.label)

    return blp
