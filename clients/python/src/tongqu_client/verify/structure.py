"""Read a log's files: its entries, and the hashes that its tiles hold for them."""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tongqu_client.verify import merkle, tiles
from tongqu_client.verify.findings import Finding, broken, missing, removed

MAX_FILE = 32 << 20  # bytes; the largest of a log is a bundle of 256 entries, half of that


class LogSource(Protocol):
    """Where the files of a log are read from."""

    def read(self, path: str) -> bytes:
        """The bytes at a path such as ``tile/0/000``. Raises FileNotFoundError."""
        ...

    def names(self) -> Iterable[str] | None:
        """All paths there are, or None where they cannot be listed."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A log exported into a folder, by whomever: nothing in it can make a reader wait, or fill its memory."""

    root: Path
    _names: list[str] = field(default_factory=list, repr=False, compare=False)  # listed once

    def read(self, path: str) -> bytes:
        """What is no plain file (a pipe, a device, a link to itself) counts as absent; what is too long is cut."""
        try:
            with os.fdopen(os.open(self.root / path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise FileNotFoundError(path)
                return file.read(MAX_FILE)
        except (OSError, ValueError):
            raise FileNotFoundError(path) from None

    def names(self) -> list[str]:
        if not self._names:
            found = (each.relative_to(self.root).as_posix() for each in self.root.rglob("*") if each.is_file())
            self._names.extend(sorted(found))
        return list(self._names)


@dataclass(slots=True)
class Contents:
    """A log as read: for each index the entry, its hash, and the hash in the level-0 tile; None if unreadable."""

    entries: list[bytes | None] = field(default_factory=list)
    have: list[bytes | None] = field(default_factory=list)
    want: list[bytes | None] = field(default_factory=list)

    def root(self, size: int) -> bytes | None:
        """The root of the first ``size`` leaves, from the tiles where they are whole, else from the entries."""
        for hashes in (self.want[:size], self.have[:size]):
            whole = [hash_ for hash_ in hashes if hash_ is not None]
            if len(whole) == size:
                return merkle.root_of(whole)
        return None

    def roots(self, sizes: Iterable[int]) -> dict[int, bytes]:
        """The same for several sizes, in one walk."""
        found: dict[int, bytes] = {}
        for hashes in (self.have, self.want):
            tree, at = merkle.Range(), 0
            for size in sorted(size for size in sizes if 0 < size <= len(hashes)):
                whole = [hash_ for hash_ in hashes[at:size] if hash_ is not None]
                if len(whole) < size - at:
                    break
                for hash_ in whole:
                    tree.append(hash_)
                at, found[size] = size, tree.root()
        return found


KEPT = "kept"
_KEPT_LINE = re.compile(rb'\{"index":(0|[1-9][0-9]{0,15}),"entry":(\{.*\})\}\n')
_ENOUGH = 16  # missing tiles in a row, after which nobody looks for the rest: a signed size may be any number


def read(source: LogSource, size: int) -> tuple[Contents, list[Finding]]:
    """Read the entries and the level-0 tiles that a log of this size has; less than that when many are missing."""
    contents, findings, gap = Contents(), [], 0
    for index, width in tiles.layout(0, size):
        want, problems = _read_tile(source, index, width)
        entries, more = _read_bundle(source, index, width, want)
        contents.want += want
        contents.entries += entries
        contents.have += [None if entry is None else merkle.leaf_hash(entry) for entry in entries]
        findings += problems + more
        gap = gap + 1 if want == [None] * width and entries == want else 0
        if gap == _ENOUGH:
            break
    return contents, findings


def _read_tile(source: LogSource, index: int, width: int) -> tuple[list[bytes | None], list[Finding]]:
    path = tiles.path(0, index, width)
    nothing: list[bytes | None] = [None] * width
    try:
        return list(tiles.hashes(source.read(path), width)), []
    except FileNotFoundError:
        return nothing, [missing(path)]
    except ValueError as error:
        return nothing, [broken(path, "长度不对", str(error))]


def _read_bundle(
    source: LogSource, index: int, width: int, want: list[bytes | None]
) -> tuple[list[bytes | None], list[Finding]]:
    path, start = tiles.path(tiles.ENTRIES, index, width), index * tiles.WIDTH
    try:
        found, whole = tiles.split(source.read(path))
    except FileNotFoundError:
        left, problems = _read_kept(source, index, width)
        return left, [missing(path), *problems]
    if whole and len(found) == width:
        return list(found), []
    if whole and len(found) == width - 1 and (gap := _gap(found, want)) is not None:
        return [*found[:gap], None, *found[gap:]], [removed(start + gap, path)]
    pairs = zip(found, want, strict=False)
    good = [entry for entry, leaf in itertools.takewhile(lambda pair: merkle.leaf_hash(pair[0]) == pair[1], pairs)]
    at = start + len(good)
    why_zh = f"应有 {width} 条，读到 {len(found)} 条，自第 {at} 条起不符"
    why_en = f"expected {width} entries, found {len(found)}; wrong from entry {at} on"
    return [*good, *[None] * (width - len(good))], [broken(path, why_zh, why_en)]


def _read_kept(source: LogSource, index: int, width: int) -> tuple[list[bytes | None], list[Finding]]:
    """What is left of a bundle that was pruned: ``kept/<N>``, a line {"index":…,"entry":…} for each."""
    path, start = tiles.path(tiles.ENTRIES, index).replace(f"tile/{tiles.ENTRIES}/", f"{KEPT}/", 1), index * tiles.WIDTH
    left: list[bytes | None] = [None] * width
    try:
        data = source.read(path)
    except FileNotFoundError:
        return left, []
    last = start - 1
    for line in data.splitlines(keepends=True):
        match = _KEPT_LINE.fullmatch(line)
        if match is None or not last < (last := int(match[1])) < start + width:
            return left, [broken(path, "不合规定的格式", "a line does not have its form, or is out of order")]
        left[last - start] = match[2]
    return left, []


def _gap(found: list[bytes], want: list[bytes | None]) -> int | None:
    """Where one entry is missing: the position after which all others have moved up by one."""
    hashes = [merkle.leaf_hash(entry) for entry in found]
    at = next((i for i, hash_ in enumerate(hashes) if hash_ != want[i]), len(hashes))
    return at if hashes[at:] == want[at + 1 :] else None
