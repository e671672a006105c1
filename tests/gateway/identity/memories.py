"""Memories of used proofs, one for each process of an imagined gateway, and what may befall them."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import valkey
from sqlalchemy import delete, func, select

from gateway.audit.log import Log, Rejected
from gateway.db import Database
from gateway.errors import Unauthenticated
from gateway.identity.dpop import Proofs
from gateway.identity.replay import ProcessMemory, UsedProofs
from gateway.identity.replay_database import DatabaseMemory
from gateway.identity.replay_valkey import ValkeyMemory
from gateway.identity.store import REPLAY_STATE, USED_PROOF
from tests.clock import FixedClock
from tests.gateway.identity.sender import Key

BASE_URL, ROUTE = "https://gw.test", "/v1/queries"
VIEWED = {
    "type": "audit.viewed",
    "actor": {"party": None, "client": None, "officer": None},
    "filter_digest": "sha-256:" + "0" * 64,
    "rows": 0,
}


@dataclass
class Process:
    """One process of the gateway: it checks proofs and asks its memory."""

    proofs: Proofs
    memory: UsedProofs
    log: Log

    def take(self, proof: str) -> str:
        """``taken``, or the rule that refuses it: as handlers and the token endpoint do."""
        try:
            self.memory.claim(self.proofs.check([proof], "POST", ROUTE))
        except Unauthenticated as error:
            return str(error.rule)
        return "taken"

    async def take_with_an_entry(self, proof: str) -> str:
        """As a query does."""
        try:
            owed = await self.memory.begin(self.proofs.check([proof], "POST", ROUTE))
            await self.log.append(VIEWED, guards=owed)
        except Unauthenticated as error:
            return str(error.rule)
        except Rejected as rejected:
            assert isinstance(rejected.why, Unauthenticated)
            return str(rejected.why.rule)
        return "taken"


@dataclass
class Gateway:
    """Several processes with one secret. ``lose``: what they remember together is gone."""

    clock: FixedClock
    start: Callable[[], tuple[UsedProofs, Log]]
    lose: Callable[[], None]
    shared: bool
    remembered: Callable[[], int] = lambda: 0  # how many proofs
    key: Key = field(default_factory=Key.make)
    made: list[UsedProofs] = field(default_factory=list)

    def process(self) -> Process:
        memory, log = self.start()
        self.made.append(memory)
        memory.start()
        return Process(Proofs(BASE_URL, b"s" * 32, self.clock, memory), memory, log)

    def proof(self, process: Process, **claims: object) -> str:
        """A fresh proof with the nonce that this process gives out now."""
        usual = {
            "jti": secrets.token_urlsafe(16),
            "htm": "POST",
            "htu": BASE_URL + ROUTE,
            "iat": int(self.clock.now().timestamp()),
            "nonce": process.proofs.nonce(),
        }
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": dict(self.key.public)}
        return self.key.jws(header, json.dumps({**usual, **claims}).encode())


def of_processes(log: Log, clock: FixedClock) -> Gateway:
    return Gateway(clock, lambda: (ProcessMemory(), log), lambda: None, shared=False)


def of_database(log: Log, clock: FixedClock, opened: list[Log]) -> Gateway:
    """Each process has connections, a log and a writer of its own."""

    def start() -> tuple[UsedProofs, Log]:
        database = Database(log.database.url.render_as_string(hide_password=False))
        opened.append(Log(database, clock=clock, key=log.key, folder=log.folder))
        return DatabaseMemory(opened[-1]), opened[-1]

    def lose() -> None:
        with log.database.write() as conn:
            conn.execute(delete(USED_PROOF))
            conn.execute(delete(REPLAY_STATE))

    def remembered() -> int:
        with log.database.read() as conn:
            return conn.scalar(select(func.count()).select_from(USED_PROOF)) or 0

    return Gateway(clock, start, lose, shared=True, remembered=remembered)


def of_valkey(log: Log, clock: FixedClock, url: str) -> Gateway:
    def lose() -> None:
        with valkey.Valkey.from_url(url) as client:
            client.flushall()

    def remembered() -> int:
        with valkey.Valkey.from_url(url) as client:
            return sum(client.scard(key) for key in client.keys("tongqu:*:used:*"))

    lose()
    return Gateway(clock, lambda: (ValkeyMemory(url, "gw.test", clock), log), lose, shared=True, remembered=remembered)


def all_at_once(gateway: Gateway, *takes: Callable[[], Coroutine[Any, Any, str]]) -> list[str]:
    async def gathered() -> list[str]:
        try:
            return list(await asyncio.gather(*(take() for take in takes)))
        finally:
            for memory in gateway.made:  # their connections belong to this event loop
                await memory.close()

    return asyncio.run(gathered())
