"""The log nobody can quietly change: append, and one order for everything that decides what may be released.

    control plane   with log.transaction() as tx:  tx.conn.execute(…); tx.append({…}); tx.changed("agreement:agr_…")
    path of a query     await log.append({…}, unless_changed={…}, guards=[…])

What is on disk when: an entry is true once its transaction is committed (and synced), and only then does anybody who
waited for it go on. If we stop before, neither the entry nor the state change exists; if we stop after but before the
caller heard of it, the entry says more than happened (a release that nobody received), never less.

A commit that fails is not tried again: after a failed sync nobody knows what the disk holds. The log is *broken* then,
every later append raises LogUnavailable, and a new process must read the truth from disk. PostgreSQL keeps its own
promise about commits, so a lost connection to it is survived by reading the head anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection

from gateway.audit import check, trouble
from gateway.audit.checkpoint import Checkpoint, CheckpointKey
from gateway.audit.entry import OUTCOME_UNKNOWN
from gateway.audit.merkle import root_at
from gateway.audit.publisher import Publisher
from gateway.audit.runs import Run
from gateway.audit.shard import Shard, ShardKeys, holding, turns_by_itself
from gateway.audit.store import Rows
from gateway.audit.transaction import Appended, NotOpen, Site, Transaction
from gateway.audit.writer import Changed, Guard, Rejected, Writer
from gateway.db import Database
from gateway.errors import LogUnfit
from gateway.lib import logs
from gateway.lib.clock import Clock, rfc3339
from gateway.lib.ids import new_id

__all__ = ["Appended", "Changed", "Guard", "Log", "NotOpen", "Rejected", "Transaction"]

RECOVER_GROUP = 256


class Log:
    """The log of one gateway. ``transaction()`` works at once; ``append()`` needs ``start()`` (or ``with``).

    ``folder`` holds what is published: full tiles and the checkpoint. ``key``: of the first year; those of later ones
    are made from it. ``on_broken`` is called once, from any thread, when the log can no longer be trusted to be
    writable; the gateway should then end its process.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        key: CheckpointKey,
        folder: Path,
        node: str = "gateway",
        build: str = "dev",
        on_broken: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.database = database
        self.key = key
        self.folder = folder
        self.clock = clock
        self.keys = ShardKeys(key)
        self.site = Site(self.keys, clock, {"node": node, "build": build}, new_id("run"))
        self.run = Run(self.site.run, database)
        self._on_broken = on_broken
        # told after each commit: entries, the log's size, seconds it took, seconds its first entry had waited
        self.on_commit: Callable[[int, int, float, float], None] = lambda *_: None
        self._broken: BaseException | None = None
        self._state = threading.Lock()
        self._least = 0  # entries that this process saw committed
        self._compared = False  # the database with what was published
        self._writer = Writer(self)
        self._publisher = Publisher(self)

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Check that the database holds what was published, close what ended runs left open, and go to work.

        Raises LogUnfit, and the gateway must not serve: the database was rolled back or altered, the clock is behind
        the log, or the file system of a SQLite database has no locks.
        """
        self.run.begin()
        try:
            self._compare()
            self.recover()
        except BaseException:
            self.run.end()
            raise
        self._writer.start()
        self._publisher.start()
        self._publisher.grown()

    def stop(self) -> None:
        """Finish what is queued, publish it, and end the threads."""
        self._writer.stop()
        self._publisher.stop()
        self.run.end()

    def __enter__(self) -> Log:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def broken(self) -> BaseException | None:
        """Why the log can no longer be written, or None."""
        return self._broken

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction of the control plane: committed when the block ends, undone when it raises.

        Raises LogUnavailable if it cannot be written; then nothing of it may be believed. Raises LogUnfit if the
        database does not hold this log any more.
        """
        self.check_whole()
        if not self._compared:  # a command of the operator, which does not start the log: it must not fork it either
            self._compare()
        finished = False
        try:
            with self.database.write() as conn:
                tx = Transaction(conn, self.site, self._least)
                yield tx
                tx.flush()
                finished = True
            # Durable from here on. Whoever stops now has written an entry that nobody waits for.
            self.committed(tx)
        except BaseException as error:
            kind = trouble.judge(error, self.database.dialect, committing=finished)
            if kind is trouble.Kind.CALLER:
                raise
            self.failed(error, kind)
            if isinstance(error, LogUnfit):
                raise
            raise trouble.unavailable() from error

    async def append(
        self,
        content: Mapping[str, Any],
        *,
        unless_changed: Mapping[str, int] = {},
        guards: Sequence[Guard] = (),
        linger_s: float = 0.0,
    ) -> Appended:
        """Append one entry, durably, together with others that wait (group commit).

        ``unless_changed``: the revisions that the caller's decision rests on; if one differs, Changed is raised and
        nothing is written. ``guards`` are settled in the same transaction; Rejected if one says no. ``linger_s``: how
        long it may wait for somebody else's entry to be written with. Raises EntryInvalid, NotOpen, LogUnavailable.
        """
        self.check_whole()
        return await self._writer.append(self.site.draft(content), unless_changed, guards, linger_s)

    def revisions(self, conn: Connection, keys: Iterable[str]) -> dict[str, int]:
        """The revision number of each key as ``conn`` sees it; 0 for a key never changed."""
        return Rows(conn).revisions(keys)

    def recover(self) -> int:
        """Give each query that an ended run left open its outcome ``exchange.outcome_unknown``. Returns how many.

        Whatever the department was asked, nothing was released: the release would have been the outcome.
        """
        closed = 0
        while True:
            with self.transaction() as tx:
                owners = self.run.ended(tx.conn, tx.rows.owners())
                rows = tx.rows.open_of(owners, RECOVER_GROUP)
                for row in rows:
                    tx.append({"type": OUTCOME_UNKNOWN, "query": row.query, "of": row.of})
            closed += len(rows)
            if not rows:
                return closed

    def turn(self) -> Shard:
        """Close the log of the year that is over, whenever that was, and open that of the clock's year.

        By itself the log does so with the first entry after New Year. Raises WrongState if the year is not over.
        """
        with self.transaction() as tx:
            return tx.turned or tx.turn()

    def turn_if_due(self) -> None:
        """Where nobody writes, the new year begins all the same. Called every second by the process that publishes."""
        with self.database.read() as conn:
            head = Rows(conn).head()
        if head.size and turns_by_itself(head.until, rfc3339(self.clock.now())):
            with self.transaction():
                pass

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def publish(self, *, covering: int = 0) -> tuple[Checkpoint, str]:
        """A signed checkpoint (and its text) of the log in which the entry before ``covering`` stands, over at least
        that entry; or of the open log, over all that it has."""
        return self._publisher.publish(covering=covering)

    def shards(self) -> list[Shard]:
        """The log of each year, the oldest first; the last one is open. Empty before the first entry."""
        with self.database.read() as conn:
            return Rows(conn).shards()

    def place(self, position: int) -> tuple[str, int]:
        """What to call an entry outside: the log of its year, and its index there."""
        shard = holding(self.shards(), position)
        return shard.origin, position - shard.first

    def all_keys(self) -> list[CheckpointKey]:
        """The key of each year's log, that of the open one last."""
        return [self.keys.of(shard.origin) for shard in self.shards()] or [self.key]

    def open_key(self) -> CheckpointKey:
        """The key of the open log."""
        return self.all_keys()[-1]

    def published(self) -> tuple[Checkpoint, str] | None:
        """The checkpoint signed last, if there is one."""
        return self._publisher.last()

    def published_to(self) -> int:
        """How many entries over all years are covered by a checkpoint."""
        return max((each.end for each in self._publisher.all()), default=0)

    @property
    def leads(self) -> bool:
        """Whether this process signs for all on this database."""
        return self._publisher.leading

    def root(self, conn: Connection, size: int) -> bytes:
        """The root that the tree had when there were ``size`` entries over all years: of the log that was open then."""
        shards = Rows(conn).shards()
        first = holding(shards, size - 1).first if size > 0 and shards else 0
        return root_at(size - first, Rows(conn, first).nodes)

    def _compare(self) -> None:
        check.at_start(self.database, self._publisher, self.clock)
        self._compared = True

    # ── what the writer and the publisher report ──────────────────────────────────────────────────────────────────────
    def check_whole(self) -> None:
        if self._broken is not None:
            raise trouble.unavailable() from self._broken

    @property
    def written(self) -> tuple[int, int]:
        """Groups that the writer has committed, and the entries in them."""
        return self._writer.written

    @property
    def least(self) -> int:
        return self._least

    def committed(self, tx: Transaction) -> None:
        with self._state:
            self._least = max(self._least, tx.size)
        self._publisher.grown()

    def failed(self, error: BaseException, kind: trouble.Kind) -> None:
        """Stop for good if what failed leaves it unknown what is on disk."""
        logs.error("log_not_written", kind=kind.value, error=type(error).__name__)
        if kind is not trouble.Kind.BROKEN:
            return
        with self._state:
            first, self._broken = self._broken is None, self._broken or error
        if first and self._on_broken is not None:
            self._on_broken(error)
