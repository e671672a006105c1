"""What the log serves to everybody: tiles, entries and proofs, as of the checkpoint published last."""

from __future__ import annotations

from gateway.audit import kept, merkle
from gateway.audit.checkpoint import proof_text
from gateway.audit.entry import is_stub
from gateway.audit.files import Folder, TileName, bundle
from gateway.audit.log import Log
from gateway.audit.merkle import TILE_WIDTH
from gateway.audit.policy import Policy
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


def tile(log: Log, name: TileName) -> bytes | None:
    """The bytes of a tile or bundle, or None if the published tree has none such."""
    published = log.published()
    if published is None or name.width > merkle.tile_width(name.level or 0, name.number, published[0].size):
        return None
    full = Folder(log.folder).tile(name._replace(width=TILE_WIDTH))
    if full is not None and name.level is not None:
        return full[: name.width * merkle.HASH_BYTES]
    if full is not None and name.width == TILE_WIDTH:
        return full
    first = name.number * TILE_WIDTH
    with log.database.read() as conn:
        rows = Rows(conn)
        if name.level is None:
            entries = rows.entries(first, first + name.width)
            return None if any(map(is_stub, entries)) else bundle(entries)
        return rows.tile(name.level, first, first + name.width)


def left_of(log: Log, name: TileName) -> list[tuple[int, bytes]] | None:
    """What is left of a bundle that was pruned, by index; None for a bundle that is whole."""
    if name.level is not None:
        return None
    first = name.number * TILE_WIDTH
    with log.database.read() as conn:
        entries = Rows(conn).entries(first, first + name.width)
    left = [(first + place, data) for place, data in enumerate(entries) if not is_stub(data)]
    return left if len(left) < len(entries) else None


def entry_at(log: Log, index: int) -> bytes | None:
    """The bytes of one entry. Raises NotFound if it was pruned."""
    with log.database.read() as conn:
        found = Rows(conn).entries(index, index + 1)
    if found and is_stub(found[0]):
        raise NotFound(
            f"第 {index} 条已过保存期限并被清理；其散列值仍在，证明与回执继续有效。",
            f"Entry {index} was pruned after its time; its hash stays, and proofs and receipts still hold.",
        )
    return found[0] if found else None


def checkpoint(log: Log) -> str:
    """The newest checkpoint, with the cosignatures that it has. Raises LogUnfit, LogUnavailable."""
    newest, note = log.published() or log.publish()
    with log.database.read() as conn:
        found = kept.at(conn, newest.size)
    return found.note if found is not None else note


def proof(log: Log, index: int, policy: Policy | None = None) -> str | None:
    """The tlog-proof of one entry, under the newest checkpoint with a quorum of witnesses that covers it, else under
    the newest, signed now if none covers it yet. None if there is no such entry.

    Raises LogUnfit, LogUnavailable.
    """
    with log.database.read() as conn:
        if not 0 <= index < Rows(conn).head().size:
            return None
        witnessed = kept.newest(conn, policy, covering=index + 1) if policy is not None and policy.witnesses else None
    if witnessed is not None:
        size, note = witnessed.size, witnessed.note
    else:
        newest, note = log.publish(covering=index + 1)
        size = newest.size
    with log.database.read() as conn:
        hashes = merkle.inclusion_proof(index, size, Rows(conn).nodes)
    return proof_text(index, hashes, note)
