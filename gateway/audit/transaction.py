"""One transaction of the log: state changes, entries and revision numbers that become true together or not at all.

Whoever holds a Transaction holds the head of the log, so that transactions follow one another in the order of their
entries, over threads, processes and machines alike. Keep it short: no network, no hashing of passwords inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from gateway.audit import entry
from gateway.audit.checkpoint import base64_text
from gateway.audit.entry import Draft
from gateway.audit.merkle import CompactRange
from gateway.audit.shard import Shard, ShardKeys, end_of, first_until, next_origin, turns_by_itself, year_of
from gateway.audit.store import Head, OpenRow, Rows, node_offset
from gateway.errors import LogUnfit, WrongState
from gateway.lib.clock import Clock, rfc3339
from gateway.lib.ids import new_id
from gateway.lib.value import value


class NotOpen(Exception):
    """The query of entry ``of`` has an outcome already, or never was authorized: another outcome is refused."""

    def __init__(self, of: int) -> None:
        super().__init__(f"entry {of} is no authorized query that still waits for its outcome")
        self.of = of


@value
class Appended:
    """Where an entry stands. It counts only once its transaction has been committed.

    ``index``: its position over all years. ``origin``: the log of its year, which begins at position ``first``.
    """

    index: int
    leaf_hash: bytes
    entry: bytes
    origin: str = ""
    first: int = 0

    @property
    def index_in_log(self) -> int:
        """Its index in the log ``origin``: what a receipt names."""
        return self.index - self.first


@dataclass(frozen=True, slots=True)
class Site:
    """Who writes: the keys (the first one names the log), the clock, this gateway and this run of it."""

    keys: ShardKeys
    clock: Clock
    gw: Mapping[str, str]
    run: str
    names: set[str] = field(default_factory=set)  # origins of later years that were found to follow the first

    @property
    def origin(self) -> str:
        """Of the first year, as configured."""
        return self.keys.first.origin

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
        if head.size and head.origin != site.origin and head.origin not in site.names:
            self._check_name(head)
        self.changes = head.changes
        self.first = head.first
        self.origin = head.origin or site.origin
        self.tree = head.tree()
        self.t = rfc3339(site.clock.now())
        self._closing: Shard | None = None
        self._opening: Shard | None = None
        self._changed = 0
        self._entry_rows: list[tuple[int, bytes, bytes, int | None]] = []
        self._node_rows: list[tuple[int, int, bytes]] = []
        self._open_rows: list[tuple[object, ...]] = []
        self._loaded: dict[int, OpenRow] = {}
        self._closed: list[int] = []
        if not head.size:
            self._opening = Shard(site.origin, 0, first_until(site.origin, self.t))
            self.append({"type": "log.opened", "origin": site.origin})
        elif self.t >= head.until and turns_by_itself(head.until, self.t):
            self.turn()

    @property
    def size(self) -> int:
        """How many entries there are, over all years."""
        return self.first + self.tree.size

    @property
    def turned(self) -> Shard | None:
        """The log that this transaction opens after another, if it does."""
        return self._opening if self._closing is not None else None

    def turn(self) -> Shard:
        """Close the log of the year that is over and open that of the clock's year; it all becomes true at once.

        Raises WrongState if the clock's year is the open log's, or an earlier one.
        """
        old = self.rows.shards()[-1]
        year = year_of(self.t)
        if self.t < old.until:
            raise WrongState(
                f"日志 {old.origin} 要到 {old.until} 才结束。", f"The log {old.origin} is not over before {old.until}."
            )
        key = self._site.keys.of(next_origin(self._site.origin, year))
        self.append(
            {"type": "log.closed", "size": self.tree.size + 1, "next": {"origin": key.origin, "vkey": key.vkey}}
        )
        size, root = self.tree.size, self.tree.root()
        self._closing = replace(old, end=self.size, root=root)
        self.first, self.origin, self.tree = self.size, key.origin, CompactRange()
        self._opening = Shard(key.origin, self.first, end_of(year))
        previous = {"origin": old.origin, "first": old.first, "size": size, "root": base64_text(root)}
        self.append({"type": "log.opened", "origin": key.origin, "previous": previous})
        return self._opening

    def _check_name(self, head: Head) -> None:
        """The log of a later year belongs to us if the first one does."""
        shards = self.rows.shards()
        if not shards or shards[0].origin != self._site.origin or shards[-1].origin != head.origin:
            raise LogUnfit(
                f"数据库中的日志名为 {head.origin}，而配置为 {self._site.origin}。请核对 database_url 与日志名称。",
                f"The database holds the log {head.origin}, but the configuration says {self._site.origin}. "
                "Compare the two.",
            )
        self._site.names.add(shards[-1].origin)

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
        index, data = self.first + self.tree.size, draft.at(self.t)
        leaf = sha256(b"\x00" + data).digest()  # merkle.leaf_hash, without the call
        for (level, number), node in self.tree.append(leaf):
            self._node_rows.append((level, node_offset(self.first, level) + number, node))
        self._entry_rows.append((index, data, leaf, of))
        if draft.type == entry.AUTHORIZED:
            self._open_rows.append((index, draft.query, self._site.run, self.t))
        return Appended(index, leaf, data, self.origin, self.first)

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
        rows.set_head(Head(self.size, self.tree.encode(), self.origin, self.t, self.changes + self._changed))
        if self._closing is not None:
            rows.close_shard(self._closing)
        if self._opening is not None:
            rows.open_shard(self._opening)
        return len(self._entry_rows)
