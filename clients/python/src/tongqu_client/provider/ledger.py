"""The department's own memory: which envelopes were used, and who asked about whom, for what, when.

One SQLite file beside the configuration, mode 0600. Subjects stand in it as keyed hashes, so the department can answer
"was this person asked about?" and a thief of the file cannot. The gateway's log is the public proof; this is the
department's own, to compare with it by query id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tongqu_client.provider.config import write_private
from tongqu_client.provider.envelope import Envelope, EnvelopeInvalid

_TABLES = """
CREATE TABLE IF NOT EXISTS used (jti TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_expires ON used (expires);
CREATE TABLE IF NOT EXISTS access (
  number INTEGER PRIMARY KEY, at TEXT NOT NULL, query TEXT NOT NULL, agreement TEXT NOT NULL, purpose TEXT NOT NULL,
  consumer TEXT NOT NULL, subject TEXT NOT NULL, fields TEXT NOT NULL, outcome TEXT NOT NULL, records INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS access_subject ON access (subject);
"""


class Ledger:
    """Opened once per process; threads share one connection under a lock, processes share the file."""

    def __init__(self, path: Path, key: bytes) -> None:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        os.close(descriptor)
        self._key = key
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def use(self, envelope: Envelope, now: float) -> None:
        """Mark the envelope as used, durably; raise EnvelopeInvalid if it was. Forgets those that have expired."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM used WHERE expires <= ?", (int(now) - 1,))
            try:
                connection.execute("INSERT INTO used VALUES (?, ?)", (envelope.jti, envelope.expires))
            except sqlite3.IntegrityError:
                raise EnvelopeInvalid("replayed") from None

    def write(
        self, envelope: Envelope, subject: str, fields: Sequence[str], outcome: str, records: int, now: float
    ) -> None:
        """One line per answered or refused look-up; on disk before the answer leaves."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        row = (at, envelope.query, envelope.agreement, envelope.purpose, envelope.consumer, subject, ",".join(fields))
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO access (at, query, agreement, purpose, consumer, subject, fields, outcome, records)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, outcome, records),
            )

    def pseudonym(self, scheme: str, identifier: str) -> str:
        """HMAC-SHA-256 under this department's own key, cut to 128 bits; not comparable with anybody else's."""
        mac = hmac.new(self._key, scheme.encode() + b"\0" + identifier.encode(), hashlib.sha256).digest()
        return "p:" + base64.urlsafe_b64encode(mac[:16]).rstrip(b"=").decode()

    def accesses(self, subject: str | None = None) -> list[tuple[str, ...]]:
        """Lines of the log in order: at, query, agreement, purpose, consumer, subject, fields, outcome, records."""
        columns = "at, query, agreement, purpose, consumer, subject, fields, outcome, records"
        with self._lock:
            cursor = self._connection.execute(
                f"SELECT {columns} FROM access WHERE ?1 IS NULL OR subject = ?1 ORDER BY number",  # noqa: S608  # fixed text
                (subject,),
            )
            return [tuple(map(str, row)) for row in cursor]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def audit_key(path: Path) -> bytes:
    """The key of the pseudonyms; made on first use, 32 random bytes, mode 0600."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(32)
        write_private(path, key)
        return key
