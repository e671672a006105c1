"""Taking the whole log away as a folder."""

from __future__ import annotations

import asyncio
import json
import struct
from pathlib import Path

import pytest

from gateway.audit import entry, merkle
from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.export import export
from gateway.audit.log import Log
from gateway.errors import AlreadyExists
from gateway.lib.canonical_json import digest_bytes
from tests.gateway.audit.examples import event


@pytest.mark.parametrize("entries", [1, 254, 255, 256, 700])
def test_the_folder_holds_the_log_whole(log: Log, tmp_path: Path, entries: int) -> None:
    async def story() -> None:
        await asyncio.gather(*(log.append(event(n)) for n in range(entries)))

    asyncio.run(story())
    document = b'{"id":"agr_1"}'
    name = digest_bytes(document).removeprefix("sha-256:")
    paper = (f"agreements/{name}.json", document)
    head = export(log, tmp_path / "out", trust={"issuer": "https://gw.test"}, papers=[paper])
    folder = tmp_path / "out"
    assert open_checkpoint((folder / "checkpoint").read_text(), log.key.verifier) == head
    leaves, last = [], b""
    for bundle in sorted((folder / "tile" / "entries").rglob("*")):
        data = bundle.read_bytes() if bundle.is_file() else b""
        while data:
            (length,) = struct.unpack(">H", data[:2])
            last, data = data[2 : 2 + length], data[2 + length :]
            leaves.append(merkle.leaf_hash(last))
    assert merkle.root_of(leaves) == head.root and len(leaves) == head.size == entries + 2
    assert entry.check(last)["type"] == "audit.exported" and entry.check(last)["size"] == entries + 1
    assert json.loads((folder / "trust.json").read_text()) == {"issuer": "https://gw.test"}
    assert (folder / "agreements" / f"{name}.json").read_bytes() == document


def test_a_folder_that_holds_something_is_left_alone(log: Log, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(AlreadyExists):
        export(log, tmp_path / "out", trust={})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
