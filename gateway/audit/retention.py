"""How long entries are kept, what a legal hold keeps longer, and how one resident or a time that is over is forgotten.

Each act is an entry of the log, written before anything is destroyed; if we stop after the entry, the same command goes
on where it stopped. The tree is never touched: hashes stay, so that every receipt and proof of old still verifies.

    hold      nothing that it covers may be shredded or pruned until it is lifted
    shred     one resident's secret is destroyed: their pseudonyms and sealed rows mean nothing any more
    prune     entries below an index are replaced by stubs, after they were exported (C2SP tlog-tiles, pruning);
              what later decisions rest on stays (lasting.py)

Who decides stands above: ``approved`` are the two officers whose signatures identity/orders.py has verified. Their
signed orders are kept with the entry, and go into every export: a verifier believes no pruning without them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gateway.audit import entry, index, lasting, sidecar
from gateway.audit.checkpoint import CheckpointInvalid, base64_text, open_checkpoint
from gateway.audit.export import OPERATOR
from gateway.audit.files import Folder, TileName
from gateway.audit.log import Log
from gateway.audit.merkle import HASH_BYTES, TILE_WIDTH
from gateway.audit.pseudonyms import Pseudonyms
from gateway.audit.retention_store import HOLD, RETENTION, keep_orders
from gateway.audit.shard import Shard, holding
from gateway.audit.store import Rows
from gateway.errors import InvalidRequest, NotFound, WrongState
from gateway.lib.clock import parse_rfc3339, rfc3339
from gateway.lib.ids import new_id

GROUP = 1024  # entries per transaction
_DECIDED = (entry.AUTHORIZED, "exchange.refused")
REASONS = ("court_order", "investigation", "objection", "audit", "schedule", "right_to_erasure", "mistake")


@dataclass(frozen=True, slots=True)
class Approval:
    """One officer's signature under an order, verified."""

    officer: str
    jws: str

    @property
    def jws_digest(self) -> str:
        return f"sha-256:{sha256(self.jws.encode('ascii')).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Hold:
    """``subject``: the pseudonym of the resident it concerns; None: everybody, all entries."""

    id: str
    subject: str | None
    reason: str
    placed: str
    lifted: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """``days``: how long an entry is kept at least; None before anybody decided it: then nothing is pruned.

    ``paper``: digest of the written policy; ``below``: entries below this index were pruned.
    """

    days: int | None = None
    paper: str | None = None
    below: int = 0


@dataclass(frozen=True, slots=True)
class Pruning:
    """What two officers are asked to order: entries below ``below``, all written before ``before``, held by an export.

    ``days``, ``paper``: the policy in force; ``size``, ``root``: the export's checkpoint; ``kept``: digest over what
    stays below (lasting.Digest); ``decisions``: how many queries were decided by what goes.
    """

    below: int
    before: datetime
    days: int
    paper: str
    size: int
    root: str
    kept: str
    decisions: int

    def members(self) -> dict[str, str]:
        """As they stand in the order."""
        numbers = {"below": self.below, "days": self.days, "size": self.size, "decisions": self.decisions}
        texts = {"before": rfc3339(self.before), "paper": self.paper, "root": self.root, "kept": self.kept}
        return {**{name: str(value) for name, value in numbers.items()}, **texts}


