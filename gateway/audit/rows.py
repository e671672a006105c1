"""Found entries as a bundle that anybody verifies offline (``tongqu verify rows.zip``): format ``tongqu-rows/1``.

    manifest.json   {"format", "origin", "size", "rows", "q"}: size of the checkpoint, entries in rows.jsonl
    trust.json      the gateway's keys, as it tells them; a verifier should have them another way
    checkpoint      the signed head of the log
    rows.jsonl      one line for each entry, in order: {"index":N,"entry":<its exact bytes>}
    nodes           the hashes of all full tiles of 256 entries, 32 bytes each, in order (C2SP tlog-tiles, level 1)
    leaves          for each tile of which an entry is in rows.jsonl, and for the last one if it is not full: its leaf
                    hashes, in order (level 0)

With nodes and the last tile the root is computed and compared with the checkpoint; with leaves each tile with its node,
and each entry with its leaf. It proves that the entries stand in the log, not that no other would have been found.
"""

from __future__ import annotations

import heapq
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import orjson

from gateway.audit.entry import is_stub
from gateway.audit.merkle import TILE_WIDTH
from gateway.audit.row import Row
from gateway.audit.store import Rows
from gateway.db import Database

FORMAT = "tongqu-rows/1"
TOGETHER = 256  # rows or tiles read at a time


def write(
    out: BinaryIO,
    database: Database,
    found: Iterable[Row],
    *,
    origin: str,
    size: int,
    note: str,
    q: str,
    trust: Mapping[str, Any],
) -> int:
    """``found`` in the order of the log, the oldest first, all below ``size``. Returns the number of entries."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        tiles: list[int] = []
        rows = 0
        with file.open(_member("rows.jsonl"), "w", force_zip64=True) as member:
            for numbers in _together(_numbers(found)):
                entries = _entries(database, numbers)
                rows += len(entries)
                member.write(b"".join([b'{"index":%d,"entry":%b}\n' % each for each in entries]))
                for number, _ in entries:
                    if not tiles or tiles[-1] != number // TILE_WIDTH:
                        tiles.append(number // TILE_WIDTH)
        full, rest = divmod(size, TILE_WIDTH)
        if rest and (not tiles or tiles[-1] != full):
            tiles.append(full)
        with file.open(_member("nodes"), "w", force_zip64=True) as member:
            for low in range(0, full, TOGETHER * TILE_WIDTH):
                with database.read() as conn:
                    member.write(Rows(conn).tile(1, low, min(full, low + TOGETHER * TILE_WIDTH)))
        with file.open(_member("leaves"), "w", force_zip64=True) as member:
            for tile in tiles:
                with database.read() as conn:
                    member.write(Rows(conn).tile(0, tile * TILE_WIDTH, min(size, (tile + 1) * TILE_WIDTH)))
        manifest = {"format": FORMAT, "origin": origin, "size": size, "rows": rows, "q": q}
        file.writestr(_member("manifest.json"), orjson.dumps(manifest))
        file.writestr(_member("trust.json"), orjson.dumps(dict(trust)))
        file.writestr(_member("checkpoint"), note.encode())  # last: a bundle with a checkpoint is complete
    return rows


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
