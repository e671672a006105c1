"""When the log refuses to start, and what it publishes while it runs."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.audit import merkle
from gateway.audit.checkpoint import CheckpointKey, open_checkpoint
from gateway.audit.log import Log
from gateway.audit.store import Rows
from gateway.audit.verify import verify
from gateway.db import Database
from gateway.errors import LogUnavailable, LogUnfit
from tests.clock import FixedClock
from tests.gateway.audit import tampering
from tests.gateway.audit.examples import authorized, event, failed
from tests.gateway.audit.test_append import stored


def fill(log: Log, entries: int) -> None:
    async def story() -> None:
        await asyncio.gather(*(log.append(event(n)) for n in range(entries)))

    asyncio.run(story())


def again(log: Log) -> Log:
    return Log(log.database, clock=log.clock, key=log.key, folder=log.folder)


@pytest.fixture
def stopped(log: Log) -> Log:
    """A log of 301 entries (one full tile), published and stopped."""
    fill(log, 300)
    log.publish()
    log.stop()
    return log


# ── tampering ─────────────────────────────────────────────────────────────────────────────────────────────────────────
SEEN_AT_START = {
    tampering.remove_an_entry_and_close_the_gap, tampering.swap_two_entries_and_regrow, tampering.roll_back,
    tampering.change_the_head, tampering.lose_the_last_entry, tampering.change_a_tree_hash,
}  # fmt: skip


@pytest.mark.daily_on_one
@pytest.mark.parametrize("tamper", tampering.ALL)
def test_every_tampering_is_found(stopped: Log, tamper: Callable[[Connection], None]) -> None:
    note = stopped.publish()[1]
    assert verify(stopped.database, stopped.key.verifier, checkpoint=note).whole
    with stopped.database.write() as conn:
        tamper(conn)
    report = verify(stopped.database, stopped.key.verifier, checkpoint=note)
    assert report.findings != ()
    if tamper in SEEN_AT_START:
        with pytest.raises(LogUnfit):
            again(stopped).start()


def test_a_database_rolled_back_to_nothing_is_refused(stopped: Log) -> None:
    with stopped.database.write() as conn:
        for table in ("log_entry", "log_node", "log_index"):
            conn.exec_driver_sql(f"DELETE FROM {table}")
        rows = Rows(conn)
        rows.set_head(rows.head()._replace(size=0, compact=b"", last_t=None, origin=None))
    with pytest.raises(LogUnfit, match="rolled back"):
        again(stopped).start()


def test_a_fork_from_an_old_backup_is_refused(stopped: Log) -> None:
    with stopped.database.write() as conn:
        tampering.roll_back(conn)
    fork = Log(stopped.database, clock=stopped.clock, key=stopped.key, folder=stopped.folder.parent / "elsewhere")
    with fork:
        fill(fork, 400)
    with pytest.raises(LogUnfit, match="differs from what was published"):
        again(stopped).start()


def test_a_rollback_while_it_runs_stops_it(log: Log) -> None:
    fill(log, 20)
    with log.database.write() as conn:
        tampering.roll_back(conn)
    with pytest.raises(LogUnavailable):
        asyncio.run(log.append(event()))
    assert isinstance(log.broken, LogUnfit)


@pytest.mark.daily_on_one
@pytest.mark.parametrize(
    "tamper", [tampering.change_a_byte, tampering.change_a_byte_and_its_hash, tampering.change_a_tree_hash]
)
def test_the_publisher_signs_nothing_that_was_altered(log: Log, tamper: Callable[[Connection], None]) -> None:
    fill(log, 20)
    before = log.publish(covering=21)
    log.stop()
    with log.transaction() as tx:
        for number in range(300):
            tx.append(event(number))
    with log.database.write() as conn:
        tamper(conn)
    with pytest.raises(LogUnfit, match="altered"):
        log.publish()
    assert log.broken is not None and log.published() == before


# ── clock, keys, neighbours ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
def test_a_clock_far_behind_the_log_is_refused(stopped: Log, clock: FixedClock) -> None:
    clock.advance(seconds=-61)
    with pytest.raises(LogUnfit, match="clock"):
        again(stopped).start()
    clock.advance(seconds=2)
    with again(stopped):
        pass


@pytest.mark.daily_on_one
def test_another_logs_database_is_refused(stopped: Log) -> None:
    other = Log(
        stopped.database,
        clock=stopped.clock,
        key=CheckpointKey.generate("gw.test/audit/2027"),
        folder=stopped.folder.parent / "other",
    )
    with pytest.raises(LogUnfit, match="database belong to the same log"):
        other.start()


@pytest.mark.daily_on_one
def test_a_checkpoint_signed_by_another_key_is_refused(stopped: Log) -> None:
    key = CheckpointKey.generate(stopped.key.origin)
    with pytest.raises(LogUnfit, match="not signed by this log's key"):
        Log(stopped.database, clock=stopped.clock, key=key, folder=stopped.folder).start()


def test_a_gateway_beside_us_does_not_close_our_queries(log: Log) -> None:
    granted = asyncio.run(log.append(authorized("qry_1")))
    with again(log) as second:
        assert second.recover() == 0
    asyncio.run(log.append(failed("qry_1", granted.index)))


def test_two_gateways_share_one_order(log: Log) -> None:
    async def story(second: Log) -> list[int]:
        appends = [(log, second)[n % 2].append(event(n)) for n in range(300)]
        return [appended.index for appended in await asyncio.gather(*appends)]

    with again(log) as second:
        assert sorted(asyncio.run(story(second))) == list(range(1, 301))
        assert verify(log.database, log.key.verifier, checkpoint=second.publish()[1]).whole


# ── publishing ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_what_is_appended_is_published_by_itself(log: Log) -> None:
    fill(log, 10)
    deadline = time.monotonic() + 30
    while (published := log.published()) is None or published[0].size < 11:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert open_checkpoint(published[1], log.key.verifier) == published[0]


@pytest.mark.daily_on_one
def test_each_checkpoint_continues_the_one_before(log: Log) -> None:
    checkpoints = []
    for entries in (1, 5, 250, 256, 700):
        fill(log, entries)
        checkpoints.append(log.publish(covering=sum(c.size for c in checkpoints[-1:]) + 1)[0])
    with log.database.read() as conn:
        read = Rows(conn).nodes
        for old, new in itertools.pairwise(checkpoints):
            merkle.verify_consistency(
                old.size, new.size, merkle.consistency_proof(old.size, new.size, read), old.root, new.root
            )


@pytest.mark.daily_on_one
def test_nothing_new_is_signed_when_nothing_grew(log: Log) -> None:
    fill(log, 5)
    log.stop()
    note = log.publish()
    modified = (log.folder / "checkpoint").stat().st_mtime_ns
    assert log.publish() == note and log.publish(covering=3) == note
    assert (log.folder / "checkpoint").stat().st_mtime_ns == modified


@pytest.mark.daily_on_one
def test_proving_reads_a_few_tiles_not_the_log(log: Log, tmp_path: Path) -> None:
    """Memory of a proof does not grow with the log: at 70,000 entries it reads fewer than 1,200 hashes."""
    tree = merkle.CompactRange()
    with log.database.write() as conn:
        rows = Rows(conn)
        conn.exec_driver_sql("DELETE FROM log_entry")
        for low in range(0, 70_000, 1000):
            leaves = [merkle.leaf_hash(b"%d" % number) for number in range(low, low + 1000)]
            rows.insert_entries([(low + place, b"x", leaf, None) for place, leaf in enumerate(leaves)])
            for leaf in leaves:
                rows.insert_nodes([(level, number, value) for (level, number), value in tree.append(leaf)])
    hashes = 0

    class Counting(Rows):
        def tile(self, level: int, low: int, high: int) -> bytes:
            nonlocal hashes
            hashes += high - low
            return super().tile(level, low, high)

    with log.database.read() as conn:
        proof = merkle.inclusion_proof(12_345, 70_000, Counting(conn).nodes)
    merkle.verify_inclusion(12_345, 70_000, merkle.leaf_hash(b"12345"), proof, tree.root())
    assert hashes < 1200


def test_stopping_publishes_what_was_written(log: Log) -> None:
    fill(log, 42)
    log.stop()
    published = log.published()
    assert published is not None and published[0].size == len(stored(log)) == 43


def test_a_database_can_be_verified_since_an_earlier_checkpoint(log: Log, database: Database) -> None:
    fill(log, 3)
    early = log.publish()[1]
    fill(log, 3)
    note = log.publish(covering=7)[1]
    assert verify(database, log.key.verifier, checkpoint=note, since=early).whole
    another = CheckpointKey.generate(log.key.origin)
    assert [finding.code for finding in verify(database, another.verifier, checkpoint=note).findings] == ["checkpoint"]
