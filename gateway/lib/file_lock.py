"""A lock among all threads and processes of one machine, which falls with the process that holds it.

``flock(2)`` asks the kernel, so a process that is killed blocks nobody. It has no time limit, and a process that was
stopped (SIGSTOP) would block the others for ever; so we try again and again, at intervals far below a disk's sync.
Whoever waits holds the turn: a process that has just let go cannot take the lock again before those who wait.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

FIRST_PAUSE_S: Final = 0.0001
LONGEST_PAUSE_S: Final = 0.001


class LockTimeout(Exception):
    """Somebody else held the lock all the time."""


class FileLock:
    """``path`` is made if missing and never removed; ``patience_s`` bounds the wait, in seconds."""

    def __init__(self, path: Path, patience_s: float) -> None:
        self._paths = (path.with_name(path.name + ".turn"), path)
        self._patience_s = patience_s
        self._threads = threading.Lock()  # within a process: fairer than the kernel, and wakes at once
        self._files: tuple[TextIO, TextIO] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raises LockTimeout; OSError where the file system has no locks."""
        deadline = time.monotonic() + self._patience_s
        if not self._threads.acquire(timeout=self._patience_s):
            raise LockTimeout
        try:
            if self._files is None:
                turn, lock = self._paths
                self._files = (turn.open("w"), lock.open("w"))
            turn_file, file = self._files
            _take(turn_file, deadline)
            try:
                _take(file, deadline)
            finally:
                fcntl.flock(turn_file, fcntl.LOCK_UN)
            try:
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Close the files. The lock may be used again; it opens them anew."""
        with self._threads:
            for file in self._files or ():
                file.close()
            self._files = None


def try_lock(file: TextIO) -> bool:
    """Lock an open file until it is closed; False if another holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take(file: TextIO, deadline: float) -> None:
    pause = FIRST_PAUSE_S
    while not try_lock(file):
        if time.monotonic() >= deadline:
            raise LockTimeout
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
