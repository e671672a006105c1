"""``/v1/cases``: schema in, one action, schema out.

Opening who a resident is (unmasking.py) has no address here: it needs two people with a fresh second factor each, at
the desk. A system can show that it was asked for and approved, nothing more.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import g
from flask.views import MethodView

from gateway.cases import schemas
from gateway.cases.actions import Cases
from gateway.cases.model import Person
from gateway.cases.review import Reviews
from gateway.identity.guard import Guard
from gateway.identity.model import Caller
from gateway.lib.clock import Clock
from gateway.lib.routes import Blueprint
from standards import workdays


def person_of(caller: Caller) -> Person:
    """An officer whose system vouched for them, or the system itself."""
    return Person(caller.officer or caller.client, caller.party, caller.party_kind, caller.client, caller.officer)


def blueprint(cases: Cases, reviews: Reviews, clock: Clock, guard: Guard) -> Blueprint:
    blp = Blueprint("cases", __name__, url_prefix="/v1/cases", description="Cases of supervision · 核查案件")
    _cases(blp, cases, clock, guard)
    _moves(blp, cases, clock, guard)
    _reviews(blp, reviews, clock, guard)
    return blp


def _cases(blp: Blueprint, cases: Cases, clock: Clock, guard: Guard) -> None:
    reads, writes = guard.needs("cases:read", "cases:write"), guard.needs("cases:write")

    @blp.route("")
    class All(MethodView):
        @reads
        @blp.arguments(schemas.CasePage, location="query", unknown="raise")
        @blp.response(200, schemas.CaseList)
        def get(self, page: dict[str, Any]) -> dict[str, Any]:
            """Cases, the newest first; an office sees those in which it was asked · 案件列表"""
            found = cases.page(person_of(g.caller), **page)
            more = found[-1].id if len(found) == page["limit"] else None
            return {"cases": [schemas.view(each, clock.now()) for each in found], "next": more}

        @writes
        @blp.arguments(schemas.CaseOpening)
        @blp.response(201, schemas.CaseView)
        def post(self, body: dict[str, Any]) -> dict[str, Any]:
            """Open a case · 立案"""
            kind, text = body.pop("kind"), body.pop("text")
            return schemas.view(cases.open(person_of(g.caller), kind, text, **body), clock.now())

    @blp.route("/<case_id>")
    class One(MethodView):
        @reads
        @blp.response(200, schemas.CaseView)
        def get(self, case_id: str) -> dict[str, Any]:
            """One case, as the caller may see it · 查看案件"""
            return schemas.view(cases.get(person_of(g.caller), case_id), clock.now())

    @blp.route("/<case_id>/notes")
    class Notes(MethodView):
        @writes
        @blp.arguments(schemas.CaseText)
        @blp.response(200, schemas.CaseView)
        def post(self, body: dict[str, Any], case_id: str) -> dict[str, Any]:
            """Write down something for the desk · 记录"""
            return schemas.view(cases.note(person_of(g.caller), case_id, body["text"]), clock.now())

    @blp.route("/<case_id>/links")
    class Links(MethodView):
        @writes
        @blp.arguments(schemas.CaseLinking)
        @blp.response(200, schemas.CaseView)
        def post(self, body: dict[str, Any], case_id: str) -> dict[str, Any]:
            """Add an entry or a search to a case · 附入条目或检索"""
            found = cases.link(person_of(g.caller), case_id, index=body["entry"], search=body["search"])
            return schemas.view(found, clock.now())


def _moves(blp: Blueprint, cases: Cases, clock: Clock, guard: Guard) -> None:
    writes = guard.needs("cases:write")

    @blp.route("/<case_id>/assign")
    class Assign(MethodView):
        @writes
        @blp.arguments(schemas.CaseAssignment)
        @blp.response(200, schemas.CaseView)
        def post(self, body: dict[str, Any], case_id: str) -> dict[str, Any]:
            """Give it to somebody · 指派"""
            return schemas.view(cases.assign(person_of(g.caller), case_id, body["to"]), clock.now())

    @blp.route("/<case_id>/ask")
    class Ask(MethodView):
        @writes
        @blp.arguments(schemas.CaseQuestion)
        @blp.response(200, schemas.CaseView)
        def post(self, body: dict[str, Any], case_id: str) -> dict[str, Any]:
            """Ask an office to explain · 要求说明"""
            return schemas.view(cases.ask(person_of(g.caller), case_id, body["party"], body["text"]), clock.now())

    @blp.route("/<case_id>/answer")
    class Answer(MethodView):
        @writes
        @blp.arguments(schemas.CaseText)
        @blp.response(200, schemas.CaseView)
        def post(self, body: dict[str, Any], case_id: str) -> dict[str, Any]:
            """The office's explanation · 提交说明"""
            return schemas.view(cases.answer(person_of(g.caller), case_id, body["text"]), clock.now())

    @blp.route("/<case_id>/decide")
    class Decide(MethodView):
        @writes
        @blp.arguments(schemas.CaseVerdict)
        @blp.response(200, schemas.CaseView)
        def post(self, body: dict[str, Any], case_id: str) -> dict[str, Any]:
            """The verdict and why · 作出结论"""
            return schemas.view(cases.decide(person_of(g.caller), case_id, body["verdict"], body["text"]), clock.now())

    @blp.route("/<case_id>/close")
    class Close(MethodView):
        @writes
        @blp.response(200, schemas.CaseView)
        def post(self, case_id: str) -> dict[str, Any]:
            """Close it · 办结"""
            return schemas.view(cases.close(person_of(g.caller), case_id), clock.now())


def _reviews(blp: Blueprint, reviews: Reviews, clock: Clock, guard: Guard) -> None:
    reads, writes = guard.needs("cases:read", "cases:write"), guard.needs("cases:write")

    @blp.route("/reviews")
    class Queue(MethodView):
        @reads
        @blp.arguments(schemas.ReviewQueue, location="query", unknown="raise")
        @blp.response(200, schemas.ReviewList)
        def get(self, page: dict[str, Any]) -> dict[str, Any]:
            """What is to be reviewed, the oldest first; or what was · 核查队列"""
            found = reviews.queue(person_of(g.caller), **page)
            more = found[-1].id if len(found) == page["limit"] else None
            return {"items": [schemas.item_view(each, clock.now()) for each in found], "next": more}

    @blp.route("/reviews/statistics")
    class Statistics(MethodView):
        @reads
        @blp.response(200, schemas.ReviewStatistics)
        def get(self) -> dict[str, Any]:
            """Reviewed against due · 核查进度"""
            first, person = workdays.day_of(clock.now()).replace(day=1), person_of(g.caller)
            spans = {"month": (first, next_month(first)), "last_month": (last_month(first), first)}
            return {name: schemas.progress_view(reviews.progress(person, *span)) for name, span in spans.items()}

    @blp.route("/reviews/<item_id>")
    class Review(MethodView):
        @writes
        @blp.arguments(schemas.ReviewOutcome)
        @blp.response(200, schemas.ReviewItem)
        def post(self, body: dict[str, Any], item_id: str) -> dict[str, Any]:
            """In order, or a case · 核查结果"""
            item, _ = reviews.review(person_of(g.caller), item_id, body["outcome"])
            return schemas.item_view(item, clock.now())


def next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def last_month(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)
