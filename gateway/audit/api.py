"""``/v1/log``: checkpoint, tiles, entries and proofs for everybody; search for those who may read the log.

The guard is handed in, because identity stands above audit: identity, too, writes to the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response
from flask.views import MethodView

from gateway.audit import schemas, search_api, tabular, tiles, witness_api
from gateway.audit.checkpoint import base64_text
from gateway.audit.entry import MAX_INDEX
from gateway.audit.files import TileName
from gateway.audit.filter import Filter
from gateway.audit.log import Log
from gateway.audit.policy import NO_WITNESSES, Policy
from gateway.audit.search import Page, Search
from gateway.audit.search_api import Needs, Reading, looked, reach
from gateway.audit.shard import Shard
from gateway.errors import InvalidRequest, NotFound
from gateway.lib.routes import Blueprint

TEXT = "text/plain; charset=utf-8"
_TEXT_BODY = {"type": "string"}
_BINARY_BODY = {"type": "string", "format": "binary"}


def blueprint(reading: Reading, guard: Needs, policy: Policy = NO_WITNESSES) -> Blueprint:
    log, search = reading.log, reading.search
    blp = Blueprint("log", __name__, url_prefix="/v1/log", description="The tamper-evident log · 审计日志")
    _public(blp, log, policy)
    witness_api.add(blp, log, policy)
    for suffix, write in _FORMATS.items():
        _entries(blp, log, search, guard, suffix, write)
    search_api.add_to(blp, reading, guard)
    return blp


def _public(blp: Blueprint, log: Log, policy: Policy) -> None:
    @blp.route("/checkpoint")
    class Checkpoint(MethodView):
        @blp.doc(security=[])  # anybody may check the log
        @blp.response(200, _TEXT_BODY, content_type="text/plain")
        def get(self) -> Response:
            """The signed head of the log (C2SP tlog-checkpoint), with the cosignatures it has · 检查点"""
            return _checkpoint(log, None)

    @blp.route("/<int(fixed_digits=4):year>/checkpoint")
    class CheckpointOfYear(MethodView):
        @blp.doc(security=[])
        @blp.response(200, _TEXT_BODY, content_type="text/plain")
        def get(self, year: int) -> Response:
            """The signed head of one year's log · 某年日志的检查点"""
            return _checkpoint(log, str(year))

    @blp.route("/<int(fixed_digits=4):year>/tile/<path:path>")
    class TileOfYear(MethodView):
        @blp.doc(security=[])
        @blp.response(200, _BINARY_BODY, content_type="application/octet-stream")
        def get(self, year: int, path: str) -> Response:
            """Hashes or entries of one year's log (C2SP tlog-tiles) · 某年日志的分块"""
            return _tile(log, path, str(year))

    @blp.route("/shards")
    class Shards(MethodView):
        @blp.doc(security=[])
        @blp.response(200, schemas.Shards)
        def get(self) -> dict[str, Any]:
            """The log of each year: its name, key, place and size · 各年日志"""
            return {"shards": [_shard(log, shard) for shard in log.shards()]}

    @blp.route("/tile/<path:path>")
    class Tile(MethodView):
        @blp.doc(security=[])
        @blp.response(200, _BINARY_BODY, content_type="application/octet-stream")
        def get(self, path: str) -> Response:
            """Hashes or entries of the open log, 256 at a time (C2SP tlog-tiles) · 散列与条目分块"""
            return _tile(log, path, None)

    @blp.route(f"/entries/<int(max={MAX_INDEX}):index>")
    class Entry(MethodView):
        @blp.doc(security=[])
        @blp.arguments(schemas.EntryAsked, location="query", unknown="raise")
        @blp.response(200, schemas.Entry)
        def get(self, asked: dict[str, Any], index: int) -> Response:
            """One entry, its exact bytes · 查看一条日志"""
            position = tiles.position(log, index, asked.get("origin"))
            data = None if position is None else tiles.entry_at(log, position)
            if data is None:
                raise _no_entry(index)
            return Response(data, content_type="application/json")

    @blp.route(f"/entries/<int(max={MAX_INDEX}):index>/proof")
    class Proof(MethodView):
        @blp.doc(security=[])
        @blp.arguments(schemas.EntryAsked, location="query", unknown="raise")
        @blp.response(200, _TEXT_BODY, content_type="text/plain")
        def get(self, asked: dict[str, Any], index: int) -> Response:
            """That this entry is in the log of its year (c2sp.org/tlog-proof@v1) · 存在性证明"""
            position = tiles.position(log, index, asked.get("origin"))
            proof = None if position is None else tiles.proof(log, position, policy)
            if proof is None:
                raise _no_entry(index)
            return Response(proof, content_type=TEXT, headers={"Cache-Control": "no-cache"})


