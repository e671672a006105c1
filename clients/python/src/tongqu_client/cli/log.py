"""``tongqu log search|anomalies|statement``: the log, for those who may read it (scope ``log:read``)."""

from __future__ import annotations

import argparse
from typing import Any

from tongqu_client import errors
from tongqu_client.cli._output import Output, write_table
from tongqu_client.cli.query import gateway_for

SCOPE = "log:read"


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    log = subparsers.add_parser("log", help="审计日志 / the audit log")
    verbs = log.add_subparsers(dest="verb", required=True)
    search = verbs.add_parser("search", parents=[common], help="检索 / search")
    search.add_argument("q", nargs="?", default="", help="如 / such as 'officer:off_li result:refused since:7d'")
    search.add_argument("--limit", type=int, default=20, help="最多显示几行 / rows to show")
    search.add_argument("--facets", action="store_true", help="只看计数 / counts instead of rows")
    search.set_defaults(run=run_search)
    anomalies = verbs.add_parser("anomalies", parents=[common], help="异常提示 / what looks unlike ordinary work")
    anomalies.set_defaults(run=run_anomalies)
    statement = verbs.add_parser("statement", parents=[common], help="月度对账单 / a month's counts, signed")
    statement.add_argument("month", help="如 / such as 2026-11")
    statement.set_defaults(run=run_statement)


def run_search(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        if args.facets:
            found = gateway.request("GET", "/v1/log/facets", scope=SCOPE, query={"q": args.q})
            return _facets(found, out)
        query = {"q": args.q, "limit": str(args.limit)}
        found = gateway.request("GET", "/v1/log/search", scope=SCOPE, query=query)
    rows = found["rows"]
    if out.as_json:
        out.document(found)
    elif rows:
        write_table([_row(row) for row in rows])
    else:
        out.line("没有找到。", "Nothing found.")
    return 0 if rows else errors.NotFound.exit_code


def run_anomalies(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        found = gateway.request("GET", "/v1/log/anomalies", scope=SCOPE)
    if out.as_json:
        out.document(found)
        return 0
    for each in found["findings"]:
        out.line(f"{each['zh']}\n    {each['q']}", f"{each['en']}\n    {each['q']}")
    days, number = found["days"], len(found["findings"])
    out.line(f"最近 {days} 天共 {number} 项。", f"{number} findings in {days} days.")
    return 0


def run_statement(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        found = gateway.request("GET", f"/v1/log/statements/{args.month}", scope=SCOPE)
    claims = found["claims"]
    if out.as_json:
        out.document(found)
        return 0
    for side, zh, en in (("asked", "查询他人", "asked of others"), ("held", "被他人查询", "asked by others")):
        results = " · ".join(f"{name} {number}" for name, number in claims[side]["results"].items())
        total = claims[side]["total"]
        out.line(f"{claims['month']} {zh} {total} 次：{results}", f"{claims['month']} {en}: {total}: {results}")
    out.line("请与本单位自己的记录核对。", "Compare it with your own books.")
    return 0


def _facets(found: dict[str, Any], out: Output) -> int:
    if out.as_json:
        out.document(found)
        return 0
    out.line(f"共 {found['total']} 条", f"{found['total']} found")
    for facet in found["facets"]:
        values = " · ".join(f"{each['value']} {each['count']}" for each in facet["values"] if each["count"])
        if values:
            out.line(f"{facet['name']}: {values}", f"{facet['name']}: {values}")
    return 0


def _row(row: dict[str, Any]) -> dict[str, str]:
    entry = row["entry"]
    actor = entry.get("actor") or {}
    return {
        "index": str(row["index"]),
        "t": str(entry.get("t") or ""),
        "type": str(entry["type"]),
        "officer": str(actor.get("officer") or ""),
        "from": str(row.get("consumer") or actor.get("party") or ""),
        "to": str(row.get("provider") or ""),
        "standard": str(entry.get("standard") or ""),
        "result": str(row.get("result") or ""),
        "risk": " ".join(row.get("risk") or []),
    }
