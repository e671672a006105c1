"""What purposes are called: by the agreements that name them, since no list stands above these."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from gateway.agreements import store
from gateway.db import Database

AGAIN_S = 60.0  # a code that nobody knew is looked for again after so long
MANY = 500


class Purposes:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._read_at = -AGAIN_S
        self._names: Mapping[str, tuple[str, str]] = {}

    def name(self, code: str) -> tuple[str, str] | None:
        """In Chinese and English, as the newest agreement has it; None if no agreement names it."""
        with self._lock:
            if code not in self._names and time.monotonic() - self._read_at >= AGAIN_S:
                self._names, self._read_at = self._read(), time.monotonic()
            return self._names.get(code)

    def _read(self) -> Mapping[str, tuple[str, str]]:
        names: dict[str, tuple[str, str]] = {}
        after: tuple[str, int] | None = None
        while True:
            with self._database.read() as conn:
                found = store.page(conn, known_to=None, state=None, after=after, limit=MANY)
            for agreement in found:
                names |= {each["code"]: (each["zh"], each["en"]) for each in agreement.document["purposes"]}
            if len(found) < MANY:
                return names
            after = (found[-1].id, found[-1].version)
