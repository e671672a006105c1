"""An address and a file that nobody may touch, and what came there: seen from outside the process under test."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TOUCHED = 0x01 | 0x20  # IN_ACCESS | IN_OPEN of inotify(7)


@dataclass(frozen=True, slots=True)
class Watch:
    """``url`` answers nobody but remembers who connects; ``file`` exists and remembers who opens it."""

    url: str
    file: Path
    _listener: socket.socket
    _events: int

    def connections(self) -> int:
        """How many have connected since the last time this was asked."""
        count = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def openings(self) -> int:
        """How often the file was opened or read since the last time this was asked."""
        try:
            raw = os.read(self._events, 65536)
        except BlockingIOError:
            return 0
        count = position = 0
        while position < len(raw):
            _, _, _, length = struct.unpack_from("iIII", raw, position)
            position += struct.calcsize("iIII") + length
            count += 1
        return count


@contextmanager
def watched(folder: Path) -> Iterator[Watch]:
    """Watch a free port of this machine and a new file in the folder."""
    file = folder / "secret.json"
    file.write_text('{"type": "object"}')
    libc = ctypes.CDLL(None, use_errno=True)
    events = libc.inotify_init1(os.O_NONBLOCK)
    if events < 0 or libc.inotify_add_watch(events, str(file).encode(), _TOUCHED) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.setblocking(False)
        try:
            yield Watch(f"http://127.0.0.1:{listener.getsockname()[1]}", file, listener, events)
        finally:
            os.close(events)
