"""New Year: the log of a year is closed, that of the next one opened, in one transaction with the first entry after
midnight in China; inside, nothing starts over. On both databases."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tongqu_client.errors import ExportInvalid
from tongqu_client.verify import verify_export

from gateway.audit import kept, merkle, retention, tiles
from gateway.audit.checkpoint import CheckpointKey, VerifierKey, open_checkpoint, parse_proof
from gateway.audit.entry import read
from gateway.audit.export import export
from gateway.audit.files import TileName
from gateway.audit.filter import Filter
from gateway.audit.log import Log
from gateway.audit.policy import Policy
from gateway.audit.search import Search
from gateway.audit.shard import Shard, ShardKeys, holding, next_origin
from gateway.audit.store import Head, Rows, node_offset
from gateway.audit.verify import verify
from gateway.audit.witnesses import Witnessing
from gateway.db import Database
from gateway.errors import LogUnavailable, LogUnfit, NotFound, WrongState
from tests.clock import FixedClock
from tests.conftest import ORIGIN
from tests.gateway.audit.examples import authorized, event, released
from tests.simulators.crashing_disk import CrashingDisk, Failure
from tests.witness.process import WitnessProcess

NEXT = "gw.test/audit/2027"
MIDNIGHT = datetime(2026, 12, 31, 16, tzinfo=UTC)  # in Beijing


def to(clock: FixedClock, instant: datetime) -> None:
    clock.advance(seconds=(instant - clock.now()).total_seconds())


def made(database: Database, clock: FixedClock, key: CheckpointKey, folder: Path) -> Log:
    """A log whose own threads do nothing: what is published is published by the test."""
    return Log(database, clock=clock, key=key, folder=folder)


@pytest.fixture
def still(database: Database, clock: FixedClock, checkpoint_key: CheckpointKey, tmp_path: Path) -> Log:
    return made(database, clock, checkpoint_key, tmp_path / "log")


def write(log: Log, by: int = 1) -> int:
    """Returns the position of the last one."""
    with log.transaction() as tx:
        return [tx.append(event(tx.size)) for _ in range(by)][-1].index


def whole(log: Log) -> None:
    """Everything agrees with everything: entries, hashes, head, checkpoints of all years."""
    log.publish()
    first, *later = log.shards()
    notes = {shard.origin: tiles.checkpoint(log, shard.year) for shard in (first, *later)}
    years = [(log.keys.of(shard.origin).verifier, notes[shard.origin]) for shard in later]
    assert verify(log.database, log.key.verifier, checkpoint=notes[first.origin], years=years).findings == ()


def put_aside(log: Log) -> Head:
    with log.database.read() as conn:
        return Rows(conn).head()


def put_back(log: Log, head: Head) -> None:
    """The database as it was before the year turned."""
    with log.database.write() as conn:
        conn.execute(text("DELETE FROM log_entry WHERE number >= :size"), {"size": head.size})
        conn.execute(text("DELETE FROM log_shard WHERE first > 0"))
        conn.execute(text("UPDATE log_shard SET ended = NULL, root = NULL"))
        conn.execute(text("UPDATE log_head SET first = 0, until = :until"), {"until": head.until})
        conn.execute(text("DELETE FROM log_checkpoint"))
        Rows(conn).set_head(head)


def last(log: Log, number: int) -> list[dict[str, object]]:
    with log.database.read() as conn:
        rows = Rows(conn)
        return [read(data) for data in rows.entries(rows.head().size - number, rows.head().size)]


@pytest.mark.parametrize("entries", [1, 254, 255, 300, 700])
def test_the_first_entry_of_a_year_closes_the_old_log_and_opens_the_new(
    still: Log, clock: FixedClock, entries: int
) -> None:
    write(still, entries)
    before, _ = still.publish()
    to(clock, MIDNIGHT)
    position = write(still, 520)
    old, new = still.shards()
    assert (old.origin, old.first, new.origin, new.first, new.end) == (ORIGIN, 0, NEXT, old.end, None)
    assert old.end == entries + 2 and position == old.end + 520
    with still.database.read() as conn:
        closed, opened = (read(data) for data in Rows(conn).entries(old.end - 1, old.end + 1))
        assert old.root == still.root(conn, old.end)
    assert closed["type"] == "log.closed" and closed["size"] == old.size
    assert closed["next"] == {"origin": NEXT, "vkey": still.keys.of(NEXT).vkey}
    assert opened["type"] == "log.opened" and opened["origin"] == NEXT
    assert old.root is not None and opened["previous"]["size"] == old.size and opened["previous"]["first"] == 0
    newest, note = still.publish()
    assert newest == open_checkpoint(note, still.keys.of(NEXT).verifier) and newest.size == 521
    final = open_checkpoint(tiles.checkpoint(still, "2026") or "", still.key.verifier)
    assert (final.size, final.root) == (old.size, old.root) and final.size > before.size
    whole(still)


@pytest.mark.daily_on_one
def test_each_log_is_one_of_its_own_to_an_outsider(still: Log, clock: FixedClock) -> None:
    """Tiles, bundles and proofs count from 0 in each, under its own key."""
    write(still, 600)
    to(clock, MIDNIGHT)
    write(still, 700)
    still.publish()
    for shard in still.shards():
        size = open_checkpoint(tiles.checkpoint(still, shard.year) or "", still.keys.of(shard.origin).verifier).size
        leaves: list[bytes] = []
        for name in tiles.names(size):
            data = tiles.tile(still, name, shard.year)
            assert data is not None
            if name.level == 0:
                leaves += [data[at : at + 32] for at in range(0, len(data), 32)]
        assert len(leaves) == size
        head = open_checkpoint(tiles.checkpoint(still, shard.year) or "", still.keys.of(shard.origin).verifier)
        assert merkle.root_of(leaves) == head.root
        for index in (0, 255, 256, size - 1):
            proof = parse_proof(tiles.proof(still, shard.first + index) or "")
            under = open_checkpoint(proof.note, still.keys.of(shard.origin).verifier)
            data = tiles.entry_at(still, shard.first + index)
            assert proof.index == index and data is not None
            merkle.verify_inclusion(index, under.size, merkle.leaf_hash(data), proof.hashes, under.root)
    assert tiles.tile(still, TileName(0, 0, 256)) == tiles.tile(still, TileName(0, 0, 256), "2027")


def test_nodes_of_all_years_have_places_of_their_own() -> None:
    """The arithmetic of store.node_offset, for years of every awkward size."""
    for sizes in ([1, 1, 1], [255, 257, 256], [256, 256, 1], [65_535, 65_537, 3], [65_536, 1, 300_000], [2, 70_000, 9]):
        taken: set[tuple[int, int]] = set()
        first = 0
        for size in sizes:
            for level in (1, 2):
                mine = {(level, node_offset(first, level) + number) for number in range(size >> 8 * level)}
                assert not mine & taken
                taken |= mine
            first += size


def test_a_query_may_go_over_midnight(log: Log, clock: FixedClock) -> None:
    """Permitted in one year, released in the next: its outcome names the permit by its position."""

    async def ask() -> None:
        granted = await log.append(authorized())
        assert (granted.origin, granted.index_in_log) == (ORIGIN, granted.index)
        to(clock, MIDNIGHT)
        done = await log.append(released("qry_1", granted.index))
        assert (done.origin, done.index_in_log, done.index) == (NEXT, 1, granted.index + 3)

    asyncio.run(ask())
    with log.database.read() as conn:
        assert Rows(conn).open_after(-1, 10) == []
    whole(log)


def test_who_writes_nothing_sees_the_year_turn_too(still: Log, clock: FixedClock) -> None:
    write(still)
    still.turn_if_due()
    assert len(still.shards()) == 1
    to(clock, MIDNIGHT)
    still.turn_if_due()
    still.turn_if_due()
    assert [entry["type"] for entry in last(still, 2)] == ["log.closed", "log.opened"]


def test_a_clock_that_is_set_back_opens_nothing_again(still: Log, clock: FixedClock) -> None:
    write(still)
    to(clock, MIDNIGHT)
    write(still)
    clock.advance(seconds=-3600)
    write(still, 2)
    with pytest.raises(WrongState):
        still.turn()
    to(clock, MIDNIGHT)
    write(still)
    assert [shard.origin for shard in still.shards()] == [ORIGIN, NEXT]
    to(clock, datetime(2027, 12, 31, 16, tzinfo=UTC))
    write(still)
    assert [shard.year for shard in still.shards()] == ["2026", "2027", "2028"]
    whole(still)


@pytest.mark.parametrize("instant", [datetime(2027, 11, 23, tzinfo=UTC), datetime(2031, 6, 1, tzinfo=UTC)])
def test_a_clock_far_ahead_turns_no_year_by_itself(still: Log, clock: FixedClock, instant: datetime) -> None:
    """Nor does a gateway that stood still all January; a person says so then."""
    write(still)
    to(clock, instant)
    write(still)
    still.turn_if_due()
    assert len(still.shards()) == 1
    opened = still.turn()
    assert opened == still.shards()[-1] and opened.origin == f"gw.test/audit/{instant.year}"
    whole(still)


def test_two_that_come_at_midnight_turn_the_year_once(
    database: Database, clock: FixedClock, checkpoint_key: CheckpointKey, tmp_path: Path
) -> None:
    """As processes do: each with its own log over one database."""
    logs = [made(database, clock, checkpoint_key, tmp_path / "log") for _ in range(4)]
    write(logs[0])
    to(clock, MIDNIGHT)
    threads = [threading.Thread(target=write, args=(log, 3)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [shard.origin for shard in logs[0].shards()] == [ORIGIN, NEXT]
    with database.read() as conn:
        assert Rows(conn).head().size == 4 + 4 * 3
    whole(logs[1])


@pytest.mark.parametrize("failure", ["lost", "kept"])
def test_a_crash_at_the_turn_leaves_one_year_or_two_never_half_of_one(
    database: Database,
    clock: FixedClock,
    checkpoint_key: CheckpointKey,
    tmp_path: Path,
    failure: Failure,
) -> None:
    still = made(database, clock, checkpoint_key, tmp_path / "log")
    write(still, 300)
    still.publish()
    to(clock, MIDNIGHT)
    disk = CrashingDisk(database)
    disk.fail_at_commit(failure)
    with pytest.raises(LogUnavailable):
        write(still)
    anew = made(database, clock, checkpoint_key, tmp_path / "log")
    assert [shard.origin for shard in anew.shards()] == ([ORIGIN] if failure == "lost" else [ORIGIN, NEXT])
    write(anew)
    assert [shard.origin for shard in anew.shards()] == [ORIGIN, NEXT]
    whole(anew)


@pytest.mark.parametrize("stop", ["before the last tiles", "between the two checkpoints"])
def test_a_crash_while_the_end_is_published_is_made_up_for(
    database: Database, clock: FixedClock, checkpoint_key: CheckpointKey, tmp_path: Path, stop: str
) -> None:
    folder = tmp_path / "log"
    still = made(database, clock, checkpoint_key, folder)
    write(still, 255)
    still.publish()
    to(clock, MIDNIGHT)
    write(still)
    if stop == "between the two checkpoints":
        still.publish(covering=257)  # the closed log's end only is asked for; both are published
        (folder / "2027" / "checkpoint").unlink()
    with made(database, clock, checkpoint_key, folder) as anew:
        anew.publish()
        whole(anew)
    assert (folder / "checkpoint").read_text() == tiles.checkpoint(anew, "2026")
    assert (folder / "2027" / "checkpoint").read_text() == tiles.checkpoint(anew, "2027")


@pytest.mark.parametrize("failure", ["lost", "kept"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_crash_while_either_checkpoint_is_stored_is_made_up_for(
    database: Database,
    clock: FixedClock,
    checkpoint_key: CheckpointKey,
    tmp_path: Path,
    failure: Failure,
    nth: int,
) -> None:
    """First the end of the old log is stored, then the head of the new one."""
    still = made(database, clock, checkpoint_key, tmp_path / "log")
    write(still, 20)
    still.publish()
    to(clock, MIDNIGHT)
    write(still)
    disk = CrashingDisk(database)
    disk.fail_at_commit(failure, after=nth - 1)
    with pytest.raises((DBAPIError, sqlite3.Error, psycopg.Error)):
        still.publish()
    whole(made(database, clock, checkpoint_key, tmp_path / "log"))
    assert len(still.shards()) == 2


def test_a_database_of_before_new_year_is_refused_after_it(
    database: Database, clock: FixedClock, checkpoint_key: CheckpointKey, tmp_path: Path
) -> None:
    """The folder knows of a year that the database does not."""
    still = made(database, clock, checkpoint_key, tmp_path / "log")
    write(still)
    december = put_aside(still)
    to(clock, MIDNIGHT)
    write(still)
    still.publish()
    put_back(still, december)
    with pytest.raises(LogUnfit):
        made(database, clock, checkpoint_key, tmp_path / "log").start()


def test_another_gateways_database_is_refused_in_its_second_year(
    still: Log, database: Database, clock: FixedClock, tmp_path: Path
) -> None:
    write(still)
    to(clock, MIDNIGHT)
    write(still)
    stranger = made(database, clock, CheckpointKey.generate("other.test/audit/2026"), tmp_path / "other")
    with pytest.raises(LogUnfit, match="configuration says other"):
        write(stranger)


@pytest.mark.daily_on_one
def test_the_pages_for_everybody_serve_each_year(web: FlaskClient, log: Log, clock: FixedClock) -> None:
    write(log, 3)
    to(clock, MIDNIGHT)
    write(log, 3)
    log.publish()
    told = web.get("/v1/log/shards").json["shards"]
    assert [(each["origin"], each["first"], each["size"], each["state"]) for each in told] == [
        (ORIGIN, 0, 5, "closed"),
        (NEXT, 5, None, "open"),
    ]
    for each in told:
        key = VerifierKey.parse(each["vkey"])
        note = web.get(f"/v1/log/{each['year']}/checkpoint").text
        head = open_checkpoint(note, key)
        entries = web.get(f"/v1/log/{each['year']}/tile/entries/000.p/{head.size}").data
        assert entries and web.get(f"/v1/log/{each['year']}/tile/0/000.p/{head.size}").status_code == 200
        proof = parse_proof(web.get("/v1/log/entries/1/proof", query_string={"origin": each["origin"]}).text)
        assert proof.index == 1 and open_checkpoint(proof.note, key).origin == each["origin"]
    assert web.get("/v1/log/checkpoint").text == web.get("/v1/log/2027/checkpoint").text
    assert web.get("/v1/log/entries/6").data == web.get("/v1/log/entries/1", query_string={"origin": NEXT}).data
    assert web.get("/v1/log/2025/checkpoint").status_code == 404
    for wrong in ("gw.test/audit/2025", ORIGIN + "x"):
        assert web.get("/v1/log/entries/1", query_string={"origin": wrong}).status_code == 404
    assert web.get("/v1/log/entries/5", query_string={"origin": ORIGIN}).status_code == 404  # it has five


def test_one_search_finds_what_both_years_hold(log: Log, clock: FixedClock) -> None:
    write(log, 2)
    to(clock, MIDNIGHT)
    position = write(log, 2)
    found = Search(log.database, clock).find(Filter.of(type="audit.exported"), each="entry").found
    assert [item.index for item in found] == [position, position - 1, 2, 1]
    assert log.place(position) == (NEXT, 2)


def test_the_shard_of_a_position() -> None:
    shards = [Shard(ORIGIN, 0, "2026", 5), Shard(NEXT, 5, "2027")]
    assert [holding(shards, at).origin for at in (0, 4, 5, 900)] == [ORIGIN, ORIGIN, NEXT, NEXT]
    assert next_origin("gw.test/log", 2027) == "gw.test/log/2027" and next_origin(ORIGIN, 2030) == "gw.test/audit/2030"


def test_each_year_has_a_key_pair_of_its_own(checkpoint_key: CheckpointKey) -> None:
    keys = ShardKeys(checkpoint_key)
    assert keys.of(ORIGIN) is checkpoint_key
    assert keys.of(NEXT).verifier == ShardKeys(checkpoint_key).of(NEXT).verifier
    assert keys.of(NEXT).verifier.public not in (checkpoint_key.verifier.public, keys.of(NEXT + "8").verifier.public)


# ── witnesses ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def witness(tmp_path: Path, checkpoint_key: CheckpointKey) -> Iterator[WitnessProcess]:
    """It was told of the next year's key in December (gateway audit years)."""
    vkeys = (checkpoint_key.vkey, ShardKeys(checkpoint_key).of(NEXT).vkey)
    with WitnessProcess(tmp_path / "witness", "audit.test/w1", *vkeys) as running:
        yield running


