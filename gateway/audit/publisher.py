"""Publish the log: within a second of its growing, or when asked, sign the new head and write what proves it.

Of several processes with one folder the one that holds the lock of the folder looks after it; of several folders
(machines) with one database, the one whose run was elected signs, and the others follow. Each lock falls with its
process, and the next to ask, within a second, takes over. What was signed last is in the database too, so that every
process knows it at once.

Before it signs, the publisher checks that the tree it is about to sign continues the tree it signed last; so a database
that was rolled back, or edited, is never vouched for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TextIO

from gateway.audit import entry, index, merkle
from gateway.audit.checkpoint import Checkpoint, CheckpointInvalid, VerifierKey, open_checkpoint
from gateway.audit.files import Folder, TileName, bundle
from gateway.audit.merkle import TILE_WIDTH
from gateway.audit.shard import Shard, holding
from gateway.audit.store import Head, Rows
from gateway.audit.trouble import Kind, judge, unavailable
from gateway.audit.writer import CROWD
from gateway.db import PATIENCE_S
from gateway.errors import LogUnfit
from gateway.lib.durable import make_folder
from gateway.lib.file_lock import FileLock, LockTimeout, try_lock

if TYPE_CHECKING:
    from gateway.audit.log import Log

PUBLISH_SECONDS = 1.0  # a receipt promises 60 (its mmd)
INDEX_RESTRAINT = 2.0  # two thirds of the time for the writer, see index.catch_up
INDEX_GROUP = 128  # entries of one transaction of the index, for which who answers may have to wait: a few milliseconds
INDEX_SECONDS = 0.5  # of each round, for the index of the search
RUSH = 1_000  # entries in a round above which the index waits for a quieter hour; who searches meanwhile catches it up
RUSH_SECONDS = 0.05
MAX_BEHIND = 100_000  # entries: more than that would keep who searches waiting for long


class Published(NamedTuple):
    """A signed checkpoint of the log of one year."""

    shard: Shard
    checkpoint: Checkpoint
    note: str

    @property
    def end(self) -> int:
        """How many entries over all years it covers: the position after its last one."""
        return self.shard.first + self.checkpoint.size


class Publisher:
    """A thread that belongs to one Log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._folder = Folder(log.folder)
        self._lock = FileLock(log.folder / ".lock", PATIENCE_S)
        self._lead: TextIO | None = None  # held by the one process that looks after this folder
        self.leading = False  # and signs, for all on this database
        self._grown = threading.Event()
        self._size_before = 0
        self._written_before = (0, 0)
        self._finished: set[str] = set()  # closed logs of which all is in our folder
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="log-publisher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._stopping.set()
            self._grown.set()
            self._thread.join()
            self._thread = None
        if self._lead is not None:
            self._lead.close()
            self._lead = None
        self._lock.close()

    def grown(self) -> None:
        """Called after each commit."""
        self._grown.set()

    def last(self) -> tuple[Checkpoint, str] | None:
        """The checkpoint published last, and its signed text. Raises LogUnfit if it is not signed by our key."""
        found = max(self.all(), key=lambda each: each.end, default=None)
        return None if found is None else (found.checkpoint, found.note)

    def all(self) -> list[Published]:
        """What was published last of each year according to the folder, and last of all according to the database."""
        with self._log.database.read() as conn:
            return self._all(Rows(conn))

    def _all(self, rows: Rows) -> list[Published]:
        shards = rows.shards()
        known = {shard.origin: shard for shard in shards}
        notes = [*self._folder.checkpoints(), rows.checkpoint()]
        return [self._opened(note, known) for note in notes if note is not None]

    def _opened(self, note: str, shards: Mapping[str, Shard]) -> Published:
        origin = note.partition("\n")[0]
        if origin not in shards and origin != self._log.key.origin and shards:
            raise unknown_log(origin)
        shard = shards.get(origin) or Shard(origin, 0, "")
        return Published(shard, _open(note, self._log.keys.of(origin).verifier), note)

    def publish(self, *, covering: int = 0) -> tuple[Checkpoint, str]:
        """A signed checkpoint over at least the entry before ``covering``: the last one of its year that does, or a new
        one over all there are.

        Raises LogUnfit if the database does not continue what was published (the log is broken then), LogUnavailable.
        """
        if covering > 0 and (found := self._covering(covering)) is not None:
            return found.checkpoint, found.note
        with self._alone():
            try:
                newest = self._publish()
            except LogUnfit as error:
                self._log.failed(error, Kind.BROKEN)
                raise
        found = self._covering(covering) if covering > 0 else None
        return (found or newest).checkpoint, (found or newest).note

    def _covering(self, position: int) -> Published | None:
        """The last checkpoint of the year of the entry before ``position``, if it covers that."""
        with self._log.database.read() as conn:
            rows = Rows(conn)
            shards, published = rows.shards(), self._all(rows)
        if not shards:
            return None
        shard = holding(shards, position - 1)
        mine = [each for each in published if each.shard.origin == shard.origin and each.end >= position]
        return max(mine, key=lambda each: each.end, default=None)

    # ── the thread ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _run(self) -> None:
        while not self._stopping.is_set():
            self._grown.wait(PUBLISH_SECONDS)  # others write too, and die
            self._grown.clear()
            began = time.monotonic()
            self._round()
            self._pause(began)
        self._round()  # what was written since

    def _round(self) -> None:
        if self._log.broken is not None:
            return
        try:
            self._log.run.keep()
            if not self._leads():
                return
            self._log.database.copy_journal()
            self.leading = self._log.run.elected()
            if self.leading:
                self._log.turn_if_due()
                self.publish()
                within = self._time_for_index()
                index.catch_up(self._log.database, restraint=INDEX_RESTRAINT, within=within, group=INDEX_GROUP)
            else:
                self._follow()
        except Exception as error:
            self._failed(error)

    def _time_for_index(self) -> float:
        """Of what came since the last round."""
        size, written, before = self._log.published_to(), self._log.written, self._written_before
        grown = size - self._size_before
        self._size_before, self._written_before = size, written
        groups, entries = written[0] - before[0], written[1] - before[1]
        return index_seconds(grown, groups, entries, index.behind(self._log.database))

    def _pause(self, began: float) -> None:
        self._stopping.wait(max(0.0, began + PUBLISH_SECONDS - time.monotonic()))

    def _failed(self, error: Exception) -> None:
        kind = judge(error, self._log.database.dialect, committing=False)
        if isinstance(error, OSError):  # a disk that does not take the proofs: what is promised cannot be kept
            kind = Kind.BROKEN
        if self._log.broken is None:
            self._log.failed(error, kind)

    def _leads(self) -> bool:
        """Whether this process looks after the folder; it tries to become so, and stays so until it ends."""
        if self._lead is None:
            make_folder(self._folder.path)
            file = (self._folder.path / ".publisher").open("w")
            if try_lock(file):
                self._lead = file
            else:
                file.close()
        return self._lead is not None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and processes that publish into the same folder out."""
        make_folder(self._folder.path)
        with ExitStack() as stack:
            try:
                stack.enter_context(self._lock.held())
            except LockTimeout:
                raise unavailable() from None
            yield

    def _publish(self) -> Published:
        """What was closed first, so that whoever sees the log of a new year finds the old one whole."""
        with self._log.database.read() as conn:
            rows = Rows(conn)
            head, known = rows.head(), self._all(rows)
            shards = [each for each in rows.shards() if each.origin not in self._finished]
        if not shards:  # before the first entry
            shards = [Shard(self._log.key.origin, 0, "")]
        for shard in shards:
            newest = self._publish_shard(shard, head, [each for each in known if each.shard.origin == shard.origin])
            if shard.end is not None:
                self._finished.add(shard.origin)
        return newest

    def _publish_shard(self, shard: Shard, head: Head, known: Sequence[Published]) -> Published:
        last = max(known, key=lambda found: found.end, default=None)
        with self._log.database.read() as conn:
            rows = Rows(conn, shard.first)
            checkpoint = head_of(rows, shard, head)
            check_continues(rows, checkpoint, [before.checkpoint for before in known])
            if last is not None and last.checkpoint.size == checkpoint.size:
                now = last
            else:
                now = Published(shard, checkpoint, self._log.keys.of(shard.origin).sign(checkpoint))
            self._write_tiles(rows, shard, self._written(shard), checkpoint.size)
        # Now every tile that this checkpoint needs is on disk. Stopping here loses nothing: the next run signs.
        if last is None or last.checkpoint.size < checkpoint.size:
            with self._log.database.write() as conn:
                Rows(conn).set_checkpoint(now.end, now.note)
        # From here on the world may hold us to this tree.
        self._keep(shard, now.note)
        return now

    def _follow(self) -> None:
        """Bring our folder up to what another machine signed. The last checkpoint of a closed log is signed by each."""
        with self._alone():
            published = max(self.all(), key=lambda found: found.end, default=None)
            if published is None:
                return
            with self._log.database.read() as conn:
                head, shards = Rows(conn).head(), Rows(conn).shards()
            for shard in shards:
                if shard.origin in self._finished or shard.first > published.shard.first:
                    continue
                if shard.end is not None and shard.end <= published.end:
                    self._publish_shard(shard, head, [])
                    self._finished.add(shard.origin)
                elif published.shard.origin == shard.origin and published.checkpoint.size > self._written(shard):
                    with self._log.database.read() as conn:
                        rows = Rows(conn, shard.first)
                        self._write_tiles(rows, shard, self._written(shard), published.checkpoint.size)
                    self._keep(shard, published.note)

    def _written(self, shard: Shard) -> int:
        """The size of the tree whose tiles are all in our folder."""
        note = self._folder.of(shard).checkpoint()
        return 0 if note is None else _open(note, self._log.keys.of(shard.origin).verifier).size

    def _keep(self, shard: Shard, note: str) -> None:
        folder = self._folder.of(shard)
        if folder.checkpoint() != note:
            folder.publish(note)

    def _write_tiles(self, rows: Rows, shard: Shard, old: int, new: int) -> None:
        folder = self._folder.of(shard)
        for level in range(8):
            low, high = (size >> merkle.TILE_HEIGHT * (level + 1) for size in (old, new))
            for number in range(low, high):
                first = number * TILE_WIDTH
                tile = rows.tile(level, first, first + TILE_WIDTH)
                if merkle.subtree_root(tile) != rows.tile(level + 1, number, number + 1):
                    raise _edited(f"tile {number} of level {level}")
                if level == 0:
                    start = shard.first + first
                    _write_bundle(folder, number, tile, rows.entries(start, start + TILE_WIDTH))
                _write(folder, TileName(level, number, TILE_WIDTH), tile)


def _write_bundle(folder: Folder, number: int, tile: bytes, entries: list[bytes]) -> None:
    if any(map(entry.is_stub, entries)):
        return  # pruned; a folder that begins anew gets the hashes only
    if b"".join(map(merkle.leaf_hash, entries)) != tile:
        raise _edited(f"entries {number * TILE_WIDTH} to {number * TILE_WIDTH + TILE_WIDTH - 1}")
    _write(folder, TileName(None, number, TILE_WIDTH), bundle(entries))


def _write(folder: Folder, name: TileName, data: bytes) -> None:
    try:
        folder.write(name, data)
    except ValueError as error:
        raise _edited(str(error)) from None


def index_seconds(grown: int, groups: int, entries: int, behind: int) -> float:
    """How long the index may take of a round in which the log grew by ``grown``, and this process wrote ``entries`` in
    ``groups``. Where those who write wait for one another, on however slow a machine, it would take their time."""
    pressed = grown > RUSH or entries >= CROWD * max(groups, 1)
    return RUSH_SECONDS if pressed and behind <= MAX_BEHIND else INDEX_SECONDS


def head_of(rows: Rows, shard: Shard, head: Head) -> Checkpoint:
    """How the log of this year stands, unsigned: as it was closed, or as it has grown. ``rows``: of its tree."""
    if shard.end is None:
        return Checkpoint(shard.origin, head.size - shard.first, head.tree().root())
    size = shard.end - shard.first
    if (root := merkle.root_at(size, rows.nodes)) != shard.root:
        raise _edited(f"the log {shard.origin} is not as it was closed")
    return Checkpoint(shard.origin, size, root)


def check_continues(rows: Rows, now: Checkpoint, published: Sequence[Checkpoint]) -> None:
    """Raise LogUnfit unless the database's tree continues each of those that were published before of this log."""
    for before in published:
        if now.size < before.size:
            raise LogUnfit(
                f"数据库只有 {now.size} 条日志，而已公布的检查点有 {before.size} 条：数据库被回退过。"
                "请恢复完整的数据库；不得删除已公布的检查点。",
                f"The database has {now.size} entries, but the published checkpoint {before.size}: it was rolled "
                "back. Restore the whole database; the published checkpoint must not be removed.",
            )
        try:
            proof = merkle.consistency_proof(before.size, now.size, rows.nodes) if before.size else []
            if before.size:
                merkle.verify_consistency(before.size, now.size, proof, before.root, now.root)
        except (merkle.ProofInvalid, IndexError) as error:
            raise _edited(f"the tree at {before.size}: {error}") from None


def unknown_log(origin: str) -> LogUnfit:
    return LogUnfit(
        f"已公布 {origin} 的检查点，而数据库中没有这份日志：数据库被回退过，或属于别的网关。请恢复完整的数据库。",
        f"A checkpoint of {origin} was published, and the database has no such log: it was rolled back, or is another "
        "gateway's. Restore the whole database.",
    )


@lru_cache(maxsize=64)
def _open(note: str, key: VerifierKey) -> Checkpoint:
    try:
        return open_checkpoint(note, key)
    except CheckpointInvalid as error:
        raise LogUnfit(
            f"已公布的检查点不是由本日志的密钥签署的（{error}）。请核对密钥文件、日志目录与数据库是否属于同一日志。",
            f"The published checkpoint was not signed by this log's key ({error}). "
            "Check that key file, log folder and database belong to the same log.",
        ) from None


def _edited(what: str) -> LogUnfit:
    return LogUnfit(
        f"数据库中的日志与已公布的不一致（{what}）：有条目被改动过。请保全现场，恢复未改动的数据库。",
        f"The log in the database differs from what was published ({what}): entries were altered. "
        "Preserve the evidence and restore the unaltered database.",
    )
