"""Answer.verify(): the receipt, its place in the log, and the log against what this client saw of it before."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from tongqu_client import errors
from tongqu_client._models import Answer
from tongqu_client.verify import merkle, tiles
from tongqu_client.verify.notes import Checkpoint
from tongqu_client.verify.receipts import VerifiedReceipt, verify_promise, verify_receipt
from tongqu_client.verify.trust import TrustStore

ReadLog = Callable[[str | None], tiles.Read]  # the name of a log, None for the open one → its tiles
_PAUSE = 0.25  # seconds between two looks


class SeenCheckpoints:
    """The newest checkpoint that this client verified, kept in memory and, with a path, in a file across runs.

    Keeping it is what makes a later rewriting of the log visible to this client.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path, self._lock = path, threading.Lock()
        self._notes = self._load()

    def check(self, now: Checkpoint, trust: TrustStore, read: ReadLog) -> None:
        """``now`` must continue what was seen. Raises LogForked with both signed checkpoints as evidence."""
        with self._lock:
            known = self._notes.get(now.origin)
            if known is None:
                self._keep(now)
                return
            before = trust.open_signed(known)
            older, newer = sorted((before, now), key=lambda checkpoint: checkpoint.size)
            if older.size:
                try:
                    _consistent(older, newer, read)
                except errors.ProofInvalid as error:
                    raise errors.LogForked(
                        f"日志与先前见过的不一致（{older.size} 条与 {newer.size} 条）：{error.detail_zh}"
                        "请保存两份检查点。",
                        f"The log is not the one seen before (sizes {older.size} and {newer.size}): "
                        f"{error.detail_en} Keep both checkpoints.",
                        evidence=(before.note, now.note),
                    ) from None
            if now.size > before.size:
                self._keep(now)

    def _keep(self, checkpoint: Checkpoint) -> None:
        self._notes[checkpoint.origin] = checkpoint.note
        if self._path is not None:
            temporary = self._path.with_name(f".{self._path.name}.tmp")
            temporary.write_text(json.dumps(self._notes, ensure_ascii=False, indent=1), encoding="utf-8")
            temporary.replace(self._path)

    def _load(self) -> dict[str, str]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            notes = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(origin): str(note) for origin, note in notes.items()}
        except (OSError, ValueError, AttributeError):
            raise errors.ConfigError(
                f"读不出检查点记录 {self._path}；它关系到能否发现日志被改写，请先查明原因再删除。",
                f"The file of seen checkpoints {self._path} cannot be read; find out why before you delete it.",
            ) from None


def verify_answer(
    answer: Answer,
    trust: TrustStore,
    seen: SeenCheckpoints,
    *,
    client_id: str | None,
    fetch_proof: Callable[[VerifiedReceipt], str | None],
    read_log: ReadLog,
    wait: float,
) -> tuple[VerifiedReceipt, str]:
    """The verified receipt and its tlog-proof. ``fetch_proof`` gives None while the log does not show the entry."""
    receipt = verify_receipt(answer.receipt, trust, request=answer.request, response=answer.body())
    place = (receipt.query, receipt.index, receipt.origin)
    same = place == (answer.request_id, answer.log_index, answer.log_origin)
    if not same or (client_id is not None and receipt.client != client_id):
        raise errors.ReceiptInvalid(
            "回执与答复所称的查询、日志位置或客户端不同。",
            "The receipt names another query, place in the log or client than the answer.",
        )
    proof = _wait_for_proof(receipt, fetch_proof, wait)
    verified = verify_promise(receipt, proof, trust)
    assert verified.checkpoint is not None
    seen.check(verified.checkpoint, trust, read_log)
    return verified, proof


def _consistent(older: Checkpoint, newer: Checkpoint, read: ReadLog) -> None:
    """Raises ProofInvalid. The tiles of the open log, else those of this very log, should it have been closed."""
    try:
        proof = tiles.Tree(read(None), newer.size).consistency(older.size)
        merkle.verify_consistency(older.size, newer.size, proof, older.root, newer.root)
    except errors.ProofInvalid:
        proof = tiles.Tree(read(newer.origin), newer.size).consistency(older.size)
        merkle.verify_consistency(older.size, newer.size, proof, older.root, newer.root)


def _wait_for_proof(receipt: VerifiedReceipt, fetch_proof: Callable[[VerifiedReceipt], str | None], wait: float) -> str:
    end = time.monotonic() + wait
    while True:
        proof = fetch_proof(receipt)
        if proof is not None:
            return proof
        overdue = (datetime.now(timezone.utc) - receipt.issued).total_seconds() > receipt.merge_delay
        if overdue:
            raise errors.ProofInvalid(
                f"回执承诺的第 {receipt.index} 条过了 {receipt.merge_delay} 秒仍不在日志中；请保存回执，它就是证据。",
                f"Entry {receipt.index} is not in the log {receipt.merge_delay} s after the receipt promised it; keep "
                "the receipt, it is the proof.",
            )
        if time.monotonic() >= end:
            raise errors.NotYetLogged(retryable=True)
        time.sleep(_PAUSE)
