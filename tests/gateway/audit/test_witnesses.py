"""The gateway shows its log to witnesses, and keeps what they sign; a lost witness delays nobody, a contradiction stops
the gateway. The witnesses here are real ones, each a process of its own."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tongqu_client.errors import QuorumMissing
from tongqu_client.verify import Checkpoint, Policy, TlogProof, VerifierKey, leaf_hash
from tongqu_client.verify.merkle import verify_inclusion

from gateway.audit import kept, policy, tiles
from gateway.audit.checkpoint import Checkpoint as Head
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.audit.witnesses import TIMEOUT_S, Witnessing
from gateway.db import Database
from gateway.errors import LogUnfit
from gateway.health import UNWITNESSED, Health
from tests.clock import FixedClock
from tests.witness.process import Tree, WitnessProcess

VIEWED = {
    "type": "audit.viewed",
    "actor": {"party": "audit-office", "client": "cli_1", "officer": None},
    "filter_digest": "sha-256:" + "0" * 64,
    "rows": 1,
}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, checkpoint_key: CheckpointKey) -> Iterator[list[WitnessProcess]]:
    folder = tmp_path_factory.mktemp("witnesses")
    with (
        WitnessProcess(folder / "audit", "audit.test/w1", checkpoint_key.vkey) as audit,
        WitnessProcess(folder / "court", "court.test/w1", checkpoint_key.vkey) as court,
    ):
        yield [audit, court]


@pytest.fixture
def witnesses(two: list[WitnessProcess]) -> list[WitnessProcess]:
    """The audit office's and the court's, which have seen nothing yet."""
    for each in two:
        if each.process.poll() is not None:
            each.__enter__()
        for file in (each.folder / "state").iterdir():
            file.unlink()
    return two


def policy_text(log: Log, witnesses: list[WitnessProcess], quorum: str = "any") -> str:
    lines = [f"log {log.key.vkey}"]
    for each, name in zip(witnesses, ("audit", "court"), strict=True):
        lines.append(f"witness {name} {each.vkeys[0]} {each.url}")
    return "\n".join([*lines, f"group offices {quorum} audit court", "quorum offices", ""])


def grow(log: Log, by: int = 1) -> None:
    with log.transaction() as tx:
        for _ in range(by):
            tx.append(VIEWED)
    log.publish()


@pytest.fixture
def still(database: Database, clock: FixedClock, checkpoint_key: CheckpointKey, tmp_path: Path) -> Log:
    """A log whose own threads do nothing: what is published is published by the test."""
    log = Log(database, clock=clock, key=checkpoint_key, folder=tmp_path / "log")
    grow(log, 3)
    return log


def witnessing(log: Log, witnesses: list[WitnessProcess], quorum: str = "any") -> Witnessing:
    return Witnessing(log, policy.Policy.parse(policy_text(log, witnesses, quorum).encode()), every_s=0.05)


def test_a_checkpoint_is_cosigned_by_all_and_an_outsider_accepts_it(
    still: Log, witnesses: list[WitnessProcess]
) -> None:
    asked = witnessing(still, witnesses, "all")
    for _ in range(3):
        asked.ask_all()
        outsider = Policy.parse(policy_text(still, witnesses, "all"))
        checkpoint = Checkpoint.open(tiles.checkpoint(still), VerifierKey.parse(still.key.vkey))
        assert set(outsider.require(checkpoint).times) == {"audit", "court"}
        grow(still, 300)


def test_a_proof_stands_under_the_newest_checkpoint_with_a_quorum(still: Log, witnesses: list[WitnessProcess]) -> None:
    asked, own = witnessing(still, witnesses), VerifierKey.parse(still.key.vkey)
    outsider = Policy.parse(policy_text(still, witnesses))
    asked.ask_all()
    grow(still, 10)
    old = TlogProof.parse(tiles.proof(still, 1, asked.policy) or "")
    checkpoint = Checkpoint.open(old.checkpoint, own)
    entry = tiles.entry_at(still, 1)
    assert entry is not None
    verify_inclusion(1, checkpoint.size, leaf_hash(entry), old.hashes, checkpoint.root)
    assert outsider.require(checkpoint).enough and checkpoint.size == 4
    new = Checkpoint.open(TlogProof.parse(tiles.proof(still, 9, asked.policy) or "").checkpoint, own)
    with pytest.raises(QuorumMissing, match="lacks the witnesses"):
        outsider.require(new)
    asked.ask_all()
    newer = Checkpoint.open(TlogProof.parse(tiles.proof(still, 9, asked.policy) or "").checkpoint, own)
    assert outsider.require(newer).enough


@pytest.mark.daily_on_one
def test_a_lost_witness_is_noted_and_keeps_nobody_waiting(still: Log, witnesses: list[WitnessProcess]) -> None:
    witnesses[1].kill()
    asked = witnessing(still, witnesses, "any")
    answers: list[str | None] = []
    asked.on_answer = answers.append
    asked.ask_all()
    with still.database.read() as conn:
        found = kept.standings(conn)
        best = kept.newest(conn, asked.policy)
    names = {each.name: found[each.key.id] for each in asked.policy.witnesses}
    assert names["audit"].problem is None and names["audit"].size == 4
    assert names["court"].problem == "unreachable" and names["court"].size == 0
    assert best is not None and len(best.witnesses) == 1
    assert sorted(map(str, answers)) == ["None", "unreachable"]
    all_of_them = policy.Policy.parse(policy_text(still, witnesses, "all").encode())
    with still.database.read() as conn:
        assert kept.newest(conn, all_of_them) is None
    witnesses[1].__enter__()  # and it comes back
    asked.ask_all()
    with still.database.read() as conn:
        assert kept.newest(conn, all_of_them) is not None


def test_a_witness_that_knows_less_or_more_of_our_own_log_is_caught_up_with(
    still: Log, witnesses: list[WitnessProcess], database: Database
) -> None:
    asked = witnessing(still, witnesses, "all")
    asked.ask_all()
    grow(still, 5)
    with database.write() as conn:  # we forget what they have seen
        conn.execute(kept.WITNESS.delete())
    asked.ask_all()
    for file in (witnesses[0].folder / "state").iterdir():  # and one of them forgets us
        file.unlink()
    grow(still, 5)
    asked.ask_all()
    with database.read() as conn:
        found = kept.newest(conn, asked.policy)
    assert found is not None and found.size == 14


def test_a_running_gateway_is_witnessed_by_itself(
    log: Log, witnesses: list[WitnessProcess], database: Database
) -> None:
    asked = witnessing(log, witnesses, "all")
    asked.start()
    try:
        with log.transaction() as tx:
            tx.append(VIEWED)
        wait_for(lambda: seen(database, asked.policy) == 2)
        witnesses[0].process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        with log.transaction() as tx:
            tx.append(VIEWED)
        assert time.monotonic() - began < TIMEOUT_S[1] / 2, "nothing that is written waits for a witness"
    finally:
        witnesses[0].process.send_signal(signal.SIGCONT)
        asked.stop()


def test_a_database_that_was_rolled_back_is_found_out_by_a_witness_even_if_the_folder_was_too(
    still: Log, witnesses: list[WitnessProcess], checkpoint_key: CheckpointKey
) -> None:
    """The witness shows what our own key signed: the gateway stops, as it would had its own folder said so."""
    stranger = Tree(checkpoint_key, [bytes([number]) * 32 for number in range(200)])  # what the key signed elsewhere
    assert witnesses[0].offer(stranger, 200, 0).ok
    witnessing(still, witnesses).ask_all()
    assert still.broken is not None and "rolled back" in str(still.broken)


def test_a_database_that_was_rewritten_is_found_out_by_a_witness(
    still: Log, witnesses: list[WitnessProcess], checkpoint_key: CheckpointKey
) -> None:
    stranger = Tree(checkpoint_key, [bytes([number]) * 32 for number in range(200)])
    assert witnesses[0].offer(stranger, 3, 0).ok
    asked = witnessing(still, witnesses)
    asked.ask_all()
    assert still.broken is not None and "altered" in str(still.broken)
    with still.database.read() as conn:
        assert kept.standings(conn)[asked.policy.witnesses[0].key.id].problem == "inconsistent"


def test_a_database_put_back_is_found_out_before_anything_is_served(
    still: Log, witnesses: list[WitnessProcess], checkpoint_key: CheckpointKey
) -> None:
    asked = witnessing(still, witnesses)
    asked.ask_all()
    asked.first_look(60)  # nothing is wrong: both have answered long before
    stranger = Tree(checkpoint_key, [bytes([number]) * 32 for number in range(200)])
    for file in (witnesses[0].folder / "state").iterdir():
        file.unlink()
    assert witnesses[0].offer(stranger, 200, 0).ok
    with pytest.raises(LogUnfit, match="rolled back"):
        asked.first_look(60)
    asked.first_look(0)  # as configured


@pytest.mark.daily_on_one
def test_a_witness_that_is_lost_or_does_not_answer_stops_no_start(still: Log, witnesses: list[WitnessProcess]) -> None:
    witnesses[1].kill()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        port = silent.getsockname()[1]
        lines = policy_text(still, witnesses, "all").replace(witnesses[0].url, f"http://127.0.0.1:{port}")
        Witnessing(still, policy.Policy.parse(lines.encode()), every_s=1).first_look(0.05)
    assert still.broken is None


@pytest.mark.daily_on_one
def test_a_witness_that_only_claims_to_know_more_stops_nothing(still: Log, witnesses: list[WitnessProcess]) -> None:
    class Liar(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(409, b"999999\n", "text/x.tlog.size")

        def do_GET(self) -> None:
            forged = CheckpointKey.generate(still.key.origin).sign(Head(still.key.origin, 999_999, bytes(32)))
            self.answer(200, forged.encode(), "text/plain")

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lines = policy_text(still, witnesses).replace(witnesses[0].url, f"http://127.0.0.1:{server.server_port}")
    asked = Witnessing(still, policy.Policy.parse(lines.encode()), every_s=1)
    asked.ask_all()
    asked.first_look(60)
    server.shutdown()
    server.server_close()
    assert still.broken is None
    with still.database.read() as conn:
        assert kept.standings(conn)[asked.policy.witnesses[0].key.id].problem == "witness_ahead"
    grow(still)


@pytest.mark.daily_on_one
def test_readiness_warns_and_does_not_fail_when_the_quorum_is_old(
    still: Log, witnesses: list[WitnessProcess], clock: FixedClock, tmp_path: Path
) -> None:
    asked = witnessing(still, witnesses)
    health = Health(still.database, still, clock, tmp_path, lambda: None, policy=asked.policy)
    asked.ask_all()
    clock.advance(seconds=18000)
    assert health.warnings() == [] and health.unwitnessed_s() == 0, "nothing new is nothing unseen"
    grow(still)
    clock.advance(seconds=3540)
    assert health.warnings() == []
    clock.advance(seconds=120)
    assert health.warnings() == [UNWITNESSED] and UNWITNESSED not in health.findings()
    asked.ask_all()
    assert health.warnings() == []


def test_of_each_day_the_last_checkpoint_is_kept(
    still: Log, witnesses: list[WitnessProcess], clock: FixedClock
) -> None:
    asked = witnessing(still, witnesses)
    for _ in range(3):
        for _ in range(3):
            grow(still)
            asked.ask_all()
            clock.advance(seconds=3600)
        clock.advance(seconds=75600)
    with still.database.read() as conn:
        found = kept.every(conn)
    assert [each.size for each in found] == [13, 10, 7]
    assert len({each.t[:10] for each in found}) == 3 and all(each.witnesses for each in found)


def seen(database: Database, wanted: policy.Policy) -> int:
    with database.read() as conn:
        found = kept.newest(conn, wanted)
    return found.size if found else 0


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
