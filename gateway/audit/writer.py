"""The one writer: gathers the entries that wait, writes them in one transaction, then tells everybody at once.

While one group is being synced to disk, the next one gathers, and under load a moment longer; so the more callers there
are, the larger the groups and the cheaper each entry. A single caller waits for nobody.

A group is written by a thread, which waits for the database as long as it takes; or, where the database is a file of
this machine and nobody else is writing, by the event loop itself. That spares each group four changes of thread, and
the loop stands still for about as long as it would have had to wait for the interpreter's lock: decision 0016.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from gateway.audit import entry, trouble
from gateway.audit.entry import Draft
from gateway.audit.store import Rows
from gateway.audit.transaction import Appended, NotOpen, Transaction
from gateway.db import Occupied
from gateway.errors import LogUnavailable
from gateway.lib import run_delay

if TYPE_CHECKING:
    from gateway.audit.log import Log

CROWD = 8  # entries in a group that tell of load
LINGER_S = 0.001  # how much longer a group then gathers: a commit costs much and an entry in it little
TRIES = 4  # so often a group waits a moment for who else writes, before it is left to the thread
SLOW_S = 0.005  # a disk that kept the event loop waiting for longer than this
SLOW_SHARE = 20  # is left to the thread for so many times that: at worst, the loop waits a twentieth of the time
MAX_GROUP = 256  # entries in one commit: enough to make the sync cheap, few enough to be quick
MAX_OPEN = 100_000  # queries under way in one process, far above what its memory allows


class Changed(Exception):
    """Something that the decision rests on has changed since; nothing was written."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(f"changed meanwhile: {', '.join(sorted(key.partition(':')[0] for key in keys))}")
        self.keys = tuple(keys)


class Rejected(Exception):
    """A guard said no; nothing was written, nor did any guard of this entry leave a trace."""

    def __init__(self, guard: Guard, why: object) -> None:
        super().__init__(f"rejected by {type(guard).__name__}")
        self.guard = guard
        self.why = why


class Guard(Protocol):
    """A condition with an effect (a quota counted up, a key remembered), settled in the entry's own transaction.

    Guards of one class are settled together, many entries at a time, in the order in which the entries came.
    """

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Self]) -> Sequence[object | None]:
        """For each guard: None, and its effect is written; or why not, and nothing is written for it."""
        ...

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Self]) -> None:
        """Take back the effect of guards that were settled: another guard of the same entry said no."""
        ...


@dataclass(slots=True, eq=False)
class Item:
    draft: Draft
    unless_changed: Mapping[str, int]
    guards: Sequence[Guard]
    waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[Appended]] | None  # None: nobody waits for the answer
    result: Appended | None = None
    refusal: Exception | None = None
    since: float = field(default_factory=time.perf_counter)


@dataclass(slots=True)
class _Gathered:
    """What one event loop is about to write, and the call that will do it. ``lingers``: nobody among them is pressed
    for time."""

    items: list[Item]
    call: asyncio.Handle
    lingers: bool
    tries: int = 0  # how often somebody else was writing


