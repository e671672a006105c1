"""``tongqu verify``: a receipt, a saved answer, a proof, a checkpoint or a whole log. Offline, except for a URL."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tongqu_client import errors
from tongqu_client._canonical import MalformedJson, canonical, strict_loads
from tongqu_client._client import Gateway
from tongqu_client._models import SAVED
from tongqu_client._settings import settings
from tongqu_client.cli._output import Output
from tongqu_client.cli._report import reported_witnesses, show_bundle, show_log, show_receipt, show_rows, show_witnesses
from tongqu_client.verify.bundle import MAX_BYTES, looks_like_one
from tongqu_client.verify.evidence import verify_bundle
from tongqu_client.verify.export import verify_export
from tongqu_client.verify.notes import TlogProof
from tongqu_client.verify.policy import Policy
from tongqu_client.verify.receipts import verify_promise, verify_receipt
from tongqu_client.verify.rows import is_rows, verify_rows
from tongqu_client.verify.structure import KEPT, Folder, LogSource
from tongqu_client.verify.trust import TrustStore

_TOKEN = re.compile(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
_PROOF = "c2sp.org/tlog-proof@v1\n"


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    parser = subparsers.add_parser(
        "verify", parents=[common], help="核验回执、存档、证明、检查点或整份日志 / verify evidence, offline"
    )
    parser.add_argument("target", help="文件（.tqe、存档、回执……）、文件夹或网址 / a file, a folder or a URL")
    parser.add_argument("--trust", type=Path, metavar="FILE", help="您信任的密钥文件 / the keys you trust")
    parser.add_argument(
        "--previous",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="以前保存的检查点 / an earlier checkpoint",
    )
    parser.add_argument(
        "--receipt",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="应在日志中的回执 / must be in the log",
    )
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="见证策略：检查点须有其中的法定见证 / witnesses that must have cosigned (C2SP tlog-policy)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    if args.target.startswith(("https://", "http://")):
        found = settings(profile=args.profile)
        with Gateway(
            args.target.removesuffix("/").removesuffix("/v1/log"),
            ca=found.get("ca"),
            allow_plain_http=found.get("allow_plain_http") == "1",
        ) as gateway:
            return _log(RemoteLog(gateway), args, out)
    if Path(args.target).is_dir():
        return _log(Folder(Path(args.target)), args, out)
    if is_rows(Path(args.target)):
        trust = _trust(args)
        show_rows(verify_rows(Path(args.target), trust), out, required=trust is not None and trust.required is not None)
        return 0
    return _file(_read(Path(args.target), at_most=MAX_BYTES), args, out)


@dataclass(frozen=True, slots=True)
class RemoteLog:
    """A gateway's published log, as a source of its files."""

    gateway: Gateway

    def read(self, path: str) -> bytes:
        if path == "trust.json":
            return canonical(dict(self.gateway.trust().document))
        if path.startswith(f"{KEPT}/"):
            raise FileNotFoundError(path)  # in exports only
        return self.gateway.read_log(path)

    def names(self) -> Iterable[str] | None:
        return None


def _log(source: LogSource, args: argparse.Namespace, out: Output) -> int:
    trust = _trust(args)
    out.progress("正在核验整份日志……", "Verifying the whole log …")
    report = verify_export(
        source,
        trust,
        previous=[_read(path) for path in args.previous],
        receipts=[_token(_read(path)) for path in args.receipt],
    )
    show_log(report, out, required=trust is not None and trust.required is not None)
    return 0


def _file(data: bytes, args: argparse.Namespace, out: Output) -> int:
    """Anything that is not a log: what it is shows in its first characters."""
    trust = _trust(args)
    if looks_like_one(data):
        show_bundle(verify_bundle(data, trust), out)
        return 0
    if trust is None:
        raise errors.ConfigError(
            "需要信任文件：请用 --trust 指定（网关的 /.well-known/tongqu-trust，最好从审计机关取得）。",
            "A trust file is needed: name it with --trust (/.well-known/tongqu-trust of the gateway).",
        )
    text = _text(data)
    if text.startswith(_PROOF):
        return _proof(text, trust, args, out)
    if text.lstrip().startswith("{"):
        return _saved(text, trust, out)
    if "\n\n" in text.strip("\n"):
        return _checkpoint(data, trust, args, out)
    if not _TOKEN.fullmatch(text.strip()):
        raise errors.ReceiptInvalid(
            "这个文件不是回执、存档、证明、检查点或证据包，或已损坏到无法辨认。请核对是否选错了文件。",
            "This file is no receipt, saved answer, proof, checkpoint or bundle, or is damaged beyond recognition. Is "
            "it the right file?",
        )
    show_receipt(verify_receipt(text, trust), out)
    return 0


