"""Fill a log quickly and truthfully: the entries and hashes that so many queries would have left.

Each pair of entries is the last real one with another query, subject and digests of its own. They go through the
product's own tree and statements, many at a time and without waiting for the disk after each group; ``gateway audit
verify`` finds nothing wrong with the result. Only the tiles of what was filled are not written: no query reads them.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from gateway.audit import entry, index
from gateway.audit.checkpoint import Checkpoint, CheckpointKey
from gateway.audit.files import Folder
from gateway.audit.merkle import CompactRange, leaf_hash
from gateway.audit.store import Rows
from gateway.db import Database
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339
from gateway.lib.ids import new_id

TOGETHER = 128  # queries whose permits stand before their releases, as under load
BATCH = 1 << 15  # entries of one transaction
INDEXED = 1 << 13
CACHE_KB = 400_000  # for SQLite, while it is being filled


class _Pair(NamedTuple):
    """A permit and its release as bytes with slots."""

    authorized: bytes  # id, query, request digest, subject, time
    released: bytes  # id, of, query, response digest, time


def fill(database: Database, key: CheckpointKey, folder: Folder, size: int, *, batch: int = BATCH) -> None:
    """Make the log at least ``size`` entries long. It must hold a released query; no gateway may be running."""
    with database.read() as conn:
        pair, have = _newest(Rows(conn)), Rows(conn).head().size
    if have >= size:
        return
    while have < size:
        with database.write() as conn:
            _cache(conn)
            have = _batch(Rows(conn), pair, min(batch, size - have))
    index.catch_up(database, group=INDEXED)
    with database.read() as conn:
        head = Rows(conn).head()
    root = CompactRange.decode(head.size, head.compact).root()
    folder.publish(key.sign(Checkpoint(key.origin, head.size, root)))


def _cache(conn: Connection) -> None:
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KB}")


def _newest(rows: Rows) -> _Pair:
    """The last released query, cut open where another one would differ."""
    size = rows.head().size
    released = next(
        item
        for number in range(size - 1, -1, -1)
        if (item := entry.read(rows.entries(number, number + 1)[0]))["type"] == "exchange.released"
    )
    permit = entry.read(rows.entries(released["of"], released["of"] + 1)[0])
    return _Pair(
        _slotted(permit, "id", "query", "request_digest", "subject", "t"),
        _slotted(released, "id", "of", "query", "response_digest", "t"),
    )


def _slotted(item: dict[str, Any], *members: str) -> bytes:
    """The entry's bytes with ``%b`` for the value of each of these members, which stand in it in this order."""
    text = canonical(item)
    for name in members:
        before = f'"{name}":'.encode()
        whole = before + canonical(item[name])
        if text.count(whole) != 1:
            raise ValueError(f"{name} stands {text.count(whole)} times in {item['type']}")
        text = text.replace(whole, before + b"%b")
    return text


def _batch(rows: Rows, pair: _Pair, count: int) -> int:
    """Append ``count`` entries, one more if it is odd. Returns the log's size."""
    head = rows.lock_head()
    tree = CompactRange.decode(head.size, head.compact)
    now = rfc3339(datetime.now(UTC))
    entries: list[tuple[int, bytes, bytes, int | None]] = []
    nodes: list[tuple[int, int, bytes]] = []
    for data, of in _made(pair, now, tree.size, (count + 1) // 2):
        leaf = leaf_hash(data)
        entries.append((tree.size, data, leaf, of))
        nodes += [(*node, value) for node, value in tree.append(leaf)]
    rows.insert_entries(entries)
    rows.insert_nodes(nodes)
    rows.set_head(head._replace(size=tree.size, compact=tree.encode(), last_t=now))
    return tree.size


def _made(pair: _Pair, t: str, start: int, queries: int) -> Iterator[tuple[bytes, int | None]]:
    """Entry, and whose outcome it is."""
    time = _text(t)
    for first in range(0, queries, TOGETHER):
        here = [(new_id("qry"), _subject()) for _ in range(min(TOGETHER, queries - first))]
        low = start + 2 * first
        for query, subject in here:
            slots = (_text(new_id()), _text(query), _digest(b"q", query), _text(subject), time)
            yield pair.authorized % slots, None
        for of, (query, _) in enumerate(here, low):
            slots = (_text(new_id()), b"%d" % of, _text(query), _digest(b"r", query), time)
            yield pair.released % slots, of


def _text(value: str) -> bytes:
    return f'"{value}"'.encode()


def _digest(what: bytes, query: str) -> bytes:
    return _text("sha-256:" + hashlib.sha256(what + query.encode()).hexdigest())


def _subject() -> str:
    return "s:1:" + base64.urlsafe_b64encode(os.urandom(16))[:22].decode()