@pytest.mark.daily_on_one
def test_a_witness_sees_the_end_of_one_year_and_the_next(
    still: Log, clock: FixedClock, witness: WitnessProcess
) -> None:
    policy = f"witness audit {witness.vkeys[0]} {witness.url}\nquorum audit\n"
    asked = Witnessing(still, Policy.parse(policy.encode()), every_s=0.05)
    write(still, 20)
    still.publish()
    asked.ask_all()
    to(clock, MIDNIGHT)
    write(still, 20)
    still.publish()
    asked.ask_all()
    old, _ = still.shards()
    with still.database.read() as conn:
        final, newest = kept.at(conn, old.end or 0), kept.newest(conn, asked.policy)
    assert final is not None and len(final.witnesses) == 1 and final.origin == ORIGIN
    assert newest is not None and newest.origin == NEXT and newest.log_size == 21
    proof = parse_proof(tiles.proof(still, 3, asked.policy) or "")
    assert proof.note == final.note  # an entry of last year stands under last year's end, witnessed


@pytest.mark.daily_on_one
def test_a_witness_remembers_a_year_that_the_database_lost(
    still: Log, clock: FixedClock, witness: WitnessProcess, tmp_path: Path
) -> None:
    """Database and folder were put back to December; the witness has seen January."""
    policy = f"witness audit {witness.vkeys[0]} {witness.url}\nquorum audit\n"
    write(still)
    still.publish()
    december = put_aside(still)
    to(clock, MIDNIGHT)
    write(still)
    still.publish()
    Witnessing(still, Policy.parse(policy.encode()), every_s=1).ask_all()
    put_back(still, december)
    lost = Log(still.database, clock=clock, key=still.key, folder=tmp_path / "elsewhere")
    with pytest.raises(LogUnfit, match="has no such log"):
        Witnessing(lost, Policy.parse(policy.encode()), every_s=1).first_look(20)


