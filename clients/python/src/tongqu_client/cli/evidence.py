"""``tongqu evidence``: the bundle of one query, for whoever must be convinced. Verifying it needs no gateway."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from tongqu_client import errors
from tongqu_client.cli._output import Output
from tongqu_client.cli.query import gateway_for
from tongqu_client.cli.verify import saved_answer
from tongqu_client.verify.bundle import Bundle
from tongqu_client.verify.evidence import verify_bundle
from tongqu_client.verify.receipts import verify_receipt


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    parser = subparsers.add_parser(
        "evidence", parents=[common], help="取一次查询的证据包 / the evidence bundle of one query"
    )
    parser.add_argument(
        "of", help="查询编号、日志序号、回执或存档文件 / query id, log index, file of a receipt or saved answer"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="如 / such as SQ-0012.tqe")
    parser.add_argument(
        "--without-record", action="store_true", help="不含查询内容与记录 / leave request and record out"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    with gateway_for(args) as gateway:
        path = Path(args.of)
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            held = saved_answer(text) if text.lstrip().startswith("{") else None
            token = str(held["answer"].get("receipt")) if held else text.strip()
            receipt = verify_receipt(token, gateway.trust())
            made = gateway.evidence(receipt.index, receipt.origin)
            made = made.holding(receipt=token, **_record(held, args.without_record))
        elif args.of.startswith("qry_"):
            made = gateway.evidence_of(args.of)
        elif args.of.isascii() and args.of.isdigit():
            made = gateway.evidence(int(args.of))
        else:
            raise errors.ConfigError(
                f"没有 {args.of} 这个文件，它也不是查询编号（qry_…）或日志序号。",
                f"{args.of} is no file, no query id (qry_…) and no log index.",
            )
        verify_bundle(made, gateway.trust())
    _write(args.output, made)
    out.line(f"✓ 证据包已核验并存入 {args.output}。", f"✓ The bundle holds and is in {args.output}.")
    if made["answer"] is not None:
        out.warn("! 其中有居民信息，请按办案材料保管。", "! It holds personal data: keep it as you keep the case.")
    return 0


def _record(held: dict[str, Any] | None, without: bool) -> dict[str, Any]:
    if held is None or without:
        return {}
    answer = {name: held["answer"].get(name) for name in ("data", "source", "withheld")}
    return {"request": held["request"], "answer": answer}


def _write(path: Path, bundle: Bundle) -> None:
    """Readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(bundle.to_bytes())
