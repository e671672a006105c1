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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO

from gateway.audit import entry, index, merkle
from gateway.audit.checkpoint import Checkpoint, CheckpointInvalid, VerifierKey, open_checkpoint
from gateway.audit.files import Folder, TileName, bundle
from gateway.audit.merkle import TILE_WIDTH, CompactRange
from gateway.audit.store import Head, Rows
from gateway.audit.trouble import Kind, judge, unavailable
from gateway.db import PATIENCE_S
from gateway.errors import LogUnfit
from gateway.lib.durable import make_folder
from gateway.lib.file_lock import FileLock, LockTimeout, try_lock

if TYPE_CHECKING:
    from gateway.audit.log import Log

PUBLISH_SECONDS = 1.0  # a receipt promises 60 (its mmd)
INDEX_RESTRAINT = 2.0  # two thirds of the time for the writer, see index.catch_up
INDEX_GROUP = 32  # entries of one transaction of the index, for which who answers may have to wait: a few milliseconds
INDEX_SECONDS = 0.5  # of each round, for the index of the search
RUSH = 1_000  # entries in a round above which the index waits for a quieter hour; who searches meanwhile catches it up
RUSH_SECONDS = 0.05


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
        return max(self.all(), key=lambda found: found[0].size, default=None)

    def all(self) -> list[tuple[Checkpoint, str]]:
        """What was published last according to the folder, and according to the database."""
        with self._log.database.read() as conn:
            notes = (self._folder.checkpoint(), Rows(conn).checkpoint())
        return [(_open(note, self._log.key.verifier), note) for note in notes if note is not None]

    def publish(self, *, covering: int = 0) -> tuple[Checkpoint, str]:
        """A signed checkpoint over at least ``covering`` entries: the last one, or a new one over all there are.

        Raises LogUnfit if the database does not continue what was published (the log is broken then), LogUnavailable.
        """
        last = self.last()
        if last is not None and 0 < covering <= last[0].size:
            return last
        with self._alone():
            try:
                return self._publish()
            except LogUnfit as error:
                self._log.failed(error, Kind.BROKEN)
                raise

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
                size = self.publish()[0].size
                rush = size - self._size_before > RUSH
                self._size_before = size
                within = RUSH_SECONDS if rush else INDEX_SECONDS
                index.catch_up(self._log.database, restraint=INDEX_RESTRAINT, within=within, group=INDEX_GROUP)
            else:
                self._follow()
        except Exception as error:
            self._failed(error)

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

    def _publish(self) -> tuple[Checkpoint, str]:
        known = self.all()
        last = max(known, key=lambda found: found[0].size, default=None)
        with self._log.database.read() as conn:
            rows = Rows(conn)
            head = rows.head()
            root = CompactRange.decode(head.size, head.compact).root()
            checkpoint = Checkpoint(self._log.key.origin, head.size, root)
            check_continues(rows, head, checkpoint, [before for before, _ in known])
            if last is not None and last[0].size == head.size:
                checkpoint, note = last
            else:
                note = self._log.key.sign(checkpoint)
            self._write_tiles(rows, self._written(), head.size)
        # Now every tile that this checkpoint needs is on disk. Stopping here loses nothing: the next run signs.
        if last is None or last[0].size < checkpoint.size:
            with self._log.database.write() as conn:
                Rows(conn).set_checkpoint(checkpoint.size, note)
        # From here on the world may hold us to this tree.
        self._keep(note)
        return checkpoint, note

    def _follow(self) -> None:
        """Bring our folder up to what another machine signed."""
        with self._alone():
            last = self.last()
            if last is None or last[0].size <= self._written():
                return
            with self._log.database.read() as conn:
                self._write_tiles(Rows(conn), self._written(), last[0].size)
            self._keep(last[1])

    def _written(self) -> int:
        """The size of the tree whose tiles are all in our folder."""
        note = self._folder.checkpoint()
        return 0 if note is None else _open(note, self._log.key.verifier).size

    def _keep(self, note: str) -> None:
        if self._folder.checkpoint() != note:
            self._folder.publish(note)

    def _write_tiles(self, rows: Rows, old: int, new: int) -> None:
        for level in range(8):
            low, high = (size >> merkle.TILE_HEIGHT * (level + 1) for size in (old, new))
            for number in range(low, high):
                first = number * TILE_WIDTH
                tile = rows.tile(level, first, first + TILE_WIDTH)
                if merkle.subtree_root(tile) != rows.tile(level + 1, number, number + 1):
                    raise _edited(f"tile {number} of level {level}")
                if level == 0:
                    self._write_bundle(number, tile, rows.entries(first, first + TILE_WIDTH))
                self._write(TileName(level, number, TILE_WIDTH), tile)

    def _write_bundle(self, number: int, tile: bytes, entries: list[bytes]) -> None:
        if any(map(entry.is_stub, entries)):
            return  # pruned; a folder that begins anew gets the hashes only
        if b"".join(map(merkle.leaf_hash, entries)) != tile:
            raise _edited(f"entries {number * TILE_WIDTH} to {number * TILE_WIDTH + TILE_WIDTH - 1}")
        self._write(TileName(None, number, TILE_WIDTH), bundle(entries))

    def _write(self, name: TileName, data: bytes) -> None:
        try:
            self._folder.write(name, data)
        except ValueError as error:
            raise _edited(str(error)) from None


def check_continues(rows: Rows, head: Head, now: Checkpoint, published: Sequence[Checkpoint]) -> None:
    """Raise LogUnfit unless the database's tree continues each of those that were published before."""
    for before in published:
        if head.size < before.size:
            raise LogUnfit(
                f"数据库只有 {head.size} 条日志，而已公布的检查点有 {before.size} 条：数据库被回退过。"
                "请恢复完整的数据库；不得删除已公布的检查点。",
                f"The database has {head.size} entries, but the published checkpoint {before.size}: it was rolled "
                "back. Restore the whole database; the published checkpoint must not be removed.",
            )
        try:
            proof = merkle.consistency_proof(before.size, head.size, rows.nodes) if before.size else []
            if before.size:
                merkle.verify_consistency(before.size, head.size, proof, before.root, now.root)
        except (merkle.ProofInvalid, IndexError) as error:
            raise _edited(f"the tree at {before.size}: {error}") from None


@lru_cache(maxsize=8)
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
