"""``tongqu catalogue search``, ``tongqu standards show|list|verify`` and ``tongqu ping``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tongqu_client import errors
from tongqu_client.cli._output import Output, flat, write_table
from tongqu_client.cli.query import gateway_for
from tongqu_client.verify.standards import verify_standard

_COLUMNS = ("id", "standard", "title_zh", "title", "party", "state")


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    catalogue = subparsers.add_parser("catalogue", help="数据目录 / the catalogue")
    verbs = catalogue.add_subparsers(dest="verb", required=True)
    search = verbs.add_parser("search", parents=[common], help="谁有这项数据 / who holds this")
    search.add_argument("text")
    search.set_defaults(run=run_search)

    standards = subparsers.add_parser("standards", help="数据标准 / the standards")
    verbs = standards.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", parents=[common], help="全部标准 / all of them")
    listing.set_defaults(run=run_list)
    show = verbs.add_parser("show", parents=[common], help="一个标准 / one of them")
    show.add_argument("standard", help="如 / such as person-basic/1.0.0")
    show.set_defaults(run=run_show)

    verify = verbs.add_parser("verify", parents=[common], help="离线核验主管部门的签名 / verify the bureau's signature")
    verify.add_argument("schema", type=Path, help="标准文件 / the schema, as it was fetched")
    verify.add_argument("signature", type=Path, help="签名文件 / the answer of …/signature")
    verify.add_argument("--key", help="主管部门公钥的指纹 / the thumbprint that the bureau's key must have")
    verify.set_defaults(run=run_verify)

    ping = subparsers.add_parser("ping", parents=[common], help="网关是否可用 / is the gateway there")
    ping.set_defaults(run=run_ping)


def run_search(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        return _list(gateway.catalogue.search(args.text), out)


def run_list(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        return _list(gateway.standards.list(), out)


def run_show(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        schema = gateway.standards.get(args.standard)
    if out.as_json:
        out.document(schema)
        return 0
    out.line(f"{schema.get('title', '')}  {args.standard}", f"{schema.get('x-en', '')}  {args.standard}")
    properties = schema.get("properties")
    write_table(_elements(properties if isinstance(properties, Mapping) else {}, out))
    return 0


def run_verify(args: argparse.Namespace, out: Output) -> int:
    found = verify_standard(_read(args.schema), _read(args.signature), key=args.key)
    if out.as_json:
        out.document(asdict(found))
        return 0
    out.line(f"✓ {found.id} 由 {found.party} 签署。", f"✓ {found.id} is signed by {found.party}.")
    out.line(f"  摘要 {found.digest}，密钥 {found.key}", f"  digest {found.digest}, key {found.key}")
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.ConfigError(f"读不了 {path}：{error.strerror}。", f"{path}: {error.strerror}.") from None


def _elements(properties: Mapping[str, Any], out: Output) -> list[dict[str, str]]:
    rows = []
    for name, element in properties.items():
        title = element.get("title", "") if out.language == "zh" else element.get("x-en", "")
        rows.append({"name": name, "title": str(title), "standard": str(element.get("x-standard", ""))})
    return rows


def run_ping(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        health = gateway.ping()
    milliseconds = round(health.seconds * 1000)
    if out.as_json:
        out.document({"ready": health.ready, "milliseconds": milliseconds})
    elif health.ready:
        out.line(f"✓ 网关可用（{milliseconds} 毫秒）。", f"✓ The gateway is ready ({milliseconds} ms).")
    else:
        out.line("✗ 网关在，但尚未就绪。", "✗ The gateway is there but not ready.")
    return 0 if health.ready else errors.TransportError.exit_code


def _list(rows: list[dict[str, Any]], out: Output) -> int:
    if out.as_json:
        out.document(rows)
    elif rows:
        cells = [flat(row) for row in rows]
        write_table([{name: row[name] for name in _COLUMNS if name in row} or row for row in cells])
    else:
        out.line("没有找到。", "Nothing found.")
    return 0 if rows else errors.NotFound.exit_code
