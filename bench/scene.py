"""What every measurement stands on: the stub, the city, and the processes that make proofs."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench import city, machine, postgres, proofs, records
from bench.city import City
from bench.machine import Running
from bench.measure import Target
from bench.peers import Peer

JSON = "application/json"
MAKERS = 2  # processes that sign proofs between the measured intervals; idle during them


@dataclass(frozen=True, slots=True)
class Scene:
    folder: Path
    stub_port: int
    stub: Running
    makers: Executor
    cities: dict[str, City]  # by store

    def tongqu(self, store: str, running: Running, payload: str = "1k", workers: int = 1) -> Target:
        """The gateway that ``running`` is, asked this payload."""
        place = self.cities[store]
        question, keep = place.questions[payload.removesuffix("-kept")], payload.endswith("-kept")
        return Target(
            system="tongqu",
            store=store,
            processes=workers,
            port=urlsplit(place.url).port or 0,
            pids=[running.pid],
            store_pids=[],
            make=lambda count: proofs.make(place, question, count, self.makers, keep=keep),
            holds=b'"receipt"',
            again=False,
            payload=payload,
            department_pids=[self.stub.pid],
        )

    def direct(self, payload: str = "1k") -> Target:
        """The stub itself, asked as the gateway would ask it."""
        where = {"page": "page", "slow": "slow", "steady": "steady"}.get(payload, "person")
        standard = records.ASSISTANCE if payload == "page" else records.PERSON
        people = records.ids()[:8] if payload == "page" else records.ids()
        url = f"http://127.0.0.1:{self.stub_port}/{where}/records"
        sent = [proofs.post(url, proofs.to_department(standard, who), {"Content-Type": JSON}) for who in people]
        pids = [self.stub.pid]
        return Target("direct", "-", 1, self.stub_port, pids, [], lambda _count: sent, b"records", True, payload)


@dataclass(frozen=True, slots=True)
class Ground:
    """An empty folder, a port for the stub, and the processes that make proofs."""

    folder: Path
    stub_port: int
    makers: Executor


@contextmanager
def ground() -> Iterator[Ground]:
    machine.raise_limits()
    context = multiprocessing.get_context("spawn")  # forked from a process with threads, they could hang
    with tempfile.TemporaryDirectory(prefix="tongqu-bench-") as name, ProcessPoolExecutor(MAKERS, context) as makers:
        yield Ground(Path(name), machine.free_port(), makers)


@contextmanager
def scene(stores: dict[str, str]) -> Iterator[Scene]:
    """``stores``: the database's address by name; empty for SQLite in the city's folder."""
    with ground() as own:
        cities = {store: city.build(own.folder / store, own.stub_port, url) for store, url in stores.items()}
        with stub(own.folder, own.stub_port) as running:
            yield Scene(own.folder, own.stub_port, running, own.makers, cities)


@contextmanager
def stub(folder: Path, port: int, limit: int = 100_000) -> Iterator[Running]:
    """``limit``: how many slow answers it works on at once."""
    command = (sys.executable, "-m", "bench.stub", str(port), str(limit))
    with Running.of("stub", folder, command, f"http://127.0.0.1:{port}/person/health") as running:
        yield running


def of_peer(peer: Peer, pid: int, port: int, stub: Running) -> Target:
    """A peer that runs, asked what it says it wants to be asked."""
    _, path, headers, body = peer.request()
    sent = [proofs.post(f"http://127.0.0.1:{port}{path}", body, headers)]
    holds = records.ids()[0].encode()
    return Target(peer.name, "-", 2, port, [pid], [], lambda _count: sent, holds, True, "1k", [stub.pid])


@contextmanager
def postgresql(settings: Sequence[str]) -> Iterator[tuple[Path, int]]:
    """A server of our own: its folder and its process. Raises PostgresMissing."""
    folder = Path(tempfile.mkdtemp(prefix="tongqu-pg-bench-"))
    folder.chmod(0o755)
    try:
        yield folder, postgres.start(folder, settings)
    finally:
        postgres.stop(folder)


def database(folder: Path, name: str) -> str:
    """The address of a new, empty database."""
    with psycopg.connect(host=str(folder), user="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql+psycopg://postgres@/{name}?host={folder}"
