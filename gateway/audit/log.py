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

import structlog
from sqlalchemy import Connection

from gateway.audit import trouble
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.store import Rows
from gateway.audit.transaction import Appended, HeadUnfit, NotOpen, Site, Transaction
from gateway.audit.writer import Changed, Guard, Rejected, Writer
from gateway.db import Database
from gateway.errors import LogUnavailable
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id

__all__ = ["Appended", "Changed", "Guard", "HeadUnfit", "Log", "NotOpen", "Rejected", "Transaction"]

_logger = structlog.get_logger("gateway.audit")


class Log:
    """The log of one gateway. ``transaction()`` works at once; ``append()`` needs ``start()`` (or ``with``).

    ``folder`` holds what is published: full tiles and the checkpoint. ``on_broken`` is called once, from any thread,
    when the log can no longer be trusted to be writable; the gateway should then end its process.
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
        self.site = Site(key.origin, clock, {"node": node, "build": build}, new_id("run"))
        self._on_broken = on_broken
        self._broken: BaseException | None = None
        self._state = threading.Lock()
        self._least = 0  # entries that this process saw committed
        self._writer = Writer(self)

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def start(self) -> None:
        """Check that the database holds the log that was published, close what an earlier run left open, and run."""
        self.recover()
        self._writer.start()

    def stop(self) -> None:
        """Finish what is queued and end the threads."""
        self._writer.stop()

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

        Raises LogUnavailable if it cannot be written; then nothing of it may be believed.
        """
        self.check_whole()
        began = finished = False
        try:
            with self.database.write() as conn:
                tx = Transaction(conn, self.site, self._least)
                began = True
                yield tx
                tx.flush()
                finished = True
            # Durable from here on. Whoever stops now has written an entry that nobody waits for.
            self.committed(tx)
        except BaseException as error:
            kind = trouble.judge(error, self.database.dialect, committing=finished)
            if kind is trouble.Kind.CALLER and (began or not isinstance(error, HeadUnfit)):
                raise
            self.failed(error, kind)
            raise unavailable() from error

    async def append(
        self, content: Mapping[str, Any], *, unless_changed: Mapping[str, int] = {}, guards: Sequence[Guard] = ()
    ) -> Appended:
        """Append one entry, durably, together with others that wait (group commit).

        ``unless_changed``: the revisions that the caller's decision rests on; if one differs, Changed is raised and
        nothing is written. ``guards`` are settled in the same transaction; Rejected if one says no. Raises EntryInvalid,
        NotOpen, LogUnavailable.
        """
        self.check_whole()
        return await self._writer.append(self.site.draft(content), unless_changed, guards)

    def revisions(self, conn: Connection, keys: Iterable[str]) -> dict[str, int]:
        """The revision number of each key as ``conn`` sees it; 0 for a key never changed."""
        return Rows(conn).revisions(keys)

    def recover(self) -> int:
        """Give each query that an ended run left open its outcome ``exchange.outcome_unknown``. Returns how many."""
        closed = 0
        while True:
            with self.transaction() as tx:
                owners = [owner for owner in tx.rows.owners() if owner != self.site.run]
                rows = [row for owner in owners for row in tx.rows.open_of_owner(owner, 256)][:256]
                for row in rows:
                    tx.append({"type": "exchange.outcome_unknown", "query": row.query, "of": row.of})
            closed += len(rows)
            if not rows:
                return closed

    # ── what the writer and the publisher report ──────────────────────────────────────────────────────────────────────
    def check_whole(self) -> None:
        if self._broken is not None:
            raise unavailable() from self._broken

    @property
    def least(self) -> int:
        return self._least

    def committed(self, tx: Transaction) -> None:
        with self._state:
            self._least = max(self._least, tx.size)

    def failed(self, error: BaseException, kind: trouble.Kind) -> None:
        """Stop for good if what failed leaves it unknown what is on disk."""
        _logger.error("log_not_written", kind=kind.value, error=type(error).__name__)
        if kind is not trouble.Kind.BROKEN:
            return
        with self._state:
            first, self._broken = self._broken is None, self._broken or error
        if first and self._on_broken is not None:
            self._on_broken(error)


def unavailable() -> LogUnavailable:
    return LogUnavailable(
        "审计日志此刻无法写入，因此没有执行任何操作，也没有放行任何数据。请稍后重试；若持续出现，请联系网关管理员。",
        "The log cannot be written now, so nothing was done and nothing was released. Try again later; "
        "if it goes on, tell the gateway's operator.",
    )
