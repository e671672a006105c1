"""``/v1/log/search``, ``/facets``, ``/histogram``: the log for those who may read it. Each look is itself an entry."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import orjson
from flask import Response, g
from flask.views import MethodView

from gateway.audit import report, schemas, statement
from gateway.audit.extract import FORMATS, Extractor, File
from gateway.audit.filter import Filter
from gateway.audit.log import Log
from gateway.audit.pseudonyms import Pseudonyms
from gateway.audit.search import OVERSEERS, Facets, Search
from gateway.audit.tabular import shown
from gateway.audit.watch import Watch
from gateway.errors import Forbidden
from gateway.lib.canonical_json import digest
from gateway.lib.routes import Blueprint


class Needs(Protocol):
    """What this blueprint asks of a guard."""

    def needs(self, *scopes: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator: lets a caller with one of the scopes in, and sets ``flask.g.caller``."""
        ...


def reach() -> str | None:
    """A department or office sees the entries of which it is part; the audit office and the data bureau see all."""
    caller = g.caller
    return None if caller.party_kind in OVERSEERS else str(caller.party)


def looked(log: Log, what: dict[str, Any], rows: int) -> None:
    """Durable before the reader sees anything."""
    with log.transaction() as tx:
        tx.append({"type": "audit.viewed", "actor": g.caller.actor(), "filter_digest": digest(what), "rows": rows})


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the log needs. ``sign``: type and claims → compact JWS, for statements."""

    log: Log
    search: Search
    watch: Watch
    extractor: Extractor
    pseudonyms: Pseudonyms
    sign: Callable[[str, Any], str]


def add_to(blp: Blueprint, reading: Reading, guard: Needs) -> None:
    _searches(blp, reading, guard)
    _overviews(blp, reading, guard)
    _statements(blp, reading, guard)
    _reports(blp, reading, guard)
    for format in FORMATS:
        _files(blp, reading, guard, format)


def _searches(blp: Blueprint, reading: Reading, guard: Needs) -> None:
    log, search = reading.log, reading.search

    @blp.route("/search")
    class TheSearch(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.SearchAsked, location="query", unknown="raise")  # a mistyped filter must not mean "all"
        @blp.response(200, schemas.FoundRows)
        def get(self, asked: dict[str, Any]) -> Response:
            """Queries with their outcomes, and all other entries, the newest first · 检索"""
            return _page(log, search, Filter.parse(asked.pop("q")), asked)

        @guard.needs("log:read")
        @blp.arguments(schemas.PersonalSearch)
        @blp.response(200, schemas.FoundRows)
        def post(self, asked: dict[str, Any]) -> Response:
            """The same for a resident or a case by its number, which stands in no address and in no log · 按号码检索

            The answer's ``q`` has the pseudonyms in its place, of all epochs; go on with it. By a resident's number
            a party searches what it was part of: it knew those numbers. Who sees everybody's look-ups would unmask the
            log with a list of numbers, so that is done by a person, in a case (decision 0033).
            """
            wanted = Filter.parse(asked.pop("q"))
            if (person := asked.pop("subject", None)) is not None:
                if reach() is None:
                    raise Forbidden(
                        "可查看全部记录的单位不得经接口按居民号码检索；请由审计人员在案件中办理（工作台“按居民号码查找”）。",
                        "Who may see all look-ups can't search by a resident's number here;"
                        " an officer of the audit office does so at the desk, in a case.",
                    )
                wanted = wanted.also("subject", *reading.pseudonyms.subjects(person["scheme"], person["id"]))
            if (case := asked.pop("case", None)) is not None:
                wanted = wanted.also("case", *reading.pseudonyms.cases(case.strip()))  # as a query's is read
            return _page(log, search, wanted, asked)


def _page(log: Log, search: Search, wanted: Filter, paging: dict[str, Any]) -> Response:
    page = search.find(wanted, reach=reach(), **paging)
    looked(log, {"q": wanted.text(), **paging}, len(page.found))
    size = log.published_to()
    shards = log.shards()
    rows = [shown(found, shards) for found in page.found]
    return answer({"q": wanted.text(), "rows": rows, "next": page.next, "checkpoint_size": size})


def _overviews(blp: Blueprint, reading: Reading, guard: Needs) -> None:
    log, search, watch = reading.log, reading.search, reading.watch

    @blp.route("/facets")
    class TheFacets(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.QueryAsked, location="query", unknown="raise")
        @blp.response(200, schemas.LogFacets)
        def get(self, asked: dict[str, Any]) -> Response:
            """How many match, and what they are about · 分面计数"""
            wanted = Filter.parse(asked["q"])
            facets = search.facets(wanted, reach=reach())
            looked(log, {"q": wanted.text(), "facets": True}, facets.total)
            return answer(told(wanted, facets))

    @blp.route("/histogram")
    class TheHistogram(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.HistogramAsked, location="query", unknown="raise")
        @blp.response(200, schemas.LogBuckets)
        def get(self, asked: dict[str, Any]) -> Response:
            """How many match in each hour, day or week of China's civil time · 时间直方图"""
            wanted = Filter.parse(asked["q"])
            buckets = search.histogram(wanted, reach=reach(), by=asked["by"])
            looked(log, {"q": wanted.text(), "by": asked["by"]}, sum(bucket.count for bucket in buckets))
            told = [
                {"start": bucket.start.isoformat(), "count": bucket.count, "results": dict(bucket.results)}
                for bucket in buckets
            ]
            return answer({"q": wanted.text(), "by": asked["by"], "buckets": told})

    @blp.route("/anomalies")
    class Anomalies(MethodView):
        @guard.needs("log:read")
        @blp.response(200, schemas.Findings)
        def get(self) -> Response:
            """What looks unlike ordinary work, the worst first; a party sees what its own officers did · 异常提示"""
            found = watch.anomalies(reach=reach())
            looked(log, {"anomalies": watch.limits.days}, len(found))
            return answer({"days": watch.limits.days, "findings": [asdict(each) for each in found]})


