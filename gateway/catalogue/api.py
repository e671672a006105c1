"""``/v1/services`` and ``/v1/catalogue``: schema in, one action, schema out."""

from __future__ import annotations

import json
from typing import Any

from flask import g
from flask.views import MethodView

from gateway.catalogue import schemas
from gateway.catalogue.actions import BUREAU, Catalogue
from gateway.catalogue.model import Service
from gateway.identity.guard import Guard
from gateway.identity.model import Caller
from gateway.lib.routes import Blueprint


def _view(service: Service, caller: Caller) -> dict[str, Any]:
    view: dict[str, Any] = {
        name: getattr(service, name)
        for name in ("id", "party", "standard", "title_zh", "title_en", "state", "digest", "timeout_ms", "contact")
    }
    view["translated"] = service.crosswalk_text is not None
    if caller.party == service.party or caller.party_kind == BUREAU:
        view |= {"base_url": service.base_url, "suspended_by": service.suspended_by}
        view |= {"report": json.loads(service.report)} if service.report else {}
    return view


def blueprint(catalogue: Catalogue, guard: Guard) -> Blueprint:
    blp = Blueprint("catalogue", __name__, url_prefix="/v1", description="Services and who holds what · 服务与目录")
    reads = guard.needs("catalogue:read", "catalogue:write", "admin")
    writes = guard.needs("catalogue:write")

    @blp.route("/services")
    class Services(MethodView):
        @writes
        @blp.arguments(schemas.Manifest)
        @blp.response(201, schemas.ServiceView)
        def post(self, manifest: dict[str, Any]) -> dict[str, Any]:
            """Register a source of one standard · 登记服务"""
            return _view(catalogue.register(g.caller, manifest), g.caller)

    @blp.route("/services/<service_id>")
    class One(MethodView):
        @reads
        @blp.response(200, schemas.ServiceView)
        def get(self, service_id: str) -> dict[str, Any]:
            """One service · 查看服务"""
            return _view(catalogue.get(g.caller, service_id), g.caller)

    @blp.route("/services/<service_id>/conformance")
    class Conformance(MethodView):
        @guard.needs("catalogue:write", "admin")
        @blp.arguments(schemas.TestSubjects)
        @blp.response(200, schemas.ConformanceView)
        def post(self, subjects: dict[str, Any], service_id: str) -> dict[str, Any]:
            """Test the live endpoint; each failure says how to mend it · 符合性测试"""
            service, report = catalogue.test(
                g.caller, service_id, subjects["subject_found"], subjects["subject_absent"]
            )
            return {"state": service.state, "passed": report.passed, "report": report.to_dict()}

    def act(path: str, name: str, summary: str, *scopes: str) -> None:
        @blp.route(f"/services/<service_id>/{path}", endpoint=f"service-{path}")
        class Act(MethodView):
            @guard.needs(*scopes)
            @blp.doc(summary=summary)
            @blp.response(200, schemas.ServiceView)
            def post(self, service_id: str) -> dict[str, Any]:
                return _view(getattr(catalogue, name)(g.caller, service_id), g.caller)

    act("approve", "approve", "Let it be called; by the data bureau · 核准服务", "admin")
    act("suspend", "suspend", "Stop calling it · 暂停服务", "catalogue:write", "admin")
    act("resume", "resume", "Call it again · 恢复服务", "catalogue:write", "admin")

    @blp.route("/catalogue")
    class Search(MethodView):
        @reads
        @blp.arguments(schemas.Search, location="query")
        @blp.response(200, schemas.ServiceView(many=True))
        def get(self, search: dict[str, Any]) -> list[dict[str, Any]]:
            """Search services by title or element, in Chinese or English · 检索目录"""
            return [_view(service, g.caller) for service in catalogue.search(g.caller, search["q"])]

    @blp.route("/catalogue/holders")
    class Holders(MethodView):
        @reads
        @blp.arguments(schemas.HolderSearch, location="query")
        @blp.response(200, schemas.HolderView(many=True))
        def get(self, search: dict[str, Any]) -> list[dict[str, str]]:
            """Who holds this fact · 谁掌握这项数据"""
            return [
                {
                    "service": service.id,
                    "party": service.party,
                    "standard": service.standard,
                    "element": element.path,
                    "title_zh": element.zh,
                    "title_en": element.en,
                    "authority_zh": element.authority_zh,
                    "authority_en": element.authority_en,
                }
                for service, element in catalogue.holders(g.caller, search["element"])
            ]

    return blp