@pytest.mark.daily_on_one
def test_a_witness_that_was_not_told_says_so_and_is_asked_again(
    still: Log, clock: FixedClock, tmp_path: Path, checkpoint_key: CheckpointKey
) -> None:
    with WitnessProcess(tmp_path / "untold", "audit.test/w2", checkpoint_key.vkey) as untold:
        policy = f"witness audit {untold.vkeys[0]} {untold.url}\nquorum audit\n"
        asked = Witnessing(still, Policy.parse(policy.encode()), every_s=0.05)
        write(still)
        still.publish()
        asked.ask_all()
        to(clock, MIDNIGHT)
        write(still)
        still.publish()
        asked.ask_all()
        with still.database.read() as conn:
            standing = kept.standings(conn)[asked.policy.witnesses[0].key.id]
            best = kept.newest(conn, asked.policy)
    assert standing.problem == "log_unknown" and best is not None and best.origin == ORIGIN
    assert best.size == still.shards()[0].end  # the end of the old one it did cosign


def test_the_end_of_a_year_is_kept_for_ever(still: Log, clock: FixedClock) -> None:
    write(still)
    to(clock, MIDNIGHT)
    for _ in range(3):
        write(still)
        still.publish()
        Witnessing(still, Policy(), every_s=1).ask_all()
        clock.advance(seconds=7200)
    with still.database.read() as conn:
        assert [each.origin for each in kept.every(conn)].count(ORIGIN) == 1


