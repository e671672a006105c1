"""Found entries as a bundle that anybody verifies offline (``tongqu verify rows.zip``): format ``tongqu-rows/1``.

    manifest.json   {"format", "origin", "size", "rows", "q"}: size of the checkpoint, entries in rows.jsonl
    trust.json      the gateway's keys, as it tells them; a verifier should have them another way
    checkpoint      the signed head of the log
    rows.jsonl      one line for each entry, in order: {"index":N,"entry":<its exact bytes>}
    nodes           the hashes of all full tiles of 256 entries, 32 bytes each, in order (C2SP tlog-tiles, level 1)
    leaves          for each tile of which an entry is in rows.jsonl, and for the last one if it is not full: its leaf
                    hashes, in order (level 0)

Where the log has several years, each one with rows in it is such a bundle in a folder of its own (``2027/rows.jsonl``),
its indexes those of that year's log, and beside them stand

    manifest.json   {"format": "tongqu-rows-years/1", "years", "rows", "q"}
    trust.json

With nodes and the last tile the root is computed and compared with the checkpoint; with leaves each tile with its node,
and each entry with its leaf. It proves that the entries stand in the log, not that no other would have been found.
"""

from __future__ import annotations

import heapq
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import orjson

from gateway.audit.entry import is_stub
from gateway.audit.merkle import TILE_WIDTH
from gateway.audit.row import Row
from gateway.audit.shard import Shard
from gateway.audit.store import Rows
from gateway.db import Database

FORMAT = "tongqu-rows/1"
FORMAT_OF_YEARS = "tongqu-rows-years/1"
TOGETHER = 256  # rows or tiles read at a time


class Head(NamedTuple):
    """A signed checkpoint of the log of one year, ``size`` entries large."""

    shard: Shard
    size: int
    note: str


def write(
    out: BinaryIO,
    database: Database,
    found: Iterable[Row],
    *,
    heads: Sequence[Head],
    q: str,
    trust: Mapping[str, Any],
) -> int:
    """``found`` in the order of the log, the oldest first, all covered by ``heads``, which are of all years there are.

    Returns the number of entries.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        told = orjson.dumps(dict(trust))
        if len(heads) == 1:
            return _write(file, "", database, _numbers(found), heads[0], q, told)
        rows, years, numbers = 0, [], _Peek(_numbers(found))
        if numbers.next is None or numbers.next >= heads[-1].shard.first:  # all in the last one, or none at all
            return _write(file, "", database, numbers.below(1 << 62), heads[-1], q, told)
        for head in heads:
            end = head.shard.first + head.size
            if numbers.next is not None and numbers.next < end:
                rows += _write(file, f"{head.shard.year}/", database, numbers.below(end), head, q, told)
                years.append(head.shard.year)
        manifest = {"format": FORMAT_OF_YEARS, "years": years, "rows": rows, "q": q}
        file.writestr(_member("manifest.json"), orjson.dumps(manifest))
        file.writestr(_member("trust.json"), told)
    return rows


def _write(
    file: zipfile.ZipFile, at: str, database: Database, numbers: Iterator[int], head: Head, q: str, trust: bytes
) -> int:
    first, size = head.shard.first, head.size
    tiles: list[int] = []
    rows = 0
    with file.open(_member(f"{at}rows.jsonl"), "w", force_zip64=True) as member:
        for together in _together(numbers):
            entries = [(number - first, data) for number, data in _entries(database, together)]
            rows += len(entries)
            member.write(b"".join([b'{"index":%d,"entry":%b}\n' % each for each in entries]))
            for number, _ in entries:
                if not tiles or tiles[-1] != number // TILE_WIDTH:
                    tiles.append(number // TILE_WIDTH)
    full, rest = divmod(size, TILE_WIDTH)
    if rest and (not tiles or tiles[-1] != full):
        tiles.append(full)
    with file.open(_member(f"{at}nodes"), "w", force_zip64=True) as member:
        for low in range(0, full, TOGETHER * TILE_WIDTH):
            with database.read() as conn:
                member.write(Rows(conn, first).tile(1, low, min(full, low + TOGETHER * TILE_WIDTH)))
    with file.open(_member(f"{at}leaves"), "w", force_zip64=True) as member:
        for tile in tiles:
            with database.read() as conn:
                member.write(Rows(conn, first).tile(0, tile * TILE_WIDTH, min(size, (tile + 1) * TILE_WIDTH)))
    manifest = {"format": FORMAT, "origin": head.shard.origin, "size": size, "rows": rows, "q": q}
    file.writestr(_member(f"{at}manifest.json"), orjson.dumps(manifest))
    file.writestr(_member(f"{at}trust.json"), trust)
    file.writestr(_member(f"{at}checkpoint"), head.note.encode())  # last: a bundle with a checkpoint is complete
    return rows


class _Peek:
    """Numbers in order, of which one can take those below a limit and leave the others."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self.next = next(numbers, None)

    def below(self, limit: int) -> Iterator[int]:
        while self.next is not None and self.next < limit:
            yield self.next
            self.next = next(self._numbers, None)


def _member(name: str) -> zipfile.ZipInfo:
    """Without a time: the same rows under the same checkpoint give the same file."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _numbers(found: Iterable[Row]) -> Iterator[int]:
    """The numbers of entries and of their outcomes, in order, each once."""
    outcomes: list[int] = []
    last = -1
    for row in found:
        while outcomes and outcomes[0] < row.number:
            if (number := heapq.heappop(outcomes)) > last:
                yield (last := number)
        if row.number > last:
            yield (last := row.number)
        if row.outcome is not None:
            heapq.heappush(outcomes, row.outcome)
    while outcomes:
        if (number := heapq.heappop(outcomes)) > last:
            yield (last := number)


def _together(numbers: Iterator[int]) -> Iterator[list[int]]:
    here: list[int] = []
    for number in numbers:
        here.append(number)
        if len(here) == TOGETHER:
            yield here
            here = []
    if here:
        yield here


def _entries(database: Database, numbers: list[int]) -> list[tuple[int, bytes]]:
    with database.read() as conn:
        return [(number, data) for number, data in Rows(conn).entries_at(numbers) if not is_stub(data)]
