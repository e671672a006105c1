"""Which keys of the gateway count: those that were given, or the gateway's own word, read when first needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tongqu_client import _signatures, errors
from tongqu_client._http import Reply
from tongqu_client.verify.trust import TrustStore

RELOAD = 60.0  # seconds between two looks for changed keys


class KnownKeys:
    """``given``: keys that are never replaced. ``read`` asks the gateway for its own. Safe for threads."""

    def __init__(self, given: TrustStore | None, read: Callable[[], TrustStore], reload: float = RELOAD) -> None:
        self._pinned, self._known, self._read_anew, self._reload = given is not None, given, read, reload
        # trust, name of a log → trust that knows it, if a trusted log announced it
        self.follow: Callable[[TrustStore, str], TrustStore] = lambda trust, _: trust
        self._read_at, self._lock = 0.0, threading.RLock()

    def get(self) -> TrustStore:
        with self._lock:
            if self._known is None:
                self._known = self._fetch()
            return self._known

    def of_log(self, origin: str) -> TrustStore:
        """The keys, with that of this log if it goes on from one that is trusted: also where keys were given."""
        known = self.get()
        if known.log_key_of(origin) is not None:
            return known
        followed = self.follow(known, origin)
        with self._lock:
            self._known = followed
        return followed

    def verify(self, reply: Reply) -> None:
        """Check a signed reply; for a key that is not known, look once whether the gateway has published it since."""
        try:
            _signatures.verify_response(reply, self.get())
        except _signatures.UnknownKey:
            _signatures.verify_response(reply, self._again())

    def _again(self) -> TrustStore:
        """The keys anew. A log's key may not change, or the log could be exchanged under our eyes; that of a new year
        is announced by the log before it."""
        with self._lock:
            known = self.get()
            if not self._pinned and time.monotonic() - self._read_at >= self._reload:
                fresh = self._fetch()
                same = known.log_key_of(fresh.origin) or self.follow(known, fresh.origin).log_key_of(fresh.origin)
                if (fresh.issuer, fresh.log_key) != (known.issuer, same):
                    raise errors.LogForked(
                        "网关换了日志密钥或自称的身份；在弄清原因之前不要采信它的答复。",
                        "The gateway changed its log's key or its name; do not rely on it before you know why.",
                    )
                self._known = known = fresh
            return known

    def _fetch(self) -> TrustStore:
        self._read_at = time.monotonic()
        return self._read_anew()
