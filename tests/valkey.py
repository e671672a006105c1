"""A real Valkey (or Redis, from which it comes) for the tests, on a port of its own. It keeps nothing on disk."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import valkey

START_SECONDS = 20


@contextmanager
def server(folder: Path, *options: str) -> Iterator[str]:
    """Its address; skips, or fails with CI=true, where there is no program."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("neither valkey-server nor redis-server is installed, and with CI=true nothing may be left out")
        pytest.skip("neither valkey-server nor redis-server is installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder), *options]
    with (folder / "valkey.log").open("ab") as said:
        process = subprocess.Popen([program, "--bind", "127.0.0.1", *arguments], stdout=said, stderr=said)
    url = f"valkey://127.0.0.1:{port}/0"
    try:
        _wait(url)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    with valkey.Valkey.from_url(url) as client:
        while True:
            try:
                client.ping()
                return
            except valkey.exceptions.ConnectionError:
                assert time.monotonic() < deadline, "Valkey did not start"
                time.sleep(0.02)
