"""What the log serves to everybody: tiles, entries and proofs, as of the checkpoint published last.

Tiles and checkpoints are of the log of one year, the open one unless another is named; entries go by position.
"""

from __future__ import annotations

from gateway.audit import kept, merkle
from gateway.audit.checkpoint import Checkpoint, proof_text
from gateway.audit.entry import is_stub
from gateway.audit.files import Folder, TileName, bundle
from gateway.audit.log import Log
from gateway.audit.merkle import TILE_WIDTH
from gateway.audit.policy import Policy
from gateway.audit.shard import Shard, holding
from gateway.audit.store import Rows
from gateway.errors import NotFound


def names(size: int) -> list[TileName]:
    """Every tile and entry bundle of a tree of ``size`` entries, entries first, then level by level."""
    listed: list[TileName] = []
    for level in (None, *range(8)):
        for number in range((size >> merkle.TILE_HEIGHT * (level or 0)) // TILE_WIDTH + 1):
            if width := merkle.tile_width(level or 0, number, size):
                listed.append(TileName(level, number, width))
    return listed


def of_year(log: Log, year: str | None) -> Shard | None:
    """The log of a year, or the open one; None if there is none."""
    shards = log.shards()
    return next((shard for shard in reversed(shards) if year in (None, shard.year)), None)


def published(log: Log, shard: Shard) -> tuple[Checkpoint, str] | None:
    """The checkpoint of this log that was published last."""
    if shard.end is not None:
        return log.publish(covering=shard.end)
    last = log.published()
    return last if last is not None and last[0].origin == shard.origin else None


def tile(log: Log, name: TileName, year: str | None = None) -> bytes | None:
    """The bytes of a tile or bundle, or None if the published tree has none such."""
    shard = of_year(log, year)
    if shard is None or (last := published(log, shard)) is None:
        return None
    if name.width > merkle.tile_width(name.level or 0, name.number, last[0].size):
        return None
    full = Folder(log.folder).of(shard).tile(name._replace(width=TILE_WIDTH))
    if full is not None and name.level is not None:
        return full[: name.width * merkle.HASH_BYTES]
    if full is not None and name.width == TILE_WIDTH:
        return full
    first = name.number * TILE_WIDTH
    with log.database.read() as conn:
        rows = Rows(conn, shard.first)
        if name.level is None:
            entries = rows.entries(shard.first + first, shard.first + first + name.width)
            return None if any(map(is_stub, entries)) else bundle(entries)
        return rows.tile(name.level, first, first + name.width)


def left_of(log: Log, name: TileName, year: str | None = None) -> list[tuple[int, bytes]] | None:
    """What is left of a bundle that was pruned, by its index in that log; None for a bundle that is whole."""
    shard = of_year(log, year)
    if name.level is not None or shard is None:
        return None
    first = name.number * TILE_WIDTH
    with log.database.read() as conn:
        entries = Rows(conn).entries(shard.first + first, shard.first + first + name.width)
    left = [(first + place, data) for place, data in enumerate(entries) if not is_stub(data)]
    return left if len(left) < len(entries) else None


def position(log: Log, index: int, origin: str | None) -> int | None:
    """Where the entry ``index`` of the log ``origin`` stands over all years; None if there is no such log or entry."""
    if origin is None:
        return index
    for shard in log.shards():
        if shard.origin == origin and shard.holds(shard.first + index):
            return shard.first + index
    return None


def entry_at(log: Log, index: int) -> bytes | None:
    """The bytes of the entry at this position. Raises NotFound if it was pruned."""
    with log.database.read() as conn:
        found = Rows(conn).entries(index, index + 1)
    if found and is_stub(found[0]):
        raise NotFound(
            f"第 {index} 条已过保存期限并被清理；其散列值仍在，证明与回执继续有效。",
            f"Entry {index} was pruned after its time; its hash stays, and proofs and receipts still hold.",
        )
    return found[0] if found else None


def checkpoint(log: Log, year: str | None = None) -> str | None:
    """The newest checkpoint of a log, with the cosignatures that it has. None if there is no such log.

    Raises LogUnfit, LogUnavailable.
    """
    shard = of_year(log, year)
    if shard is None:
        return None if year is not None else log.publish()[1]
    newest, note = published(log, shard) or log.publish()
    if newest.origin != shard.origin:  # the year turned this very moment
        return checkpoint(log, year)
    with log.database.read() as conn:
        found = kept.at(conn, shard.first + newest.size)
    return found.note if found is not None else note


def proof(log: Log, index: int, policy: Policy | None = None) -> str | None:
    """The tlog-proof of the entry at this position; it names the entry's index in the log of its year.

    Under the newest checkpoint with a quorum of witnesses that covers it, else under the newest, signed now if none
    covers it yet. None if there is no such entry. Raises LogUnfit, LogUnavailable.
    """
    with log.database.read() as conn:
        if not 0 <= index < Rows(conn).head().size:
            return None
        witnessed = kept.newest(conn, policy, covering=index + 1) if policy is not None and policy.witnesses else None
    if witnessed is not None:
        size, note = witnessed.log_size, witnessed.note
    else:
        newest, note = log.publish(covering=index + 1)
        size = newest.size
    with log.database.read() as conn:
        first = holding(Rows(conn).shards(), index).first
        hashes = merkle.inclusion_proof(index - first, size, Rows(conn, first).nodes)
    return proof_text(index - first, hashes, note)
