"""A log is one log a year (C2SP: its own name, key and tree). Do the years follow one another, whole and in order?

The last entry of a year (``log.closed``) names the next log and its key; the first entry of that one (``log.opened``)
names the log before it, how large it was and its root. So each can be checked against its neighbour, and who trusts the
key of one year comes to trust that of the next.

Within entries, numbers count over all years; ``first`` is what the entry 0 of a year counts as.
"""

from __future__ import annotations

import base64
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tongqu_client._canonical import strict_loads
from tongqu_client.errors import CheckpointInvalid, ConfigError
from tongqu_client.verify import comparison, structure, tiles
from tongqu_client.verify.findings import Finding
from tongqu_client.verify.notes import Checkpoint, VerifierKey
from tongqu_client.verify.story import parse
from tongqu_client.verify.structure import Contents, LogSource
from tongqu_client.verify.trust import TrustStore

OPENED, CLOSED = "log.opened", "log.closed"
_FOLDER = re.compile(r"([0-9]{4})/(?:checkpoint|tile/.+)", re.ASCII)
MAX_YEARS = 200


@dataclass(frozen=True, slots=True)
class Within:
    """A folder of a source, as a source of its own."""

    source: LogSource
    folder: str

    def read(self, path: str) -> bytes:
        return self.source.read(f"{self.folder}/{path}")

    def names(self) -> list[str] | None:
        names, start = self.source.names(), f"{self.folder}/"
        return None if names is None else [name.removeprefix(start) for name in names if name.startswith(start)]


@dataclass(slots=True)
class Year:
    """The log of one year, read. ``alone``: it lies here by itself, not among the years of an export."""

    checkpoint: Checkpoint
    key: VerifierKey
    contents: Contents
    first: int
    alone: bool
    findings: list[Finding] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return self.checkpoint.origin

    @property
    def end(self) -> int:
        return self.first + self.checkpoint.size

    def entry(self, index: int) -> Mapping[str, Any] | None:
        """An entry by its index in this log; None if it is not here, or not the one of the tree."""
        have, want = self.contents.have, self.contents.want
        if not 0 <= index < len(have) or have[index] is None or have[index] != want[index]:
            return None
        return parse(self.contents.entries[index] or b"")

    @property
    def next_key(self) -> tuple[str, VerifierKey] | None:
        """The log that its last entry announces."""
        last = self.entry(self.checkpoint.size - 1)
        return announced(last) if last is not None else None

    def told(self, finding: Finding) -> Finding:
        """With the name of this log, where there are several."""
        if self.alone:
            return finding
        name = self.origin
        return replace(
            finding, where=f"{name}, {finding.where}", zh=f"{name}：{finding.zh}", en=f"{name}: {finding.en}"
        )


def announced(entry: Mapping[str, Any]) -> tuple[str, VerifierKey] | None:
    """The log that goes on after this entry, and its key; None if this closes no log."""
    following = entry.get("next")
    if entry.get("type") != CLOSED or not isinstance(following, Mapping):
        return None
    try:
        key = VerifierKey.parse(str(following.get("vkey")))
    except ConfigError:
        return None
    return (key.name, key) if key.name == following.get("origin") else None


def folders(source: LogSource) -> list[str]:
    """The folders of the years, the oldest first; one empty name where the source is a single log."""
    names = source.names()
    if names is None:
        return _served(source)
    whole = list(names)
    found = sorted({match[1] for name in whole if (match := _FOLDER.fullmatch(name))})
    if len(found) > MAX_YEARS:
        raise CheckpointInvalid(
            f"这里有 {len(found)} 年的日志，至多 {MAX_YEARS} 年。",
            f"Here are the logs of {len(found)} years; expected at most {MAX_YEARS}.",
        )
    if "checkpoint" in whole and found:
        raise CheckpointInvalid(
            f"这里既有一份日志，又有各年的文件夹（{found[0]}……）：不知该核验哪一份。请指定其中一个，或重新导出。",
            f"Here lies a log and, beside it, folders of years ({found[0]} …): it is not clear which is meant. Name "
            "one of them, or export again.",
        )
    return [""] if "checkpoint" in whole else found or [""]


def _served(source: LogSource) -> list[str]:
    """What a gateway says that it serves; a year that it hides is missed by the year after it."""
    try:
        told = strict_loads(source.read("shards"))["shards"]
        years = sorted(str(int(each["year"])) for each in told)[:MAX_YEARS]
    except (FileNotFoundError, ValueError, KeyError, TypeError, OverflowError):
        return [""]
    return years if len(years) > 1 else [""]


