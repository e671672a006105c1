"""A thread that has ready what overseers ask for: segments at hand, and what looks unusual, so that nobody waits.

It begins once requests are answered and does nothing that a search would not do by itself: without it only the first
answers are slower. Segments take a quarter of a core at most. Looking for what is unusual takes a thirtieth of the
time, however large the log.
"""

from __future__ import annotations

import threading
import time

from gateway.audit.search import Search
from gateway.audit.watch import Watch
from gateway.lib import logs

EVERY_S = 600.0
PATIENCE_S = 1.0  # at the end; what still goes on then writes nothing that counts
RESTRAINT = 3.0  # of each second, three quarters for everybody else


class Preparation:
    """One per process."""

    def __init__(self, search: Search, watch: Watch, *, every_s: float = EVERY_S) -> None:
        self._search, self._watch, self._every_s = search, watch, every_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="search-preparation", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            self._thread = None

    def _run(self) -> None:
        size, due = -1, 0.0
        while not self._stopping.is_set():
            try:
                self._search.prepare(self._rest)
                if not self._stopping.is_set() and time.monotonic() >= due and (now := self._search.size()) != size:
                    due = self._watch.renew() + time.monotonic()
                    size = now
            except Exception as error:  # the database is away, say: who searches hears that, and we try again
                logs.warning("the search was not prepared", error=type(error).__name__)
            self._stopping.wait(self._every_s)

    def _rest(self, took_s: float) -> bool:
        return not self._stopping.wait(RESTRAINT * took_s)
