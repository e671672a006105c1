"""``gateway serve`` as a process of its own, which can be killed."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil

from tests.journeys.commands import environment

START_SECONDS = 40.0


class Process:
    """One run. What it says goes to ``said``. ``file_limit``: bytes beyond which the kernel refuses to grow a file.
    ``env``: variables beside ours."""

    def __init__(
        self,
        config: Path,
        url: str,
        said: Path,
        *,
        file_limit: int | None = None,
        workers: int = 1,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._config, self._url, self.said, self._file_limit, self._workers = config, url, said, file_limit, workers
        self._env = environment(**(env or {}))

    def __enter__(self) -> Process:
        def limit() -> None:
            if self._file_limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (self._file_limit, self._file_limit))

        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", "--config", self._config, "--workers", str(self._workers)],
                stdout=said, stderr=said, env=self._env, preexec_fn=limit,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._ready() or (self._workers > 1 and len(self.workers()) < self._workers):
            assert self.process.poll() is None, self.said.read_text()[-2000:]
            assert time.monotonic() < deadline, "the gateway did not become ready"
            time.sleep(0.02)
        return self

    def workers(self) -> list[psutil.Process]:
        """Those that serve at this moment, by their process number: children of the template, which is our child's."""
        port = int(self._url.rpartition(":")[2])
        found = []
        for template in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):  # it has just ended
                found += [worker for worker in template.children() if listens(worker, port)]
        return sorted(found, key=lambda worker: worker.pid)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def kill(self) -> None:
        """kill -9: nothing is finished, nothing is said."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/readyz", timeout=1) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def listens(process: psutil.Process, port: int) -> bool:
    try:
        sockets = process.net_connections("inet")
    except psutil.Error:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)
