"""What is reported each month: by office and department, what is late, what was agreed and never used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import orjson
from flask import Blueprint, Response, abort, request

from gateway.agreements import store as agreements
from gateway.agreements.model import Agreement
from gateway.audit import report
from gateway.audit.extract import FORMATS
from gateway.audit.filter import RESULTS, Filter
from gateway.audit.report import QUERIES, Line
from gateway.cases.api import last_month, next_month
from gateway.errors import InvalidRequest
from gateway.pages.compliance.desk import DESK, REPORTS, Desk
from gateway.pages.compliance.lists import as_file
from standards import workdays

IDLE_DAYS = 90
FIELD_DAYS = 365
MONTHS = 12
MANY = 500


@dataclass(frozen=True, slots=True)
class Unused:
    """What an agreement grants and nobody asked for."""

    agreement: Agreement
    standard: str
    fields: tuple[str, ...]
    granted: int


class Reports:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self, blp: Blueprint) -> None:
        sessions = self.desk.frame.sessions
        signed_in = sessions.signed_in(*DESK)
        blp.add_url_rule("/desk/reports", view_func=signed_in(self.reports), endpoint="reports")
        blp.add_url_rule(
            "/desk/reports.<any(csv, json, xlsx):form>",
            view_func=signed_in(sessions.stepped_up(self.table)),
            endpoint="report_table",
        )

    def reports(self) -> Response:
        desk, person = self.desk, self.desk.person
        month = self._month()
        lines = list(report.lines(desk.search, month))
        by = {side: [line for line in lines if line.side == side] for side in report.SIDES}
        idle, unused = self._agreements()
        now = desk.clock.now()
        cases = [each for each in desk.cases.still_open(person) if each.overdue(now) or each.explanation_overdue(now)]
        progress = desk.reviews.progress(person, month, next_month(month))
        desk.looked({"report": month.isoformat()}, sum(line.total for line in by["consumer"]))
        return desk.page(
            "reports.html",
            REPORTS[1],
            month=month,
            last_day=next_month(month) - timedelta(days=1),
            months=list(self._months()),
            by=by,
            results=RESULTS,
            idle=idle,
            unused=unused,
            overdue=cases,
            progress=progress,
            idle_days=IDLE_DAYS,
            field_days=FIELD_DAYS,
        )

    def table(self, form: str) -> Response:
        """The same figures for a program or a sheet; as JSON with what else the page tells."""
        month, name = self._month(), f"report-{self._month():%Y-%m}"
        lines = list(report.lines(self.desk.search, month))
        self.desk.looked({"report": month.isoformat(), "export": form}, len(lines))
        if form != "json":
            return as_file([self._row(line) for line in lines], form, name)
        idle, unused = self._agreements()
        body = {
            "month": f"{month:%Y-%m}",
            "lines": [report.plain(line) | {"name": self.desk.party_name(line.party)} for line in lines],
            "idle_agreements": [each.id for each in idle],
            "unused_fields": [
                {"agreement": each.agreement.id, "standard": each.standard, "fields": each.fields} for each in unused
            ],
        }
        headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
        return Response(orjson.dumps(body), content_type=FORMATS[form], headers=headers)

    def _row(self, line: Line) -> dict[str, Any]:
        return {
            "kind": line.side,
            "party": line.party,
            "name": self.desk.party_name(line.party),
            "total": line.total,
            **{result: line.counts.get(result, 0) for result in RESULTS},
            "month_before": line.before,
            "officers": line.officers,
        }

    # ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _agreements(self) -> tuple[list[Agreement], list[Unused]]:
        """Active agreements without a release for long, and fields of the others that nobody asked for in a year."""
        idle, unused = [], []
        for agreement in self._active():
            recent = Filter.of(agreement=agreement.id, result="released", since=f"{IDLE_DAYS}d")
            in_force = agreement.effective_from
            old = in_force is not None and in_force < self.desk.clock.now() - timedelta(days=IDLE_DAYS)
            if old and not self.desk.search.count(recent):
                idle.append(agreement)
                continue
            wanted = Filter.of(agreement=agreement.id, type=QUERIES, since=f"{FIELD_DAYS}d")
            facets = self.desk.search.facets(wanted, names=("field",), top=MANY)
            asked = {each.value for each in facets.by_name["field"].values}
            for standard in agreement.standards:
                terms = agreement.compiled(standard)
                left = tuple(name for name in (terms.fields if terms else ()) if name not in asked)
                if terms and left:
                    unused.append(Unused(agreement, standard, left, len(terms.fields)))
        return idle, unused

    def _active(self) -> Iterator[Agreement]:
        after: tuple[str, int] | None = None
        while True:
            with self.desk.log.database.read() as conn:
                found = agreements.page(conn, known_to=None, state="active", after=after, limit=MANY)
            yield from found
            if len(found) < MANY:
                return
            after = (found[-1].id, found[-1].version)

    def _month(self) -> date:
        today = workdays.day_of(self.desk.clock.now())
        text = request.args.get("month", f"{today:%Y-%m}")
        try:
            return report.first_of(text)
        except InvalidRequest:
            abort(404)

    def _months(self) -> Iterator[date]:
        month = workdays.day_of(self.desk.clock.now()).replace(day=1)
        for _ in range(MONTHS):
            yield month
            month = last_month(month)
