"""The benchmark's filler writes what the product itself would have written."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.filling import fill
from gateway.audit import verify as verifying
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.files import Folder
from gateway.audit.filter import Filter
from gateway.audit.index import rebuild
from gateway.audit.log import Log
from gateway.audit.search import Search
from gateway.db import Database, check
from tests.clock import FixedClock
from tests.gateway.audit.examples import authorized, released


def test_a_filled_log_verifies_and_goes_on_growing(
    database: Database, clock: FixedClock, checkpoint_key: CheckpointKey, tmp_path: Path
) -> None:
    async def one_query(log: Log, name: str) -> None:
        permit = await log.append(authorized(name))
        await log.append(released(name, permit.index))

    def log() -> Log:
        return Log(database, clock=clock, key=checkpoint_key, folder=tmp_path / "log")

    with log() as running:
        asyncio.run(one_query(running, "qry_1"))
    clock.advance(seconds=10 * 365 * 86_400)  # what is filled in bears the true time
    folder, size = Folder(tmp_path / "log"), 3001
    fill(database, checkpoint_key, folder, size, batch=1000)
    with log() as running:
        asyncio.run(one_query(running, "qry_2"))
    report = verifying.verify(database, checkpoint_key.verifier, checkpoint=folder.checkpoint())
    assert report.findings == () and report.size >= size + 2
    check(database)  # the indexes are there again
    search = Search(database, clock)
    before = search.find(Filter.of(type="exchange.released"), limit=1000)
    rebuild(database)
    assert search.find(Filter.of(type="exchange.released"), limit=1000) == before
