"""Is the log whole? A quick look at each start, and the operator's own full check (``gateway audit verify``).

An outsider needs neither: ``tongqu verify`` works on an export, without this code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from gateway.audit import entry, merkle
from gateway.audit.checkpoint import Checkpoint, CheckpointInvalid, VerifierKey, open_checkpoint
from gateway.audit.entry import EntryInvalid
from gateway.audit.merkle import TILE_WIDTH, CompactRange
from gateway.audit.publisher import Publisher, check_continues
from gateway.audit.store import Head, Rows
from gateway.db import Database
from gateway.errors import LogUnfit
from gateway.lib.clock import Clock, parse_rfc3339

MAX_CLOCK_BEHIND = timedelta(seconds=60)


def at_start(database: Database, publisher: Publisher, clock: Clock) -> None:
    """Raise LogUnfit if the database does not hold the log that was published, or the clock is behind it."""
    published = publisher.last()
    with database.read() as conn:
        rows = Rows(conn)
        head = rows.head()
        _check_head(rows, head)
        now = Checkpoint(head.origin or "", head.size, CompactRange.decode(head.size, head.compact).root())
        check_continues(rows, head, now, published[0] if published else None)
    if head.last_t is not None and clock.now() < parse_rfc3339(head.last_t) - MAX_CLOCK_BEHIND:
        raise LogUnfit(
            f"系统时钟比日志最后一条（{head.last_t}）早一分钟以上。请先校准时钟（NTP），再启动网关。",
            f"The clock is more than a minute behind the last entry ({head.last_t}). Set it right (NTP), then start again.",
        )


def _check_head(rows: Rows, head: Head) -> None:
    """The head, the last entry and the stored hashes must agree; else this file was put together from two moments."""
    last = rows.entries(head.size - 1, head.size + 1) if head.size else rows.entries(0, 1)
    wrong = len(last) != min(head.size, 1)
    if not wrong and head.size:
        leaf = rows.tile(0, head.size - 1, head.size)
        root = CompactRange.decode(head.size, head.compact).root()
        try:
            wrong = merkle.leaf_hash(last[0]) != leaf or merkle.root_at(head.size, rows.nodes) != root
        except IndexError:  # a stored hash is missing
            wrong = True
    if wrong:
        raise LogUnfit(
            "数据库中的日志首尾不符：条目、散列与日志头不一致。请恢复完整、未改动的数据库。",
            "The log in the database is not whole: entries, hashes and head do not agree. Restore the unaltered database.",
        )


# ── the full check ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``code``: entry | leaf | node | head | checkpoint | since | outcome | open."""

    code: str
    index: int | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Report:
    size: int
    root: bytes
    findings: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        return not self.findings


def verify(database: Database, key: VerifierKey, *, checkpoint: str | None, since: str | None = None) -> Report:
    """Read every entry, hash it, grow the tree anew and compare it with everything that claims to know it.

    ``checkpoint``: the published one; ``since``: an earlier one that somebody kept. Memory does not grow with the log.
    """
    checkpoints = {"checkpoint": checkpoint, "since": since}
    with database.read() as conn:
        rows = Rows(conn)
        head = rows.head()
        findings: list[Finding] = []
        claims = dict(_claims(checkpoints, key, findings))
        roots: dict[int, bytes] = {0: merkle.EMPTY_ROOT}
        tree = CompactRange()
        open_queries: dict[int, str] = {}
        low = 0
        while bundle := rows.entries(low, low + TILE_WIDTH):
            _check_bundle(rows, low, bundle, tree, open_queries, findings, roots, {claim.size for claim in claims.values()})
            low += len(bundle)
        roots[tree.size] = tree.root()
        findings += _compare(head, tree, claims, roots)
        findings += _compare_open(rows, open_queries)
    return Report(tree.size, tree.root(), tuple(findings))


def _claims(
    notes: dict[str, str | None], key: VerifierKey, findings: list[Finding]
) -> Iterator[tuple[str, Checkpoint]]:
    for code, note in notes.items():
        if note is None:
            continue
        try:
            yield code, open_checkpoint(note, key)
        except CheckpointInvalid as error:
            findings.append(Finding(code, None, f"检查点无效：{error}", f"the checkpoint is not valid: {error}"))


def _check_bundle(
    rows: Rows,
    low: int,
    bundle: list[bytes],
    tree: CompactRange,
    open_queries: dict[int, str],
    findings: list[Finding],
    roots: dict[int, bytes],
    wanted_sizes: set[int],
) -> None:
    stored = rows.tile(0, low, low + len(bundle))
    for offset, data in enumerate(bundle):
        index = low + offset
        leaf = merkle.leaf_hash(data)
        if stored[offset * 32 : offset * 32 + 32] != leaf:
            findings.append(Finding("leaf", index, "条目与其散列不符", "the entry does not have the stored hash"))
        findings += _check_entry(index, data, open_queries)
        for (level, number), value in tree.append(leaf):
            if rows.tile(level, number, number + 1) != value:
                findings.append(Finding("node", index, "内部散列不符", "a stored hash of the tree is not the computed one"))
        if tree.size in wanted_sizes:
            roots[tree.size] = tree.root()


def _check_entry(index: int, data: bytes, open_queries: dict[int, str]) -> Iterator[Finding]:
    try:
        item = entry.check(data)
    except EntryInvalid as error:
        yield Finding("entry", index, "条目不合格式", f"not a well-formed entry: {error}")
        return
    if item["type"] == entry.AUTHORIZED:
        open_queries[index] = item["query"]
    elif item["type"] in entry.OUTCOMES and open_queries.pop(item["of"], None) != item["query"]:
        yield Finding("outcome", index, "结果没有对应的授权", "an outcome without an authorized query that waits for it")


def _compare(
    head: Head, tree: CompactRange, claims: dict[str, Checkpoint], roots: dict[int, bytes]
) -> Iterator[Finding]:
    if head.size != tree.size or head.compact != tree.encode():
        yield Finding("head", None, "日志头与条目不符", f"the head says {head.size} entries, there are {tree.size} or others")
    for code, claim in claims.items():
        if claim.size > tree.size:
            yield Finding(
                code, None, f"检查点有 {claim.size} 条，数据库只有 {tree.size} 条：被回退过",
                f"the checkpoint has {claim.size} entries, the database {tree.size}: it was rolled back",
            )  # fmt: skip
        elif roots[claim.size] != claim.root:
            yield Finding(
                code, None, "数据库中的日志不是检查点所签的那一份", "this is not the log that the checkpoint was signed for"
            )


def _compare_open(rows: Rows, open_queries: dict[int, str]) -> Iterator[Finding]:
    low = -1
    stored: dict[int, str] = {}
    while page := rows.open_after(low, 1000):
        stored |= {row.of: row.query for row in page}
        low = page[-1].of
    for of in sorted(stored.items() ^ open_queries.items()):
        yield Finding("open", of[0], "未结查询登记不符", "the list of open queries differs from what the entries say")
