"""The lists of the desk that are no searches of the log, as files: all that the page shows, for a program or a sheet.

Each needs a fresh second factor, and that it was taken is an entry of the log before the first byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from flask import Blueprint, Response

from gateway.audit import kept
from gateway.audit.extract import FORMATS
from gateway.audit.filter import CHINA
from gateway.cases.model import KINDS, STATES, Case, Item
from gateway.pages.compliance.desk import DESK, Desk, one_of
from gateway.pages.public import tables

FORMS = ("csv", "json", "xlsx")
PAGE, MOST = 200, 10_000
Row = dict[str, Any]


class Lists:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._of: Mapping[str, Callable[[], Iterator[Row]]] = {
            "anomalies": self._anomalies,
            "cases": self._cases,
            "reviews": self._reviews,
            "integrity": self._checkpoints,
            "searches": self._searches,
        }

    def routes(self, blp: Blueprint) -> None:
        sessions = self.desk.frame.sessions
        blp.add_url_rule(
            f"/desk/<any({', '.join(self._of)}):what>.<any({', '.join(FORMS)}):form>",
            view_func=sessions.signed_in(*DESK)(sessions.stepped_up(self.taken)),
            endpoint="list",
        )

    def taken(self, what: str, form: str) -> Response:
        rows = list(self._of[what]())
        self.desk.looked({"list": what, "form": form}, len(rows))
        return as_file(rows, form, what)

    # ── what each is made of ──────────────────────────────────────────────────────────────────────────────────────────
    def _anomalies(self) -> Iterator[Row]:
        seen = self.desk.findings()
        for each in seen.found:
            yield {
                "found_at": local(seen.at),
                "rule": each.rule,
                "score": each.score,
                "officer": each.officer,
                "party": each.party,
                "party_name": self.desk.party_name(each.party or None),
                "count": each.count,
                "q": each.q,
                "zh": each.zh,
                "en": each.en,
            }

    def _cases(self) -> Iterator[Row]:
        """Those of the page's filter."""
        state, kind = one_of("state", STATES), one_of("kind", tuple(KINDS))
        before: str | None = None
        for _ in range(MOST // PAGE):
            found = self.desk.cases.page(self.desk.person, state=state, kind=kind, before=before, limit=PAGE)
            yield from map(self._case, found)
            if len(found) < PAGE:
                return
            before = found[-1].id

    def _case(self, case: Case) -> Row:
        return {
            "case": case.id,
            "kind": case.kind,
            "opened_at": local(case.opened_at),
            "party": case.party,
            "party_name": self.desk.party_name(case.party),
            "source": case.source,
            "state": case.state,
            "verdict": case.verdict,
            "due": local(case.due),
            "explanation_due": local(case.explanation_due),
            "assigned_to": self.desk.person_name(case.assigned_to) if case.assigned_to else None,
            "entries": sum(1 for each in case.links if each.entry is not None),
            "unmaskings": len(case.unmaskings),
        }

    def _reviews(self) -> Iterator[Row]:
        """What waits and what was reviewed: the sample and what risk rules found."""
        for reviewed in (False, True):
            before: str | None = None
            for _ in range(MOST // PAGE):
                found = self.desk.reviews.queue(self.desk.person, reviewed=reviewed, before=before, limit=PAGE)
                yield from map(self._item, found)
                if len(found) < PAGE:
                    break
                before = found[-1].id

    def _item(self, item: Item) -> Row:
        return {
            "item": item.id,
            "day": item.day,
            "reason": item.reason,
            "entry": item.entry,
            "q": item.search,
            "count": item.count,
            "party": item.party,
            "party_name": self.desk.party_name(item.party),
            "due": local(item.due),
            "outcome": item.outcome,
            "reviewed_at": local(item.reviewed_at),
            "case": item.case,
        }

    def _checkpoints(self) -> Iterator[Row]:
        names = {each.key.id: each.name for each in self.desk.policy.witnesses}
        with self.desk.log.database.read() as conn:
            found = kept.every(conn, limit=MOST)
        for each in found:
            seen_by = ", ".join(names.get(id, id) for id in each.witnesses)
            told = {"t": each.t, "log": each.origin, "size": each.log_size}
            yield {**told, "witnesses": seen_by, "note": each.note}

    def _searches(self) -> Iterator[Row]:
        for each in self.desk.cases.searches(self.desk.person):
            yield {"name": each.name, "q": each.text}


def as_file(rows: Sequence[Row], form: str, name: str) -> Response:
    """JSON keeps kinds and nothings; in a table nothing is an empty cell, and no cell is a formula."""
    if form == "json":
        body = orjson.dumps(rows)
    else:
        head = list(rows[0]) if rows else ["无记录 / nothing"]
        table = [head, *(["" if value is None else str(value) for value in row.values()] for row in rows)]
        body = tables.to_csv(table) if form == "csv" else tables.to_xlsx(table, name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, content_type=FORMATS[form], headers=headers)


def local(instant: datetime | None) -> str | None:
    return instant.astimezone(CHINA).isoformat(timespec="seconds") if instant is not None else None
