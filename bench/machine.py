"""Programs under measurement: started, watched through /proc, ended. Linux only, as /proc is."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S, STOP_S = 30.0, 15.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class DidNotStart(Exception):
    """A program ended or kept silent. The message holds the last lines it wrote."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def raise_limits() -> int:
    """Allow as many open files as this account may have; the programs started afterwards inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


@dataclass(frozen=True, slots=True)
class Used:
    """What a tree of processes has used: CPU seconds since its start, and resident memory now, in bytes.

    A page that several processes share (workers are forked from one template) counts once, in equal parts.
    """

    cpu_s: float
    memory: int


def used(root: int) -> Used:
    """Of this process and all its descendants, those that run now."""
    memory = 0
    for pid in _tree([root]):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            memory += _share_of_memory(pid) or int(_stat(pid)[21]) * _PAGE
    return Used(cpu_s([root]), memory)


def memory_mb(roots: Sequence[int]) -> float:
    """Of these processes and all their descendants."""
    return sum(used(pid).memory for pid in roots) / 2**20


def cpu_s(roots: Sequence[int]) -> float:
    """Of these processes and all their descendants; each counts once. A tenth of the effort of ``used``."""
    return Tree(roots).cpu_s()


class Tree:
    """These processes and all their descendants, as they are now: for reading their CPU time often."""

    def __init__(self, roots: Sequence[int], *, deep: bool = True) -> None:
        found = _tree(roots) if deep and roots else roots
        self._files = [Path("/proc") / str(pid) / "stat" for pid in found]

    def cpu_s(self) -> float:
        ticks = 0
        for file in self._files:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                ticks += sum(map(int, file.read_text().rpartition(")")[2].split()[11:13]))
        return ticks / _TICKS


@dataclass(frozen=True, slots=True)
class Cores:
    """How all cores of the machine have spent their time so far, in seconds."""

    idle_s: float
    worked_s: float  # by programs, and what other guests of the host took (steal)

    def __sub__(self, earlier: Cores) -> Cores:
        return Cores(self.idle_s - earlier.idle_s, self.worked_s - earlier.worked_s)


def cores() -> Cores:
    user, nice, system, idle, waiting, _, _, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return Cores((idle + waiting) / _TICKS, (user + nice + system + steal) / _TICKS)


def _share_of_memory(pid: int) -> int:
    """The proportional set size in bytes; 0 where the kernel does not tell."""
    try:
        lines = (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _tree(roots: Sequence[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found = list(roots)
    for pid in found:
        found += children.get(pid, [])
    return list(dict.fromkeys(found))


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on: the second, the name, may hold anything."""
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()


class Running:
    """One program and what it started."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name, self.pid, self._process = name, process.pid, process

    @classmethod
    @contextmanager
    def of(cls, name: str, folder: Path, command: Sequence[str], url: str) -> Iterator[Running]:
        """Run ``command`` until the block ends; it begins when ``url`` answers 200. Raises DidNotStart."""
        log = folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        running = cls(name, process)
        try:
            running._wait(url, log)
            yield running
        finally:
            running.stop()

    def _wait(self, url: str, log: Path) -> None:
        deadline = time.monotonic() + START_S
        while not _answers(url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(errors="replace").splitlines()[-8:]
                raise DidNotStart(f"{self.name} did not start / 未能启动:\n" + "\n".join(tail))
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end; if it will not, end it and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # our own loopback address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def about() -> dict[str, str | int]:
    """The machine's kind, for the report: nothing that names it."""
    model = platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * _PAGE / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
