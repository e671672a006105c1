"""``tongqu order``: an officer signs an order over the log, after the archive was found to be as the order says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tongqu_client import errors
from tongqu_client._jose import SigningKey
from tongqu_client._settings import settings
from tongqu_client.cli._output import Output
from tongqu_client.verify.ordering import examine, in_words, read_order
from tongqu_client.verify.orders import TYPE
from tongqu_client.verify.trust import TrustStore


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    parser = subparsers.add_parser(
        "order",
        parents=[common],
        help="核对并签署清理、粉碎、解除保全的命令 / check and sign an order to prune, to forget, to lift a hold",
    )
    parser.add_argument("order", type=Path, metavar="ORDER", help="网关打印的命令 / what the gateway printed")
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="您的私钥（JWK 或 PEM）/ your private key"
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="归档的导出；清理时必需 / the export; needed to prune"
    )
    parser.add_argument("--trust", type=Path, metavar="FILE", help="您信任的密钥文件 / the keys you trust")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="签名写入此处 / where the signature goes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    try:
        order = read_order(args.order.read_bytes())
    except OSError:
        raise errors.ConfigError(f"打不开 {args.order}。", f"{args.order} cannot be opened.") from None
    key = SigningKey.load(args.key)
    out.warn(*in_words(order))
    if args.archive is not None:
        report = examine(order, args.archive, _trust(args))
        out.warn(
            f"✓ 归档完好（{report.checkpoint.size} 条），命令与归档相符。",
            f"✓ The archive holds ({report.checkpoint.size} entries), and the order is what it says.",
        )
    elif order["act"] == "prune":
        raise errors.ConfigError(
            "清理之前须核对归档：请用 --archive 指定导出的目录，用 --trust 指定信任文件。",
            "Before pruning, the archive is checked: name the exported folder with --archive, and --trust.",
        )
    signed = key.sign({"typ": TYPE, "kid": key.thumbprint}, order)
    if args.output is None:
        print(signed)
    else:
        args.output.write_text(signed + "\n", encoding="ascii")
        out.warn(f"✓ 已签署，见 {args.output}。", f"✓ Signed: {args.output}.")
    return 0


def _trust(args: argparse.Namespace) -> TrustStore:
    path = args.trust or settings(profile=args.profile).get("trust")
    if not path:
        raise errors.ConfigError(
            "需要信任文件：请用 --trust 指定（最好从审计机关取得，不要用归档里的）。",
            "A trust file is needed: name it with --trust (got from the audit office, not from the archive).",
        )
    return TrustStore.load(path)
