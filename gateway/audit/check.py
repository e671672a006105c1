"""A quick look at each start: does the database hold the log that was published? verify.py reads all of it."""

from __future__ import annotations

from datetime import timedelta

from gateway.audit import merkle
from gateway.audit.publisher import Publisher, check_continues, head_of
from gateway.audit.shard import Shard
from gateway.audit.store import Head, Rows
from gateway.db import Database
from gateway.errors import LogUnfit
from gateway.lib.clock import Clock, parse_rfc3339

MAX_CLOCK_BEHIND = timedelta(seconds=60)


def at_start(database: Database, publisher: Publisher, clock: Clock) -> None:
    """Raise LogUnfit if the database does not hold the log that was published, or the clock is behind it."""
    published = publisher.all()
    with database.read() as conn:
        rows = Rows(conn)
        head, shards = rows.head(), rows.shards()
        _check_head(Rows(conn, head.first), head)
        for shard in shards or [Shard(head.origin or "", 0, "")]:
            known = [each.checkpoint for each in published if each.shard.origin == shard.origin or not shards]
            tree = Rows(conn, shard.first)
            check_continues(tree, head_of(tree, shard, head), known)
    if head.last_t is not None and clock.now() < parse_rfc3339(head.last_t) - MAX_CLOCK_BEHIND:
        raise LogUnfit(
            f"系统时钟比日志最后一条（{head.last_t}）早一分钟以上。请先校准时钟（NTP），再启动网关。",
            f"The clock is more than a minute behind the last entry ({head.last_t}). Set it right (NTP), then start.",
        )


def _check_head(rows: Rows, head: Head) -> None:
    """The head, the last entry and the stored hashes must agree; else this file was put together from two moments."""
    last = rows.entries(head.size - 1, head.size + 1) if head.size else rows.entries(0, 1)
    wrong = len(last) != min(head.size, 1)
    if not wrong and head.size:
        size = head.size - head.first
        leaf = rows.tile(0, size - 1, size)
        try:
            wrong = merkle.leaf_hash(last[0]) != leaf or merkle.root_at(size, rows.nodes) != head.tree().root()
        except IndexError:  # a stored hash is missing
            wrong = True
    if wrong:
        raise LogUnfit(
            "数据库中的日志首尾不符：条目、散列与日志头不一致。请恢复完整、未改动的数据库。",
            "The log in the database is not whole: entries, hashes and head disagree. Restore the unaltered database.",
        )
