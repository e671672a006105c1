"""A simulated gateway and a client that talks to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tongqu_client import Gateway, Retries, Timeout

from gateway.lib.jose import SigningKey
from tests.clients.simulator import CLIENT, Simulator, running

QUICK = Retries(max_attempts=4, base=0.001, cap=0.2)  # pauses that a test can wait for


@pytest.fixture(scope="session")
def client_key() -> dict[str, str]:
    return SigningKey.generate().private_jwk()


@pytest.fixture
def simulator(client_key: dict[str, str]) -> Iterator[Simulator]:
    with running(Simulator(client_key)) as running_simulator:
        yield running_simulator


@pytest.fixture
def gateway(simulator: Simulator, client_key: dict[str, str]) -> Iterator[Gateway]:
    limits = Timeout(connect=30, read=30, total=60)
    with Gateway(simulator.base_url, client_id=CLIENT, key=client_key, retries=QUICK, timeout=limits) as client:
        yield client
