"""The whole log as a folder that an outsider verifies offline (``tongqu verify DIR``).

DIR/checkpoint   DIR/tile/<L>/<N>[.p/<W>]   DIR/tile/entries/<N>[.p/<W>]
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
    """Write the log to ``target``, which must be empty or not exist. Returns the checkpoint it stands under.

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
    checkpoint, note = log.publish(covering=size)
    if witnessing is not None and witnessing.policy.witnesses:
        witnessing.ask_all()
        with log.database.read() as conn:
            found = kept.newest(conn, witnessing.policy, covering=size)
        if found is not None:
            checkpoint, note = open_checkpoint(found.note, log.key.verifier), found.note
    folder = Folder(target)
    for name in tiles.names(checkpoint.size):
        data = tiles.tile(log, name)
        if data is None and (left := tiles.left_of(log, name)) is not None:
            _write_left(target, name, left)  # the hashes are there, and the entry audit.pruned says so
            continue
        if data is None:
            raise FileNotFoundError(f"tile/{name.path()}")  # the checkpoint covers it, so this cannot be
        folder.write(name, data)
    for path, document in papers:
        durable.make_folder((target / path).parent)
        durable.write_file(target / path, document)
    durable.write_file(target / "trust.json", json.dumps(trust, ensure_ascii=False, indent=2).encode() + b"\n")
    folder.publish(note)  # last: a folder with a checkpoint is complete
    return checkpoint


def _write_left(target: Path, name: TileName, left: Sequence[tuple[int, bytes]]) -> None:
    if left:
        file = target / name.path().replace("entries/", "kept/", 1)
        durable.make_folder(file.parent)
        durable.write_file(file, b"".join(b'{"index":%d,"entry":%b}\n' % each for each in left))
