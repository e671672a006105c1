"""What a witness does with a checkpoint (C2SP tlog-witness, add-checkpoint): check, write down, only then sign.

One checkpoint per log is kept, in ``state/<sha-256 of the origin>``, with the log's signature and ours. Comparing and
writing happen under one lock, and what was not written durably is never signed: whatever stops this program, and
whenever, it wakes up knowing at least what the world may hold its signature for.
"""

from __future__ import annotations

import fcntl
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tongqu_witness import files, keys, merkle
from tongqu_witness.notes import Checkpoint, LogKey, NoteInvalid, NotSigned, base64_exact, number_exact

MAX_PROOF = 63
MAX_EVIDENCE = 100  # contradictions kept per log; the first ones say it all
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old ([0-9]{1,19})")


class Unusable(Exception):
    """The folder is not one of a witness, damaged, or in use. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str
    type: str = "text/plain; charset=utf-8"


class _Refusal(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """The body of add-checkpoint, read but not judged."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> Request:
        """Raises NoteInvalid."""
        try:
            head, gap, note = body.decode("utf-8").partition("\n\n")
        except UnicodeDecodeError:
            raise NoteInvalid("expected UTF-8") from None
        first, *proof = head.split("\n")
        match = _OLD.fullmatch(first)
        if match is None or not gap:
            raise NoteInvalid("expected a line 'old <size>', proof lines, an empty line and a checkpoint")
        if len(proof) > MAX_PROOF:
            raise NoteInvalid(f"expected at most {MAX_PROOF} proof lines")
        hashes = tuple(map(base64_exact, proof))
        if any(len(each) != 32 for each in hashes):
            raise NoteInvalid("expected proof lines of 32 bytes each")
        return cls(number_exact(match[1]), hashes, Checkpoint.parse(note))


