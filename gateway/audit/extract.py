"""Take what was found away as a file. The entry that says so (``audit.extracted``) is durable before the first byte.

A file is written to disk first, since a signed response names the digest of its body before the body; so memory does
not grow with the rows, and nobody takes half a file for the whole. It has no name there, and is gone when it is sent.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Any

from gateway.audit import kept, rows, tabular
from gateway.audit.filter import Filter
from gateway.audit.log import Log
from gateway.audit.policy import Policy
from gateway.audit.search import Found, Search
from gateway.audit.shard import Shard
from gateway.errors import Busy, InvalidRequest
from gateway.lib.canonical_json import digest

AT_ONCE = 2  # files written at a time by one process: each costs a core
SENT_AT_ONCE = 8  # and on their way to readers, who may be slow: each holds a thread, of sixteen for all
MAX_ROWS = 5_000_000

_Pieces = Callable[[Iterable[Found], tabular.Names, tabular.Shards], Iterator[bytes]]
_TABLES: Mapping[str, tuple[str, _Pieces]] = {
    "csv": ("text/csv; charset=utf-8", tabular.csv_pieces),
    "json": ("application/json", tabular.json_pieces),
    "jsonl": ("application/jsonl", tabular.jsonl_pieces),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", tabular.xlsx_pieces),
}
FORMATS: Mapping[str, str] = {name: kind for name, (kind, _) in _TABLES.items()} | {"zip": "application/zip"}


@dataclass(frozen=True, slots=True)
class File:
    """A file to be sent. ``sha256``: of its bytes."""

    content_type: str
    name: str
    size: int
    sha256: bytes
    rows: int
    _file: IO[bytes]
    _sent: Callable[[], None]

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, once."""
        try:
            self._file.seek(0)
            while piece := self._file.read(tabular.PIECE):
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Give back its room and its turn: for who takes no piece, or not all of them."""
        if not self._file.closed:
            self._file.close()
            self._sent()


@dataclass(frozen=True, slots=True)
class Extractor:
    """``trust``: what a verifier needs, put into bundles. ``names``: what codes are called in tables for people."""

    log: Log
    search: Search
    policy: Policy
    trust: Callable[[], Mapping[str, Any]]
    names: tabular.Names = tabular.no_names
    _turns: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    _sending: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(SENT_AT_ONCE))

    def extract(
        self, wanted: Filter, format: str, *, reach: str | None, actor: Mapping[str, Any], by: str | None = None
    ) -> File:
        """``by``: the signed-in person, where there is one. Raises InvalidRequest, Busy, LogUnavailable."""
        if not self._sending.acquire(blocking=False):
            raise _busy()
        try:
            return self._made(wanted, format, reach, actor, by)
        except BaseException:
            self._sending.release()
            raise

    def _made(self, wanted: Filter, format: str, reach: str | None, actor: Mapping[str, Any], by: str | None) -> File:
        if not self._turns.acquire(blocking=False):
            raise _busy()
        try:
            with self.search.look(wanted, reach) as look:
                below = look.state.size
                count = sum(bits.bit_count() for _, bits in look.matching())
            most = tabular.MAX_SHEET_ROWS if format == "xlsx" else MAX_ROWS
            if count > most:
                raise InvalidRequest(
                    f"共 {count} 条，{format} 最多 {most} 条。请缩小范围或改用 jsonl。",
                    f"There are {count} rows, and {format} takes at most {most}. Narrow the search, or take jsonl.",
                )
            with self.log.transaction() as tx:
                tx.append(
                    {
                        "type": "audit.extracted",
                        "actor": dict(actor),
                        "by": by,
                        "filter_digest": digest({"q": wanted.text()}),
                        "rows": count,
                        "format": format,
                        "size": below,
                    }
                )
            return self._written(wanted, format, reach, below, count)
        finally:
            self._turns.release()

    def _written(self, wanted: Filter, format: str, reach: str | None, below: int, count: int) -> File:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # File.pieces closes it
        try:
            if format == "zip":
                found = self.search.rows(wanted, reach=reach, below=below, oldest_first=True)
                heads = [self._head(shard, below) for shard in self.log.shards() if shard.first < below]
                rows.write(file, self.log.database, found, heads=heads, q=wanted.text(), trust=self.trust())
            else:
                names, shards = lru_cache(4096)(self.names), self.log.shards()
                every = self.search.every(wanted, reach=reach, below=below)
                for piece in _TABLES[format][1](every, names, shards):
                    file.write(piece)
            size, sha256 = file.tell(), _digest(file)
        except BaseException:
            file.close()
            raise
        return File(FORMATS[format], f"log.{format}", size, sha256, count, file, self._sending.release)

    def _head(self, shard: Shard, below: int) -> rows.Head:
        """The newest checkpoint that enough witnesses have seen, if it covers so much; else one signed now."""
        covering = below if shard.end is None else min(below, shard.end)
        with self.log.database.read() as conn:
            found = kept.newest(conn, self.policy, covering=covering) if self.policy.witnesses else None
        if found is not None:
            return rows.Head(shard, found.log_size, found.note)
        checkpoint, note = self.log.publish(covering=covering)
        return rows.Head(shard, checkpoint.size, note)


def _busy() -> Busy:
    return Busy(
        "正在生成或下载的导出文件过多，请稍后再试。",
        "Too many exports are being made or taken; try again in a moment.",
        retry_after=10,
    )


def _digest(file: IO[bytes]) -> bytes:
    file.seek(0)
    whole = hashlib.sha256()
    while piece := file.read(tabular.PIECE):
        whole.update(piece)
    return whole.digest()
