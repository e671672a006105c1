"""Can this gateway do its work? Each finding says what is wrong; an empty list means that it is ready.

Nothing here trusts an earlier moment: the log is writable when something was committed within the last seconds, or when
a transaction that changes nothing can be committed now.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import text

from gateway.audit import kept
from gateway.audit.check import MAX_CLOCK_BEHIND
from gateway.audit.log import Log
from gateway.audit.policy import NO_WITNESSES, Policy
from gateway.audit.store import Rows
from gateway.db import Database
from gateway.lib import logs
from gateway.lib.clock import Clock, parse_rfc3339

FRESH_S: Final = 5.0  # a commit this recent shows that the log is writable
MAX_CLOCK_APART: Final = timedelta(seconds=5)  # of this machine's clock and the database server's
MAX_UNPUBLISHED: Final = timedelta(seconds=60)  # what receipts promise (mmd)
MIN_FREE_BYTES: Final = 64 * 1024 * 1024
_LOCK_WAIT: Final = "SET LOCAL lock_timeout = '2s'"


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    zh: str
    en: str


STOPPING: Final = Finding("stopping", "网关正在停止", "the gateway is being stopped")
BROKEN: Final = Finding("log_broken", "审计日志已不可信，须重启网关", "the log can no longer be trusted: restart")
NOT_WRITABLE: Final = Finding("log_not_writable", "审计日志此刻不可写", "the log cannot be written now")
DATABASE: Final = Finding("database", "数据库无响应", "the database does not answer")
CLOCK_BEHIND: Final = Finding("clock_behind_log", "时钟早于日志最后一条", "the clock is behind the log's last entry")
CLOCK_APART: Final = Finding(
    "clock_differs", "时钟与数据库服务器不一致", "the clock differs from the database server's"
)
UNPUBLISHED: Final = Finding(
    "checkpoint_old", "检查点超过一分钟没有更新", "no checkpoint covers entries of a minute ago"
)
UNWITNESSED: Final = Finding(
    "witnesses_old", "法定数量的见证人已久未见证日志", "it is long since a quorum of witnesses has seen the log"
)
FOLDER: Final = Finding(
    "data_folder", "数据目录无法读写", "the folder of the data or of the published log cannot be read and written"
)
DISK: Final = Finding("disk_full", "磁盘空间不足 64 MiB", "less than 64 MiB are free on the disk")


@dataclass(slots=True)
class Health:
    """``folder``: where the data lie. ``max_unwitnessed``: how old an entry may be that no quorum of witnesses saw.
    ``idle_s``: seconds since the last commit of this process, None before it."""

    database: Database
    log: Log
    clock: Clock
    folder: Path
    idle_s: Callable[[], float | None]
    min_free_bytes: int = MIN_FREE_BYTES
    policy: Policy = NO_WITNESSES
    max_unwitnessed: timedelta = timedelta(hours=1)
    stopping: bool = field(default=False)

    def findings(self) -> list[Finding]:
        """Look now. Blocks for as long as the database takes."""
        found = [finding for finding, wrong in self._at_hand() if wrong]
        try:
            found += self._in_database()
        except Exception as error:
            logs.error("the database does not answer", error=type(error).__name__)
            return [*found, DATABASE]
        if not self._writable():
            found.append(NOT_WRITABLE)
        return found

    def unpublished_s(self) -> float:
        """The age of the eldest entry that no checkpoint covers; 0.0 when all are covered."""
        with self.database.read() as conn:
            rows = Rows(conn)
            return self._unpublished(rows).total_seconds()

    def unwitnessed_s(self) -> float | None:
        """The age of the eldest entry that no quorum of witnesses has seen; None where there are no witnesses."""
        if not self.policy.witnesses:
            return None
        with self.database.read() as conn:
            rows, best = Rows(conn), kept.newest(conn, self.policy)
            return self._age(rows, best.size if best else 0).total_seconds()

    def warnings(self) -> list[Finding]:
        """What is wrong though the gateway does its work: witnesses are never on the path of a query."""
        try:
            age_s = self.unwitnessed_s()
        except Exception:  # the database is away: findings() says so
            return []
        return [UNWITNESSED] if age_s is not None and age_s > self.max_unwitnessed.total_seconds() else []

    def free_bytes(self) -> int:
        """Where there is least: the data and the SQLite file may lie on two disks. Raises OSError."""
        places = {self.folder, self.database.path.parent if self.database.path else self.folder}
        return min(shutil.disk_usage(place).free for place in places)

    def _at_hand(self) -> Iterator[tuple[Finding, bool]]:
        yield STOPPING, self.stopping
        yield BROKEN, self.log.broken is not None
        there = all(os.access(each, os.R_OK | os.W_OK | os.X_OK) for each in (self.folder, self.log.folder))
        full = False
        try:
            full = self.free_bytes() < self.min_free_bytes
        except OSError as error:
            logs.error("the free space is not known", error=error.strerror)
            there = False
        yield FOLDER, not there
        yield DISK, full

    def _in_database(self) -> list[Finding]:
        with self.database.read() as conn:
            rows = Rows(conn)
            head, now = rows.head(), self.clock.now()
            checks = [
                (CLOCK_BEHIND, head.last_t is not None and now < parse_rfc3339(head.last_t) - MAX_CLOCK_BEHIND),
                (UNPUBLISHED, self._unpublished(rows) > MAX_UNPUBLISHED),
            ]
            if self.database.dialect == "postgresql":  # SQLite has no clock of its own
                its: datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
                checks.append((CLOCK_APART, abs(its - self.clock.now()) > MAX_CLOCK_APART))
        return [finding for finding, wrong in checks if wrong]

    def _unpublished(self, rows: Rows) -> timedelta:
        return self._age(rows, self.log.published_to())

    def _age(self, rows: Rows, covered: int) -> timedelta:
        """How old the first entry after the first ``covered`` is; zero if there is none."""
        if rows.head().size <= covered:
            return timedelta()
        entry = orjson.loads(rows.entries(covered, covered + 1)[0])
        return max(timedelta(), self.clock.now() - parse_rfc3339(entry["t"]))

    def _writable(self) -> bool:
        idle_s = self.idle_s()
        if idle_s is not None and idle_s < FRESH_S:
            return True
        try:
            with self.database.write() as conn:
                if self.database.dialect == "postgresql":
                    conn.execute(text(_LOCK_WAIT))
                for step in (1, -1):  # SQLite writes no page for a value that is the same from the start
                    conn.execute(text("UPDATE log_head SET changes = changes + :step WHERE id = 1"), {"step": step})
        except Exception as error:
            logs.error("the log cannot be written", error=type(error).__name__)
            return False
        return True


class Stopwatch:
    """Seconds since it was last started, on any thread."""

    def __init__(self) -> None:
        self._at: float | None = None

    def start(self) -> None:
        self._at = time.monotonic()

    def seconds(self) -> float | None:
        return None if self._at is None else time.monotonic() - self._at