def read(source: LogSource, trust: TrustStore) -> tuple[list[Year], TrustStore]:
    """Each year, its files compared with its signed head; and the trust, with the keys that the years announce.

    Raises CheckpointInvalid for a head that nobody trusted signed.
    """
    years: list[Year] = []
    names = folders(source)
    for name in names:
        own = Within(source, name) if name else source
        try:
            note = own.read("checkpoint")
        except FileNotFoundError:
            raise CheckpointInvalid(
                f"缺少 {name}/checkpoint。" if name else "缺少 checkpoint，这不是日志的导出。",
                f"{name}/checkpoint is missing." if name else "checkpoint is missing: this is no export of a log.",
            ) from None
        checkpoint = trust.open_checkpoint(note)
        contents, findings = structure.read(own, checkpoint.size)
        key = trust.log_key_of(checkpoint.origin) or trust.log_key
        year = Year(checkpoint, key, contents, 0, not name, findings)
        years.append(year)
        if len(contents.want) < checkpoint.size:
            return years, trust  # too much is missing to go on
        year.findings += comparison.compare(contents, checkpoint)
        year.findings += comparison.upper_tiles(own, contents, checkpoint.size)
        year.findings += comparison.strays(own, checkpoint.size)
        year.first = _first(year.entry(0), years[-2].end if len(years) > 1 else 0)
        if (following := year.next_key) is not None:
            trust = trust.knowing(following[1])
    return years, trust


def _first(opened: Mapping[str, Any] | None, otherwise: int) -> int:
    """What its entry 0 counts as, by that entry itself."""
    before = (opened or {}).get("previous")
    if opened is None or not isinstance(before, Mapping):
        return otherwise if opened is None else 0
    first, size = before.get("first"), before.get("size")
    return first + size if type(first) is int and type(size) is int and first >= 0 and size > 0 else otherwise


def seams(years: Sequence[Year]) -> Iterator[Finding]:
    """What is wrong where one year ends and the next begins, or is missing."""
    for year in years:
        yield from _closed_early(year)
    if years[0].alone:
        return
    opened = years[0].entry(0)
    if opened is not None and opened.get("previous") is not None:
        before = opened["previous"]
        yield _missing(years[0].origin, str(before.get("origin") if isinstance(before, Mapping) else before))
    for before, after in itertools.pairwise(years):
        yield from _seam(before, after)
    for name, times in Counter(year.origin for year in years).items():
        if times > 1:
            yield Finding(
                "year_repeated",
                name,
                f"这里有 {times} 份日志都名为 {name}：每年的日志各有其名，其中一份是另造的。",
                f"Here are {times} logs of the name {name}: the log of each year has a name of its own, and one of "
                "these was made up.",
            )
    if (following := years[-1].next_key) is not None:
        yield Finding(
            "year_missing",
            years[-1].origin,
            f"{years[-1].origin} 已封存，续接的日志 {following[0]} 不在这里：导出不完整，或它被抽走。",
            f"{years[-1].origin} was closed and goes on as {following[0]}, which is not here: the export is not "
            "whole, or that log was taken out.",
        )


def as_named(years: Sequence[Year], named: Sequence[str]) -> Iterator[Finding]:
    """Do they follow one another as the trust file names them? It names the logs of all years up to its own."""
    for at, year in enumerate(years):
        place = named.index(year.origin) if year.origin in named else 0
        if not place or (at == 0 and (year.first > 0 or year.entry(0) is None)):
            continue  # the first of all, or one not known yet; that years before it are missing is said elsewhere
        before = years[at - 1].origin if at else None
        if before != named[place - 1]:
            yield _other_order(year.origin, named[place - 1], before)
    for before_, after in itertools.pairwise(years):
        if before_.origin in named[:-1] and after.origin not in named:
            yield _other_order(after.origin, None, before_.origin)


def _other_order(origin: str, expected: str | None, before: str | None) -> Finding:
    return Finding(
        "year_not_named",
        origin,
        f"这里 {origin} 续接的是 {before or '（无）'}；按信任文件，它续接的应是 {expected or '（其中没有它）'}："
        "有一年的日志被抽走、编造或换掉。",
        f"Here {origin} goes on from {before or 'no other log'}; by the trust file it goes on from "
        f"{expected or 'none (it names no such log)'}: the log of a year was taken out, made up or exchanged.",
    )


def _closed_early(year: Year) -> Iterator[Finding]:
    for index, data in enumerate(year.contents.entries[:-1]):
        if data is not None and b'"type":"log.closed"' in data and (year.entry(index) or {}).get("type") == CLOSED:
            yield Finding(
                "year_reopened",
                f"{year.origin}, entry {index}",
                f"{year.origin} 已在第 {index} 条封存，其后却还有条目：封存的日志被重新打开。",
                f"{year.origin} was closed in entry {index}, and yet there are entries after it: a closed log was "
                "opened again.",
            )


