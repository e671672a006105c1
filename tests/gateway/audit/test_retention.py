"""How long the log is kept: a policy, legal holds, pruning after its time. The tree and old proofs outlive it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tongqu_client.errors import ExportInvalid
from tongqu_client.verify import verify_export

from gateway.audit import entry, retention, tiles, verify
from gateway.audit.checkpoint import open_checkpoint, parse_proof
from gateway.audit.export import export
from gateway.audit.files import TileName
from gateway.audit.log import Log
from gateway.audit.merkle import leaf_hash, verify_inclusion
from gateway.audit.pseudonyms import Pseudonyms
from gateway.audit.retention import Approval, Retention
from gateway.audit.sidecar import SIDECAR, Sidecar
from gateway.audit.store import Rows
from gateway.errors import InvalidRequest, NotFound, WrongState
from gateway.lib.subject_key import SubjectKey
from tests.clock import FixedClock
from tests.gateway.audit.examples import authorized, failed

TWO = [Approval("off_audit", "an.audit.order"), Approval("off_bureau", "a.bureau.order")]
DAY = 86_400
PERSON, OTHER = ("cn.resident-id", "110105199001010011"), ("cn.resident-id", "110105199001020012")


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms({1: SubjectKey.generate()}, b"i" * 32)


@pytest.fixture
def sidecar(pseudonyms: Pseudonyms) -> Sidecar:
    return Sidecar(pseudonyms, b"k" * 32)


@pytest.fixture
def kept(log: Log, pseudonyms: Pseudonyms) -> Retention:
    return Retention(log, pseudonyms)


def pruned(kept: Retention, before: datetime, archive: Path) -> int:
    return kept.prune(kept.plan(before, archive), TWO)


@pytest.fixture
def live(log: Log, pseudonyms: Pseudonyms, sidecar: Sidecar, clock: FixedClock) -> Callable[[int], None]:
    """So many queries about two residents, a year ago; then the clock stands at today."""

    def run(queries: int) -> None:
        for first in range(0, queries, 85):  # at a time
            permitted = {}
            with log.transaction() as tx:
                for number in range(first, min(first + 85, queries)):
                    person, query = (PERSON, OTHER)[number % 2], f"qry_{number}"
                    subject = pseudonyms.subject(*person)
                    permitted[query] = tx.append(authorized(query, subject=subject)).index
                    sidecar.keep(tx, query, subject, {"scheme": person[0], "id": person[1], "case": None})
            with log.transaction() as tx:
                for query, index in permitted.items():
                    tx.append(failed(query, index))
        clock.advance(seconds=400 * DAY)

    return run


def types(log: Log) -> list[str]:
    with log.database.read() as conn:
        return [entry.read(data)["type"] for data in Rows(conn).entries(0, 10_000)]


def whole(log: Log) -> bool:
    note = log.publish()[1]
    report = verify.verify(log.database, log.key.verifier, checkpoint=note)
    assert report.whole, report.findings
    return report.whole


# ── holds ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_hold_is_placed_and_lifted_by_two_and_both_are_entries(kept: Retention, log: Log) -> None:
    held = kept.place("court_order")
    assert kept.holds() == [held] and held.subject is None
    with pytest.raises(WrongState, match="Two different officers"):
        kept.lift(held.id, "court_order", TWO[:1] * 2)
    kept.lift(held.id, "court_order", TWO)
    assert kept.holds() == [] and [each.id for each in kept.holds(all=True)] == [held.id]
    assert types(log)[-2:] == ["audit.hold_placed", "audit.hold_lifted"]
    with pytest.raises(NotFound):
        kept.lift(held.id, "court_order", TWO)
    with pytest.raises(InvalidRequest):
        kept.place("because")


# ── one resident ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_shredding_removes_the_sealed_rows_of_that_resident_only_and_says_so(
    kept: Retention, log: Log, sidecar: Sidecar, live: Callable[[int], None], pseudonyms: Pseudonyms
) -> None:
    live(10)
    shredded = kept.shred(*PERSON, "right_to_erasure", TWO, sidecar)
    assert shredded == pseudonyms.subject(*PERSON)
    with log.database.read() as conn:
        left = [row.query for row in conn.execute(SIDECAR.select())]
        last = entry.read(Rows(conn).entries(Rows(conn).head().size - 1, 10_000)[0])
    assert sorted(left) == [f"qry_{number}" for number in range(1, 10, 2)]
    assert (last["type"], last["subject"], last["rows"]) == ("audit.shredded", shredded, 5)
    assert [each["officer"] for each in last["approved"]] == ["off_audit", "off_bureau"]
    assert whole(log)


@pytest.mark.parametrize("held", ["everything", "that resident"])
def test_a_hold_stops_shredding(
    kept: Retention, log: Log, sidecar: Sidecar, live: Callable[[int], None], pseudonyms: Pseudonyms, held: str
) -> None:
    live(2)
    hold = kept.place("investigation", None if held == "everything" else pseudonyms.subject(*PERSON))
    before = types(log)
    with pytest.raises(WrongState, match=hold.id):
        kept.shred(*PERSON, "right_to_erasure", TWO, sidecar)
    assert types(log) == before
    with log.database.read() as conn:
        assert len(conn.execute(SIDECAR.select()).all()) == 2
    if held == "that resident":
        kept.shred(*OTHER, "right_to_erasure", TWO, sidecar)


# ── a time that is over ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def exported(log: Log, live: Callable[[int], None], tmp_path: Path) -> Path:
    live(300)
    export(log, tmp_path / "archive", trust={})
    return tmp_path / "archive"


def test_what_is_over_is_pruned_and_every_proof_of_it_still_holds(
    kept: Retention, log: Log, exported: Path, clock: FixedClock
) -> None:
    old = tiles.entry_at(log, 7)
    assert old is not None
    kept.decide(365, b"kept for a year")
    assert pruned(kept, clock.now() - timedelta(days=366), exported) == 512
    left = types(log)
    assert left[0] == "log.opened" and left[1:511] == ["log.pruned"] * 510 and left[-1] == "audit.pruned"
    assert left[511] == "exchange.authorized" and left[556] == "exchange.failed", "a permit stays with its outcome"
    proof = parse_proof(tiles.proof(log, 7) or "")
    checkpoint = open_checkpoint(proof.note, log.key.verifier)
    verify_inclusion(7, checkpoint.size, leaf_hash(old), proof.hashes, checkpoint.root)
    with pytest.raises(NotFound, match="pruned after its time"):
        tiles.entry_at(log, 7)
    assert tiles.tile(log, TileName(None, 0, 256)) is None and tiles.tile(log, TileName(0, 0, 256)) is not None
    assert tiles.entry_at(log, 512) is not None
    with log.database.read() as conn:
        sealed = {row.query for row in conn.execute(SIDECAR.select())}
    assert sealed == {f"qry_{number}" for number in range(255, 300)}, "those of pruned queries are gone too"
    assert tiles.left_of(log, TileName(None, 1, 256)) == [(511, tiles.entry_at(log, 511))]
    assert whole(log)
    assert kept.finish() == 0 and kept.schedule().below == 512


def test_a_log_that_was_pruned_starts_grows_and_is_published_anew(
    kept: Retention, log: Log, exported: Path, clock: FixedClock, tmp_path: Path
) -> None:
    kept.decide(365, b"kept for a year")
    pruned(kept, clock.now() - timedelta(days=366), exported)
    log.stop()
    with Log(log.database, clock=clock, key=log.key, folder=tmp_path / "another machine") as again:
        with again.transaction() as tx:
            tx.append(authorized("qry_new"))
        again.publish()
        assert (tmp_path / "another machine" / "tile" / "0" / "000").exists()
        assert not (tmp_path / "another machine" / "tile" / "entries" / "000").exists()


def test_stopped_in_the_middle_it_goes_on(
    kept: Retention, log: Log, exported: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.decide(365, b"kept for a year")
    monkeypatch.setattr(Retention, "finish", lambda self: 0)  # killed right after its entry
    pruned(kept, clock.now() - timedelta(days=366), exported)
    monkeypatch.undo()
    assert types(log)[0] == "log.opened" and whole(log)
    assert kept.finish() == 510 and whole(log)


REFUSED: dict[str, tuple[str, Callable[[Retention, Path, Pseudonyms], object]]] = {
    "no policy": ("No retention policy", lambda kept, archive, names: None),
    "too young": ("kept for 500 days", lambda kept, archive, names: kept.decide(500, b"x")),
    "everything held": (
        "legal hold",
        lambda kept, archive, names: (kept.decide(365, b"x"), kept.place("court_order")),
    ),
    "a resident held": (
        "legal hold",
        lambda kept, archive, names: (kept.decide(365, b"x"), kept.place("court_order", names.subject(*OTHER))),
    ),
    "a bundle missing in the export": (
        "no whole export",
        lambda kept, archive, names: (kept.decide(365, b"x"), (archive / "tile" / "entries" / "001").unlink()),
    ),
    "a bundle changed in the export": (
        "no whole export",
        lambda kept, archive, names: (
            kept.decide(365, b"x"),
            (archive / "tile" / "entries" / "001").write_bytes((archive / "tile" / "entries" / "000").read_bytes()),
        ),
    ),
}


@pytest.mark.daily_on_one
@pytest.mark.parametrize("why", REFUSED)
def test_nothing_is_pruned(
    kept: Retention, log: Log, exported: Path, clock: FixedClock, pseudonyms: Pseudonyms, why: str
) -> None:
    message, prepare = REFUSED[why]
    prepare(kept, exported, pseudonyms)
    before = types(log)
    with pytest.raises(WrongState, match=message):
        pruned(kept, clock.now() - timedelta(days=366), exported)
    assert types(log) == before


@pytest.mark.daily_on_one
def test_a_held_resident_of_later_entries_holds_only_those(
    kept: Retention, log: Log, exported: Path, clock: FixedClock
) -> None:
    kept.decide(365, b"x")
    kept.place("investigation", "s:1:" + "Z" * 22)
    assert pruned(kept, clock.now() - timedelta(days=366), exported) == 512


@pytest.mark.daily_on_one
def test_fewer_than_a_bundle_are_not_pruned(
    kept: Retention, live: Callable[[int], None], clock: FixedClock, tmp_path: Path
) -> None:
    live(50)
    kept.decide(365, b"x")
    with pytest.raises(WrongState, match="Fewer than 256"):
        pruned(kept, clock.now() - timedelta(days=366), tmp_path)


@pytest.mark.daily_on_one
def test_one_alone_prunes_nothing(kept: Retention, exported: Path, clock: FixedClock) -> None:
    kept.decide(365, b"x")
    with pytest.raises(WrongState, match="Two different officers"):
        kept.prune(kept.plan(clock.now() - timedelta(days=366), exported), TWO[:1])


def test_a_day_or_an_instant_may_be_given() -> None:
    assert retention.older_than("2026-11-26") == retention.older_than("2026-11-26T08:00:00+08:00")


@pytest.mark.daily_on_one
def test_a_published_log_that_was_pruned_says_that_the_orders_were_not_checked(
    kept: Retention, log: Log, exported: Path, clock: FixedClock, tmp_path: Path
) -> None:
    """As anybody may fetch it: tiles and checkpoint, no papers. With the orders: tests/journeys/test_pruning.py."""
    kept.decide(365, b"kept for a year")
    pruned(kept, clock.now() - timedelta(days=366), exported)
    with log.transaction() as tx:
        late = tx.append(authorized("qry_late"))
    with log.transaction() as tx:
        tx.append(failed("qry_late", late.index))
    keys = {"origin": log.key.origin, "vkey": log.key.vkey}
    trust = {"issuer": "https://gw.test", "resource": "https://gw.test", "log": keys, "jwks": {"keys": []}}
    export(log, tmp_path / "rest", trust=trust)
    report = verify_export(Published(tmp_path / "rest"))
    assert (report.pruned, report.gone, report.orders, report.checkpoint.size) == (512, 512, None, 607)
    assert report.not_replayed == report.why_not["no_papers"] > 0, "never called permitted"
    (tmp_path / "rest" / "tile" / "entries" / "002.p" / "95").unlink()
    with pytest.raises(ExportInvalid, match="missing"):
        verify_export(Published(tmp_path / "rest"))


@dataclass(frozen=True)
class Published:
    """What a web server shows of a log."""

    folder: Path

    def read(self, path: str) -> bytes:
        if not path.startswith(("tile/", "checkpoint", "trust.json")):
            raise FileNotFoundError(path)
        return (self.folder / path).read_bytes()

    def names(self) -> None:
        return None
