"""``tongqu-witness init | add-log | serve | status``."""

from __future__ import annotations

import argparse
import json
import signal
import ssl
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tongqu_witness import __version__
from tongqu_witness.keys import KeyUnusable
from tongqu_witness.notes import LogKey, NoteInvalid
from tongqu_witness.server import Server, say
from tongqu_witness.witness import Unusable, Witness, hash_of


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        code: int = args.run(args)
        return code
    except (Unusable, KeyUnusable, NoteInvalid, OSError) as error:
        print(f"tongqu-witness: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tongqu-witness", description="见证一份日志只增不改 / watch that a log only grows (C2SP tlog-witness)"
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True)

    init = commands.add_parser("init", help="新建见证目录与密钥 / make the folder and its keys")
    init.add_argument("folder", type=Path)
    init.add_argument("--name", required=True, help="见证人名称，如 audit.example/w1 / its name, a URL without scheme")
    init.add_argument("--log", action="append", default=[], metavar="VKEY", help="要见证的日志公钥 / a log to watch")
    init.set_defaults(run=_init)

    add = commands.add_parser("add-log", help="再见证一份日志（如新年度）/ watch one more log, such as the next year's")
    add.add_argument("folder", type=Path)
    add.add_argument("vkey")
    add.set_defaults(run=_add)

    serve = commands.add_parser("serve", help="运行 / run until interrupted")
    serve.add_argument("folder", type=Path)
    serve.add_argument("--listen", default="127.0.0.1:8700", metavar="HOST:PORT", help="default: 127.0.0.1:8700")
    serve.add_argument("--tls-cert", type=Path, metavar="FILE", help="证书链（PEM）/ certificate chain, PEM")
    serve.add_argument("--tls-key", type=Path, metavar="FILE", help="证书私钥（PEM）/ its key, PEM")
    serve.set_defaults(run=_serve)

    status = commands.add_parser("status", help="各日志见证到哪里 / how far each log was seen")
    status.add_argument("folder", type=Path)
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=_status)
    return parser


def _init(args: argparse.Namespace) -> int:
    witness = Witness.make(args.folder, args.name)
    for vkey in args.log:
        witness.watch(LogKey.parse(vkey))
    print(f"{args.folder}: witness {witness.name}, {len(witness.logs())} logs")
    print(
        "# 请将以下各行交给日志运营方与核验人 / give these lines to the log's operator and to verifiers (tlog-policy):"
    )
    for key, suffix in zip(witness.keys, ("", "-pq"), strict=False):
        print(f"witness {_word(witness.name)}{suffix} {key.vkey}")
    return 0


def _add(args: argparse.Namespace) -> int:
    witness, key = Witness(args.folder), LogKey.parse(args.vkey)
    witness.watch(key)
    print(f"{args.folder}: watching {key.name}; a running witness sees it at once / 正在运行的见证程序立即生效")
    return 0


def _serve(args: argparse.Namespace) -> int:
    host, _, port = args.listen.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise Unusable("--listen: expected HOST:PORT / 应为 地址:端口")
    if (args.tls_cert is None) != (args.tls_key is None):
        raise Unusable("--tls-cert and --tls-key go together / 证书与私钥须同时给出")
    tls = None
    if args.tls_cert is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(args.tls_cert, args.tls_key)
    witness = Witness(args.folder)
    for origin in witness.logs():
        witness.known(origin)  # a damaged state is found now, not when a log comes
    with witness.alone(), Server((host.strip("[]") or "127.0.0.1", int(port)), witness, tls) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        say("serving", witness=witness.name, listen=f"{server.server_address[0]!s}:{server.server_address[1]}")
        server.serve_forever(poll_interval=0.2)
    say("ended", witness=witness.name)
    return 0


def _status(args: argparse.Namespace) -> int:
    witness = Witness(args.folder)
    rows = []
    for origin in sorted(witness.logs()):
        seen = witness.known(origin)
        refused = len(list((args.folder / "evidence").glob(f"{hash_of(origin)[:16]}-*")))
        at = (args.folder / "state" / hash_of(origin)).stat().st_mtime if seen else None
        rows.append({"origin": origin, "size": seen.size if seen else None, "at": at, "contradictions": refused})
    if args.json:
        print(json.dumps({"name": witness.name, "vkeys": [key.vkey for key in witness.keys], "logs": rows}))
        return 0
    print(f"{witness.name}: {len(rows)} logs")
    for row in rows:
        size = "nothing yet / 尚未见证" if row["size"] is None else f"{row['size']} entries / 条"
        print(f"  {row['origin']}: {size}")
        if row["contradictions"]:
            print(
                f"    ! {row['contradictions']} contradictions refused / 有矛盾的检查点被拒: {args.folder / 'evidence'}"
            )
    return 1 if any(row["contradictions"] for row in rows) else 0


def _word(name: str) -> str:
    """A name for the policy file: its words are separated by spaces."""
    return name.replace("/", "-")
