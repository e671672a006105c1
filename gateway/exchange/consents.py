"""What residents have said, at hand for the queries that ask just now.

Most residents are asked about once, so no memory helps: what is read is read for all queries that wait, with one
statement; while it runs, the next ones gather. What was read is kept a while with the revision it was read under, and
compared at the commit like everything a decision rests on (facts.py).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from gateway.audit.log import Log
from gateway.consent import store
from gateway.consent.model import Consent
from gateway.db import Database

MAX_KEPT = 5_000  # about 3 KB each; a resident asked about twice is asked about soon again
MAX_GROUP = 256  # residents read with one statement

Key = tuple[str, str]  # agreement, subject (pseudonym)


class Word(NamedTuple):
    """A resident's consent that counts, if any, and the revision under which it was read."""

    consent: Consent | None
    revision: int


def consent_key(key: Key) -> str:
    return f"consent:{key[0]}:{key[1]}"


class Consents:
    """Used by one event loop only; reading happens in a thread."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database = database
        self._log = log
        self._kept: OrderedDict[Key, Word] = OrderedDict()
        self._waiting: dict[Key, asyncio.Future[Word]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def of(self, agreement: str, subject: str, *, fresh: bool = False) -> Word:
        """``fresh``: as the database has it after this call, not as it was kept."""
        key = (agreement, subject)
        if fresh:
            self._kept.pop(key, None)
        elif word := self._kept.get(key):
            self._kept.move_to_end(key)
            return word
        return await asyncio.shield(self._asked(key))

    def forget(self, revision_key: str) -> None:
        """Drop what was kept under this key of the log."""
        _, agreement, subject = revision_key.split(":", 2)
        self._kept.pop((agreement, subject), None)

    def _asked(self, key: Key) -> asyncio.Future[Word]:
        """Who asks while others wait for the same resident waits with them: their reading has not begun."""
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read_all())
        return waiting

    async def _read_all(self) -> None:
        while self._waiting:
            group = dict(list(self._waiting.items())[:MAX_GROUP])
            for key in group:
                del self._waiting[key]
            try:
                if self._database.local:  # one statement on a file takes less time than to change threads and back
                    words = self._read(list(group))
                else:
                    words = await asyncio.to_thread(self._read, list(group))
            except Exception as error:
                _tell(list(group.values()), error)
                continue
            for key, waiting in group.items():
                self._keep(key, words[key])
                if not waiting.done():
                    waiting.set_result(words[key])

    def _keep(self, key: Key, word: Word) -> None:
        self._kept[key] = word
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def _read(self, keys: Sequence[Key]) -> dict[Key, Word]:
        with self._database.read() as conn:
            revisions = self._log.revisions(conn, [consent_key(key) for key in keys])
            return {
                key: Word(consent, revisions[consent_key(key)]) for key, consent in store.current(conn, keys).items()
            }


def _tell(waiting: Sequence[asyncio.Future[Word]], error: Exception) -> None:
    for future in waiting:
        if not future.done():
            future.set_exception(error)
