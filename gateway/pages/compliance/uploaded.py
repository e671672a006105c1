"""Somebody brings a receipt, a proof or an evidence bundle: does it agree with this log, entry by entry?

This is the gateway's own word, for a quick look at the desk. Who does not trust the gateway runs ``tongqu verify``,
which shares no code with it. What was uploaded is read in memory and kept nowhere.
"""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.audit import merkle, tiles
from gateway.audit.checkpoint import Checkpoint, CheckpointInvalid, open_checkpoint, parse_proof
from gateway.audit.store import Rows
from gateway.lib import jose
from gateway.lib.canonical_json import MalformedJson, canonical, digest, strict_loads
from gateway.lib.jose import JoseInvalid
from gateway.pages.compliance.desk import Desk
from gateway.pages.public.words import Text

RECEIPT = "tongqu-receipt+jwt"
MAX_UNPACKED = 64 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Check:
    good: bool
    text: Text


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: Text
    checks: tuple[Check, ...]
    index: int | None = None
    known: bool = True  # whether it is one of the files that this page reads

    @property
    def good(self) -> bool:
        return bool(self.checks) and all(check.good for check in self.checks)


class _Stop(Exception):
    """Nothing more can be said."""


# RuntimeError is what zipfile raises for a password or an unknown compression.
_NOT_READ = (
    _Stop, JoseInvalid, CheckpointInvalid, MalformedJson, KeyError, IndexError, TypeError, ValueError, OverflowError,
    zipfile.BadZipFile, RuntimeError, zlib.error,
)  # fmt: skip


def check(desk: Desk, keys: Any, data: bytes) -> Outcome:
    """What it is, and each thing that was compared. Never a value of what was uploaded."""
    checks: list[Check] = []
    try:
        kind, index = _kind_of(desk, data)
    except _NOT_READ:
        return _unknown()
    try:
        for each in _KINDS[kind.en](desk, keys, data):
            checks.append(each)
    except _NOT_READ:
        checks.append(Check(False, Text("格式不完整，或内容被改动过", "It is not complete, or was changed")))
    return Outcome(kind, tuple(checks), index)


def _unknown() -> Outcome:
    text = Text(
        "这里能核对回执、存在性证明（.txt）和证据包（.tqe、.zip）；如果它本应是其中之一，可能已被改动",
        "This page reads receipts, proofs (.txt) and bundles (.tqe, .zip); if it should be one, it may be changed",
    )
    return Outcome(Text("无法识别的文件", "Not a file of this gateway"), (Check(False, text),), known=False)


def root_of_note(note: str) -> bytes:
    """The root in a checkpoint that was kept; its signature was made by ourselves."""
    return base64.b64decode(note.split("\n")[2])


def _kind_of(desk: Desk, data: bytes) -> tuple[Text, int | None]:
    if data.startswith(b"PK"):
        if not any(name.endswith("rows.jsonl") for name in zipfile.ZipFile(io.BytesIO(data)).namelist()):
            raise _Stop
        return ROWS, None
    text = data.decode()
    if text.startswith("c2sp.org/tlog-proof@v1"):
        proof = parse_proof(text)
        return PROOF, tiles.position(desk.log, proof.index, proof.note.partition("\n")[0])
    value = strict_loads(data)
    if isinstance(value, dict) and str(value.get("format", "")).startswith("tongqu-evidence/"):
        return BUNDLE, int(value["index"])
    if isinstance(value, dict) and "answer" in value:
        return ANSWER, None
    raise _Stop


PROOF = Text("存在性证明", "proof of inclusion")
BUNDLE = Text("证据包", "evidence bundle")
ANSWER = Text("回执", "receipt")
ROWS = Text("检索导出的证据包", "bundle of a search")


def _proof(desk: Desk, keys: Any, data: bytes) -> Iterator[Check]:
    proof = parse_proof(data.decode())
    checkpoint = _opened(desk, proof.note)
    yield _signed()
    yield _same_tree(desk, checkpoint)
    found = _entries(desk, checkpoint.origin, proof.index)
    if not found:
        raise _Stop
    yield _included(proof.index, checkpoint, merkle.leaf_hash(found[0]), list(proof.hashes))


def _bundle(desk: Desk, keys: Any, data: bytes) -> Iterator[Check]:
    value = strict_loads(data)
    years = [_opened(desk, each["checkpoint"]) for each in value.get("years", [value])]
    if years[-1] != (checkpoint := _opened(desk, value["checkpoint"])):
        raise _Stop
    yield _signed()
    for each in years:
        yield _same_tree(desk, each)
    good = True
    with desk.log.database.read() as conn:
        for told in value["entries"]:
            theirs = canonical(told["entry"])
            ours = Rows(conn).entries(told["index"], told["index"] + 1)
            hashes = [base64.b64decode(text) for text in told["hashes"]]
            origin, index = desk.log.place(told["index"])
            under = next((year for year in years if year.origin == origin), checkpoint)
            held = _included(index, under, merkle.leaf_hash(theirs), hashes)
            good = good and held.good and ours == [theirs]
    number = len(value["entries"])
    yield Check(
        good,
        Text(f"所附 {number} 条与日志逐字节一致", f"Its {number} entries are those of the log, byte for byte")
        if good
        else Text("所附条目与日志不一致", "Its entries are not those of the log"),
    )
    yield from _papers(value)
    if value.get("receipt"):
        yield from _receipt(desk, keys, value["receipt"])


