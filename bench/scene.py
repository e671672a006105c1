"""What every measurement stands on: the stub, the city, and the processes that make proofs."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from bench import city, machine, proofs, records
from bench.city import City
from bench.machine import Running
from bench.measure import Target

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
        )

    def direct(self, payload: str = "1k") -> Target:
        """The stub itself, asked as the gateway would ask it."""
        where = {"page": "page", "slow": "slow"}.get(payload, "person")
        return self.through("direct", self.stub_port, [self.stub.pid], f"/{where}/records", {}, payload)

    def through(
        self, name: str, port: int, pids: list[int], path: str, headers: dict[str, str], payload: str
    ) -> Target:
        """A peer at ``port`` that passes requests on to the stub; it is asked in the department's own language."""
        standard = records.ASSISTANCE if payload == "page" else records.PERSON
        people = records.ids()[:8] if payload == "page" else records.ids()
        url = f"http://127.0.0.1:{port}{path}"
        sent = [proofs.post(url, proofs.to_department(standard, who), headers) for who in people]
        return Target(name, "-", 1, port, pids, [], lambda _count: sent, b"records", True, payload)


@contextmanager
def scene(stores: dict[str, str]) -> Iterator[Scene]:
    """``stores``: the database's address by name; empty for SQLite in the city's own folder."""
    machine.raise_limits()
    context = multiprocessing.get_context("spawn")  # forked from a process with threads, they could hang
    with tempfile.TemporaryDirectory(prefix="tongqu-bench-") as name, ProcessPoolExecutor(MAKERS, context) as makers:
        folder, port = Path(name), machine.free_port()
        cities = {store: city.build(folder / store, port, url) for store, url in stores.items()}
        with stub(folder, port) as running:
            yield Scene(folder, port, running, makers, cities)


@contextmanager
def stub(folder: Path, port: int, limit: int = 100_000) -> Iterator[Running]:
    """``limit``: how many slow answers it works on at once."""
    command = (sys.executable, "-m", "bench.stub", str(port), str(limit))
    with Running.of("stub", folder, command, f"http://127.0.0.1:{port}/person/health") as running:
        yield running


def with_store(target: Target, pid: int) -> Target:
    """The same, with the database server's processes accounted for apart."""
    return replace(target, store_pids=[pid])
