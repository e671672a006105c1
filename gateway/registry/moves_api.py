"""``/v1/standards``, what changes it: drafts and moves by the data bureau, comments by everybody else."""

from __future__ import annotations

from typing import Any

from flask import g
from flask.views import MethodView

from gateway.identity.guard import Guard
from gateway.lib.routes import Blueprint
from gateway.registry import schemas
from gateway.registry.actions import Proposal, Registry
from gateway.registry.discussion import Discussion
from gateway.registry.model import Acting
from gateway.registry.numbering import Decision


def blueprint(registry: Registry, discussion: Discussion, guard: Guard) -> Blueprint:
    blp = Blueprint(
        "registry", __name__, url_prefix="/v1/standards", description="The life of a standard · 标准的生命周期"
    )
    manages = guard.needs("standards:write", "admin")
    one = "/<name>/<version>"

    @blp.route("")
    class Drafts(MethodView):
        @manages
        @blp.arguments(schemas.StandardProposed)
        @blp.response(201, schemas.StandardVersion)
        def post(self, body: dict[str, Any]) -> dict[str, Any]:
            """Draft a version; its name and number are those of its $id · 起草标准"""
            return schemas.view(registry.draft(_who(), _proposal(body)))

    @blp.route(one)
    class Draft(MethodView):
        @manages
        @blp.arguments(schemas.StandardProposed)
        @blp.response(200, schemas.StandardVersion)
        def put(self, body: dict[str, Any], name: str, version: str) -> dict[str, Any]:
            """Replace a draft · 修改草案"""
            return schemas.view(registry.edit(_who(), f"{name}/{version}", _proposal(body)))

    @blp.route(f"{one}/consult")
    class Consult(MethodView):
        @manages
        @blp.arguments(schemas.StandardConsult)
        @blp.response(200, schemas.StandardVersion)
        def post(self, body: dict[str, Any], name: str, version: str) -> dict[str, Any]:
            """Lay it open to comments until an instant; not published before · 征求意见"""
            return schemas.view(registry.consult(_who(), f"{name}/{version}", body["until"]))

    @blp.route(f"{one}/reopen")
    class Reopen(MethodView):
        @manages
        @blp.response(200, schemas.StandardVersion)
        def post(self, name: str, version: str) -> dict[str, Any]:
            """Back to a draft, to be changed · 退回修改"""
            return schemas.view(registry.reopen(_who(), f"{name}/{version}"))

    @blp.route(f"{one}/publish")
    class Publish(MethodView):
        @manages
        @blp.arguments(schemas.StandardPublish)
        @blp.response(200, schemas.StandardVersion)
        def post(self, body: dict[str, Any], name: str, version: str) -> dict[str, Any]:
            """Publish it for good, signed by the bureau, if its number says what the change is · 发布"""
            decision = Decision(**body["decision"]) if body["decision"] else None
            return schemas.view(registry.publish(_who(), f"{name}/{version}", body["jws"], decision))

    @blp.route(f"{one}/sign")
    class Sign(MethodView):
        @manages
        @blp.arguments(schemas.StandardSign)
        @blp.response(200, schemas.StandardVersion)
        def post(self, body: dict[str, Any], name: str, version: str) -> dict[str, Any]:
            """The bureau's signature under a version that came with the software · 补签随软件附带的标准"""
            return schemas.view(registry.sign(_who(), f"{name}/{version}", body["jws"]))

    @blp.route(f"{one}/deprecate")
    class Deprecate(MethodView):
        @manages
        @blp.arguments(schemas.StandardDeprecate)
        @blp.response(200, schemas.StandardVersion)
        def post(self, body: dict[str, Any], name: str, version: str) -> dict[str, Any]:
            """Announce its end: it serves until an instant · 停止推荐使用（设过渡期）"""
            return schemas.view(registry.deprecate(_who(), f"{name}/{version}", body["until"], body["successor"]))

    @blp.route(f"{one}/withdraw")
    class Withdraw(MethodView):
        @manages
        @blp.arguments(schemas.StandardWithdraw, required=False)
        @blp.response(200, schemas.StandardVersion)
        def post(self, body: dict[str, Any], name: str, version: str) -> dict[str, Any]:
            """Nothing may rest on it from now on; before its grace is over signed by the bureau · 废止"""
            return schemas.view(registry.withdraw(_who(), f"{name}/{version}", body.get("reason"), body.get("jws")))

    @blp.route(f"{one}/comments")
    class Comments(MethodView):
        @guard.needs("standards:write", "catalogue:read", "agreements:read", "admin")
        @blp.response(200, schemas.StandardComment(many=True))
        def get(self, name: str, version: str) -> list[dict[str, Any]]:
            """What was said of it, by whom, and what was answered · 意见与答复"""
            return [schemas.comment(each) for each in discussion.comments(_who(), f"{name}/{version}")]

        @guard.needs("standards:write")
        @blp.arguments(schemas.StandardRemark)
        @blp.response(201, schemas.StandardComment)
        def post(self, body: dict[str, Any], name: str, version: str) -> dict[str, Any]:
            """Say something of a draft in consultation · 提出意见"""
            said = discussion.comment(_who(), f"{name}/{version}", body["text"], body["pointer"])
            return schemas.comment(said)

    @blp.route(f"{one}/comments/<comment_id>/answer")
    class Answer(MethodView):
        @manages
        @blp.arguments(schemas.StandardAnswer)
        @blp.response(200, schemas.StandardComment)
        def post(self, body: dict[str, Any], name: str, version: str, comment_id: str) -> dict[str, Any]:
            """Answer it, once · 答复意见"""
            standard_id, answer = f"{name}/{version}", (body["outcome"], body["answer"])
            return schemas.comment(discussion.answer(_who(), standard_id, comment_id, *answer))

    return blp


def _who() -> Acting:
    return Acting.of(g.caller)


def _proposal(body: dict[str, Any]) -> Proposal:
    return Proposal(body["schema"], body["changelog"])
