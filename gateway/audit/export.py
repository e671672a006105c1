"""The whole log as a folder that an outsider verifies offline (``tongqu verify DIR``).

DIR/checkpoint   DIR/tile/<L>/<N>[.p/<W>]   DIR/tile/entries/<N>[.p/<W>]
                 of a log with several years: DIR/2026/checkpoint DIR/2026/tile/…, DIR/2027/…, each a log of its own
DIR/kept/<N>     of a bundle that was pruned, what is left: lines {"index":…,"entry":…}
DIR/trust.json   DIR/agreements/ consents/ standards/ signatures/ orders/ keys.json (gateway/evidence/archive.py)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.audit import kept, tiles
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.files import Folder, TileName
from gateway.audit.log import Log
from gateway.audit.merkle import TILE_WIDTH
from gateway.audit.shard import Shard
from gateway.audit.witnesses import Witnessing
from gateway.errors import AlreadyExists
from gateway.lib import durable

OPERATOR: Mapping[str, None] = {"party": None, "client": None, "officer": None}


def export(
    log: Log,
    target: Path,
    *,
    trust: Mapping[str, Any],
    papers: Iterable[tuple[str, bytes]] = (),
    actor: Mapping[str, Any] = OPERATOR,
    witnessing: Witnessing | None = None,
) -> Checkpoint:
    """Write the log to ``target``, which must be empty or not exist. Returns the checkpoint it stands under,
    of a log with several years that of the open one.

    ``papers``: path and bytes of what the entries name by digest, so that every decision can be made again. The export
    itself is an entry (``audit.exported``, with the size before it), and part of what is exported. Raises
    AlreadyExists, LogUnfit, LogUnavailable, OSError. ``witnessing``: asked for their cosignatures first; the export
    stands under a checkpoint with their quorum if they answer.
    """
    if target.exists() and any(target.iterdir()):
        raise AlreadyExists(
            f"目录 {target} 不是空的，请另选一个。", f"The folder {target} is not empty: choose another."
        )
    with log.transaction() as tx:
        tx.append({"type": "audit.exported", "actor": dict(actor), "size": tx.size})
        size = tx.size
    log.publish(covering=size)
    if witnessing is not None and witnessing.policy.witnesses:
        witnessing.ask_all()
    shards = [shard for shard in log.shards() if shard.first < size]
    heads = [_head(log, shard, size, witnessing) for shard in shards]
    folders = [Folder(target / shard.year if len(shards) > 1 else target) for shard in shards]
    for folder, shard, (checkpoint, _) in zip(folders, shards, heads, strict=True):
        _write_tiles(log, folder, shard, checkpoint.size)
    for path, document in papers:
        durable.make_folder((target / path).parent)
        durable.write_file(target / path, document)
    durable.write_file(target / "trust.json", json.dumps(trust, ensure_ascii=False, indent=2).encode() + b"\n")
    for folder, (_, note) in zip(folders, heads, strict=True):
        folder.publish(note)  # last: a folder with a checkpoint is complete
    return heads[-1][0]


def _head(log: Log, shard: Shard, size: int, witnessing: Witnessing | None) -> tuple[Checkpoint, str]:
    """What the log of this year is exported under: with the quorum of its witnesses, if they gave it."""
    covering = size if shard.end is None else min(size, shard.end)
    if witnessing is not None and witnessing.policy.witnesses:
        with log.database.read() as conn:
            found = kept.newest(conn, witnessing.policy, covering=covering)
        if found is not None:
            return open_checkpoint(found.note, log.keys.of(shard.origin).verifier), found.note
    return log.publish(covering=covering)


def _write_tiles(log: Log, folder: Folder, shard: Shard, size: int) -> None:
    for name in tiles.names(size):
        data = tiles.tile(log, name, shard.year)
        if data is None and (left := tiles.left_of(log, name, shard.year)) is not None:
            _write_left(folder.path, name, left)  # the hashes are there, and the entry audit.pruned says so
            continue
        if data is None:
            raise FileNotFoundError(f"tile/{name.path()}")  # the checkpoint covers it, so this cannot be
        folder.write(name, data)


def _write_left(target: Path, name: TileName, left: Sequence[tuple[int, bytes]]) -> None:
    if left:
        file = target / name._replace(width=TILE_WIDTH).path().replace("entries/", "kept/", 1)
        durable.make_folder(file.parent)
        durable.write_file(file, b"".join(b'{"index":%d,"entry":%b}\n' % each for each in left))
