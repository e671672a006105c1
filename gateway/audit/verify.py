"""The operator's own full check (``gateway audit verify``): read every entry and grow the tree anew.

An outsider needs none of this: ``tongqu verify`` works on an export, without this code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.audit import entry, merkle
from gateway.audit.checkpoint import Checkpoint, CheckpointInvalid, VerifierKey, open_checkpoint
from gateway.audit.entry import EntryInvalid
from gateway.audit.merkle import HASH_BYTES, TILE_WIDTH, CompactRange
from gateway.audit.retention import schedule
from gateway.audit.shard import Shard
from gateway.audit.store import Rows
from gateway.db import Database


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``code``: entry | leaf | node | head | shard | checkpoint | since | outcome | open."""

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


def verify(
    database: Database,
    key: VerifierKey,
    *,
    checkpoint: str | None,
    since: str | None = None,
    years: Sequence[tuple[VerifierKey, str | None]] = (),
) -> Report:
    """Compare the entries with everything that claims to know them: stored hashes, the head, open queries, checkpoints.

    ``key``, ``checkpoint``: of the first year, as published; ``years``: the same of later ones. ``since``: an earlier
    checkpoint that somebody kept. Memory does not grow with the log.
    """
    keys = {each.name: each for each in (key, *(each for each, _ in years))}
    published = [("checkpoint", note) for note in (checkpoint, *(note for _, note in years))]
    findings: list[Finding] = []
    claims: list[tuple[str, Checkpoint]] = []
    for code, note in (*published, ("since", since)):
        try:
            if note is not None:
                claims.append((code, open_checkpoint(note, keys.get(note.partition("\n")[0], key))))
        except CheckpointInvalid as error:
            findings.append(Finding(code, None, f"检查点无效：{error}", f"the checkpoint is not valid: {error}"))
    with database.read() as conn:
        walk = _Walk(Rows(conn), claims, schedule(conn).below)
        findings += walk.entries()
        findings += walk.head()
        findings += walk.checkpoints()
        findings += walk.open_queries()
    return Report(walk.first + walk.tree.size, walk.tree.root(), tuple(findings))


class _Walk:
    """One pass over the log, from the first entry to the last."""

    def __init__(self, rows: Rows, claims: Sequence[tuple[str, Checkpoint]], below: int = 0) -> None:
        self.rows = rows
        self.below = below  # what was pruned: of most of these only hashes are there
        self.claims = claims
        self.shards = rows.shards()
        self.first = 0  # of the year that is being read, and its tree
        self.tree = CompactRange()
        self.open: dict[int, str] = {}
        self.roots: dict[tuple[str, int], bytes] = {}  # at the sizes that a checkpoint claims

    def entries(self) -> Iterator[Finding]:
        for shard in self.shards or [Shard("", 0, "")]:
            self.first, self.tree, self.rows.first = shard.first, CompactRange(), shard.first
            yield from self._year(shard)
            if shard.end is not None and (shard.size, shard.root) != (self.tree.size, self.tree.root()):
                yield Finding(
                    "shard", shard.end, f"{shard.origin} 与封存时不同", f"{shard.origin} is not as it was closed"
                )

    def _year(self, shard: Shard) -> Iterator[Finding]:
        sizes = {claim.size for _, claim in self.claims if claim.origin == shard.origin}
        self.roots[shard.origin, 0] = merkle.EMPTY_ROOT
        end = shard.end if shard.end is not None else 1 << 62
        while bundle := self.rows.entries(self._at, min(end, self._at + TILE_WIDTH)):
            stored = self.rows.tile(0, self.tree.size, self.tree.size + len(bundle))
            for place, data in enumerate(bundle):
                hashed = stored[place * HASH_BYTES : (place + 1) * HASH_BYTES]
                if self._at < self.below and entry.is_stub(data):
                    yield from self._grow(hashed)
                else:
                    yield from self._content(data)
                    yield from self._hashes(data, hashed)
                if self.tree.size in sizes:
                    self.roots[shard.origin, self.tree.size] = self.tree.root()

    @property
    def _at(self) -> int:
        return self.first + self.tree.size

    def _content(self, data: bytes) -> Iterator[Finding]:
        index = self._at
        try:
            item = entry.check(data)
        except EntryInvalid as error:
            yield Finding("entry", index, "条目不合格式", f"not a well-formed entry: {error}")
            return
        if item["type"] == entry.AUTHORIZED:
            self.open[index] = item["query"]
        elif item["type"] in entry.OUTCOMES and self.open.pop(item["of"], None) != item["query"]:
            yield Finding(
                "outcome", index, "结果没有对应的授权", "the outcome of no authorized query that waits for one"
            )

    def _hashes(self, data: bytes, stored: bytes) -> Iterator[Finding]:
        index, leaf = self._at, merkle.leaf_hash(data)
        if stored != leaf:
            yield Finding("leaf", index, "条目与其散列不符", "the entry does not have the stored hash")
        yield from self._grow(leaf)

    def _grow(self, leaf: bytes) -> Iterator[Finding]:
        index = self._at
        for (level, number), value in self.tree.append(leaf):
            if self.rows.tile(level, number, number + 1) != value:
                yield Finding("node", index, "内部散列不符", "a stored hash of the tree is not the computed one")

    def head(self) -> Iterator[Finding]:
        head, size = self.rows.head(), self._at
        if (head.size, head.first) != (size, self.first) or head.compact != self.tree.encode():
            en = f"the head speaks of {head.size} entries, there are {size}, or others"
            yield Finding("head", None, f"日志头记为 {head.size} 条，实有 {size} 条，或内容不同", en)

    def checkpoints(self) -> Iterator[Finding]:
        sizes = {shard.origin: shard.size for shard in self.shards}
        for code, claim in self.claims:
            size = sizes.get(claim.origin)
            size = self.tree.size if size is None else size
            if claim.size > size:
                zh = f"检查点有 {claim.size} 条，数据库只有 {size} 条：被回退过"
                en = f"the checkpoint has {claim.size} entries, the database {size}: it was rolled back"
                yield Finding(code, None, zh, en)
            elif self.roots.get((claim.origin, claim.size)) != claim.root:
                en = "the database does not hold the log that this checkpoint was signed for"
                yield Finding(code, None, "数据库中的日志不是该检查点所签的那一份", en)

    def open_queries(self) -> Iterator[Finding]:
        stored: dict[int, str] = {}
        while page := self.rows.open_after(max(stored, default=-1), 1000):
            stored |= {row.of: row.query for row in page}
        for of, _ in sorted(stored.items() ^ self.open.items()):
            yield Finding("open", of, "未结查询登记不符", "the list of open queries differs from what the entries say")
