"""``/v1/codelists``: code lists, the tables between them, administrative divisions with their history.

Public, like the standards that name these codes.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NoReturn

from flask import Response, request
from flask.views import MethodView

from gateway.errors import InvalidRequest, NotFound
from gateway.lib.routes import Blueprint
from gateway.registry import codelists_views as views
from gateway.registry.published import PUBLIC, published
from standards import codelists, divisions
from standards.division_table import TABLE

NO_LIST = ("没有这个代码表或版本。", "There is no such code list or version.")
NO_TABLE = ("这两个代码表之间没有对照。", "No table joins these two code lists.")


def _none(zh: str, en: str, where: str) -> NoReturn:
    raise NotFound(zh, en, fix_zh=f"可用的见 {where}。", fix_en=f"See {where} for what there is.") from None


def _table(source: str, target: str) -> codelists.ListCrosswalk:
    try:
        return codelists.crosswalk(source, target)
    except codelists.UnknownCodeList:
        _none(*NO_TABLE, "/v1/codelists/crosswalks")


def _row(source: str, target: str, code: str) -> dict[str, Any]:
    table = _table(source, target)
    try:
        return views.table(table) | {"rows": [views.row(codelists.translate(code, source, target))]}
    except codelists.UnknownCode as error:
        raise NotFound(error.zh, error.en) from None


def _division(code: str, on: date | None) -> dict[str, Any]:
    try:
        return views.division(code, on)
    except divisions.DivisionInvalid as error:
        raise InvalidRequest(error.zh, error.en) from None


def blueprint() -> Blueprint:
    blp = Blueprint("codelists", __name__, url_prefix="/v1/codelists", description="Code lists · 代码表")
    _lists(blp)
    _crosswalks(blp)
    _divisions(blp)
    return blp


def _lists(blp: Blueprint) -> None:
    @blp.route("")
    class CodeLists(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.response(200, views.CodeListSummary(many=True))
        def get(self) -> list[dict[str, Any]]:
            """All code lists, since when each holds · 代码表"""
            return [views.summary(codelists.get(name)) for name in codelists.names()]

    @blp.route("/<name>/<version>")
    class TheCodeList(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(responses={"200": {"description": "the list with its codes and where they were read"}})
        def get(self, name: str, version: str) -> Response:
            """One code list with its source · 代码表内容与出处"""
            try:
                found = codelists.get(f"{name}/{version}")
            except codelists.UnknownCodeList:
                _none(*NO_LIST, "/v1/codelists")
            return published(views.code_list(found), "application/json")


def _crosswalks(blp: Blueprint) -> None:
    @blp.route("/crosswalks")
    class Crosswalks(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.response(200, views.TableSummary(many=True))
        def get(self) -> list[dict[str, Any]]:
            """All tables between code lists · 代码表之间的对照"""
            return [views.table(codelists.crosswalk(*pair)) for pair in codelists.published()]

    @blp.route("/crosswalks/<source>/<target>")
    class TheCrosswalk(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.arguments(views.OneCode, location="query")
        @blp.response(200, views.TableView)
        def get(self, asked: dict[str, Any], source: str, target: str) -> dict[str, Any]:
            """One table, or one code of it, with what is lost · 一份对照，或其中一个代码"""
            if asked["code"] is not None:
                return _row(source, target, asked["code"])
            found = _table(source, target)
            return views.table(found) | {"rows": [views.row(each) for each in found.rows.values()]}


def _divisions(blp: Blueprint) -> None:
    @blp.route("/divisions")
    class Divisions(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(responses={"200": {"description": "source, extent and honesty of the table of divisions"}})
        def get(self) -> dict[str, Any]:
            """About the table of administrative divisions · 行政区划沿革表说明"""
            return dict(divisions.description()) | {"url": "/v1/codelists/divisions.csv"}

    @blp.route("/divisions.csv")
    class TheTable(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.doc(responses={"200": {"description": "every code since 1981", "content": {"text/csv": {}}}})
        def get(self) -> Response:
            """The whole table of divisions as CSV · 行政区划沿革表（CSV）"""
            response = Response(TABLE.read_bytes(), content_type="text/csv; charset=utf-8")
            response.set_etag(divisions.description()["sha256"])
            response.headers["Cache-Control"] = "public, max-age=86400"
            response.make_conditional(request)
            return response

    @blp.route("/divisions/<code>")
    class TheDivision(MethodView):
        @blp.doc(security=PUBLIC)
        @blp.arguments(views.OnDay, location="query")
        @blp.response(200, views.DivisionView)
        def get(self, asked: dict[str, Any], code: str) -> dict[str, Any]:
            """What a division code meant on a day, and what it is now · 区划代码当时与现在"""
            return _division(code, asked["on"])
