"""Show each checkpoint to the witnesses and keep what they sign (C2SP tlog-witness, the log's side).

Never on the path of a query: a thread per witness, each at its own pace, and a witness that is away delays nobody.
Every few seconds the process that publishes keeps the newest checkpoint and offers it; a witness that knows an earlier
one gets the proof from there on (its 409 tells us its size), and its cosignature is stored beside the checkpoint. When
a year has ended, its last checkpoint is offered too: to whoever saw that log before.

A witness may know more than we do. If it shows a checkpoint that *our own key* signed and that our tree does not
continue, then our database was rolled back or altered: the log is broken, as if our own folder had said so. A witness
that only says so is not believed, for then any witness could stop the gateway.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

from gateway.audit import kept, merkle
from gateway.audit.checkpoint import Checkpoint, CheckpointInvalid, base64_text, cosigned, open_checkpoint
from gateway.audit.cosignature import Cosignature
from gateway.audit.kept import Standing
from gateway.audit.log import Log
from gateway.audit.policy import Policy, Witness
from gateway.audit.publisher import check_continues, head_of, unknown_log
from gateway.audit.shard import Shard, holding, next_origin
from gateway.audit.store import Rows
from gateway.audit.trouble import Kind
from gateway.errors import LogUnfit
from gateway.lib import logs
from gateway.lib.clock import rfc3339

TIMEOUT_S = (5, 10)  # connect, read
MAX_REPLY_BYTES = 65_536
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0
SIZE_TYPE = "text/x.tlog.size"
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n?")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    type: str
    body: str


class Refused(Exception):
    """The witness did not cosign. ``code`` stands in log_witness and in /v1/log/witnesses."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class Witnessing:
    """The witnesses of one log. ``first_look`` before it is started; ``start`` runs the threads; ``ask_all`` asks once,
    here and now.

    ``on_answer(problem or None)`` is told of every attempt.
    """

    def __init__(self, log: Log, policy: Policy, *, every_s: float) -> None:
        self.log = log
        self.policy = policy
        self.on_answer: Callable[[str | None], None] = lambda _: None
        self._every_s = every_s
        self._stopping = threading.Event()
        self._asked = [_Asked(self, witness) for witness in policy.witnesses if witness.url]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._stopping.clear()
        runs = [("keeper", self._run), *((asked.witness.name, asked.run) for asked in self._asked)]
        self._threads = [threading.Thread(target=run, name=f"witness-{name}", daemon=True) for name, run in runs]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for asked in self._asked:
            asked.offered.set()
        for thread in self._threads:
            thread.join(sum(TIMEOUT_S))
        self._threads = []

    def first_look(self, within_s: float) -> None:
        """Before anything is written or served: does a witness hold a checkpoint that our key signed and our tree does
        not continue? Raises LogUnfit.

        Else a gateway that was put back to an older state would serve until it shows its next checkpoint. A witness
        that does not answer within ``within_s`` seconds delays the start by so much and stops nothing.
        """
        found: queue.SimpleQueue[LogUnfit | None] = queue.SimpleQueue()
        asked = [_Asked(self, each.witness) for each in self._asked] if within_s > 0 else []
        for each in asked:
            threading.Thread(target=lambda each=each: found.put(each.look()), daemon=True).start()
        deadline = time.monotonic() + within_s
        for _ in asked:
            try:
                contradiction = found.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                logs.warning("witness_slow", seconds=within_s)
                return
            if contradiction is not None:
                raise contradiction

    def ask_all(self) -> None:
        """Keep the newest checkpoint and ask every witness for it, once. Never raises for a witness."""
        if self._keep():
            threads = [threading.Thread(target=asked.once) for asked in self._asked]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with self.log.database.write() as conn:
            kept.thin(conn, self.policy, rfc3339(self.log.clock.now()))

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def wait(self, seconds: float) -> bool:
        """True when the time has come to end."""
        return self._stopping.wait(seconds)

    def _run(self) -> None:
        known: Checkpoint | None = None
        while not self.wait(self._every_s):
            try:
                published = self.log.published() if self.log.leads and self.log.broken is None else None
                if published is None or published[0] == known:
                    continue
                if self._keep():
                    known = published[0]
                    for asked in self._asked:
                        asked.offered.set()
                with self.log.database.write() as conn:
                    kept.thin(conn, self.policy, rfc3339(self.log.clock.now()))
            except Exception as error:  # tried again next time; the log itself tells if it is broken
                logs.error("checkpoint_not_kept", error=type(error).__name__)

    def _keep(self) -> bool:
        if self.log.published() is None:
            return False
        ends = [shard.end for shard in self.log.shards()[-2:] if shard.end is not None]
        notes = [self.log.publish(covering=end) for end in ends]
        published = self.log.published()
        with self.log.database.write() as conn:
            firsts = {shard.origin: shard.first for shard in Rows(conn).shards()}
            for checkpoint, note in [*notes, *([published] if published else [])]:
                size = firsts[checkpoint.origin] + checkpoint.size
                kept.keep(conn, size, note, rfc3339(self.log.clock.now()))
        return True


