"""The evidence bundle of a query, and of all queries of a case, for ``tongqu verify``."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort

from gateway.audit.entry import MAX_INDEX
from gateway.evidence.bundle import Bundler, subject_of, to_bytes
from gateway.pages.compliance.desk import DESK, Desk

EVIDENCE = "application/vnd.tongqu.evidence+json"


class Bundles:
    def __init__(self, desk: Desk, bundler: Callable[[], Bundler]) -> None:
        self.desk, self.bundler = desk, bundler

    def routes(self, blp: Blueprint) -> None:
        sessions = self.desk.frame.sessions
        blp.add_url_rule(
            f"/desk/entries/<int(max={MAX_INDEX}):index>/evidence",
            view_func=sessions.signed_in(*DESK)(sessions.stepped_up(self.evidence)),
            endpoint="evidence",
        )

    def evidence(self, index: int) -> Response:
        """The bundle that ``tongqu verify`` checks offline; durable in the log before it leaves."""
        subject = subject_of(self.desk.log, index)
        if subject is None:
            abort(404)
        made = self.bundler().bundle(subject)
        self.desk.looked({"evidence": index}, len(made["entries"]))
        headers = {"Content-Disposition": f'attachment; filename="evidence-{index}.tqe"'}
        return Response(to_bytes(made), content_type=EVIDENCE, headers=headers)
