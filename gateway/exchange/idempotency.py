"""The same request twice gives the same answer once.

A caller that lost our answer asks again under the same ``Idempotency-Key`` and gets the answer that was released, not a
second release. The answer holds personal data, so at rest it is sealed (AES-GCM) under a key made from the caller's
Idempotency-Key and a secret of this installation: neither the database nor the secret alone opens it. The key itself is
never stored. A refused or failed query leaves no trace here: asking again is then a new query.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import bindparam, delete, select, update

from gateway.audit import lookup
from gateway.audit.log import Transaction
from gateway.errors import InvalidRequest
from gateway.exchange.store import IDEMPOTENCY
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339

KEEP = timedelta(hours=24)  # how long an answer can be fetched again
KEY_FORM = re.compile(r"[!-~]{16,128}\Z")  # visible ASCII; 16 characters at least, so that it cannot be guessed


@dataclass(frozen=True, slots=True)
class Ticket:
    """One caller's Idempotency-Key with the request it came with, as keyed hashes; and the seal for the answer."""

    key: str
    request: str
    query: str
    until: str
    seal: bytes = field(repr=False)

    def sealed(self, answer: Mapping[str, Any]) -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(self.seal).encrypt(nonce, orjson.dumps(answer), self.key.encode())

    def opened(self, blob: bytes) -> dict[str, Any]:
        answer: dict[str, Any] = orjson.loads(AESGCM(self.seal).decrypt(blob[:12], blob[12:], self.key.encode()))
        return answer


def ticket(secret: bytes, client: str, key: str, body: Mapping[str, Any], query: str, now: datetime) -> Ticket:
    """Make the ticket of a request. Raises InvalidRequest for a key that could be guessed or stored badly."""
    if not KEY_FORM.match(key):
        raise InvalidRequest(
            "Idempotency-Key 应为 16 至 128 个可见 ASCII 字符。",
            "Idempotency-Key: expected 16 to 128 visible ASCII characters.",
            fix_zh="每次新的查询生成一个 UUID，重试时沿用。",
            fix_en="Make a UUID for each new query and use it again for its retries.",
        )

    def keyed(purpose: str, data: bytes) -> bytes:
        label = f"{purpose}\0{client}\0{key}\0".encode()
        return hmac.new(secret, label + data, hashlib.sha256).digest()

    return Ticket(
        key=keyed("key", b"").hex(),
        request=keyed("request", canonical(body)).hex(),
        query=query,
        until=rfc3339(now + KEEP),
        seal=keyed("seal", b""),
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """This key was seen before: with another request (``same`` False), still being answered, or answered."""

    same: bool
    query: str
    answer: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """Guard: take the key for this query, or reject with Taken."""

    ticket: Ticket

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Claim]) -> list[Taken | None]:
        keys = [guard.ticket.key for guard in guards]
        known = {row.key: row for row in tx.conn.execute(select(IDEMPOTENCY).where(IDEMPOTENCY.c.key.in_(keys)))}
        outcomes: list[Taken | None] = []
        fresh: dict[str, Ticket] = {}
        for guard in guards:
            mine = guard.ticket
            if row := known.get(mine.key):
                outcomes.append(Taken(row.request == mine.request, row.query, row.answer))
            elif other := fresh.get(mine.key):
                outcomes.append(Taken(other.request == mine.request, other.query, None))
            else:
                fresh[mine.key] = mine
                outcomes.append(None)
        if fresh:
            tx.conn.execute(
                IDEMPOTENCY.insert(),
                [{"key": t.key, "request": t.request, "query": t.query, "until": t.until} for t in fresh.values()],
            )
        return outcomes

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Claim]) -> None:
        Forget.settle(tx, [Forget(guard.ticket.key) for guard in guards])


@dataclass(frozen=True, slots=True)
class Remember:
    """Guard that never rejects: keep the sealed answer in the transaction that releases it."""

    key: str
    answer: bytes = field(repr=False)

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Remember]) -> list[None]:
        tx.conn.execute(
            update(IDEMPOTENCY).where(IDEMPOTENCY.c.key == bindparam("k")).values(answer=bindparam("a")),
            [{"k": guard.key, "a": guard.answer} for guard in guards],
        )
        return [None] * len(guards)

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Remember]) -> None:
        tx.conn.execute(
            update(IDEMPOTENCY).where(IDEMPOTENCY.c.key.in_([guard.key for guard in guards])).values(answer=None)
        )


@dataclass(frozen=True, slots=True)
class Forget:
    """Guard that never rejects: the query ended without an answer, so the key is free again."""

    key: str

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Forget]) -> list[None]:
        tx.conn.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.key.in_([guard.key for guard in guards])))
        return [None] * len(guards)

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Forget]) -> None:
        raise AssertionError("an outcome carries no guard that rejects")


def sweep(tx: Transaction, now: datetime) -> int:
    """Delete what is older than KEEP; return how many."""
    return tx.conn.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.until < rfc3339(now))).rowcount


def forget_unanswered(tx: Transaction) -> int:
    """Queries that ended without an answer and could not say so themselves leave their keys free again."""
    dead = IDEMPOTENCY.c.answer.is_(None) & IDEMPOTENCY.c.query.not_in(lookup.under_way())
    return tx.conn.execute(delete(IDEMPOTENCY).where(dead)).rowcount