class Retention:
    """What is kept of one log, and for how long."""

    def __init__(self, log: Log, pseudonyms: Pseudonyms) -> None:
        self._log = log
        self._pseudonyms = pseudonyms

    # ── the schedule ──────────────────────────────────────────────────────────────────────────────────────────────────
    def schedule(self) -> Schedule:
        with self._log.database.read() as conn:
            return schedule(conn)

    def decide(self, days: int, paper: bytes) -> Schedule:
        """The retention policy from now on: ``paper`` is its text, of which the log holds the digest."""
        if not 1 <= days <= 36_525:
            raise InvalidRequest(
                f"保存天数应为 1 至 36525，收到 {days}。", f"Expected 1 to 36525 days of retention, got {days}."
            )
        digest = f"sha-256:{sha256(paper).hexdigest()}"
        with self._log.transaction() as tx:
            tx.append({"type": "audit.retention_set", "actor": dict(OPERATOR), "days": days, "paper": digest})
            _store(tx.conn, days=days, paper=digest)
        return self.schedule()

    # ── holds ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def holds(self, *, all: bool = False) -> list[Hold]:
        """Those in force, or all there ever were."""
        with self._log.database.read() as conn:
            return _holds(conn, all=all)

    def liftable(self, hold_id: str) -> Hold:
        """The hold, if it is in force. Raises NotFound."""
        with self._log.database.read() as conn:
            return _in_force(conn, hold_id)

    def place(self, reason: str, subject: str | None = None) -> Hold:
        """``subject``: a pseudonym as it stands in the log; None holds everything."""
        _check_reason(reason)
        hold = Hold(new_id("hld"), subject, reason, rfc3339(self._log.clock.now()))
        with self._log.transaction() as tx:
            tx.append(_moved("audit.hold_placed", hold, reason, ()))
            tx.conn.execute(
                insert(HOLD).values(id=hold.id, subject=subject, reason=reason, placed=hold.placed, lifted=None)
            )
        return hold

    def lift(self, hold_id: str, reason: str, approved: Sequence[Approval]) -> None:
        _check_reason(reason)
        _two(approved)
        with self._log.transaction() as tx:
            tx.append(_moved("audit.hold_lifted", _in_force(tx.conn, hold_id), reason, approved))
            _keep(tx.conn, approved)
            now = rfc3339(self._log.clock.now())
            tx.conn.execute(update(HOLD).where(HOLD.c.id == hold_id).values(lifted=now))

    # ── one resident ──────────────────────────────────────────────────────────────────────────────────────────────────
    def shreddable(self, scheme: str, id: str) -> str:
        """The pseudonym of a resident who may be forgotten. Raises WrongState for one whom a hold covers."""
        with self._log.database.read() as conn:
            _free_of_holds(conn, set(self._pseudonyms.subjects(scheme, id)))
        return self._pseudonyms.subject(scheme, id)

    def shred(self, scheme: str, id: str, reason: str, approved: Sequence[Approval], sealed: sidecar.Sidecar) -> str:
        """Write down that this resident is to be forgotten, and remove the sealed rows. Returns the pseudonym.

        The caller then destroys the secrets (lib/keys.py), which is what makes copies and backups worthless too. If we
        stop between, the secrets are still there: the same order is given again.
        """
        _check_reason(reason)
        _two(approved)
        pseudonym = self._pseudonyms.subject(scheme, id)
        with self._log.transaction() as tx:
            _free_of_holds(tx.conn, set(self._pseudonyms.subjects(scheme, id)))
            removed = sealed.remove(tx.conn, self._pseudonyms.places(scheme, id))
            tx.append(
                {
                    "type": "audit.shredded",
                    "actor": dict(OPERATOR),
                    "subject": pseudonym,
                    "rows": removed,
                    "reason": reason,
                    "approved": _written(approved),
                }
            )
            _keep(tx.conn, approved)
        return pseudonym

    # ── a time that is over ───────────────────────────────────────────────────────────────────────────────────────────
    def prunable(self, before: datetime) -> int:
        """The position below which everything was written before ``before``; within its year a multiple of 256, for
        bundles go whole."""
        with self._log.database.read() as conn:
            rows, limit = Rows(conn), rfc3339(before)
            low, high = 0, rows.head().size
            while low < high:  # order is the index; clocks differ by seconds, retention by years
                middle = (low + high) // 2
                if entry.read(rows.entries(middle, middle + 1)[0])["t"] < limit:
                    low = middle + 1
                else:
                    high = middle
            first = holding(shards, low).first if (shards := rows.shards()) else 0
        return first + (low - first) // TILE_WIDTH * TILE_WIDTH

    def plan(self, before: datetime, exported: Path) -> Pruning:
        """What would be pruned: everything written before ``before``, which ``exported`` holds.

        Raises WrongState: no policy, too young, held, a query still open, or the export is not whole.
        """
        below = self.prunable(before)
        days, paper = self._may_prune(before, below)
        size, root = self._export_of(exported, below)
        stays, decisions = lasting.Digest(), 0
        with self._log.database.read() as conn:
            _none_open(Rows(conn), below)
            _none_held(conn, below)
            unfinished = Rows(conn).finished_after(below)
            for group in _groups(conn, below):
                for number, data in lasting.kept(group, unfinished):
                    stays.add(number, data)
                decisions += sum(item["type"] in _DECIDED for item in _going(group, unfinished).values())
        return Pruning(below, before, days, paper, size, root, stays.text(), decisions)

    def prune(self, plan: Pruning, approved: Sequence[Approval]) -> int:
        """Forget what was planned, by this order of two officers. Returns the index below which.

        Raises WrongState when somebody pruned, placed a hold or changed the policy meanwhile.
        """
        _two(approved)
        with self._log.transaction() as tx:
            now = schedule(tx.conn)
            if now.below >= plan.below or (now.days, now.paper) != (plan.days, plan.paper):
                raise WrongState(
                    "保存期限或已清理的范围已变，请重新出具清理令。",
                    "The policy or what was pruned changed meanwhile: have a new order signed.",
                )
            _none_open(tx.rows, plan.below)
            _none_held(tx.conn, plan.below)
            tx.append(
                {
                    "type": "audit.pruned",
                    "actor": dict(OPERATOR),
                    "below": plan.below,
                    "exported": {"size": plan.size, "root": plan.root},
                    "approved": _written(approved),
                }
            )
            _keep(tx.conn, approved)
            _store(tx.conn, below=plan.below)
        # From here on nobody is served them; what follows may be done again after a stop.
        self.finish()
        return plan.below

    def finish(self) -> int:
        """Replace what was pruned by stubs, and remove its files. Returns how many entries that were still there."""
        with self._log.database.read() as conn:
            below, done = schedule(conn).below, 0
            unfinished = Rows(conn).finished_after(below)
        for low in range(0, below, GROUP):
            with self._log.database.read() as conn:
                group = _group(conn, low, below)
            if going := _going(group, unfinished):
                with self._log.database.write() as conn:
                    Rows(conn).replace_entries([(entry.stub(item["t"]), number) for number, item in going.items()])
                    index.forget(conn, {number: item["t"] for number, item in going.items()})
                    sidecar.remove(conn, [item["query"] for item in going.values() if "query" in item])
            done += len(going)
        for shard in self._log.shards():
            folder = Folder(self._log.folder).of(shard)
            for number in _bundles(shard, 0, below):
                folder.remove(TileName(None, number, TILE_WIDTH))
        return done

    def _may_prune(self, before: datetime, below: int) -> tuple[int, str]:
        """The policy that allows it: its days, and the digest of its paper."""
        found = self.schedule()
        days = found.days
        if days is None or found.paper is None:
            raise WrongState(
                "尚未制定保存期限，不得清理。请先 gateway audit retention set。",
                "No retention policy was decided, so nothing is pruned. First: gateway audit retention set.",
            )
        if before > self._log.clock.now() - timedelta(days=days):
            raise WrongState(
                f"保存期限为 {days} 天，{before.date()} 之后的日志还须保存。",
                f"Entries are kept for {days} days; those of {before.date()} are younger than that.",
            )
        if below == 0:
            raise WrongState(
                "该日期之前不足 256 条完整分块，没有可清理的内容。",
                "Fewer than 256 entries are older than that: bundles are pruned whole, so there is nothing to do.",
            )
        if below <= found.below:
            raise WrongState(
                f"第 {found.below} 条以前已清理，其后没有更早于该日期的完整分块。",
                f"Entries below {found.below} are pruned already, and no further bundle is older than that.",
            )
        return days, found.paper

    def _export_of(self, folder: Path, below: int) -> tuple[int, str]:
        """The exported checkpoint, once every bundle that is to go was found in the export, byte for byte as hashed."""
        with self._log.database.read() as conn:
            shards, done = Rows(conn).shards(), schedule(conn).below
            whole = [shard for shard in shards if shard.first < below]
            checkpoints = []
            for shard in whole:
                exported = Folder(folder / shard.year if (folder / shard.year).is_dir() else folder)
                try:
                    key = self._log.keys.of(shard.origin).verifier
                    checkpoint = open_checkpoint(exported.checkpoint() or "", key)
                except CheckpointInvalid as error:
                    raise _no_export(folder, str(error)) from None
                checkpoints.append(checkpoint)
                end = below if shard.end is None else min(below, shard.end)
                if shard.first + checkpoint.size < end:
                    raise _no_export(folder, f"it has {checkpoint.size} entries, {below} are to be pruned")
                rows = Rows(conn, shard.first)
                for number in _bundles(shard, done, below):
                    first = number * TILE_WIDTH
                    width = min(TILE_WIDTH, end - shard.first - first)
                    hashes = rows.tile(0, first, first + width)
                    data = exported.tile(TileName(None, number, width))
                    if data is None or b"".join(_leaves(data)) != hashes or len(hashes) != width * HASH_BYTES:
                        told = f"entries {first} to {first + width - 1} of {shard.origin} are not there as they were"
                        raise _no_export(folder, told)
        last = checkpoints[-1]
        return whole[-1].first + last.size, base64_text(last.root)


