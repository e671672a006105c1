"""The busy city's log is one that the product could have written."""

from __future__ import annotations

from bench.traffic import City, write
from gateway.audit import entry
from gateway.audit import verify as verifying
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.audit.store import Rows
from gateway.db import Database
from tests.clock import FixedClock


def test_its_entries_are_of_the_closed_list_and_lead_to_the_root(
    log: Log, database: Database, clock: FixedClock, checkpoint_key: CheckpointKey
) -> None:
    with log.transaction():
        pass
    city = City(1, offices=3, officers=2)
    size = write(database, checkpoint_key, None, city.history(5, clock.now(), 200))
    with database.read() as conn:
        types = {entry.check(data)["type"] for data in Rows(conn).entries(0, size)}
    assert {"exchange.released", "exchange.refused", "consent.given"} <= types
    report = verifying.verify(database, checkpoint_key.verifier, checkpoint=None)
    assert report.size == size and report.findings == ()