def _papers(bundle: Mapping[str, Any]) -> Iterator[Check]:
    """The agreement, consent and standard that come along, against the digests in the entries."""
    entries = [each["entry"] for each in bundle["entries"]]
    agreement = bundle["agreement"]["document"] if bundle.get("agreement") else None
    consent = bundle["consent"]["record"] if bundle.get("consent") else None
    schema = bundle["standard"]["schema"] if bundle.get("standard") else None
    schemas = {item["schema_digest"] for item in agreement["items"]} if agreement else set()
    for paper, wanted, zh, en in (
        (agreement, _digests(entries, "agreement"), "协议", "agreement"),
        (consent, _digests(entries, "consent"), "同意", "consent"),
        (schema if agreement else None, schemas, "数据标准", "standard"),
    ):
        if paper is None:
            continue
        good = digest(paper) in wanted
        yield Check(
            good,
            Text(f"附上的{zh}就是日志所记的那一份", f"The {en} that comes along is the one the log names")
            if good
            else Text(f"附上的{zh}不是日志所记的那一份", f"The {en} that comes along is not the one the log names"),
        )


def _digests(entries: list[Mapping[str, Any]], name: str) -> set[str]:
    return {each[name]["digest"] for each in entries if isinstance(each.get(name), Mapping)}


def _rows(desk: Desk, keys: Any, data: bytes) -> Iterator[Check]:
    """What a search was exported as: each row against the log."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(each.file_size for each in archive.infolist()) > MAX_UNPACKED:
            raise _Stop
        at = sorted(name.removesuffix("rows.jsonl") for name in archive.namelist() if name.endswith("rows.jsonl"))
        parts = [(archive.read(f"{each}rows.jsonl").splitlines(), archive.read(f"{each}checkpoint")) for each in at]
    good, number = True, 0
    for lines, note in parts:
        checkpoint = _opened(desk, note.decode())
        yield _signed()
        yield _same_tree(desk, checkpoint)
        first, number = _first(desk, checkpoint.origin), number + len(lines)
        with desk.log.database.read() as conn:
            for line in lines:
                row = strict_loads(line)
                index = int(row["index"])
                good = good and index < checkpoint.size
                good = good and Rows(conn).entries(first + index, first + index + 1) == [canonical(row["entry"])]
    yield Check(
        good,
        Text(f"{number} 条与日志逐字节一致", f"Its {number} entries are those of the log, byte for byte")
        if good
        else Text("其中的条目与日志不一致", "Its entries are not those of the log"),
    )


def _answer(desk: Desk, keys: Any, data: bytes) -> Iterator[Check]:
    value = strict_loads(data)
    yield from _receipt(desk, keys, value["answer"]["receipt"])


def _receipt(desk: Desk, keys: Any, receipt: Any) -> Iterator[Check]:
    known = keys.verifiers("receipt")
    text = receipt["jws"] if isinstance(receipt, Mapping) else receipt
    claims = jose.verify(text, lambda header: known[str(header["kid"])], typ=RECEIPT)
    yield Check(True, Text("回执由本网关签名", "The receipt is signed by this gateway"))
    place = claims["log"]
    found = _entries(desk, str(place["origin"]), int(place["index"]))
    same = bool(found) and "sha-256:" + merkle.leaf_hash(found[0]).hex() == place["leaf_hash"]
    number = int(place["index"])
    yield Check(
        same,
        Text(f"回执所指的第 {number} 条在册且未改", f"Entry {number}, which it names, is in the log unchanged")
        if same
        else Text("日志中没有回执所指的条目", "The entry that it names is not in this log"),
    )


def _opened(desk: Desk, note: str) -> Checkpoint:
    """A checkpoint of one of our years. Raises CheckpointInvalid."""
    origin = note.partition("\n")[0]
    _first(desk, origin)
    return open_checkpoint(note, desk.log.keys.of(origin).verifier)


def _first(desk: Desk, origin: str) -> int:
    for shard in desk.log.shards():
        if shard.origin == origin:
            return shard.first
    raise CheckpointInvalid("it is of another log")


def _entries(desk: Desk, origin: str, index: int) -> list[bytes]:
    """The entry with this index in that log, if there is one."""
    at = tiles.position(desk.log, index, origin)
    if at is None:
        return []
    with desk.log.database.read() as conn:
        return Rows(conn).entries(at, at + 1)


def _signed() -> Check:
    return Check(True, Text("检查点由本日志签名", "The checkpoint is signed by this log"))


def _same_tree(desk: Desk, checkpoint: Checkpoint) -> Check:
    shard = next(shard for shard in desk.log.shards() if shard.origin == checkpoint.origin)
    with desk.log.database.read() as conn:
        size = shard.size if shard.size is not None else Rows(conn).head().size - shard.first
        known = 0 < checkpoint.size <= size
        same = known and desk.log.root(conn, shard.first + checkpoint.size) == checkpoint.root
    return Check(
        same,
        Text(
            f"日志前 {checkpoint.size} 条与该检查点一致",
            f"The first {checkpoint.size} entries are those of the checkpoint",
        )
        if same
        else Text(
            "日志与该检查点不一致：请立即按处置步骤操作",
            "The log is not the one of this checkpoint: follow the runbook at once",
        ),
    )


def _included(index: int, checkpoint: Checkpoint, leaf: bytes, hashes: list[bytes]) -> Check:
    try:
        merkle.verify_inclusion(index, checkpoint.size, leaf, hashes, checkpoint.root)
    except merkle.ProofInvalid:
        return Check(False, Text(f"第 {index} 条的证明不成立", f"The proof of entry {index} does not hold"))
    return Check(True, Text(f"第 {index} 条确在该检查点之下", f"Entry {index} is under the checkpoint"))


_KINDS = {PROOF.en: _proof, BUNDLE.en: _bundle, ANSWER.en: _answer, ROWS.en: _rows}
