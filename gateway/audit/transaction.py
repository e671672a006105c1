"""One transaction of the log: state changes, entries and revision numbers that become true together or not at all.

Whoever holds a Transaction holds the head of the log, so that transactions follow one another in the order of their
entries, over threads, processes and machines alike. Keep it short: no network, no hashing of passwords inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from gateway.audit import entry
from gateway.audit.entry import Draft
from gateway.audit.merkle import CompactRange
from gateway.audit.store import Head, OpenRow, Rows
from gateway.errors import LogUnfit
from gateway.lib.clock import Clock, rfc3339
from gateway.lib.ids import new_id


class NotOpen(Exception):
    """The query of entry ``of`` has an outcome already, or never was authorized: another outcome is refused."""

    def __init__(self, of: int) -> None:
        super().__init__(f"entry {of} is no authorized query that still waits for its outcome")
        self.of = of


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an entry stands. It counts only once its transaction has been committed."""

    index: int
    leaf_hash: bytes
    entry: bytes


@dataclass(frozen=True, slots=True)
class Site:
    """Who writes: the log's name, the clock, this gateway and this run of it."""

    origin: str
    clock: Clock
    gw: Mapping[str, str]
    run: str

    def draft(self, content: Mapping[str, Any]) -> Draft:
        return entry.draft(content, id=new_id(), gw=self.gw)


class Transaction:
    """Made by Log.transaction() and by the writer, in a database transaction. ``conn`` is for the caller's state."""

    def __init__(self, conn: Connection, site: Site, least: int = 0) -> None:
        self.conn = conn
        self.rows = Rows(conn)
        self._site = site
        head = self.rows.lock_head()
        if head.size < least:
            raise LogUnfit(
                f"数据库现有 {head.size} 条日志，而先前已有 {least} 条：数据库被回退过。请恢复完整的数据库。",
                f"The database has {head.size} entries now, but had {least} before: it was rolled back. "
                "Restore it whole.",
            )
        if head.size and head.origin != site.origin:
            raise LogUnfit(
                f"数据库中的日志名为 {head.origin}，而配置为 {site.origin}。请核对 database_url 与日志名称。",
                f"The database holds the log {head.origin}, but the configuration says {site.origin}. Compare the two.",
            )
        self.changes = head.changes
        self.tree = CompactRange.decode(head.size, head.compact)
        self.t = rfc3339(site.clock.now())
        self._changed = 0
        self._entry_rows: list[tuple[int, bytes, bytes, int | None]] = []
        self._node_rows: list[tuple[int, int, bytes]] = []
        self._open_rows: list[tuple[object, ...]] = []
        self._loaded: dict[int, OpenRow] = {}
        self._closed: list[int] = []
        if not head.size:
            self.append({"type": "log.opened", "origin": site.origin})

    @property
    def size(self) -> int:
        return self.tree.size

    def append(self, content: Mapping[str, Any]) -> Appended:
        """Add an entry after all earlier ones. Raises EntryInvalid, or NotOpen for the outcome of a closed query."""
        return self.append_draft(self._site.draft(content))

    def append_draft(self, draft: Draft) -> Appended:
        of = draft.of
        if of is not None:
            opened = self.open_row(of)
            if opened is None or opened.query != draft.query:
                raise NotOpen(of)
            del self._loaded[of]
            self._closed.append(of)
        index, data = self.tree.size, draft.at(self.t)
        leaf = sha256(b"\x00" + data).digest()  # merkle.leaf_hash, without the call
        for (level, number), value in self.tree.append(leaf):
            self._node_rows.append((level, number, value))
        self._entry_rows.append((index, data, leaf, of))
        if draft.type == entry.AUTHORIZED:
            self._open_rows.append((index, draft.query, self._site.run, self.t))
        return Appended(index, leaf, data)

    def changed(self, *keys: str) -> None:
        """Say that these withdrawable things changed: whoever relies on an earlier revision is refused from now on."""
        for key in keys:
            self.rows.change(key)
        self._changed += len(keys)

    def load_open(self, numbers: Iterable[int]) -> None:
        """Look up many authorized queries at once."""
        if wanted := set(numbers) - self._loaded.keys() - set(self._closed):
            self._loaded |= self.rows.open_rows(wanted)

    def open_row(self, of: int) -> OpenRow | None:
        """The authorized query that entry ``of`` left open, or None."""
        if of not in self._loaded:
            self.load_open([of])
        return self._loaded.get(of)

    def flush(self) -> int:
        """Write everything collected, before the commit. Returns the number of entries of this transaction."""
        if not self._entry_rows and not self._changed:
            return 0
        rows = self.rows
        rows.insert_entries(self._entry_rows)
        rows.insert_nodes(self._node_rows)
        rows.insert_open(self._open_rows)
        if self._closed:
            rows.close(self._closed)
        rows.set_head(Head(self.tree.size, self.tree.encode(), self._site.origin, self.t, self.changes + self._changed))
        return len(self._entry_rows)
