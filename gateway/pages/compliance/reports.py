"""What is reported each month: by office and department, what is late, what was agreed and never used."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, request

from gateway.agreements import store as agreements
from gateway.agreements.model import Agreement
from gateway.audit.extract import FORMATS
from gateway.audit.filter import Filter
from gateway.cases.api import last_month, next_month
from gateway.lib.spreadsheet import cell
from gateway.pages.compliance.desk import DESK, REPORTS, Desk
from gateway.pages.compliance.overview import QUERIES
from gateway.pages.public import tables
from standards import workdays

RESULTS = ("released", "refused", "failed", "withheld", "unknown", "open")
IDLE_DAYS = 90
FIELD_DAYS = 365
MONTHS = 12
MANY = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A party's queries of one month, by result; ``before``: all of the month before."""

    party: str
    counts: dict[str, int]
    total: int
    before: int
    officers: int


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
            "/desk/reports.<any(csv, xlsx):form>",
            view_func=signed_in(sessions.stepped_up(self.table)),
            endpoint="report_table",
        )

    def reports(self) -> Response:
        desk, person = self.desk, self.desk.person
        month = self._month()
        by = {name: list(self._lines(name, month)) for name in ("consumer", "provider")}
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
        """The same figures for a spreadsheet; every cell of a sheet is a text or a number, never a formula."""
        month = self._month()
        head = ("kind", "party", "name", "total", *RESULTS, "month_before", "officers")
        rows: list[tuple[Any, ...]] = [
            (
                name,
                line.party,
                self.desk.party_name(line.party),
                line.total,
                *(line.counts.get(result, 0) for result in RESULTS),
                line.before,
                line.officers,
            )
            for name in ("consumer", "provider")
            for line in self._lines(name, month)
        ]
        self.desk.looked({"report": month.isoformat(), "export": form}, len(rows))
        if form == "csv":
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerows([cell(value) for value in row] for row in (head, *rows))
            body = ("\ufeff" + text.getvalue()).encode()
        else:
            body = tables.to_xlsx([[str(value) for value in row] for row in (head, *rows)], f"{month:%Y-%m}")
        name = f'attachment; filename="report-{month:%Y-%m}.{form}"'
        return Response(body, content_type=FORMATS[form], headers={"Content-Disposition": name})

    # ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _lines(self, name: str, month: date) -> Iterator[Line]:
        search = self.desk.search
        wanted = _of(month)
        earlier = search.facets(_of(last_month(month)), names=(name,), top=MANY).by_name[name].values
        before = {each.value: each.count for each in earlier}
        now = {each.value: each.count for each in search.facets(wanted, names=(name,), top=MANY).by_name[name].values}
        for party in dict.fromkeys([*now, *before]):
            if party == "none":
                continue
            told = search.facets(wanted.also(name, party), names=("result", "officer"), top=MANY)
            counts = {each.value: each.count for each in told.by_name["result"].values}
            officers = [each for each in told.by_name["officer"].values if each.value != "none"]
            yield Line(party, counts, told.total, before.get(party, 0), len(officers))

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
            found = date.fromisoformat(f"{text}-01")
        except ValueError:
            abort(404)
        if not 1970 <= found.year < 9999:  # beside it there are months that have none before or after them
            abort(404)
        return found

    def _months(self) -> Iterator[date]:
        month = workdays.day_of(self.desk.clock.now()).replace(day=1)
        for _ in range(MONTHS):
            yield month
            month = last_month(month)


def _of(month: date) -> Filter:
    last = next_month(month) - timedelta(days=1)
    return Filter.of(type=QUERIES, since=month.isoformat(), until=last.isoformat())