def _entries(
    blp: Blueprint,
    log: Log,
    search: Search,
    guard: Needs,
    suffix: str,
    write: Callable[[Page, tabular.Shards, int], Response],
) -> None:
    @blp.route(f"/entries{suffix}", endpoint=f"entries{suffix.replace('.', '-')}")
    class Entries(MethodView):
        @guard.needs("log:read")
        @blp.arguments(schemas.EntriesAsked, location="query", unknown="raise")  # a mistyped filter must not mean "all"
        @blp.response(200, schemas.FoundEntries)
        @blp.doc(summary=f"Follow the log, entry by entry{f', as {suffix[1:]}' if suffix else ''} · 逐条读取日志")
        def get(self, asked: dict[str, Any]) -> Response:
            """Newest first. Reading the log is itself an entry (`audit.viewed`)."""
            paging: dict[str, Any] = {name: asked.pop(name) for name in ("before", "after", "limit") if name in asked}
            wanted = _filter(**asked)
            page = search.find(wanted, reach=reach(), each="entry", **paging)
            looked(log, {"q": wanted.text(), "each": "entry", **paging}, len(page.found))
            response = write(page, log.shards(), log.published_to())
            response.headers["Cache-Control"] = "no-store"
            return response


def _filter(q: str, **beside: str) -> Filter:
    """What is asked in a line and beside it, together."""
    line, more = Filter.parse(q), Filter.of(**beside)
    if line.wanted.keys() & more.wanted.keys() or (line.since and more.since) or (line.until and more.until):
        raise InvalidRequest(
            "同一个检索项不能既写在 q 里又单独给出。", "Give a qualifier in q or beside it, not in both places."
        )
    return Filter({**line.wanted, **more.wanted}, line.unwanted, line.since or more.since, line.until or more.until)


def _json(page: Page, shards: tabular.Shards, checkpoint_size: int) -> Response:
    found = [tabular.entry_shown(item.index, item.entry, shards) for item in page.found]
    body = {"entries": found, "next": page.next, "checkpoint_size": checkpoint_size}
    return Response(orjson.dumps(body), content_type="application/json")


def _jsonl(page: Page, shards: tabular.Shards, _: int) -> Response:
    lines = [orjson.dumps(tabular.entry_shown(item.index, item.entry, shards)) + b"\n" for item in page.found]
    return Response(b"".join(lines), content_type="application/jsonl", headers=_next(page))


def _csv(page: Page, shards: tabular.Shards, _: int) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="log.csv"', **_next(page)}
    return Response(tabular.to_csv(page.found, shards=shards), content_type="text/csv; charset=utf-8", headers=headers)


def _next(page: Page) -> dict[str, str]:
    """Where JSON says ``next``, the other formats say it in a header."""
    return {} if page.next is None else {"Tongqu-Next": str(page.next)}


def _checkpoint(log: Log, year: str | None) -> Response:
    note = tiles.checkpoint(log, year)
    if note is None:
        raise NotFound(f"没有 {year} 年的日志。", f"There is no log of {year}: see /v1/log/shards.")
    return Response(note, content_type=TEXT, headers={"Cache-Control": "no-cache"})


def _tile(log: Log, path: str, year: str | None) -> Response:
    name = TileName.parse(path)
    data = tiles.tile(log, name, year) if name else None
    if data is None:
        raise NotFound("没有这个分块。", "No such tile: see c2sp.org/tlog-tiles for the paths that exist.")
    # The open log's address is another log's next year: only the one with the year in it never changes.
    headers = {"Cache-Control": "no-cache" if year is None else "public, max-age=31536000, immutable"}
    return Response(data, content_type="application/octet-stream", headers=headers)


def _shard(log: Log, shard: Shard) -> dict[str, Any]:
    return {
        "origin": shard.origin,
        "vkey": log.keys.of(shard.origin).vkey,
        "year": int(shard.year),
        "first": shard.first,
        "size": shard.size,
        "root": None if shard.root is None else base64_text(shard.root),
        "state": "open" if shard.end is None else "closed",
    }


def _no_entry(index: int) -> NotFound:
    return NotFound(f"日志中没有第 {index} 条。", f"The log has no entry {index}: entries are numbered from 0.")


_FORMATS: dict[str, Callable[[Page, tabular.Shards, int], Response]] = {
    "": _json,
    ".json": _json,
    ".jsonl": _jsonl,
    ".csv": _csv,
}