def _saved(text: str, trust: TrustStore, out: Output) -> int:
    saved = saved_answer(text)
    receipt = verify_receipt(
        str(saved["answer"].get("receipt")), trust, request=saved["request"], response=saved["answer"]
    )
    if isinstance(saved.get("proof"), str):
        receipt = verify_promise(receipt, saved["proof"], trust)
    show_receipt(receipt, out)
    return 0


def _proof(text: str, trust: TrustStore, args: argparse.Namespace, out: Output) -> int:
    if len(args.receipt) != 1:
        raise errors.ConfigError(
            "证明须连同它所属的回执一起核验：请加 --receipt FILE。",
            "A proof is verified together with its receipt: add --receipt FILE.",
        )
    receipt = verify_receipt(_token(_read(args.receipt[0])), trust)
    show_receipt(verify_promise(receipt, TlogProof.parse(text), trust), out)
    return 0


def _checkpoint(data: bytes, trust: TrustStore, args: argparse.Namespace, out: Output) -> int:
    checkpoint = trust.open_checkpoint(data)
    witnessed = trust.witnessed(checkpoint)
    for path in args.previous:
        before = trust.open_signed(_read(path))
        if before.origin != checkpoint.origin:
            raise errors.CheckpointInvalid(
                f"先前的检查点出自 {before.origin}，这一份出自 {checkpoint.origin}：分属两年的日志，须连同日志核验。",
                f"The earlier checkpoint is of {before.origin} and this one of {checkpoint.origin}: logs of two years, "
                "which take the log itself (an export or a URL) to compare.",
            )
        if before.size > checkpoint.size:
            raise errors.CheckpointInvalid(
                f"先前的检查点有 {before.size} 条，这一份只有 {checkpoint.size} 条：日志被回退，或给您的是旧的检查点。",
                f"The earlier checkpoint has {before.size} entries and this one {checkpoint.size}: the log was rolled "
                "back, or you were given an old checkpoint.",
            )
        if before.size == checkpoint.size and before.root != checkpoint.root:
            raise errors.LogForked(evidence=(before.note, checkpoint.note))
    if out.as_json:
        out.document(
            {
                "kind": "checkpoint",
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "witnessed": reported_witnesses(witnessed),
            }
        )
    out.line(
        f"✓ 检查点签名有效：{checkpoint.origin}，共 {checkpoint.size} 条。",
        f"✓ The checkpoint is signed: {checkpoint.origin}, {checkpoint.size} entries.",
    )
    show_witnesses(witnessed, out, required=trust.required is not None)
    if any(trust.open_signed(_read(path)).size < checkpoint.size for path in args.previous):
        out.line(
            "! 未核验是否延续先前的检查点：两份大小不同，须连同日志（导出目录或网址）核验。",
            "! Not checked: that it continues the earlier checkpoint. Their sizes differ, so this takes the log itself "
            "(an export or a URL).",
        )
    return 0


def _trust(args: argparse.Namespace) -> TrustStore | None:
    path = args.trust or settings(profile=args.profile).get("trust")
    trust = TrustStore.load(path) if path else None
    if args.policy is None:
        return trust
    if trust is None:
        raise errors.ConfigError(
            "使用 --policy 时须同时用 --trust 指定信任文件。", "With --policy, name a trust file with --trust too."
        )
    return trust.requiring(Policy.load(args.policy))


def _token(data: bytes) -> str:
    """A compact receipt, or the one inside a saved answer."""
    text = _text(data)
    return str(saved_answer(text)["answer"].get("receipt")) if text.lstrip().startswith("{") else text


def saved_answer(text: str) -> dict[str, Any]:
    """The document that ``Answer.save`` wrote. Raises ReceiptInvalid."""
    try:
        document = strict_loads(text)
    except MalformedJson as error:
        raise errors.ReceiptInvalid("存档不是有效的 JSON，已损坏。", f"The saved answer is damaged: {error}.") from None
    if not (
        isinstance(document, dict)
        and document.get("format") == SAVED
        and isinstance(document.get("answer"), dict)
        and isinstance(document.get("request"), dict)
    ):
        raise errors.ReceiptInvalid(
            f"这不是 tongqu 的存档（应有 format: {SAVED}）。", f"This is no saved answer (expected format: {SAVED})."
        )
    return document


def _read(path: Path, *, at_most: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(-1 if at_most is None else at_most + 1)  # whatever size it says: a device says none
    except OSError:
        raise errors.ConfigError(f"打不开 {path}。", f"{path} cannot be opened.") from None
    if at_most is not None and len(data) > at_most:
        raise errors.BundleInvalid(
            f"{path} 超过 {at_most >> 20} MiB，不是回执、存档或证据包。",
            f"{path} is larger than {at_most >> 20} MiB: no receipt, saved answer or bundle is.",
        )
    return data


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise errors.ReceiptInvalid(
            "文件不是 UTF-8 文本，已损坏。", "The file is not UTF-8 text; it is damaged."
        ) from None