# ── the parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def schedule(conn: Connection) -> Schedule:
    row = conn.execute(select(RETENTION)).first()
    return Schedule(row.days, row.paper, row.below) if row else Schedule()


def _store(conn: Connection, **values: Any) -> None:
    if not conn.execute(update(RETENTION).values(**values)).rowcount:
        conn.execute(insert(RETENTION).values(**{"id": 1, "days": None, "paper": None, "below": 0, **values}))


def _holds(conn: Connection, *, all: bool = False) -> list[Hold]:
    wanted = select(HOLD).order_by(HOLD.c.placed, HOLD.c.id)
    rows = conn.execute(wanted if all else wanted.where(HOLD.c.lifted.is_(None)))
    return [Hold(row.id, row.subject, row.reason, row.placed, row.lifted) for row in rows]


def _free_of_holds(conn: Connection, subjects: set[str]) -> None:
    if standing := [hold.id for hold in _holds(conn) if hold.subject is None or hold.subject in subjects]:
        raise _held(standing)


def _in_force(conn: Connection, hold_id: str) -> Hold:
    found = next((hold for hold in _holds(conn) if hold.id == hold_id), None)
    if found is None:
        raise NotFound(f"没有生效中的保全 {hold_id}。", f"There is no hold {hold_id} in force.")
    return found


