"""``/v1/log/search``, ``/facets``, ``/histogram``: the log for those who may read it. Each look is itself an entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

import orjson
from flask import Response, g
from flask.views import MethodView
from flask_smorest import Blueprint

from gateway.audit import schemas
from gateway.audit.filter import Filter
from gateway.audit.log import Log
from gateway.audit.search import OVERSEERS, Facets, Found, Search
from gateway.audit.watch import Watch
from gateway.lib.canonical_json import digest


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


def add_to(blp: Blueprint, log: Log, search: Search, watch: Watch, guard: Needs) -> None:
    @blp.route("/search")
    class TheSearch(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.SearchAsked, location="query", unknown="raise")  # a mistyped filter must not mean "all"
        @blp.response(200, schemas.FoundRows)
        def get(self, asked: dict[str, Any]) -> Response:
            """Queries with their outcomes, and all other entries, the newest first · 检索"""
            wanted = Filter.parse(asked.pop("q"))
            page = search.find(wanted, reach=reach(), **asked)
            looked(log, {"q": wanted.text(), **asked}, len(page.found))
            published = log.published()
            rows = [shown(found) for found in page.found]
            size = published[0].size if published else 0
            return answer({"q": wanted.text(), "rows": rows, "next": page.next, "checkpoint_size": size})

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


def shown(found: Found) -> dict[str, Any]:
    """A row as programs read it."""
    row = found.row
    assert row is not None
    query = row.type.startswith("exchange.")
    outcome = None if found.outcome is None else {"index": row.outcome, "entry": found.outcome}
    return {
        "index": found.index,
        "entry": found.entry,
        "outcome": outcome,
        "result": row.result,
        "consumer": row.party if query else None,
        "provider": row.other_party if query else None,
        "risk": row.risk.split(" ") if row.risk else [],
    }


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