class Witness:
    """The witness of one folder. ``now`` gives seconds since 1970."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        """Raises Unusable, keys.KeyUnusable."""
        self.folder = folder
        try:
            self.name = str(json.loads((folder / "witness.json").read_text("utf-8"))["name"])
        except (OSError, ValueError, KeyError, TypeError):
            raise Unusable(f"{folder}: no witness here; run tongqu-witness init / 目录中没有见证程序") from None
        self.keys = keys.read(folder, self.name)
        self._now = now
        self._turn = threading.Lock()
        self._logs: dict[str, LogKey] = {}
        self._logs_at = -1

    # ── the folder ────────────────────────────────────────────────────────────────────────────────────────────────────
    @classmethod
    def make(cls, folder: Path, name: str) -> Witness:
        """A new witness; of one that is there, what is missing. Raises Unusable, KeyUnusable, OSError."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / "witness.json"
        if file.exists() and json.loads(file.read_text("utf-8"))["name"] != name:
            raise Unusable(f"{folder} belongs to a witness of another name / 该目录属于另一个见证人")
        for inner in ("state", "evidence"):
            (folder / inner).mkdir(exist_ok=True)
        keys.make(folder)
        keys.read(folder, name)  # refuses a name that cannot be signed with
        files.write(file, json.dumps({"name": name}, ensure_ascii=False).encode() + b"\n")
        if not (folder / "logs").exists():
            files.write(folder / "logs", b"# one line per log: log <vkey>\n")
        return cls(folder)

    def watch(self, key: LogKey) -> None:
        """Watch one more log. Raises Unusable if another key is trusted for that origin."""
        if len(key.name.encode()) > 255:
            raise Unusable("an origin of more than 255 bytes cannot be cosigned / 日志名过长")
        known = self.logs().get(key.name)
        if known is not None and known != key:
            raise Unusable(
                f"another key is trusted for {key.name}; ask its operator, then edit {self.folder / 'logs'} by hand "
                "/ 该日志已登记了另一把密钥"
            )
        if known is None:
            text = (self.folder / "logs").read_text("utf-8")
            files.write(self.folder / "logs", f"{text.rstrip()}\nlog {key}\n".encode())

    def logs(self) -> dict[str, LogKey]:
        """The logs that are watched, by origin; read anew when the file has changed. Raises Unusable."""
        file = self.folder / "logs"
        try:
            changed = file.stat().st_mtime_ns
            if changed != self._logs_at:
                lines = [line.split() for line in file.read_text("utf-8").split("\n")]
                found = [LogKey.parse(words[1]) for words in lines if len(words) == 2 and words[0] == "log"]
                others = [words for words in lines if words and words[0] != "log" and not words[0].startswith("#")]
                if others or len({key.name for key in found}) != len(found):
                    raise NoteInvalid("expected lines 'log <vkey>', one per origin")
                self._logs, self._logs_at = {key.name: key for key in found}, changed
        except (OSError, NoteInvalid) as error:
            raise Unusable(f"{file}: {error} / 日志清单有误") from None
        return self._logs

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second process out of this folder: two would sign past each other. Raises Unusable."""
        with (self.folder / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Unusable(f"{self.folder}: a witness is running here already / 已有一个见证程序在运行") from None
            yield

    # ── what it knows ─────────────────────────────────────────────────────────────────────────────────────────────────
    def latest(self, origin_hash: str) -> str | None:
        """The checkpoint cosigned last, with the log's signature and ours (monitor retrieval)."""
        if not re.fullmatch(r"[0-9a-f]{64}", origin_hash):
            return None
        try:
            return (self.folder / "state" / origin_hash).read_text("utf-8")
        except FileNotFoundError:
            return None

    def known(self, origin: str) -> Checkpoint | None:
        """Raises Unusable for a damaged file: to begin anew would be to forget, and to sign a second history."""
        found = self.latest(hash_of(origin))
        if found is None:
            return None
        try:
            checkpoint = Checkpoint.parse(found)
            if checkpoint.origin != origin:
                raise NoteInvalid("it is of another log")
        except NoteInvalid as error:
            raise Unusable(f"{self.folder / 'state' / hash_of(origin)}: {error}; restore it / 状态文件损坏") from None
        return checkpoint

    # ── add-checkpoint ────────────────────────────────────────────────────────────────────────────────────────────────
    def add(self, body: bytes) -> Answer:
        """Answer a submission. Raises Unusable, OSError: then nothing was signed."""
        try:
            request = Request.parse(body)
            key = self.logs().get(request.checkpoint.origin)
            if key is None:
                raise _Refusal(404, "this log is not watched here")
            own = request.checkpoint.signature_of(key)
            if request.old > request.checkpoint.size:
                raise _Refusal(400, "the old size is larger than the checkpoint's")
            with self._turn:
                return self._decide(request, own)
        except NoteInvalid as error:
            return Answer(400, f"{error}\n")
        except NotSigned as error:
            return Answer(403, f"{error}\n")
        except _Refusal as refusal:
            return Answer(refusal.status, f"{refusal}\n")

    def _decide(self, request: Request, log_signature: str) -> Answer:
        now = request.checkpoint
        before = self.known(now.origin)
        size = before.size if before else 0
        if request.old != size:
            if before is not None and now.size == size and now.root != before.root:
                self._keep_evidence(before, now, log_signature)
            return Answer(409, f"{size}\n", SIZE_TYPE)
        if why := _contradiction(request, before):
            self._keep_evidence(before, now, log_signature)
            raise _Refusal(422, why)
        at = int(self._now())
        cosignatures = "".join(key.cosign(now, at) for key in self.keys)
        note = f"{now.text}\n{log_signature}{cosignatures}"
        files.write(self.folder / "state" / hash_of(now.origin), note.encode())
        # On disk: only now may the world hold us to it.
        return Answer(200, cosignatures)

    def _keep_evidence(self, before: Checkpoint | None, now: Checkpoint, log_signature: str) -> None:
        """Both heads, each signed by the log: whoever sees the two needs to believe nobody."""
        folder, stem = self.folder / "evidence", hash_of(now.origin)[:16]
        file = folder / f"{stem}-{now.size}-{sha256(now.text.encode()).hexdigest()[:16]}"
        if file.exists() or len(list(folder.glob(f"{stem}-*"))) >= MAX_EVIDENCE:
            return
        known = self.latest(hash_of(now.origin)) if before else "(nothing)\n"
        files.write(file, f"{known}\n--- refused ---\n\n{now.text}\n{log_signature}".encode())


def hash_of(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()


def _contradiction(request: Request, before: Checkpoint | None) -> str | None:
    """Why the checkpoint does not continue what was seen before, or None."""
    now, old = request.checkpoint, request.old
    if now.size == 0 and now.root != merkle.EMPTY_ROOT:
        return "an empty tree has another root"
    if old == 0 or before is None:
        return "from an empty tree no proof is needed, and none is taken" if request.proof else None
    if old == now.size:
        if now.root != before.root:
            return f"fork: another tree of {old} entries was signed before"
        return "equal sizes need an empty proof" if request.proof else None
    if not merkle.is_consistent(old, now.size, request.proof, before.root, now.root):
        return f"the tree of {now.size} entries does not continue the one of {old} that was signed before"
    return None
