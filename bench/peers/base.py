"""What all peers share: a process group that is started, watched and ended, and the request that is sent to each."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import orjson
import psutil  # type: ignore[import-untyped]  # has none

from bench import records

from . import NotInstallable, tokens

START_SECONDS = 30
STOP_SECONDS = 5


class Started:
    """A peer that runs as one process and its children, in a session of its own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._token: str | None = None

    def headers(self) -> Mapping[str, str]:
        bearer = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        return {"Content-Type": "application/json", **bearer}

    def request(self) -> tuple[str, str, Mapping[str, str], bytes]:
        asked = {
            "standard": records.PERSON,
            "fields": list(tokens.COLUMNS),
            "subject": {"scheme": "cn.resident-id", "id": records.ids()[0]},
        }
        return "POST", "/person/records", self.headers(), orjson.dumps(asked)

    def pids(self) -> list[int]:
        if self._process is None:
            return []
        try:
            top = psutil.Process(self._process.pid)
            return [top.pid, *(child.pid for child in top.children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        if self._process is None:
            return
        every = [psutil.Process(pid) for pid in self.pids()]
        _signal(self._process.pid, signal.SIGTERM)
        psutil.wait_procs(every, timeout=STOP_SECONDS)
        _signal(self._process.pid, signal.SIGKILL)  # the whole group, whatever did not listen
        self._process.wait()
        psutil.wait_procs(every, timeout=STOP_SECONDS)
        self._process = None

    def _run(self, command: Sequence[str | Path], workdir: Path, ready: Callable[[], bool]) -> int:
        """Start it and wait until it is ready. Its output goes to ``workdir``/output. Raises NotInstallable."""
        # A proxy that the environment names would stand between the peer and the stub.
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with (workdir / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [str(word) for word in command], cwd=workdir, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = (workdir / "output").read_text(errors="replace")[-300:]
                raise NotInstallable(f"it did not start: {said.strip()}")
            time.sleep(0.02)
        return self._process.pid


def listens(port: int) -> bool:
    """Does anybody accept connections on 127.0.0.1:``port``?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # it ended by itself
