"""Cases as JSON. Texts are bounded and hold no personal numbers (texts.py); nothing here says who a resident is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from gateway.cases.actions import MAX_LINKS, MAX_PAGE, PAGE
from gateway.cases.model import KINDS, STATES, VERDICTS, Case, Item, Progress
from gateway.cases.review import OUTCOMES
from gateway.cases.texts import MAX_SEARCH, MAX_TEXT
from gateway.lib.clock import rfc3339
from standards import workdays

_ALL_VERDICTS = sorted({code for codes in VERDICTS.values() for code in codes})
_PARTY = validate.Regexp(r"^[a-z0-9][a-z0-9-]{1,39}\Z")
_CODE = validate.Regexp(r"^[A-Za-z][A-Za-z0-9._:-]{0,63}\Z")
_INDEX = validate.Range(0, 2**53 - 1)


class CaseText(Schema):
    text = fields.String(required=True, validate=validate.Length(1, MAX_TEXT))


class CaseOpening(CaseText):
    """A new case. ``text`` says what seems wrong, without names or numbers of residents."""

    kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    party = fields.String(load_default=None, allow_none=True, validate=_PARTY)
    source = fields.String(load_default=None, allow_none=True, validate=_CODE)
    entries = fields.List(
        fields.Integer(strict=True, validate=_INDEX), load_default=list, validate=validate.Length(0, MAX_LINKS)
    )
    searches = fields.List(
        fields.String(validate=validate.Length(1, MAX_SEARCH)), load_default=list, validate=validate.Length(0, 20)
    )


class CaseAssignment(Schema):
    to = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z][A-Za-z0-9._:-]{0,79}\Z"))


class CaseQuestion(CaseText):
    party = fields.String(required=True, validate=_PARTY)


class CaseLinking(Schema):
    entry = fields.Integer(strict=True, load_default=None, allow_none=True, validate=_INDEX)
    search = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, MAX_SEARCH))


class CaseVerdict(CaseText):
    verdict = fields.String(required=True, validate=validate.OneOf(_ALL_VERDICTS))


class ReviewOutcome(Schema):
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))


class CasePage(Schema):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    kind = fields.String(load_default=None, validate=validate.OneOf(list(KINDS)))
    before = fields.String(load_default=None, validate=validate.Regexp(r"^cas_[0-9A-Z]{26}\Z"))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, MAX_PAGE))


class ReviewQueue(Schema):
    reviewed = fields.Boolean(load_default=False)
    reason = fields.String(load_default=None, validate=_CODE)
    before = fields.String(load_default=None, validate=validate.Regexp(r"^rev_[0-9A-Z]{26}\Z"))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, MAX_PAGE))


class CaseEvent(Schema):
    move = fields.String()
    state = fields.String()
    at = fields.String()
    log_index = fields.Integer()
    by = fields.String(allow_none=True)
    party = fields.String(allow_none=True)
    code = fields.String(allow_none=True)
    to = fields.String(allow_none=True)


class CaseNote(Schema):
    at = fields.String()
    by = fields.String(allow_none=True)
    party = fields.String(allow_none=True)
    text = fields.String()
    salt = fields.String(metadata={"description": "the log holds the digest of {salt, text}"})


class CaseLink(Schema):
    entry = fields.Integer(allow_none=True)
    search = fields.String(allow_none=True)


class CaseUnmasking(Schema):
    """That it was asked and by whom it was approved; never what was seen."""

    id = fields.String()
    entry = fields.Integer()
    reason = fields.String()
    state = fields.String()
    asked_by = fields.String()
    settled_by = fields.String(allow_none=True)


class CaseView(Schema):
    id = fields.String()
    kind = fields.String()
    state = fields.String()
    party = fields.String(allow_none=True)
    source = fields.String(allow_none=True)
    opened_at = fields.String()
    due = fields.String(metadata={"description": "the first instant at which deciding is late"})
    workdays_left = fields.Integer(allow_none=True)
    overdue = fields.Boolean()
    explanation_due = fields.String(allow_none=True)
    explanation_overdue = fields.Boolean()
    assigned_to = fields.String(allow_none=True)
    verdict = fields.String(allow_none=True)
    events = fields.List(fields.Nested(CaseEvent))
    notes = fields.List(fields.Nested(CaseNote))
    links = fields.List(fields.Nested(CaseLink))
    unmaskings = fields.List(fields.Nested(CaseUnmasking))


class CaseList(Schema):
    cases = fields.List(fields.Nested(CaseView))
    next = fields.String(allow_none=True, metadata={"description": "the `before` of the next page"})


class ReviewItem(Schema):
    id = fields.String()
    day = fields.String()
    reason = fields.String(metadata={"description": "sample, or the code of a risk rule"})
    entry = fields.Integer(allow_none=True)
    search = fields.String(allow_none=True)
    party = fields.String(allow_none=True)
    count = fields.Integer()
    due = fields.String()
    overdue = fields.Boolean()
    outcome = fields.String(allow_none=True)
    reviewed_at = fields.String(allow_none=True)
    reviewed_by = fields.String(allow_none=True)
    case = fields.String(allow_none=True)


class ReviewList(Schema):
    items = fields.List(fields.Nested(ReviewItem))
    next = fields.String(allow_none=True)


class ReviewStatistics(Schema):
    """Reviewed against due, of this month and the last."""

    month = fields.Dict()
    last_month = fields.Dict()


def view(case: Case, now: datetime) -> dict[str, Any]:
    return {
        "id": case.id,
        "kind": case.kind,
        "state": case.state,
        "party": case.party,
        "source": case.source,
        "opened_at": rfc3339(case.opened_at),
        "due": rfc3339(case.due),
        "workdays_left": workdays.left(now, case.due) if case.is_open else None,
        "overdue": case.overdue(now),
        "explanation_due": _time(case.explanation_due),
        "explanation_overdue": case.explanation_overdue(now),
        "assigned_to": case.assigned_to,
        "verdict": case.verdict,
        "events": [
            {
                "move": each.move,
                "state": each.state,
                "at": rfc3339(each.at),
                "log_index": each.log_index,
                "by": each.by,
                "party": each.party,
                "code": each.code,
                "to": each.to,
            }
            for each in case.events
        ],
        "notes": [
            {"at": rfc3339(each.at), "by": each.by, "party": each.party, "text": each.text, "salt": each.salt}
            for each in case.notes
        ],
        "links": [{"entry": each.entry, "search": each.search} for each in case.links],
        "unmaskings": [
            {
                "id": each.id,
                "entry": each.entry,
                "reason": each.reason,
                "state": each.state,
                "asked_by": each.asked_by,
                "settled_by": each.settled_by,
            }
            for each in case.unmaskings
        ],
    }


def item_view(item: Item, now: datetime) -> dict[str, Any]:
    return {
        "id": item.id,
        "day": item.day,
        "reason": item.reason,
        "entry": item.entry,
        "search": item.search,
        "party": item.party,
        "count": item.count,
        "due": rfc3339(item.due),
        "overdue": item.overdue(now),
        "outcome": item.outcome,
        "reviewed_at": _time(item.reviewed_at),
        "reviewed_by": item.reviewed_by,
        "case": item.case,
    }


def progress_view(progress: Progress) -> dict[str, int]:
    return {
        "total": progress.total,
        "reviewed": progress.reviewed,
        "overdue": progress.overdue,
        "percent": progress.percent,
    }


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)
