"""A lock among all threads and processes of one machine, which falls with the process that holds it.

``flock(2)`` asks the kernel, so a process that is killed blocks nobody. It has no time limit, and a process that was
stopped (SIGSTOP) would block the others for ever; so we try again and again, at intervals far below a disk's sync.
Whoever waits holds the turn: a process that has just let go cannot take the lock again before those who wait.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import weakref
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
        self._files: tuple[int, int] | None = None  # descriptors
        self._closing: weakref.finalize[..., FileLock] | None = None

    @contextmanager
    def held(self, patience_s: float | None = None) -> Iterator[None]:
        """Raises LockTimeout; OSError where the file system has no locks. ``patience_s`` 0: try once."""
        patience = self._patience_s if patience_s is None else patience_s
        deadline = time.monotonic() + patience
        if not self._threads.acquire(timeout=patience):
            raise LockTimeout
        try:
            turn_file, file = self._files or self._opened()
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
        """Close the files. The lock may be used again; it opens them anew. Whoever drops it need not close it."""
        with self._threads:
            if self._closing is not None:
                self._closing()
            self._files = self._closing = None

    def _opened(self) -> tuple[int, int]:
        turn, lock = (os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for path in self._paths)
        self._files = (turn, lock)
        self._closing = weakref.finalize(self, _close, turn, lock)
        return self._files


def try_lock(file: TextIO | int) -> bool:
    """Lock an open file (or its descriptor) until it is closed; False if another holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def _take(file: int, deadline: float) -> None:
    pause = FIRST_PAUSE_S
    while not try_lock(file):
        if time.monotonic() >= deadline:
            raise LockTimeout
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
