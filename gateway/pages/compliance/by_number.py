"""Finding look-ups by a resident's number: typed into a form, never in an address, written down before answering."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gateway.accounts.web import to_page
from gateway.audit.filter import Filter
from gateway.cases.by_number import DAILY
from gateway.cases.model import UNMASK_REASONS
from gateway.errors import InvalidRequest
from gateway.pages.compliance.desk import DESK, Desk, link, said, under
from gateway.pages.public.words import SCHEMES, Text

TITLE = Text("按证件号码查找", "Find by number")


class ByNumberPage:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self, blp: Blueprint) -> None:
        sessions = self.desk.frame.sessions
        blp.add_url_rule(
            "/desk/cases/<case_id>/by-number",
            view_func=sessions.signed_in(*DESK)(sessions.stepped_up(self.by_number)),
            endpoint="by_number",
            methods=["GET", "POST"],
        )

    def by_number(self, case_id: str) -> Response:
        desk, wrong = self.desk, []
        if request.method == "POST":
            form = request.form
            try:
                names = desk.by_number.subjects(
                    desk.person, case_id, form.get("scheme", ""), form.get("number", ""), form.get("reason", "")
                )
                return to_page(link("/desk/search", q=Filter.of(subject=names).text()))
            except InvalidRequest as error:
                wrong = said(error, desk.lang)
        return desk.page(
            "by-number.html",
            TITLE,
            crumbs=under(case_id),
            status=422 if wrong else 200,
            case=desk.cases.get(desk.person, case_id),
            wrong=wrong,
            daily=DAILY,
            schemes=SCHEMES,
            scheme=request.form.get("scheme", "cn.resident-id"),
            reasons=UNMASK_REASONS,
            reason=request.form.get("reason", ""),
        )
