"""``GET /v1/log/entries/{index}/evidence``: the bundle of one query, for its two parties and for the overseers."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, g
from flask.views import MethodView
from flask_smorest import Blueprint

from gateway.audit.log import Log
from gateway.audit.search import OVERSEERS
from gateway.audit.search_api import Needs, looked
from gateway.errors import NotFound
from gateway.evidence.bundle import Bundler, subject_of, to_bytes

MAX_INDEX = 2**53 - 1
MEDIA_TYPE = "application/vnd.tongqu.evidence+json"


def blueprint(log: Log, bundler: Callable[[], Bundler], guard: Needs) -> Blueprint:
    blp = Blueprint("evidence", __name__, url_prefix="/v1/log", description="Evidence bundles · 证据包")

    @blp.route(f"/entries/<int(max={MAX_INDEX}):index>/evidence")
    class Evidence(MethodView):
        @guard.needs("log:read")
        @blp.response(200, {"type": "object"}, content_type=MEDIA_TYPE)
        @blp.doc(summary="Everything that proves one query, in one file · 一次查询的证据包")
        def get(self, index: int) -> Response:
            """Receipt and record are not in it: their holder adds them. Taking it is an entry (`audit.viewed`)."""
            subject = subject_of(log, index)
            if subject is None or (g.caller.party_kind not in OVERSEERS and g.caller.party not in subject.parties):
                raise _nothing(index)
            made = bundler().bundle(subject)
            looked(log, {"evidence": index}, len(made["entries"]))
            name = f'attachment; filename="evidence-{index}.tqe"'
            headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
            return Response(to_bytes(made), content_type=MEDIA_TYPE, headers=headers)

    return blp


def _nothing(index: int) -> NotFound:
    return NotFound(
        f"第 {index} 条不是贵单位参与的查询。",
        f"Entry {index} is not of a query that your party took part in.",
        fix_zh="请用回执或查询结果中的日志序号；他人之间的查询只有审计机关和数据主管部门可以取证。",
        fix_en="Take the log index of the receipt; queries between others are for the audit office and data bureau.",
    )