def test_retention_knows_the_years(still: Log, clock: FixedClock) -> None:
    write(still, 300)
    to(clock, MIDNIGHT)
    write(still, 300)
    old, new = still.shards()
    keep = retention.Retention(still, None)  # type: ignore[arg-type]  # no pseudonyms are asked for
    assert keep.prunable(MIDNIGHT) == old.first + 256
    clock.advance(seconds=60)
    write(still)
    assert keep.prunable(clock.now()) == new.first + 256


@dataclass(frozen=True)
class Published:
    """What a web server shows of an export: no papers, and no list of files but that of the years."""

    folder: Path

    def read(self, path: str) -> bytes:
        if path == "shards":
            return json.dumps({"shards": [{"year": int(each.name)} for each in self.folder.glob("20*")]}).encode()
        return (self.folder / path).read_bytes()

    def names(self) -> None:
        return None


def test_a_pruning_goes_over_the_end_of_a_year(still: Log, clock: FixedClock, tmp_path: Path) -> None:
    """All of December is over, and a bundle of January: hashes stay in both logs, and so does what joins them."""
    write(still, 300)
    to(clock, MIDNIGHT)
    write(still, 300)
    old, new = still.shards()
    clock.advance(seconds=450 * 86_400)
    trust = {"issuer": "i", "resource": "r", "log": told(still), "jwks": {"keys": []}}
    export(still, tmp_path / "archive", trust=trust)
    keep = retention.Retention(still, None)  # type: ignore[arg-type]  # no pseudonyms are asked for
    keep.decide(365, b"a year")
    two = [retention.Approval(f"off_{name}", f"{name}.signed.order") for name in "ab"]
    plan = keep.plan(clock.now() - timedelta(days=366), tmp_path / "archive")
    assert keep.prune(plan, two) == new.first + 256
    for year, index in ((old, 7), (new, 7)):
        with pytest.raises(NotFound):
            tiles.entry_at(still, year.first + index)
        assert parse_proof(tiles.proof(still, year.first + index) or "").index == index
    assert [read(tiles.entry_at(still, at) or b"")["type"] for at in (0, new.first - 1, new.first)] == [
        "log.opened",
        "log.closed",
        "log.opened",
    ]
    whole(still)
    export(still, tmp_path / "rest", trust=trust)
    assert not (tmp_path / "rest" / "2026" / "tile" / "entries").exists()
    report = verify_export(Published(tmp_path / "rest"))
    assert (len(report.years), report.pruned) == (2, new.first + 256)
    (tmp_path / "rest" / "2027" / "tile" / "entries" / "001.p").rename(tmp_path / "away")
    with pytest.raises(ExportInvalid, match="missing"):
        verify_export(Published(tmp_path / "rest"))


def told(log: Log) -> dict[str, object]:
    *earlier, key = ({"origin": each.origin, "vkey": each.vkey} for each in log.all_keys())
    return {**key, "earlier": earlier}