def _groups(conn: Connection, below: int) -> Iterator[list[tuple[int, bytes]]]:
    """The entries below, with their index, a group at a time."""
    for low in range(0, below, GROUP):
        yield _group(conn, low, below)


def _group(conn: Connection, low: int, below: int) -> list[tuple[int, bytes]]:
    return list(enumerate(Rows(conn).entries(low, min(below, low + GROUP)), low))


def _going(group: Sequence[tuple[int, bytes]], unfinished: set[int]) -> dict[int, dict[str, Any]]:
    """What is to go and is still there."""
    stays = {number for number, _ in lasting.kept(group, unfinished)}
    return {number: entry.read(data) for number, data in group if number not in stays and not entry.is_stub(data)}


def _none_held(conn: Connection, below: int) -> None:
    holds = _holds(conn)
    if whole := [hold.id for hold in holds if hold.subject is None]:
        raise _held(whole)
    subjects = {hold.subject: hold.id for hold in holds}
    unfinished = Rows(conn).finished_after(below) if subjects else set()
    for group in _groups(conn, below) if subjects else ():
        for item in _going(group, unfinished).values():
            if (found := item.get("subject")) in subjects:
                raise _held([subjects[found]])


def _none_open(rows: Rows, below: int) -> None:
    if any(row.of < below for row in rows.open_after(-1, 1)):
        raise WrongState("其中还有未结查询。", "A query among them has no outcome yet.")


def _two(approved: Sequence[Approval]) -> None:
    if len({each.officer for each in approved}) < 2:
        raise WrongState("须有两名不同人员签名。", "Two different officers must sign.")


def _check_reason(reason: str) -> None:
    if reason not in REASONS:
        raise InvalidRequest(f"原因应为 {'、'.join(REASONS)} 之一。", f"Expected a reason of {', '.join(REASONS)}.")


def _keep(conn: Connection, approved: Sequence[Approval]) -> None:
    keep_orders(conn, ((each.jws_digest, each.jws) for each in approved))


def _written(approved: Sequence[Approval]) -> list[dict[str, str]]:
    return [{"officer": each.officer, "jws_digest": each.jws_digest} for each in approved]


def _moved(event: str, hold: Hold, reason: str, approved: Sequence[Approval]) -> Mapping[str, Any]:
    return {
        "type": event,
        "actor": dict(OPERATOR),
        "hold": hold.id,
        "subject": hold.subject,
        "reason": reason,
        "approved": _written(approved),
    }


def _bundles(shard: Shard, low: int, high: int) -> range:
    """The bundles of this year's log with entries at the positions [low, high)."""
    end = high if shard.end is None else min(high, shard.end)
    start = max(0, low - shard.first)
    return range(start // TILE_WIDTH, max(0, -(-(end - shard.first) // TILE_WIDTH)))


def _leaves(bundle: bytes) -> Iterator[bytes]:
    at = 0
    while at + 2 <= len(bundle):
        (length,) = struct.unpack_from(">H", bundle, at)
        yield sha256(b"\x00" + bundle[at + 2 : at + 2 + length]).digest()
        at += 2 + length


def _held(holds: Sequence[str]) -> WrongState:
    return WrongState(
        f"受保全（{'、'.join(holds)}）限制，不得销毁。", f"A legal hold forbids it: {', '.join(holds)}. Lift it first."
    )


def _no_export(folder: Path, why: str) -> WrongState:
    return WrongState(
        f"{folder} 不是包含这些条目的完整导出：{why}。请先 gateway audit export。",
        f"{folder} is no whole export of these entries: {why}. First: gateway audit export.",
    )


def older_than(text: str) -> datetime:
    """A day (``2026-11-26``) or an instant, in UTC. Raises ValueError."""
    return parse_rfc3339(text if "T" in text else f"{text}T00:00:00Z")
