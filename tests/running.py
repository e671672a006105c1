"""A whole gateway on a port of its own, in a thread of this process: real server, real network, real clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from tongqu_client import Answer, Gateway, Retries, TrustStore

from gateway.asgi import Gateway as Application
from gateway.audit.store import Rows
from gateway.config import Settings
from gateway.lib.clock import SystemClock
from gateway.lib.http_server import Protocol
from gateway.lib.keys import Keys
from gateway.wiring import Deps
from tests.cast import AN, BO, CASE, LINDEN, PURPOSE, SCHEME, STANDARD, Cast, key_of
from tests.simulators.department import Department

ONCE = Retries(max_attempts=1)
START_SECONDS = 20.0


class MovableClock:
    """The true time, and what a test adds to it. Move it by seconds only: clients' proofs carry the true time."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self._ahead

    def advance(self, *, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


class RunningGateway:
    """Made of ``folder`` and ``database_url``; ``start`` and ``stop`` may be called again and again."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.clock = MovableClock()
        self.broken: list[BaseException] = []
        self.port = _free_port()
        self.settings = Settings(
            data_dir=folder,
            public_url=f"http://127.0.0.1:{self.port}",
            database_url=database_url,
            provider_networks=("127.0.0.0/8",),
            provider_plain_http=True,
            standards_consultation_days=0,  # nobody here waits for days
            standards_grace_days=0,
        )
        Keys.create(folder / "keys")
        (folder / "log").mkdir()
        self.make()

    def make(self) -> None:
        """Everything anew, as after the start of a process."""
        self.deps = Deps(self.settings, clock=self.clock, on_broken=self.broken.append)

    def start(self) -> None:
        config = uvicorn.Config(
            Application(self.deps),
            host="127.0.0.1",
            port=self.port,
            loop="uvloop",
            http=Protocol,
            lifespan="on",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        # A loop of its own for the server: uvicorn's run() would set signal handlers, which only the main thread may.
        self._thread = threading.Thread(target=asyncio.run, args=(self._server.serve(),), name="gateway", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            assert self._thread.is_alive() and time.monotonic() < deadline, "the gateway did not start"
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive()

    def restart(self) -> None:
        self.stop()
        self.make()
        self.start()

    @property
    def url(self) -> str:
        return self.settings.public_url

    def entries(self) -> list[dict[str, Any]]:
        """The whole log, in order."""
        with self.deps.database.read() as conn:
            rows = Rows(conn)
            return [json.loads(data) for data in rows.entries(0, rows.head().size)]


class City:
    """A running gateway with the cast in it, and the department they ask."""

    def __init__(self, gateway: RunningGateway, cast: Cast, department: Department) -> None:
        self.gateway, self.cast, self.department = gateway, cast, department
        self._clients: dict[str, Gateway] = {}
        self._mark = 0

    def client(self, party: str = LINDEN, **settings: Any) -> Gateway:
        """The SDK as this party's system uses it; by default without retries, so that each answer is seen."""
        if settings or party not in self._clients:
            trust = TrustStore.from_document(self.gateway.deps.trust())
            given = {"trust": trust, "retries": ONCE, **settings}
            made = Gateway(
                self.gateway.url, client_id=self.cast.clients[party], key=key_of(party).private_jwk(), **given
            )
            if settings:
                return made
            self._clients[party] = made
        return self._clients[party]

    def ask(self, agreement: str, person: str = AN["idNumber"], *, party: str = LINDEN, **question: Any) -> Answer:
        """One question about one resident, with the purpose and case of the cast unless told otherwise."""
        standard = question.pop("standard", STANDARD)
        asked = {"agreement": agreement, "purpose": PURPOSE, "case": CASE, **question}
        return self.client(party).query(standard, {SCHEME: person}, **asked)

    def entries(self, *types: str) -> list[dict[str, Any]]:
        """What was written since the last ``begin``, of these types."""
        return [entry for entry in self.gateway.entries()[self._mark :] if not types or entry["type"] in types]

    def begin(self) -> None:
        """A new test in the same city: no tokens yet, a department that answers well and has heard nothing."""
        self.close()
        self.department.behave("good")
        self.department.on_request = None
        self.department.delay_s = 0.0
        self.department.requests.clear()
        self._mark = len(self.gateway.entries())

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()


@contextlib.contextmanager
def running_city(folder: Path, database_url: str, *, timeout_ms: int = 5000) -> Iterator[City]:
    with Department({person["idNumber"]: [person] for person in (AN, BO)}) as department:
        gateway = RunningGateway(folder, database_url)
        cast = Cast(gateway.deps, department, timeout_ms=timeout_ms)
        gateway.start()
        city = City(gateway, cast, department)
        try:
            yield city
        finally:
            city.close()
            gateway.stop()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
