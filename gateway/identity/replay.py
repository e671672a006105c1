"""Which proofs of possession were used: each counts once, in however many processes and machines.

A proof is known by its *mark*, a hash of its key and its jti. Three kinds of memory keep marks (setting
``replay_memory``, decision 0012), and all promise the same:

    a mark remembered is refused for as long as its proof could count;
    whoever cannot promise that changes the *generation*, from which nonces are made: what may have been forgotten
    carries a nonce that is not valid any more.

This is the memory of one process. Those that several share are in replay_database.py and replay_valkey.py.
"""

from __future__ import annotations

import secrets
import threading
from hashlib import sha256
from typing import Final, NamedTuple, Protocol

from gateway.audit.log import Guard
from gateway.errors import Busy, NonceRequired, ProofReplayed
from gateway.lib.jose import encode64

MAX_AGE_S: Final = 60  # how old a proof may be
MAX_AHEAD_S: Final = 10  # how far the sender's clock may be ahead (FAPI 2.0 section 5.3.2.1 asks for 10)
MAX_REMEMBERED: Final = 1_000_000  # proofs in each of two halves; beyond it callers are told to come back
_HALF_S: Final = MAX_AGE_S + MAX_AHEAD_S + 5  # a half lives at least as long as the youngest proof in it can count

SLICE_S: Final = 30  # shared memories keep marks by the slice of time that their proofs were made in
KEPT_SLICES: Final = 4  # below the newest: what a machine would take whose clock is 50 s behind the others'


class UsedProof(NamedTuple):
    """A proof that is good in itself; whether it is used for the first time, a memory says."""

    jkt: str  # the thumbprint of its key
    mark: str  # 22 characters
    slice: int  # of its own iat
    generation: str  # that its nonce was made under

    @classmethod
    def of(cls, jkt: str, jti: str, issued: float, generation: str) -> UsedProof:
        mark = encode64(sha256(f"{jkt}\0{jti}".encode("utf-8", "surrogatepass")).digest()[:16])
        return cls(jkt, mark, int(issued // SLICE_S), generation)


class UsedProofs(Protocol):
    """A memory. Safe for threads."""

    def start(self) -> None:
        """Be ready for the first proof."""
        ...

    def generation_at(self, now: float) -> str:
        """The present generation (``now``: Unix seconds by the gateway's clock)."""
        ...

    def claim(self, proof: UsedProof) -> None:
        """Use it up, durably when this returns. Blocks. Raises ProofReplayed, NonceRequired, Busy, LogUnavailable."""
        ...

    async def begin(self, proof: UsedProof) -> list[Guard]:
        """Use it up on the path of a query: at once, or by the guards returned, which belong to the query's first
        entry. If that is never written, ``claim`` is still owed. Raises as ``claim``."""
        ...

    def tidy(self) -> None:
        """Forget what cannot count any more. By one process at a time; by several it does no harm."""
        ...

    async def close(self) -> None: ...


class ProcessMemory:
    """The memory of one process alone. Nonces die with it, so nobody else needs to know what it knew."""

    def __init__(self, limit: int = MAX_REMEMBERED) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._latest = float("-inf")
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        self._generation = new_generation()
        self._young: set[str] = set()
        self._old: set[str] = set()
        self._since = now

    def start(self) -> None:
        """Nothing to do: it is empty, and so are its nonces."""

    def generation_at(self, now: float) -> str:
        """A clock that was set back begins a new one: proofs already forgotten would be young again."""
        if now < self._latest - MAX_AHEAD_S:
            with self._lock:
                if now < self._latest - MAX_AHEAD_S:  # still: another thread may have been first
                    self._latest = now
                    self._begin(now)
        elif now > self._latest:
            self._latest = now
        return self._generation

    def claim(self, proof: UsedProof) -> None:
        with self._lock:
            if proof.generation != self._generation:
                raise nonce_required()
            if self._latest - self._since > _HALF_S:
                self._old, self._young, self._since = self._young, set(), self._latest
            if proof.mark in self._young or proof.mark in self._old:
                raise replayed()
            if len(self._young) >= self._limit:
                raise Busy(retry_after=1)
            self._young.add(proof.mark)

    async def begin(self, proof: UsedProof) -> list[Guard]:
        self.claim(proof)
        return []

    def tidy(self) -> None:
        """Nothing to do: each half goes when its time is over."""

    async def close(self) -> None:
        """Nothing to do."""


def new_generation() -> str:
    return secrets.token_urlsafe(16)


def replayed() -> ProofReplayed:
    return ProofReplayed(
        "该持有证明（DPoP）已使用过；每个请求都需要新的证明。",
        "This proof of possession (DPoP) was used before; each request needs a new one.",
        rule="A8",
        fix_zh="如非本系统重发，请检查令牌和请求是否被截获。",
        fix_en="If your system did not send it twice, find out who intercepted it.",
    )


def nonce_required() -> NonceRequired:
    return NonceRequired(
        "请使用应答头 DPoP-Nonce 中的随机数重新生成持有证明并重试。",
        "Make a new proof with the nonce of the DPoP-Nonce header, and try again.",
        rule="A9",
    )