def _seam(before: Year, after: Year) -> Iterator[Finding]:
    opened, last = after.entry(0), before.entry(before.checkpoint.size - 1)
    previous = (opened or {}).get("previous")
    if opened is None or opened.get("type") != OPENED or not isinstance(previous, Mapping):
        yield Finding(
            "year_unconnected",
            after.origin,
            f"{after.origin} 的第 0 条没有说明它续接哪一份日志：它不是 {before.origin} 的下一年。",
            f"Entry 0 of {after.origin} names no log before it: it is not the year after {before.origin}.",
        )
        return
    if previous.get("origin") != before.origin:
        yield _missing(after.origin, str(previous.get("origin")))
        return
    root = base64.b64encode(before.checkpoint.root).decode("ascii")
    said = (previous.get("size"), previous.get("root"), previous.get("first"))
    if said != (before.checkpoint.size, root, before.first):
        yield _other_end(before, after, previous)
        return
    if last is None and before.contents.entries[-1] is None:
        return  # it is said already that this entry is not here
    following = announced(last or {})
    if following is None or (last or {}).get("size") != before.checkpoint.size:
        yield Finding(
            "year_not_closed",
            before.origin,
            f"{before.origin} 的最后一条不是封存（log.closed）：没有它，谁来签下一年的日志无从证明。",
            f"The last entry of {before.origin} does not close it (log.closed): nothing shows whose key signs the year "
            "after.",
        )
    elif following != (after.origin, after.key):
        yield Finding(
            "year_other_next",
            f"{before.origin}, entry {before.checkpoint.size - 1}",
            f"{before.origin} 封存时宣布由 {following[0]} 续接（公钥 {following[1]}），而这里的是 {after.origin}，"
            "或由别的密钥签名：下一年的日志被换掉。",
            f"{before.origin} announced {following[0]} as the next log (key {following[1]}); here is {after.origin}, "
            "or one signed by another key: the log of the next year was exchanged.",
        )


def _other_end(before: Year, after: Year, previous: Mapping[str, Any]) -> Finding:
    size, now = previous.get("size"), before.checkpoint.size
    if type(size) is int and size > now:
        return Finding(
            "year_cut",
            before.origin,
            f"{before.origin} 封存时有 {size} 条，这里只有 {now} 条：其后的条目被抹去。",
            f"{before.origin} had {size} entries when it was closed, and has {now} here: what came later is erased.",
        )
    return Finding(
        "year_forked",
        f"{after.origin}, entry 0",
        f"{after.origin} 续接的不是这里的 {before.origin}（{size} 条，而这里有 {now} 条，或根不同）：历史在年末分叉。"
        "请保存两份检查点作证。",
        f"{after.origin} does not go on from this {before.origin} ({size} entries there, {now} here, or another root): "
        "history forks at the end of the year. Keep both checkpoints as evidence.",
    )


def _missing(after: str, before: str) -> Finding:
    return Finding(
        "year_missing",
        after,
        f"{after} 续接的是 {before}，而它不在这里：导出不完整，或那一年的日志被抽走。",
        f"{after} goes on from {before}, which is not here: the export is incomplete, or the log of that year was "
        "taken out.",
    )


@dataclass(frozen=True, slots=True)
class Whole:
    """All years that are here, as one: entries by their number over all years."""

    years: Sequence[Year]

    @property
    def first(self) -> int:
        """What came before this is not here."""
        return self.years[0].first

    @property
    def starts(self) -> dict[int, str]:
        return {year.first: year.origin for year in self.years}

    def entries(self) -> Iterator[tuple[int, bytes | None]]:
        for year in self.years:
            yield from enumerate(year.contents.entries, year.first)

    def at(self, number: object) -> bytes | None:
        if type(number) is int:
            for year in self.years:
                if year.first <= number < year.first + len(year.contents.entries):
                    return year.contents.entries[number - year.first]
        return None

    def roots(self, sizes: Collection[int]) -> dict[int, bytes]:
        """The root that the log of its year had when there were so many entries over all years, for each size."""
        return {
            year.first + size: root
            for year in reversed(self.years)
            for size, root in year.contents.roots([size - year.first for size in sizes]).items()
        }

    def of(self, origin: str) -> Year | None:
        return next((year for year in self.years if year.origin == origin), None)

    def placed(self, finding: Finding) -> Finding:
        """``entry 300`` is where to look in one log; of several, the name and the number there are told too."""
        match = re.fullmatch(r"entry (\d+)", finding.where)
        if match is None or (len(self.years) == 1 and not self.first):
            return finding
        number = int(match[1])
        for year in self.years:
            if year.first <= number < year.end:
                return replace(finding, where=f"entry {number} ({year.origin}, {number - year.first})")
        return finding

    def gone(self, below: int) -> set[tuple[str, str]]:
        """(log, path) of the bundles of which every entry is below: those that a pruning removes."""
        return {
            (year.origin, tiles.path(tiles.ENTRIES, index, width))
            for year in self.years
            for index, width in tiles.layout(0, year.checkpoint.size)
            if year.first + index * tiles.WIDTH + width <= below
        }
