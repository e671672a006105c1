"""Is the log whole? Checkpoints and who witnessed them, a proof between two dates, and the check of somebody's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import Connection

from gateway.audit import kept, merkle
from gateway.audit.filter import Filter
from gateway.audit.kept import Standing
from gateway.audit.policy import Witness
from gateway.audit.shard import holding
from gateway.audit.store import Rows
from gateway.lib.clock import rfc3339
from gateway.pages.compliance import uploaded
from gateway.pages.compliance.desk import DESK, INTEGRITY, Desk
from standards import workdays

HISTORY = 60


@dataclass(frozen=True, slots=True)
class Witnessed:
    witness: Witness
    standing: Standing

    @property
    def at(self) -> datetime | None:
        return datetime.fromtimestamp(self.standing.at, UTC) if self.standing.at else None


@dataclass(frozen=True, slots=True)
class Standings:
    """How the log stands: entries, how many of them a checkpoint covers, who has seen it."""

    size: int
    covered: int
    witnesses: tuple[Witnessed, ...]
    witnessed: int | None  # entries under the largest checkpoint with a quorum

    @property
    def seen_by(self) -> int:
        return sum(1 for each in self.witnesses if each.standing.at and not each.standing.problem)


def standing(desk: Desk) -> Standings:
    covered = desk.log.published_to()
    with desk.log.database.read() as conn:
        size = Rows(conn).head().size
        found = kept.standings(conn)
        best = kept.newest(conn, desk.policy) if desk.policy.witnesses else None
    witnesses = tuple(Witnessed(each, found.get(each.key.id) or Standing()) for each in desk.policy.witnesses)
    return Standings(size, covered, witnesses, best.size if best else None)


@dataclass(frozen=True, slots=True)
class Between:
    """A consistency proof between the ends of two days."""

    origin: str  # of the log of that year; both sizes count from its first entry
    since: str
    until: str
    old: int
    new: int
    old_root: str
    new_root: str
    hashes: Sequence[str]
    holds: bool
    kept: bool  # whether the old head is one that was signed and kept then, not one computed now


class Integrity:
    def __init__(self, desk: Desk, keys: Any) -> None:
        self.desk, self.keys = desk, keys

    def routes(self, blp: Blueprint) -> None:
        signed_in = self.desk.frame.sessions.signed_in(*DESK)
        blp.add_url_rule("/desk/integrity", view_func=signed_in(self.integrity), endpoint="integrity")
        blp.add_url_rule("/desk/integrity", view_func=signed_in(self.check), endpoint="check", methods=["POST"])

    def integrity(self) -> Response:
        return self._page(between=self._asked_between())

    def check(self) -> Response:
        """A receipt, proof or bundle that somebody brought: read in memory, answered, forgotten."""
        file = request.files.get("file")
        data = file.stream.read() if file else request.form.get("text", "").encode()
        outcome = uploaded.check(self.desk, self.keys, data)
        return self._page(outcome=outcome)

    def _page(self, **more: Any) -> Response:
        desk = self.desk
        desk.log.publish()
        with desk.log.database.read() as conn:
            history = kept.every(conn, limit=HISTORY)
        desk.looked({"desk": "integrity"}, len(history))
        names = {each.key.id: each.name for each in desk.policy.witnesses}
        today = workdays.day_of(desk.clock.now())
        given = {"between": None, "outcome": None} | more
        return desk.page(
            "integrity.html",
            INTEGRITY[1],
            standing=standing(desk),
            history=history,
            names=names,
            keys=desk.log.all_keys(),
            shards=desk.log.shards(),
            today=today,
            asked_since=_date(request.args.get("since")),
            asked_until=_date(request.args.get("until")),
            week_ago=today - timedelta(days=7),
            **given,
        )

    # ── between two dates ─────────────────────────────────────────────────────────────────────────────────────────────
    def _asked_between(self) -> Between | str | None:
        since, until = request.args.get("since"), request.args.get("until")
        if not since or not until:
            return None
        try:
            Filter.parse(f"since:{since} until:{until}")
            if not (len(since) == len(until) == 10 and since < until):
                return "order"
        except Exception:  # whatever was typed there, it is no date
            return "order"
        return self._between(since, until)

    def _between(self, since: str, until: str) -> Between | str:
        desk = self.desk
        with desk.log.database.read() as conn:
            total = Rows(conn).head().size
        old, new = (self._size_at(day, total) for day in (since, until))
        if not 1 <= old <= new:
            return "empty"
        with desk.log.database.read() as conn:
            old_root, was_kept = self._old_root(conn, old, since)
            new_root = desk.log.root(conn, new)
            shards = Rows(conn).shards()
            shard = holding(shards, new - 1)
            if not shard.holds(old - 1):
                return "years"
            tree = Rows(conn, shard.first)
            old, new = old - shard.first, new - shard.first
            proof = merkle.consistency_proof(old, new, tree.nodes)
        try:
            merkle.verify_consistency(old, new, proof, old_root, new_root)
            holds = True
        except merkle.ProofInvalid:
            holds = False
        hashes = [each.hex() for each in proof]
        return Between(shard.origin, since, until, old, new, old_root.hex(), new_root.hex(), hashes, holds, was_kept)

    def _size_at(self, day: str, total: int) -> int:
        """How many entries there were at the end of that day in Beijing."""
        ends = workdays.start_of(datetime.fromisoformat(day).date() + timedelta(days=1))
        later = self.desk.search.find(Filter.of(since=rfc3339(ends)), after=-1, limit=1, each="entry").found
        return later[0].index if later else total

    def _old_root(self, conn: Connection, old: int, day: str) -> tuple[bytes, bool]:
        """The head as it was signed then, if it was kept; else as the tree has it now."""
        for each in kept.every(conn, limit=1, below=old + 1):
            if each.size == old:
                return uploaded.root_of_note(each.note), True
        return self.desk.log.root(conn, old), False


def _date(text: str | None) -> str | None:
    """A date as it was asked for, to stand in the form again; None for what is none."""
    try:
        return datetime.strptime(text or "", "%Y-%m-%d").date().isoformat()
    except ValueError:
        return None
