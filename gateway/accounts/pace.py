"""How fast one address may begin things before anybody has signed in: each beginning is a write to the database."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from gateway.errors import RateLimited

A_MINUTE = 60  # beginnings of one address, an office's people behind it
REMEMBERED = 10_000  # addresses; the one that began longest ago is forgotten first


class Pace:
    """A bucket of ``a_minute`` for each address, of this process."""

    def __init__(self, a_minute: int = A_MINUTE) -> None:
        self._most = a_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Raises RateLimited."""
        now = time.monotonic()
        with self._lock:
            left, at = self._left.pop(address, (float(self._most), now))
            left = min(self._most, left + (now - at) * self._most / 60)
            self._left[address] = (max(0.0, left - 1), now)
            if len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
        if left < 1:
            raise RateLimited("登录过于频繁，请稍后再试。", "Too many sign-ins; try again shortly.", retry_after=5)
