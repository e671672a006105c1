"""Checkpoints that are kept, with the cosignatures they got: the last of each day, the last with a quorum, the newest.

    log_kept         what the log signed, by ``size``: how many entries over all years it covers
    log_cosignature  which witness cosigned it, and when
    log_witness      how it went with each witness lately

Kept with or without witnesses: between two of them anybody may ask for a proof that nothing was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Integer, Table, Text, delete, func, select, text

from gateway.audit.checkpoint import cosigned
from gateway.audit.cosignature import Cosignature, WitnessKey
from gateway.audit.policy import Policy
from gateway.audit.shard import holding
from gateway.audit.store import SHARD, Rows
from gateway.db import metadata
from gateway.lib.clock import parse_rfc3339, rfc3339

LATE = timedelta(minutes=10)  # how long a slow witness may take to cosign a checkpoint that is not the newest any more
_DAY = 10  # characters of 2026-11-26

Big = BigInteger().with_variant(Integer, "sqlite")
KEPT = Table(
    "log_kept",
    metadata,
    Column("size", Big, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("t", Text, nullable=False),
)
COSIGNATURE = Table(
    "log_cosignature",
    metadata,
    Column("size", Big, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),
    Column("at", Big, nullable=False),
)
WITNESS = Table(
    "log_witness",
    metadata,
    Column("witness", Text, primary_key=True),
    Column("size", Big, nullable=False),
    Column("at", Big, nullable=False),
    Column("tried", Text, nullable=False),
    Column("problem", Text),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint with its cosignatures; ``witnesses``: who (key id) and when (seconds since 1970).

    ``size``: how many entries it covers over all years; ``log_size``: of its own log.
    """

    size: int
    note: str  # with the cosignature lines
    t: str
    witnesses: dict[str, int]

    @property
    def origin(self) -> str:
        return self.note.split("\n", 1)[0]

    @property
    def log_size(self) -> int:
        return int(self.note.split("\n", 2)[1])


@dataclass(frozen=True, slots=True)
class Standing:
    """How it went with a witness: what it cosigned last, when somebody tried last, and what was wrong then (a code)."""

    size: int = 0
    at: int = 0
    tried: str | None = None
    problem: str | None = None


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def keep(conn: Connection, size: int, note: str, t: str) -> None:
    """Does nothing if it is kept already."""
    values = {"size": size, "note": note, "t": t}
    conn.execute(text("INSERT INTO log_kept (size, note, t) VALUES (:size, :note, :t) ON CONFLICT DO NOTHING"), values)


def add(conn: Connection, size: int, key: WitnessKey, found: Cosignature) -> None:
    """A later cosignature of the same checkpoint takes the place of the earlier."""
    conn.execute(
        text(
            "INSERT INTO log_cosignature (size, witness, line, at) VALUES (:size, :witness, :line, :at)"
            " ON CONFLICT (size, witness) DO UPDATE SET line = excluded.line, at = excluded.at"
        ),
        {"size": size, "witness": key.id, "line": found.line, "at": found.at},
    )


def note_down(conn: Connection, key: WitnessKey, standing: Standing) -> None:
    """How it went; what was cosigned before is not forgotten by a failure."""
    conn.execute(
        text(
            "INSERT INTO log_witness (witness, size, at, tried, problem)"
            " VALUES (:witness, :size, :at, :tried, :problem)"
            " ON CONFLICT (witness) DO UPDATE SET size = excluded.size, at = excluded.at, tried = excluded.tried,"
            " problem = excluded.problem"
        ),
        {"witness": key.id, **asdict(standing)},
    )


def thin(conn: Connection, policy: Policy, now: str) -> None:
    """Forget what lies between: of each day only its last stays, of today the last with a quorum and the late ones."""
    best = newest(conn, policy)
    horizon = rfc3339(parse_rfc3339(now) - LATE)
    day = func.substr(KEPT.c.t, 1, _DAY)
    last_of_days = select(func.max(KEPT.c.size)).group_by(day).scalar_subquery()
    gone = KEPT.c.size.not_in(last_of_days) & ((KEPT.c.t < horizon) | (KEPT.c.size < (best.size if best else 0)))
    if best is not None:
        gone &= KEPT.c.size != best.size
    gone &= KEPT.c.size.not_in(select(SHARD.c.ended).where(SHARD.c.ended.is_not(None)))  # the last ones of years
    conn.execute(delete(KEPT).where(gone))
    conn.execute(delete(COSIGNATURE).where(COSIGNATURE.c.size.not_in(select(KEPT.c.size))))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def at(conn: Connection, size: int) -> Kept | None:
    return next(_read(conn, [KEPT.c.size == size]), None)


def newest(conn: Connection, policy: Policy, *, covering: int = 0) -> Kept | None:
    """The largest kept checkpoint with the policy's quorum; over entry ``covering`` - 1, if given, in its own log."""
    conditions: list[ColumnElement[bool]] = []
    if covering > 0 and (shards := Rows(conn).shards()):
        end = holding(shards, covering - 1).end
        conditions = [KEPT.c.size >= covering, *([] if end is None else [KEPT.c.size <= end])]
    for found in _read(conn, conditions):
        if policy.enough(found.witnesses):
            return found
    return None


def every(conn: Connection, *, limit: int = 1000, below: int | None = None) -> list[Kept]:
    """The kept checkpoints, the largest first."""
    conditions = [] if below is None else [KEPT.c.size < below]
    found = []
    for each in _read(conn, conditions):
        found.append(each)
        if len(found) == limit:
            break
    return found


def standings(conn: Connection) -> dict[str, Standing]:
    """By the id of the witness's key."""
    rows = conn.execute(select(WITNESS)).all()
    return {row.witness: Standing(row.size, row.at, row.tried, row.problem) for row in rows}


def _read(conn: Connection, conditions: Sequence[object]) -> Iterator[Kept]:
    """Largest first, a few at a time: whoever looks for the newest need not read those of all years."""
    below: int | None = None
    while True:
        wanted = select(KEPT).where(*conditions).order_by(KEPT.c.size.desc()).limit(32)  # type: ignore[arg-type]
        rows = conn.execute(wanted if below is None else wanted.where(KEPT.c.size < below)).all()
        if not rows:
            return
        below = rows[-1].size
        of = select(COSIGNATURE).where(COSIGNATURE.c.size.in_([row.size for row in rows]))
        lines = conn.execute(of.order_by(COSIGNATURE.c.witness)).all()
        for size, note, t in rows:
            mine = [line for line in lines if line.size == size]
            yield Kept(size, cosigned(note, [line.line for line in mine]), t, {m.witness: m.at for m in mine})