class _Asked:
    """One witness, and how it goes with it."""

    def __init__(self, all: Witnessing, witness: Witness) -> None:
        import requests  # 4 MB that a gateway without witnesses and identity providers never needs

        self.witness = witness
        self.offered = threading.Event()
        self._all = all
        self._log = all.log
        self._session = requests.Session()
        self._pause_s = 0.0

    def run(self) -> None:
        while self._next():
            if self.once():
                self._pause_s = 0.0
                continue
            self._pause_s = min(max(FIRST_PAUSE_S, 2 * self._pause_s), LONGEST_PAUSE_S)
            self._all.wait(self._pause_s)
            self.offered.set()
        self._session.close()

    def _next(self) -> bool:
        """Wait for a checkpoint to be offered; False at the end."""
        self.offered.wait()
        self.offered.clear()
        return not self._all.stopping

    def once(self) -> bool:
        """Ask for the newest kept checkpoint, and before it for the last one of the log that was closed last.

        Returns whether both are cosigned now.
        """
        try:
            problems = [self._ask(wanted, shard, standing) for wanted, shard, standing in self._wanted()]
        except Exception as error:
            logs.error("witness_not_asked", witness=self.witness.name, error=type(error).__name__)
            return False
        problem = next((each for each in reversed(problems) if each is not None), None)
        self._all.on_answer(problem)
        return problem is None

    def _wanted(self) -> Iterator[tuple[kept.Kept, Shard, Standing]]:
        """What this witness has not cosigned yet. A log that ended is offered to whoever has seen some of it."""
        with self._log.database.read() as conn:
            closed = [shard for shard in Rows(conn).shards() if shard.end is not None][-1:]
            found = [(kept.at(conn, shard.end), shard) for shard in closed if shard.end is not None]
            standing = kept.standings(conn).get(self.witness.key.id, Standing())
        for wanted, shard in found:
            if wanted is not None and shard.first < standing.size and self.witness.key.id not in wanted.witnesses:
                yield wanted, shard, standing
        with self._log.database.read() as conn:
            newest = kept.every(conn, limit=1)
            standing = kept.standings(conn).get(self.witness.key.id, Standing())
            shards = Rows(conn).shards()
        if newest and self.witness.key.id not in newest[0].witnesses:
            yield newest[0], holding(shards, newest[0].size - 1), standing

    def _ask(self, wanted: kept.Kept, shard: Shard, standing: Standing) -> str | None:
        """Returns what was wrong, or None."""
        checkpoint = open_checkpoint(wanted.note, self._log.keys.of(shard.origin).verifier)
        tried = rfc3339(self._log.clock.now())
        try:
            found = self._cosignature(checkpoint, wanted.note, shard, max(0, standing.size - shard.first))
        except Refused as refused:
            logs.warning("witness_refused", witness=self.witness.name, code=refused.code, size=checkpoint.size)
            with self._log.database.write() as conn:
                kept.note_down(conn, self.witness.key, replace(standing, tried=tried, problem=refused.code))
            return refused.code
        with self._log.database.write() as conn:
            kept.add(conn, wanted.size, self.witness.key, found)
            kept.note_down(conn, self.witness.key, Standing(max(wanted.size, standing.size), found.at, tried))
        return None

    def _cosignature(self, checkpoint: Checkpoint, note: str, shard: Shard, known: int) -> Cosignature:
        old = min(known, checkpoint.size)
        for _ in range(2):
            reply = self._submit(old, checkpoint, note, shard)
            if reply.status == 200:
                return self._read(reply.body, checkpoint, note)
            if reply.status != 409:
                break
            match = _SIZE.fullmatch(reply.body) if reply.type == SIZE_TYPE else None
            if match is None:
                raise Refused("reply_malformed", "409 without a size")
            old = int(match[1])
            if old > checkpoint.size:
                self._compare(shard)
                raise Refused("witness_ahead", f"it knows {old} entries, we have {checkpoint.size}")
        if reply.status in (409, 422):
            self._compare(shard)
        raise Refused(_PROBLEMS.get(reply.status, f"status_{reply.status}"))

    def _submit(self, old: int, checkpoint: Checkpoint, note: str, shard: Shard) -> Reply:
        with self._log.database.read() as conn:
            nodes = Rows(conn, shard.first).nodes
            hashes = merkle.consistency_proof(old, checkpoint.size, nodes) if old else []
        # Cosignatures of others are none of this witness's business: the log's own signature is enough.
        text, _, signatures = note.rpartition("\n\n")
        own = f"{text}\n\n{signatures.split(chr(10), 1)[0]}\n"
        body = "\n".join([f"old {old}", *map(base64_text, hashes), "", own])
        return self._http("POST", "add-checkpoint", body)

    def _read(self, lines: str, checkpoint: Checkpoint, note: str) -> Cosignature:
        try:
            found = self.witness.key.cosignature(checkpoint, cosigned(note, [lines]))
        except CheckpointInvalid as error:
            raise Refused("cosignature_wrong", str(error)) from None
        if found is None:
            raise Refused("cosignature_missing", "it signed with another key than the policy names")
        return found

    def look(self) -> LogUnfit | None:
        """What is wrong by what this witness has seen; None if nothing is, or if it does not say."""
        try:
            shards = self._log.shards()[-2:] or [Shard(self._log.key.origin, 0, "")]
            if shards[-1].until:  # of a later year that the database has lost, with its turn
                later = next_origin(self._log.key.origin, int(shards[-1].year) + 1)
                shards.append(Shard(later, -1, ""))
            return next((wrong for shard in shards if (wrong := self._contradiction(shard)) is not None), None)
        except Exception as error:  # a witness that answers nonsense, or an empty database: the log itself tells that
            logs.warning("witness_not_asked", witness=self.witness.name, error=type(error).__name__)
            return None
        finally:
            self._session.close()

    def _compare(self, shard: Shard) -> None:
        """It contradicts us: let it show what it saw. If our key signed that, and we do not continue it, we stop."""
        if (unfit := self._contradiction(shard)) is not None:
            self._log.failed(unfit, Kind.BROKEN)

    def _contradiction(self, shard: Shard) -> LogUnfit | None:
        origin = sha256(shard.origin.encode()).hexdigest()
        with suppress(Refused, CheckpointInvalid):
            reply = self._http("GET", f"{origin}/checkpoint", None)
            seen = open_checkpoint(reply.body, self._log.keys.of(shard.origin).verifier)
            try:
                with self._log.database.read() as conn:
                    rows = Rows(conn, shard.first)
                    now = next((each for each in rows.shards() if each.origin == shard.origin), shard)
                    if now.first < 0:
                        raise unknown_log(shard.origin)
                    check_continues(rows, head_of(rows, now, rows.head()), [seen])
            except LogUnfit as unfit:
                logs.critical("witness_contradicts", witness=self.witness.name, size=seen.size)
                return unfit
        return None

    def _http(self, method: str, path: str, body: str | None) -> Reply:
        from requests import RequestException

        url = f"{self.witness.url}/{path}"
        headers = {"Content-Type": "text/plain; charset=utf-8"} if body else {}
        data = body.encode() if body else None
        deadline = time.monotonic() + sum(TIMEOUT_S)
        try:
            with self._session.request(
                method, url, data=data, headers=headers, timeout=TIMEOUT_S, allow_redirects=False, stream=True
            ) as response:
                received = b""
                for chunk in response.iter_content(4096):
                    received += chunk
                    if len(received) > MAX_REPLY_BYTES or time.monotonic() > deadline:
                        raise Refused("reply_too_large")
                kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
                return Reply(response.status_code, kind, received.decode("utf-8", "replace"))
        except RequestException as error:
            raise Refused("unreachable", type(error).__name__) from None


_PROBLEMS: Mapping[int, str] = {
    400: "request_malformed",
    403: "signature_not_accepted",  # it trusts another key of ours
    404: "log_unknown",  # it was never told of this log
    409: "size_conflict",
    422: "inconsistent",  # it holds that we rewrote history
}
