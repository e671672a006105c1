"""A proof counts once, whatever remembers it, in however many processes; and what is forgotten cannot be replayed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import valkey

from gateway.audit.log import Log, Rejected
from gateway.errors import Busy
from gateway.exchange.quota import Reserve
from gateway.identity.replay import ProcessMemory
from gateway.identity.replay_database import DatabaseMemory
from gateway.identity.replay_valkey import ValkeyMemory
from tests import valkey as servers
from tests.clock import FixedClock
from tests.gateway.identity import memories
from tests.gateway.identity.memories import VIEWED, Gateway


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@contextmanager
def gateway_over(kind: str, request: pytest.FixtureRequest, log: Log, clock: FixedClock) -> Iterator[Gateway]:
    opened: list[Log] = []
    if kind == "process":
        gateway = memories.of_processes(log, clock)
    elif kind == "database":
        gateway = memories.of_database(log, clock, opened)
    else:
        gateway = memories.of_valkey(log, clock, request.getfixturevalue("valkey_url"))
    yield gateway
    for memory in gateway.made:
        asyncio.run(memory.close())
    for each in opened:
        each.stop()
        each.database.close()


@pytest.fixture(params=["process", "database", "valkey"])
def gateway(request: pytest.FixtureRequest, log: Log, clock: FixedClock) -> Iterator[Gateway]:
    """Over each kind of memory; the log beneath is on SQLite and on PostgreSQL."""
    with gateway_over(request.param, request, log, clock) as gateway:
        yield gateway


@pytest.fixture(params=["database", "valkey"])
def shared(request: pytest.FixtureRequest, log: Log, clock: FixedClock) -> Iterator[Gateway]:
    """Over those that several processes share."""
    with gateway_over(request.param, request, log, clock) as gateway:
        yield gateway


def test_a_proof_counts_once_and_another_one_is_another_one(gateway: Gateway) -> None:
    process = gateway.process()
    proof = gateway.proof(process)
    assert [process.take(proof) for _ in range(3)] == ["taken", "A8", "A8"]
    assert process.take(gateway.proof(process)) == "taken"


def test_the_same_jti_of_another_key_is_another_proof(gateway: Gateway) -> None:
    process = gateway.process()
    assert process.take(gateway.proof(process, jti="the same jti")) == "taken"
    gateway.key = type(gateway.key).make()
    assert process.take(gateway.proof(process, jti="the same jti")) == "taken"


def test_what_one_process_took_no_other_takes(gateway: Gateway) -> None:
    one, other = gateway.process(), gateway.process()
    proof = gateway.proof(one)
    assert one.take(proof) == "taken"
    assert other.take(proof) == ("A8" if gateway.shared else "A9")


def test_processes_that_share_a_memory_take_each_others_nonces(gateway: Gateway) -> None:
    one, other = gateway.process(), gateway.process()
    assert other.take(gateway.proof(one)) == ("taken" if gateway.shared else "A9")


def test_of_fifty_parallel_sends_of_one_proof_over_four_processes_one_is_taken(gateway: Gateway) -> None:
    processes = [gateway.process() for _ in range(4)]
    proof = gateway.proof(processes[0])
    with ThreadPoolExecutor(16) as pool:
        rules = Counter(pool.map(lambda n: processes[n % 4].take(proof), range(50)))
    assert rules["taken"] == 1
    assert rules["A8"] + rules["A9"] == 49


def test_of_fifty_queries_with_one_proof_over_four_processes_one_is_written(gateway: Gateway, log: Log) -> None:
    processes = [gateway.process() for _ in range(4)]
    for process in processes:
        if process.log is not log:
            process.log.start()
    proof = gateway.proof(processes[0])
    takes = [lambda n=n: processes[n % 4].take_with_an_entry(proof) for n in range(50)]
    assert Counter(memories.all_at_once(gateway, *takes))["taken"] == 1
    with log.database.read() as conn:
        entries = log.root(conn, 0) and conn.exec_driver_sql("SELECT count(*) FROM log_entry").scalar()
    assert entries == 2, "the log's first entry, and one query"


def test_after_a_restart_or_when_the_memory_is_lost_no_old_proof_counts(gateway: Gateway) -> None:
    process = gateway.process()
    used, unused = gateway.proof(process), gateway.proof(process)
    assert process.take(used) == "taken"
    gateway.lose()
    restarted = gateway.process()
    assert restarted.take(used) == "A9"
    assert restarted.take(unused) == "A9"
    assert restarted.take(gateway.proof(restarted)) == "taken"


def test_a_process_that_goes_on_learns_that_the_memory_was_lost(shared: Gateway) -> None:
    process = shared.process()
    used = shared.proof(process)
    assert process.take(used) == "taken"
    shared.lose()
    assert process.take(used) == "A9"
    assert process.take(shared.proof(process)) == "taken", "with the nonce that it gives out from then on"


def test_a_clock_that_is_set_back_makes_no_old_proof_young_again(gateway: Gateway, clock: FixedClock) -> None:
    process = gateway.process()
    old = gateway.proof(process)
    assert process.take(old) == "taken"
    clock.advance(seconds=300)
    for _ in range(3):  # long enough for the memory to have forgotten it
        clock.advance(seconds=100)
        assert process.take(gateway.proof(process)) == "taken"
        process.memory.tidy()
    clock.advance(seconds=-600)
    assert process.take(old) == "A9"
    assert process.take(old) == "A9"
    assert process.take(gateway.proof(process)) == "taken"
    assert gateway.process().take(old) == "A9"


def test_what_is_forgotten_by_tidying_is_refused_by_every_process(shared: Gateway, clock: FixedClock) -> None:
    one, other = shared.process(), shared.process()
    old, unused = shared.proof(one), shared.proof(one)
    assert one.take(old) == "taken"
    clock.advance(seconds=200)
    assert one.take(shared.proof(one)) == "taken"
    other.memory.tidy()
    one.memory.tidy()
    clock.advance(seconds=-200)  # of this machine only; the others go on
    assert one.take(old) == "A9"
    assert other.take(unused) == "A9"


def test_tidying_keeps_whatever_can_still_count(shared: Gateway, clock: FixedClock) -> None:
    process = shared.process()
    proof = shared.proof(process)
    assert process.take(proof) == "taken"
    for _ in range(5):
        clock.advance(seconds=12)
        assert process.take(shared.proof(process)) == "taken"
        process.memory.tidy()
        assert process.take(proof) == "A8"
    clock.advance(seconds=1)
    assert process.take(proof) == "A7", "it is too old now"


def test_the_memory_does_not_grow_for_ever(shared: Gateway, clock: FixedClock) -> None:
    process, sizes = shared.process(), []
    for _ in range(12):
        for _ in range(3):
            assert process.take(shared.proof(process)) == "taken"
        process.memory.tidy()
        sizes.append(shared.remembered())
        clock.advance(seconds=60)
    assert max(sizes) == sizes[-1] <= 3 * 4


def test_a_machine_whose_clock_is_far_ahead_makes_the_others_forget_nothing(shared: Gateway, clock: FixedClock) -> None:
    right, wrong = shared.process(), shared.process()
    proof = shared.proof(right)
    assert right.take(proof) == "taken"
    clock.advance(seconds=3600)
    assert wrong.take(proof) in ("A7", "A9")
    wrong.memory.tidy()
    clock.advance(seconds=-3600)
    assert right.take(proof) == "A8"
    assert right.take(shared.proof(right)) == "taken"


def test_a_proof_whose_entry_was_not_written_can_be_brought_again(log: Log, clock: FixedClock) -> None:
    gateway = memories.of_database(log, clock, [])
    memory = DatabaseMemory(log)
    gateway.start = lambda: (memory, log)
    process = gateway.process()
    used = process.proofs.check([gateway.proof(process)], "POST", memories.ROUTE)

    async def first_without_then_with_an_entry() -> None:
        with pytest.raises(Rejected):  # the quota was used up: the query is decided anew
            await process.log.append(VIEWED, guards=[*await process.memory.begin(used), Reserve("agr_1", "total", 0)])
        await process.log.append(VIEWED, guards=await process.memory.begin(used))
        with pytest.raises(Rejected):
            await process.log.append(VIEWED, guards=await process.memory.begin(used))

    asyncio.run(first_without_then_with_an_entry())


def test_a_full_memory_refuses_rather_than_forgets(log: Log, clock: FixedClock) -> None:
    gateway = Gateway(clock, lambda: (ProcessMemory(limit=3), log), lambda: None, shared=False)
    process = gateway.process()
    for _ in range(3):
        assert process.take(gateway.proof(process)) == "taken"
    with pytest.raises(Busy):
        process.take(gateway.proof(process))
    clock.advance(seconds=80)
    assert process.take(gateway.proof(process)) == "taken"


def test_a_valkey_that_was_started_anew_with_older_data_knows_no_nonce_any_more(
    tmp_path: Path, log: Log, clock: FixedClock
) -> None:
    """Saved to disk, more proofs taken, killed, started with what was saved: the proofs since are not there."""
    with servers.server(tmp_path) as url:
        gateway = memories.of_valkey(log, clock, url)
        process = gateway.process()
        assert process.take(gateway.proof(process)) == "taken"
        with valkey.Valkey.from_url(url) as client:
            client.save()
        since = gateway.proof(process)
        assert process.take(since) == "taken"
        asyncio.run(process.memory.close())
    with servers.server(tmp_path) as url:
        with valkey.Valkey.from_url(url) as client:
            assert client.hget("tongqu:gw.test:used", "generation") is not None, "the older data are there"
        memory = ValkeyMemory(url, "gw.test", clock)
        gateway.start = lambda: (memory, log)
        restarted = gateway.process()
        assert restarted.take(since) == "A9"
        assert restarted.take(gateway.proof(restarted)) == "taken"
        asyncio.run(memory.close())


def test_a_valkey_that_would_drop_keys_is_refused(tmp_path: Path, log: Log, clock: FixedClock) -> None:
    with servers.server(tmp_path, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru") as url:
        memory = ValkeyMemory(url, "gw.test", clock)
        with pytest.raises(RuntimeError, match="noeviction"):
            memory.start()
        asyncio.run(memory.close())


def test_when_valkey_does_not_answer_nothing_is_taken(tmp_path: Path, log: Log, clock: FixedClock) -> None:
    with servers.server(tmp_path) as url:
        gateway = memories.of_valkey(log, clock, url)
        process = gateway.process()
        proof = gateway.proof(process)
    with pytest.raises(Busy):
        process.take(proof)
    with pytest.raises(Busy):
        memories.all_at_once(gateway, lambda: process.take_with_an_entry(proof))