class Writer:
    """A thread that belongs to one Log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last_group = 0
        self._known: dict[str, int] = {}  # revisions as of the log's change number _known_at
        self._known_at = -1
        self._doubtful: list[Item] = []  # permits and outcomes whose commit failed or was lost sight of
        self._turn = threading.Lock()  # held while a group is written, by the thread or by an event loop
        self._gathered: dict[asyncio.AbstractEventLoop, _Gathered] = {}
        self._slow_until = 0.0
        self.written = (0, 0)  # groups, and entries in them, that this process has committed

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    async def append(
        self, draft: Draft, unless_changed: Mapping[str, int], guards: Sequence[Guard], linger_s: float = 0.0
    ) -> Appended:
        """``linger_s``: how long this entry may wait for another to be written with."""
        if self._thread is None:
            raise RuntimeError("the log was not started")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Appended] = loop.create_future()
        self._accept(Item(draft, unless_changed, guards, (loop, future)), loop, linger_s)
        try:
            return await future
        except asyncio.CancelledError:
            # Cancelled after the answer had come but before it was taken; otherwise the future itself is cancelled.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._abandon(draft, future.result().index)
            raise

    # ── on the event loop ─────────────────────────────────────────────────────────────────────────────────────────────
    def _accept(self, item: Item, loop: asyncio.AbstractEventLoop, linger_s: float) -> None:
        if not self._log.database.local or time.monotonic() < self._slow_until:
            self._queue.put(item)
            return
        gathered = self._gathered.get(loop)
        if gathered is None:
            call = loop.call_later(linger_s, self._write_here, loop) if linger_s else self._soon(loop)
            self._gathered[loop] = _Gathered([item], call, linger_s > 0)
            return
        gathered.items.append(item)
        if gathered.lingers and not linger_s:  # who has time is written with who has none
            gathered.call.cancel()
            gathered.call, gathered.lingers = self._soon(loop), False

    def _soon(self, loop: asyncio.AbstractEventLoop) -> asyncio.Handle:
        if self._last_group >= CROWD:
            return loop.call_later(LINGER_S, self._write_here, loop)
        return loop.call_soon(self._write_here, loop)

    def _write_here(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write what has gathered, unless somebody else is writing: then in a moment, and if that lasts, it is for the
        thread to wait."""
        gathered = self._gathered.pop(loop)
        items, more = gathered.items[:MAX_GROUP], gathered.items[MAX_GROUP:]
        if self._write_at_once(items):
            self._wake(items)
            if more:
                self._gathered[loop] = _Gathered(more, loop.call_soon(self._write_here, loop), False)
        elif gathered.tries < TRIES:  # another process has the turn, for a millisecond or two: more gather meanwhile
            again = loop.call_later(LINGER_S, self._write_here, loop)
            self._gathered[loop] = _Gathered(gathered.items, again, False, gathered.tries + 1)
        else:
            for item in gathered.items:
                self._queue.put(item)

    def _write_at_once(self, items: Sequence[Item]) -> bool:
        """False if somebody else is writing; then nothing was done."""
        if not self._turn.acquire(blocking=self._thread is None):
            return False
        try:
            began, worked, delayed = time.perf_counter(), time.thread_time(), run_delay.of_this_thread()
            written = self._write(items, at_once=self._thread is not None)
            waited = time.perf_counter() - began - (time.thread_time() - worked)
            if waited > SLOW_S:  # the disk is not to blame while others had the core
                waited -= run_delay.of_this_thread() - delayed
            if waited > SLOW_S:
                self._slow_until = time.monotonic() + SLOW_SHARE * waited
            if written:
                self._last_group = len(items)
            return written
        finally:
            self._turn.release()

    # ── the thread ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _run(self) -> None:
        running = True
        while running:
            items, running = self._gather()
            self._last_group = len(items)
            try:
                if items:
                    with self._turn:
                        self._write(items)
                self._deliver(items)
            except BaseException as error:  # must not happen; if it does, nobody may wait for ever
                self._log.failed(error, trouble.Kind.BROKEN)

    def _gather(self) -> tuple[list[Item], bool]:
        """Wait for one entry, then take all that came meanwhile. False with the last group."""
        items: list[Item] = []
        item = self._queue.get()
        if self._last_group >= CROWD and item is not None:
            time.sleep(LINGER_S)
        while item is not None:
            items.append(item)
            if len(items) == MAX_GROUP:
                return items, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return items, True
        return items, False

    def _write(self, items: Sequence[Item], *, at_once: bool = False) -> bool:
        """Give each item its result or its refusal. False if ``at_once`` was not possible: then nothing was done."""
        committing, begun = False, time.perf_counter()
        try:
            self._log.check_whole()
            with self._log.database.write(at_once=at_once) as conn:
                tx = Transaction(conn, self._log.site, self._log.least)
                self._settle(tx, items)
                tx.flush()
                committing = True
            # Durable from here on; nobody has been told yet.
            self._log.committed(tx)
            now = time.perf_counter()
            self.written = (self.written[0] + 1, self.written[1] + len(items))
            self._log.on_commit(len(items), tx.size, now - begun, now - items[0].since)
            self._settle_doubts()
        except Occupied:
            return False
        except LogUnavailable as error:
            _refuse(items, error)
        except BaseException as error:
            self._failed(items, error, trouble.judge(error, self._log.database.dialect, committing=committing))
        return True

    def _failed(self, items: Sequence[Item], error: BaseException, kind: trouble.Kind) -> None:
        self._known_at = -1
        if kind is not trouble.Kind.CALLER:
            self._log.failed(error, kind)
            self._doubtful += [i for i in items if i.draft.type == entry.AUTHORIZED or i.draft.of is not None]
            _refuse(items, trouble.unavailable())
        elif len(items) == 1:
            _refuse(items, error if isinstance(error, Exception) else RuntimeError(type(error).__name__))
        else:  # one of them is at fault, and all was undone: the others must not suffer
            for item in items:
                item.result = item.refusal = None
                self._write([item])

    def _settle_doubts(self) -> None:
        """The database was away and is back: close the queries that stand open though nobody works on them any more.

        A permit may have been kept though it was reported lost; an outcome that could not be written leaves its query
        without one, and nothing of it was released.
        """
        if not self._doubtful:
            return
        codes = {
            item.draft.query: "abandoned" if item.draft.type == entry.AUTHORIZED else "log_unavailable"
            for item in self._doubtful
        }
        with self._log.database.read() as conn:
            kept = Rows(conn).open_of([self._log.site.run], MAX_OPEN)
        for row in kept:
            if row.query in codes:
                self._close(row.query, row.of, codes[row.query])
        self._doubtful = []

    def _settle(self, tx: Transaction, items: Sequence[Item]) -> None:
        """Compare, settle and append, all under the log's head."""
        self._compare(tx, items)
        tx.load_open(item.draft.of for item in items if item.draft.of is not None)
        self._refuse_closed(tx, items)
        self._settle_guards(tx, items)
        for item in items:
            if item.refusal is None:
                item.result = tx.append_draft(item.draft)

    def _compare(self, tx: Transaction, items: Sequence[Item]) -> None:
        """Refuse whoever relies on a revision that is no more.

        The log counts all changes; while that count stays, what was read before still holds and no query is needed.
        """
        if self._known_at != tx.changes or len(self._known) > 100_000:
            self._known, self._known_at = {}, tx.changes
        known = self._known
        if missing := {key for item in items for key in item.unless_changed if key not in known}:
            known |= tx.rows.revisions(missing)
        for item in items:
            if differing := [key for key, number in item.unless_changed.items() if known[key] != number]:
                item.refusal = Changed(differing)

    def _refuse_closed(self, tx: Transaction, items: Sequence[Item]) -> None:
        closing: set[int] = set()
        for item in items:
            of = item.draft.of
            if of is None or item.refusal is not None:
                continue
            row = tx.open_row(of)
            if row is None or row.query != item.draft.query or of in closing:
                item.refusal = NotOpen(of)
            closing.add(of)

    def _settle_guards(self, tx: Transaction, items: Sequence[Item]) -> None:
        """First all first guards, class by class, then all second ones, …"""
        for place in range(max((len(item.guards) for item in items), default=0)):
            by_class: defaultdict[type[Guard], list[Item]] = defaultdict(list)
            for item in items:
                if item.refusal is None and place < len(item.guards):
                    by_class[type(item.guards[place])].append(item)
            for guard_class, waiting in by_class.items():
                answers = guard_class.settle(tx, [item.guards[place] for item in waiting])
                for item, why in zip(waiting, answers, strict=True):
                    if why is not None:
                        item.refusal = Rejected(item.guards[place], why)
                        for earlier in reversed(item.guards[:place]):
                            type(earlier).undo(tx, [earlier])

    # ── telling the callers ───────────────────────────────────────────────────────────────────────────────────────────
    def _deliver(self, items: Sequence[Item]) -> None:
        """Wake every event loop once, whatever number of its callers wait."""
        by_loop: defaultdict[asyncio.AbstractEventLoop, list[Item]] = defaultdict(list)
        for item in items:
            if item.waiter is not None:
                by_loop[item.waiter[0]].append(item)
        for loop, waiting in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._wake, waiting)
            except RuntimeError:  # the loop was closed: nobody waits there any more
                for item in waiting:
                    self._abandon(item.draft, item.result.index if item.result else None)

    def _wake(self, items: Sequence[Item]) -> None:
        for item in items:
            _, future = item.waiter  # type: ignore[misc]  # _deliver chose those that have one
            if future.cancelled():
                self._abandon(item.draft, item.result.index if item.result else None)
            elif item.refusal is not None:
                future.set_exception(item.refusal)
            elif item.result is not None:
                future.set_result(item.result)

    def _abandon(self, draft: Draft, index: int | None) -> None:
        """The caller of an authorized query does not know of it: so no department was called, and it is closed."""
        if index is not None and draft.type == entry.AUTHORIZED:
            self._close(draft.query, index, "abandoned")

    def _close(self, query: str | None, of: int, code: str) -> None:
        content = {"type": "exchange.failed", "query": query, "of": of, "code": code}
        self._queue.put(Item(self._log.site.draft(content), {}, (), None))


def _refuse(items: Sequence[Item], error: Exception) -> None:
    for item in items:
        item.result, item.refusal = None, error
