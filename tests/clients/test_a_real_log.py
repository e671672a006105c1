"""What the gateway's own log writes and exports, the client accepts; and it sees when somebody changes it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tongqu_client.errors import CheckpointInvalid, ConfigError, ExportInvalid
from tongqu_client.verify import Checkpoint, TrustStore, leaf_hash, merkle, tiles, verify_export, verify_inclusion
from tongqu_client.verify.structure import Folder

from gateway import db
from gateway.audit import tiles as served
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.export import export
from gateway.audit.files import TileName
from gateway.audit.log import Log
from gateway.lib.canonical_json import canonical, digest_bytes
from tests.clients.made_log import Keys
from tests.clock import FixedClock
from tests.examples import examples
from tests.gateway.audit.examples import authorized, failed, released

ORIGIN = "gateway.test/log/real"
QUERIES = 150  # two entries each: more than one tile


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys(log=CheckpointKey.generate(ORIGIN))


@pytest.fixture(scope="module")
def real_log(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Any:
    folder = tmp_path_factory.mktemp("real")
    shutil.copyfile(sqlite_template, folder / "gateway.sqlite")
    database = db.Database(f"sqlite:///{folder / 'gateway.sqlite'}")
    with Log(database, clock=FixedClock(), key=keys.log, folder=folder / "log") as log:
        asyncio.run(_fill(log))
        yield log
    database.close()


async def _fill(log: Log) -> None:
    async def one(number: int) -> None:
        permit = await log.append(authorized(f"qry_{number}"))
        outcome: Callable[[str, int], dict[str, Any]] = failed if number % 10 == 0 else released
        await log.append(outcome(f"qry_{number}", permit.index))

    await asyncio.gather(*(one(number) for number in range(QUERIES)))


@pytest.fixture(scope="module")
def exported(real_log: Log, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "log"
    document = canonical({"schema": "tongqu-agreement/1", "id": "agr_1"})
    paper = (f"agreements/{digest_bytes(document).removeprefix('sha-256:')}.json", document)
    export(real_log, folder, trust=keys.trust(), papers=[paper])
    return folder


def trust(keys: Keys) -> TrustStore:
    return TrustStore.from_document(keys.trust())


class Published(Folder):
    """The log's files as the gateway publishes them: without the papers, which these made-up entries do not have."""

    def names(self) -> Any:
        return None


def verify(folder: Path, given: TrustStore | None = None) -> None:
    """Verify the export; that it lacks the papers of these made-up entries counts for nothing here."""
    try:
        verify_export(folder, given)
    except ExportInvalid as error:
        if {finding.kind for finding in error.findings} != {"paper_missing"}:
            raise


def test_an_export_verifies(exported: Path, keys: Keys) -> None:
    verify(exported, trust(keys))
    report = verify_export(Published(exported), trust(keys))
    assert report.types["exchange.released"] == QUERIES * 9 // 10
    assert (report.replayed, report.unfinished, report.own_trust) == (0, 0, False)
    assert report.checkpoint.size == 1 + 2 * QUERIES + 1  # opened, the queries, and the export itself


def test_every_served_proof_verifies(real_log: Log, keys: Keys) -> None:
    for index in (0, 1, 255, 256, 300):
        entry, proof = served.entry_at(real_log, index), served.proof(real_log, index)
        assert entry is not None and proof is not None
        verify_inclusion(leaf_hash(entry), proof, trust(keys))


def test_growth_is_proved_from_served_tiles(real_log: Log, keys: Keys) -> None:
    _, note = real_log.publish()
    checkpoint = Checkpoint.open(note, trust(keys).log_key)

    def read(path: str) -> bytes:
        name = TileName.parse(path.removeprefix("tile/"))
        data = served.tile(real_log, name) if name else None
        if data is None:
            raise FileNotFoundError(path)
        return data

    leaves = [leaf_hash(served.entry_at(real_log, index) or b"") for index in range(checkpoint.size)]
    for size in (1, 100, 255, 256, 257, 300):
        proof = tiles.Tree(read, checkpoint.size).consistency(size)
        merkle.verify_consistency(size, checkpoint.size, proof, merkle.root_of(leaves[:size]), checkpoint.root)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_of_an_export_is_found(
    exported: Path, keys: Keys, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    names = sorted(path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file())
    name = data.draw(st.sampled_from(names))
    content = bytearray((exported / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    folder = tmp_path_factory.mktemp("changed") / "log"
    shutil.copytree(exported, folder)
    (folder / name).write_bytes(bytes(content))
    with pytest.raises((ExportInvalid, CheckpointInvalid)):
        verify(folder, trust(keys))
    if name != "trust.json":  # without other keys, a new name for the gateway in there would not show
        with pytest.raises((ExportInvalid, CheckpointInvalid, ConfigError)):
            verify(folder)
