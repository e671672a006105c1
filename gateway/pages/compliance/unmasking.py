"""Opening who was looked up, on paper that two people hold: each page asks for a fresh second factor."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gateway.accounts.web import to_page
from gateway.cases.model import UNMASK_REASONS
from gateway.pages.compliance.desk import DESK, Desk, under
from gateway.pages.public.words import SCHEMES, Text

TITLE = Text("解除遮蔽", "Unmasking")


class UnmaskingPages:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self, blp: Blueprint) -> None:
        sessions = self.desk.frame.sessions
        signed_in = sessions.signed_in(*DESK)
        one = "/desk/unmaskings/<unmasking_id>"
        blp.add_url_rule(
            "/desk/cases/<case_id>/unmask/<int:index>",
            view_func=signed_in(sessions.stepped_up(self.ask)),
            endpoint="unmask",
            methods=["GET", "POST"],
        )
        blp.add_url_rule(one, view_func=signed_in(sessions.stepped_up(self.one)), endpoint="unmasking")
        blp.add_url_rule(
            f"{one}/<any(approve, refuse, open):act>",
            view_func=signed_in(sessions.stepped_up(self.act)),
            endpoint="unmasking_act",
            methods=["POST"],
        )

        again = signed_in(lambda unmasking_id, act: to_page(f"/desk/unmaskings/{unmasking_id}"))
        blp.add_url_rule(f"{one}/<any(approve, refuse, open):act>", view_func=again, endpoint="unmasking_again")

    def ask(self, case_id: str, index: int) -> Response:
        if request.method == "POST":
            asked = self.desk.unmaskings.ask(self.desk.person, case_id, index, request.form.get("reason", ""))
            return to_page(f"/desk/unmaskings/{asked.id}")
        case = self.desk.cases.get(self.desk.person, case_id)
        return self.desk.page(
            "unmask-ask.html", TITLE, crumbs=under(case_id), case=case, index=index, reasons=UNMASK_REASONS
        )

    def one(self, unmasking_id: str) -> Response:
        return self._one(unmasking_id, None)

    def act(self, unmasking_id: str, act: str) -> Response:
        """What is opened is in this one answer and nowhere else: no address shows it again without another entry."""
        desk = self.desk
        match act:
            case "approve":
                desk.unmaskings.approve(desk.person, unmasking_id)
            case "refuse":
                desk.unmaskings.refuse(desk.person, unmasking_id)
            case _:
                values = desk.unmaskings.open(desk.person, unmasking_id)
                return self._one(unmasking_id, {"values": values})
        return to_page(f"/desk/unmaskings/{unmasking_id}")

    def _one(self, unmasking_id: str, opened: object) -> Response:
        desk = self.desk
        asked = desk.unmaskings.get(desk.person, unmasking_id)
        return desk.page(
            "unmasking.html",
            TITLE,
            crumbs=under(asked.case),
            asked=asked,
            opened=opened,
            schemes=SCHEMES,
            address=f"/desk/unmaskings/{unmasking_id}",
            case=desk.cases.get(desk.person, asked.case),
        )
