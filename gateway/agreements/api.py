"""``/v1/agreements``: schema in, one action, schema out."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask.views import MethodView

from gateway.agreements import schemas
from gateway.agreements.actions import Agreements
from gateway.agreements.model import Agreement
from gateway.errors import MalformedRequest
from gateway.identity.guard import Guard
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.lib.routes import Blueprint

_DOCUMENT = {"required": True, "content": {"application/json": {"schema": schemas.drafted()}}}


def blueprint(agreements: Agreements, guard: Guard) -> Blueprint:
    blp = Blueprint("agreements", __name__, url_prefix="/v1/agreements", description="Sharing agreements · 共享协议")
    reads = guard.needs("agreements:read", "agreements:write", "admin")
    writes = guard.needs("agreements:write")

    def _noticed(agreement: Agreement, status: int = 200) -> tuple[dict[str, Any], int, dict[str, str]]:
        """With a word, in the headers, when it rests on a deprecated version."""
        return schemas.view(agreement), status, dict(agreements.notices(agreement))

    @blp.route("")
    class All(MethodView):
        @reads
        @blp.arguments(schemas.Page, location="query")
        @blp.response(200, schemas.AgreementList)
        def get(self, page: dict[str, Any]) -> dict[str, Any]:
            """The agreements of one's own party; all of them for data bureau and audit office · 协议列表"""
            found = agreements.page(g.caller, state=page["state"], after=_place(page["after"]), limit=page["limit"])
            more = len(found) == page["limit"]
            return {
                "agreements": [schemas.view(each) for each in found],
                "next": f"{found[-1].id}:{found[-1].version}" if more else None,
            }

        @writes
        @blp.doc(requestBody=_DOCUMENT)
        @blp.response(201, schemas.AgreementView)
        def post(self) -> Any:
            """Draft an agreement, or the next version of the one whose id is given · 起草协议"""
            return _noticed(agreements.draft(g.caller, _body()), 201)

    @blp.route("/<agreement_id>")
    class One(MethodView):
        @reads
        @blp.arguments(schemas.Version, location="query")
        @blp.response(200, schemas.AgreementView)
        def get(self, query: dict[str, Any], agreement_id: str) -> dict[str, Any]:
            """The version that counts, or the one asked for · 查看协议"""
            return schemas.view(agreements.get(g.caller, agreement_id, query["version"]))

        @writes
        @blp.doc(requestBody=_DOCUMENT)
        @blp.response(200, schemas.AgreementView)
        def put(self, agreement_id: str) -> dict[str, Any]:
            """Replace the document of a draft · 修改草稿"""
            return schemas.view(agreements.edit(g.caller, agreement_id, _body()))

    @blp.route("/<agreement_id>/submit")
    class Submit(MethodView):
        @writes
        @blp.response(200, schemas.AgreementView)
        def post(self, agreement_id: str) -> Any:
            """Propose it to the other party; from now on its document never changes · 提交对方"""
            return _noticed(agreements.submit(g.caller, agreement_id))

    @blp.route("/<agreement_id>/sign")
    class Sign(MethodView):
        @writes
        @blp.arguments(schemas.Sign)
        @blp.response(200, schemas.AgreementView)
        def post(self, body: dict[str, Any], agreement_id: str) -> Any:
            """Sign it; active with the signature of the second party · 签署"""
            return _noticed(agreements.sign(g.caller, agreement_id, body["jws"]))

    @blp.route("/<agreement_id>/refuse")
    class Refuse(MethodView):
        @writes
        @blp.arguments(schemas.Reason)
        @blp.response(200, schemas.AgreementView)
        def post(self, body: dict[str, Any], agreement_id: str) -> dict[str, Any]:
            """Say no to a proposal, with a coded reason · 不同意"""
            return schemas.view(agreements.refuse(g.caller, agreement_id, body["reason"]))

    @blp.route("/<agreement_id>/suspend")
    class Suspend(MethodView):
        @guard.needs("agreements:write", "admin")
        @blp.arguments(schemas.Reason, required=False)
        @blp.response(200, schemas.AgreementView)
        def post(self, body: dict[str, Any], agreement_id: str) -> dict[str, Any]:
            """Stop it at once; either party, or the data bureau · 暂停"""
            return schemas.view(agreements.suspend(g.caller, agreement_id, body["reason"]))

    @blp.route("/<agreement_id>/resume")
    class Resume(MethodView):
        @guard.needs("agreements:write", "admin")
        @blp.response(200, schemas.AgreementView)
        def post(self, agreement_id: str) -> dict[str, Any]:
            """Ask for its resumption; active again once everybody needed has · 恢复"""
            return schemas.view(agreements.resume(g.caller, agreement_id))

    @blp.route("/<agreement_id>/terminate")
    class Terminate(MethodView):
        @guard.needs("agreements:write", "admin")
        @blp.arguments(schemas.Reason, required=False)
        @blp.response(200, schemas.AgreementView)
        def post(self, body: dict[str, Any], agreement_id: str) -> dict[str, Any]:
            """End it for good; either party, or the data bureau · 终止"""
            return schemas.view(agreements.terminate(g.caller, agreement_id, body["reason"]))

    return blp


def _place(after: str | None) -> tuple[str, int] | None:
    if after is None:
        return None
    agreement_id, _, version = after.partition(":")
    return agreement_id, int(version)


def _body() -> Any:
    """The document as sent. Raises MalformedRequest for what readers of JSON disagree on."""
    try:
        return strict_loads(request.get_data())
    except MalformedJson as error:
        raise MalformedRequest(f"请求体不是有效的 JSON（{error}）。", f"The body is not valid JSON: {error}.") from None
