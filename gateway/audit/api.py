"""``/v1/log``: checkpoint, tiles, entries and proofs for everybody; search for those who may read the log.

The guard is handed in, because identity stands above audit: identity, too, writes to the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import orjson
from flask import Response, g
from flask.views import MethodView
from flask_smorest import Blueprint

from gateway.audit import kept, schemas, tabular, tiles
from gateway.audit.files import TileName
from gateway.audit.log import Log
from gateway.audit.policy import NO_WITNESSES, Policy
from gateway.audit.search import Filter, Page, find
from gateway.errors import Forbidden, NotFound
from gateway.lib.canonical_json import digest

TEXT = "text/plain; charset=utf-8"
OVERSEERS = ("audit_office", "data_bureau")  # party kinds that see everybody's entries
MAX_INDEX = 2**53 - 1
_TEXT_BODY = {"type": "string"}
_BINARY_BODY = {"type": "string", "format": "binary"}


class Needs(Protocol):
    """What this blueprint asks of a guard."""

    def needs(self, *scopes: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator: lets a caller with one of the scopes in, and sets ``flask.g.caller``."""
        ...


def blueprint(log: Log, guard: Needs, policy: Policy = NO_WITNESSES) -> Blueprint:
    blp = Blueprint("log", __name__, url_prefix="/v1/log", description="The tamper-evident log · 审计日志")
    _public(blp, log, policy)
    _witnesses(blp, log, policy)
    for suffix, write in _FORMATS.items():
        _search(blp, log, guard, suffix, write)
    return blp


def _public(blp: Blueprint, log: Log, policy: Policy) -> None:
    @blp.route("/checkpoint")
    class Checkpoint(MethodView):
        @blp.doc(security=[])  # anybody may check the log
        @blp.response(200, _TEXT_BODY, content_type="text/plain")
        def get(self) -> Response:
            """The signed head of the log (C2SP tlog-checkpoint), with the cosignatures it has · 检查点"""
            return Response(tiles.checkpoint(log), content_type=TEXT, headers={"Cache-Control": "no-cache"})

    @blp.route("/tile/<path:path>")
    class Tile(MethodView):
        @blp.doc(security=[])
        @blp.response(200, _BINARY_BODY, content_type="application/octet-stream")
        def get(self, path: str) -> Response:
            """Hashes or entries, 256 at a time (C2SP tlog-tiles) · 散列与条目分块"""
            name = TileName.parse(path)
            data = tiles.tile(log, name) if name else None
            if data is None:
                raise NotFound("没有这个分块。", "No such tile: see c2sp.org/tlog-tiles for the paths that exist.")
            headers = {"Cache-Control": "public, max-age=31536000, immutable"}
            return Response(data, content_type="application/octet-stream", headers=headers)

    @blp.route(f"/entries/<int(max={MAX_INDEX}):index>")
    class Entry(MethodView):
        @blp.doc(security=[])
        @blp.response(200, schemas.Entry)
        def get(self, index: int) -> Response:
            """One entry, its exact bytes · 查看一条日志"""
            data = tiles.entry_at(log, index)
            if data is None:
                raise _no_entry(index)
            return Response(data, content_type="application/json")

    @blp.route(f"/entries/<int(max={MAX_INDEX}):index>/proof")
    class Proof(MethodView):
        @blp.doc(security=[])
        @blp.response(200, _TEXT_BODY, content_type="text/plain")
        def get(self, index: int) -> Response:
            """That this entry is in the log (c2sp.org/tlog-proof@v1) · 存在性证明"""
            proof = tiles.proof(log, index, policy)
            if proof is None:
                raise _no_entry(index)
            return Response(proof, content_type=TEXT, headers={"Cache-Control": "no-cache"})


