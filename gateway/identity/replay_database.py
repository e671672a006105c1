"""Used proofs in the database, for several processes: settled in the very transaction that writes a query's decision.

A proof so costs a row in a commit that is made anyway. Marks are kept by the slice of time their proofs were made in;
``floor`` is the lowest slice that is still kept, and a proof from below it is refused and ends the generation: that
can only be when clocks were set back, and then nonces must die. The floor follows the newest proof that was taken, not
a clock, so one machine whose clock is wrong sweeps nothing away.

All of it happens under the lock on the log's head, so a proof sent to two processes at once is settled twice in a row.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, insert, select, tuple_, update

from gateway.audit.log import Guard, Log, Transaction
from gateway.errors import Unauthenticated
from gateway.identity.replay import KEPT_SLICES, UsedProof, new_generation, nonce_required, replayed
from gateway.identity.store import REPLAY_STATE, USED_PROOF

_KEY = (USED_PROOF.c.slice, USED_PROOF.c.mark)
SWEPT_AT_ONCE = 1_000  # rows in one transaction: some three milliseconds, for queries wait meanwhile

# One statement does it all: marks that are new, of this generation and not below the floor go in and come back.
_TAKE_SQLITE = """
INSERT INTO used_proof (slice, mark)
SELECT json_extract(g.value, '$[0]'), json_extract(g.value, '$[1]') FROM json_each(?) AS g, replay_state AS s
WHERE s.generation = json_extract(g.value, '$[2]') AND json_extract(g.value, '$[0]') >= s.floor
ON CONFLICT DO NOTHING RETURNING slice, mark"""
_TAKE_POSTGRESQL = """
INSERT INTO used_proof (slice, mark)
SELECT g.slice, g.mark
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS g (slice, mark, generation), replay_state AS s
WHERE s.generation = g.generation AND g.slice >= s.floor
ON CONFLICT DO NOTHING RETURNING slice, mark"""


class DatabaseMemory:
    """The memory of all processes and machines over one database."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.generation: str | None = None  # as this process knows it; a commit tells when it is another one

    def start(self) -> None:
        with self._log.transaction() as tx:
            self.generation, _ = _state(tx.conn) or _renew(tx.conn, floor=0)

    def generation_at(self, _now: float) -> str:
        if self.generation is None:
            self.start()
        assert self.generation is not None
        return self.generation

    def claim(self, proof: UsedProof) -> None:
        with self._log.transaction() as tx:
            (refusal,) = Use.settle(tx, [Use(proof, self)])
        if refusal is not None:
            raise refusal

    async def begin(self, proof: UsedProof) -> list[Guard]:
        return [Use(proof, self)]

    def tidy(self) -> None:
        """Raise the floor, then delete what lies below it, a few rows at a time."""
        with self._log.transaction() as tx:
            newest = tx.conn.execute(select(func.max(USED_PROOF.c.slice))).scalar()
            if newest is None:
                return
            floor = newest - KEPT_SLICES
            tx.conn.execute(update(REPLAY_STATE).where(REPLAY_STATE.c.floor < floor).values(floor=floor))
        while self._sweep(floor) == SWEPT_AT_ONCE:
            pass

    def _sweep(self, floor: int) -> int:
        with self._log.transaction() as tx:
            some = select(*_KEY).where(USED_PROOF.c.slice < floor).limit(SWEPT_AT_ONCE)
            return tx.conn.execute(delete(USED_PROOF).where(tuple_(*_KEY).in_(some))).rowcount

    async def close(self) -> None:
        """Nothing to do: the database is not ours."""


@dataclass(frozen=True, slots=True)
class Use:
    """Guard: use the proof up, or reject with ProofReplayed or NonceRequired."""

    proof: UsedProof
    memory: DatabaseMemory = field(repr=False)

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Use]) -> list[Unauthenticated | None]:
        first: dict[tuple[int, str], Use] = {}
        for guard in guards:
            first.setdefault((guard.proof.slice, guard.proof.mark), guard)
        taken = _take(tx.conn, [guard.proof for guard in first.values()])
        accepted = {id(first[key]) for key in taken}
        return [None if id(guard) in accepted else guard._refusal(tx.conn) for guard in guards]

    def _refusal(self, conn: Connection) -> Unauthenticated:
        state = _state(conn)
        if state is None or (self.proof.generation == state[0] and self.proof.slice < state[1]):
            state = _renew(conn, floor=self.proof.slice)  # the memory was emptied, or clocks were set back
        self.memory.generation = state[0]
        return replayed() if self.proof.generation == state[0] else nonce_required()

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Use]) -> None:
        """The query is decided anew and brings the same proof again."""
        keys = [(guard.proof.slice, guard.proof.mark) for guard in guards]
        tx.conn.execute(delete(USED_PROOF).where(tuple_(*_KEY).in_(keys)))


def _take(conn: Connection, proofs: Sequence[UsedProof]) -> list[tuple[int, str]]:
    """Remember these; return the slice and mark of those that were new."""
    cursor = conn.connection.cursor()  # the bare driver: this is on the path of every query
    if conn.dialect.name == "sqlite":
        rows = json.dumps([(proof.slice, proof.mark, proof.generation) for proof in proofs])
        cursor.execute(_TAKE_SQLITE, (rows,))
    else:
        _, marks, slices, generations = zip(*proofs, strict=True)
        cursor.execute(_TAKE_POSTGRESQL, (list(slices), list(marks), list(generations)))
    return list(cursor.fetchall())


def _state(conn: Connection) -> tuple[str, int] | None:
    row = conn.execute(select(REPLAY_STATE.c.generation, REPLAY_STATE.c.floor)).first()
    return (row.generation, row.floor) if row else None


def _renew(conn: Connection, *, floor: int) -> tuple[str, int]:
    generation = new_generation()
    conn.execute(delete(USED_PROOF))
    conn.execute(delete(REPLAY_STATE))
    conn.execute(insert(REPLAY_STATE).values(id=0, generation=generation, floor=floor))
    return generation, floor