def _files(blp: Blueprint, reading: Reading, guard: Needs, format: str) -> None:
    @blp.route(f"/search.{format}", endpoint=f"search-{format}")
    class Download(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.QueryAsked, location="query", unknown="raise")
        @blp.response(200, {"type": "string", "format": "binary"}, content_type=FORMATS[format])
        @blp.doc(summary=f"All that is found, as {format} · 导出为 {format}")
        def get(self, asked: dict[str, Any]) -> Response:
            """Taking it is an entry (`audit.extracted`), durable before the first byte."""
            wanted = Filter.parse(asked["q"])
            return sent(reading.extractor.extract(wanted, format, reach=reach(), actor=g.caller.actor()))


def sent(file: File) -> Response:
    """A file as a response; with its digest, so that it is signed without being held in memory (see asgi.py)."""
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "Content-Length": str(file.size),
        "Content-Digest": f"sha-256=:{base64.b64encode(file.sha256).decode()}:",
        "Cache-Control": "no-store",
        "Tongqu-Rows": str(file.rows),
    }
    response = Response(file.pieces(), content_type=file.content_type, headers=headers)
    response.call_on_close(file.close)
    return response


def _statements(blp: Blueprint, reading: Reading, guard: Needs) -> None:
    @blp.route("/statements/<month>")
    class Statement(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.StatementAsked, location="query", unknown="raise")
        @blp.response(200, schemas.Statement)
        def get(self, asked: dict[str, Any], month: str) -> Response:
            """A party's queries of a month by how they ended, signed: to compare with its own books · 月度对账单"""
            own = reach()
            party = asked.get("party") or g.caller.party
            if own is not None and party != own:
                raise Forbidden("只能取得本单位的对账单。", "Only the statement of your own party can be had.")
            claims = statement.claims(reading.log, reading.search, party, month)
            total = claims["asked"]["total"] + claims["held"]["total"]
            looked(reading.log, {"statement": month, "party": party}, total)
            return answer({"claims": dict(claims), "statement": reading.sign(statement.TYPE, claims)})


def _reports(blp: Blueprint, reading: Reading, guard: Needs) -> None:
    @blp.route("/reports/<month>")
    class Report(MethodView):
        @guard.needs("log:read")
        @blp.response(200, schemas.MonthReport)
        def get(self, month: str) -> Response:
            """Each party's queries of a month by how they ended; a party sees those it was part of · 月报"""
            found = list(report.lines(reading.search, report.first_of(month), reach=reach()))
            looked(reading.log, {"report": month}, len(found))
            return answer({"month": month, "lines": [report.plain(each) for each in found]})


def told(wanted: Filter, facets: Facets) -> dict[str, Any]:
    return {
        "q": wanted.text(),
        "total": facets.total,
        "facets": [
            {
                "name": facet.name,
                "values": [{"value": v.value, "count": v.count} for v in facet.values],
                "more": facet.more,
            }
            for facet in facets.by_name.values()
        ],
    }


def answer(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), content_type="application/json", headers={"Cache-Control": "no-store"})