def _witnesses(blp: Blueprint, log: Log, policy: Policy) -> None:
    @blp.route("/checkpoint/witnessed")
    class Witnessed(MethodView):
        @blp.doc(security=[])
        @blp.response(200, _TEXT_BODY, content_type="text/plain")
        def get(self) -> Response:
            """The newest checkpoint with the quorum of witnesses that our policy names · 已见证的检查点"""
            with log.database.read() as conn:
                found = kept.newest(conn, policy) if policy.witnesses else None
            if found is None:
                raise NotFound(
                    "还没有经见证的检查点。",
                    "No checkpoint was cosigned by a quorum of witnesses yet: see /v1/log/witnesses.",
                )
            return Response(found.note, content_type=TEXT, headers={"Cache-Control": "no-cache"})

    @blp.route("/checkpoints")
    class Checkpoints(MethodView):
        @blp.doc(security=[])
        @blp.arguments(schemas.WhichCheckpoints, location="query", unknown="raise")
        @blp.response(200, schemas.KeptCheckpoints)
        def get(self, asked: dict[str, Any]) -> dict[str, Any]:
            """The checkpoints that are kept: the last of each day, and the newest · 历次检查点"""
            with log.database.read() as conn:
                found = kept.every(conn, limit=asked["limit"], below=asked.get("below"))
            return {"checkpoints": [schemas.kept_checkpoint(each) for each in found]}

    @blp.route("/witnesses")
    class Witnesses(MethodView):
        @blp.doc(security=[])
        @blp.response(200, schemas.WitnessList)
        def get(self) -> dict[str, Any]:
            """Who watches this log, and how far each has seen it · 见证人"""
            with log.database.read() as conn:
                found, best = kept.standings(conn), kept.newest(conn, policy) if policy.witnesses else None
            return {
                "quorum": policy.quorum,
                "policy": policy.text,
                "witnessed_size": best.size if best else None,
                "witnesses": [schemas.witness(each, found.get(each.key.id)) for each in policy.witnesses],
            }


def _search(blp: Blueprint, log: Log, guard: Needs, suffix: str, write: Callable[[Page, int], Response]) -> None:
    @blp.route(f"/entries{suffix}", endpoint=f"search{suffix.replace('.', '-')}")
    class Search(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.Search, location="query", unknown="raise")  # a mistyped filter must not mean "all"
        @blp.response(200, schemas.FoundEntries)
        @blp.doc(summary=f"Search the log{f', as {suffix[1:]}' if suffix else ''} · 检索日志")
        def get(self, asked: dict[str, Any]) -> Response:
            """Newest first. Reading the log is itself an entry (`audit.viewed`)."""
            paging = {name: asked.pop(name) for name in ("before", "after", "limit") if name in asked}
            wanted = _within_reach(Filter(**asked))
            page = find(log.database, wanted, **paging)
            with log.transaction() as tx:  # durable before the reader sees anything
                tx.append(
                    {
                        "type": "audit.viewed",
                        "actor": g.caller.actor(),
                        "filter_digest": digest({**wanted.given(), **paging}),
                        "rows": len(page.found),
                    }
                )
            published = log.published()
            response = write(page, published[0].size if published else 0)
            response.headers["Cache-Control"] = "no-store"
            return response


def _within_reach(wanted: Filter) -> Filter:
    """A department or office sees the entries of which it is part; the audit office and the data bureau see all."""
    caller = g.caller
    if caller.party_kind in OVERSEERS:
        return wanted
    if wanted.party not in (None, caller.party):
        raise Forbidden(
            "只能检索与本单位有关的日志；跨单位检索由审计机关或数据主管部门进行。",
            "Only entries that concern your own party can be searched; the audit office and the data bureau see all.",
        )
    return Filter(**{**wanted.given(), "party": caller.party})


def _json(page: Page, checkpoint_size: int) -> Response:
    found = [{"index": item.index, "entry": item.entry} for item in page.found]
    body = {"entries": found, "next": page.next, "checkpoint_size": checkpoint_size}
    return Response(orjson.dumps(body), content_type="application/json")


def _jsonl(page: Page, _: int) -> Response:
    lines = [orjson.dumps({"index": item.index, "entry": item.entry}) + b"\n" for item in page.found]
    return Response(b"".join(lines), content_type="application/jsonl", headers=_next(page))


def _csv(page: Page, _: int) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="log.csv"', **_next(page)}
    return Response(tabular.to_csv(page.found), content_type="text/csv; charset=utf-8", headers=headers)


def _next(page: Page) -> dict[str, str]:
    """Where JSON says ``next``, the other formats say it in a header."""
    return {} if page.next is None else {"Tongqu-Next": str(page.next)}


def _no_entry(index: int) -> NotFound:
    return NotFound(f"日志中没有第 {index} 条。", f"The log has no entry {index}: entries are numbered from 0.")


_FORMATS: dict[str, Callable[[Page, int], Response]] = {"": _json, ".json": _json, ".jsonl": _jsonl, ".csv": _csv}
