"""Where the gateway can be reached: in one process as in several, at an address of IPv6 as at one of IPv4."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from gateway.config import Settings
from gateway.lib.listening import bound
from gateway.supervisor import EXIT_CANNOT_START, Supervisor
from gateway.wiring import make_installation
from tests.journeys import commands

SECONDS = 30.0


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as tried:
        tried.bind(("::1", 0))
        return True
    return False


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def free_port() -> int:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    port = free_port()
    url = f"http://[::1]:{port}"
    settings = Settings(data_dir=tmp_path / "data", public_url=url, database_url=f"sqlite:///{tmp_path / 'g.sqlite'}")
    make_installation(settings)
    return commands.write_configuration(settings, tmp_path / "tongqu.toml", host="::", log_level="WARNING")


def answers(url: str) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    return False


def test_a_second_gateway_does_not_start_where_another_is() -> None:
    with bound("127.0.0.1", 0, shared=True) as another:
        another.listen()
        assert Supervisor(2, "127.0.0.1", another.getsockname()[1], {}, grace_s=1).run() == EXIT_CANNOT_START


@pytest.mark.parametrize("shared", [False, True])
def test_a_socket_for_all_addresses_is_reached_by_either_family(shared: bool) -> None:
    with bound("::", 0, shared=shared) as listening:
        listening.listen()
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, listening.getsockname()[1]), timeout=5).close()


@pytest.mark.torture
@pytest.mark.parametrize("workers", ["1", "2"])
def test_all_addresses_are_those_of_ipv6_and_of_ipv4(config: Path, workers: str) -> None:
    url = json.loads(config.read_text().split("public_url = ")[1].split("\n")[0])
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config), "--workers", workers]
    process = subprocess.Popen(command, env=commands.environment())
    try:
        deadline = time.monotonic() + SECONDS
        while not answers(url):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        assert answers(f"http://127.0.0.1:{port}")
        trusted = requests.get(f"{url}/.well-known/tongqu-trust", timeout=5).json()
        assert trusted["issuer"] == url and trusted["log"]["origin"] == f"[::1]:{port}/log"
    finally:
        process.terminate()
        assert process.wait(SECONDS) == 0


@pytest.mark.torture
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("host", ["::", "127.0.0.1"])
def test_a_port_that_is_taken_is_said_and_no_start(config: Path, host: str, workers: str) -> None:
    port = int(config.read_text().split("port = ")[1].split("\n")[0])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family):
        done = commands.run("gateway", "serve", "--config", str(config), "--workers", workers, "--host", host)
    assert done.returncode == 3 and "ddress already in use" in done.stderr
