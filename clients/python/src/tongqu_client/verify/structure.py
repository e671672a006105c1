"""Do the entries, the tiles and the signed root of a log fit together, byte for byte? If not: where, and why?"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tongqu_client.verify import merkle, tiles
from tongqu_client.verify.findings import Finding
from tongqu_client.verify.notes import Checkpoint

_TILE_NAME = re.compile(r"tile/(\d{1,2}|entries)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


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
    """A log exported into a folder."""

    root: Path

    def read(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except (IsADirectoryError, NotADirectoryError):
            raise FileNotFoundError(path) from None

    def names(self) -> list[str]:
        return sorted(found.relative_to(self.root).as_posix() for found in self.root.rglob("*") if found.is_file())


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


def read(source: LogSource, size: int) -> tuple[Contents, list[Finding]]:
    """Read the entries and the level-0 tiles that a log of this size has."""
    contents, findings = Contents(), []
    for index, width in tiles.layout(0, size):
        want, problems = _read_tile(source, index, width)
        entries, more = _read_bundle(source, index, width, want)
        contents.want += want
        contents.entries += entries
        contents.have += [None if entry is None else merkle.leaf_hash(entry) for entry in entries]
        findings += problems + more
    return contents, findings


def _read_tile(source: LogSource, index: int, width: int) -> tuple[list[bytes | None], list[Finding]]:
    path = tiles.path(0, index, width)
    nothing: list[bytes | None] = [None] * width
    try:
        return list(tiles.hashes(source.read(path), width)), []
    except FileNotFoundError:
        return nothing, [_missing(path)]
    except ValueError as error:
        return nothing, [_broken(path, str(error))]


def _read_bundle(
    source: LogSource, index: int, width: int, want: list[bytes | None]
) -> tuple[list[bytes | None], list[Finding]]:
    path, start = tiles.path(tiles.ENTRIES, index, width), index * tiles.WIDTH
    try:
        found, whole = tiles.split(source.read(path))
    except FileNotFoundError:
        return [None] * width, [_missing(path)]
    if whole and len(found) == width:
        return list(found), []
    if whole and len(found) == width - 1 and (gap := _gap(found, want)) is not None:
        return [*found[:gap], None, *found[gap:]], [_removed(start + gap, path)]
    pairs = zip(found, want, strict=False)
    good = [entry for entry, leaf in itertools.takewhile(lambda pair: merkle.leaf_hash(pair[0]) == pair[1], pairs)]
    why = f"expected {width} entries, found {len(found)}; wrong from entry {start + len(good)} on"
    return [*good, *[None] * (width - len(good))], [_broken(path, why)]


def _gap(found: list[bytes], want: list[bytes | None]) -> int | None:
    """Where one entry is missing: the position after which all others have moved up by one."""
    hashes = [merkle.leaf_hash(entry) for entry in found]
    at = next((i for i, hash_ in enumerate(hashes) if hash_ != want[i]), len(hashes))
    return at if hashes[at:] == want[at + 1 :] else None


def compare(contents: Contents, checkpoint: Checkpoint) -> list[Finding]:
    """Entries against tiles, and both against the signed root."""
    differ = {
        i: hash_
        for i, (hash_, leaf) in enumerate(zip(contents.have, contents.want, strict=True))
        if hash_ is not None and leaf is not None and hash_ != leaf
    }
    signed = checkpoint.root
    by_tiles, by_entries = _root(contents.want), _root(contents.have)
    findings = list(_moved(differ, contents.want))
    for index in sorted(differ):
        findings.append(_changed(index, tiles_right=by_tiles == signed, entries_right=by_entries == signed))
    if by_tiles is not None and by_tiles != signed and by_entries != signed and not differ:
        findings.append(_other_root(checkpoint))
    return findings


def _root(hashes: list[bytes | None]) -> bytes | None:
    whole = [hash_ for hash_ in hashes if hash_ is not None]
    return merkle.root_of(whole) if len(whole) == len(hashes) else None


def _moved(differ: dict[int, bytes], want: list[bytes | None]) -> Iterator[Finding]:
    """Entries that stand at another's place; taken out of ``differ``."""
    places = {want[i]: i for i in differ}
    moved = {i: places[hash_] for i, hash_ in differ.items() if hash_ in places}
    for i, j in sorted(moved.items()):
        if moved.get(j) == i and i < j:
            yield Finding(
                "entries_swapped",
                f"entry {i}, entry {j}",
                f"第 {i} 条与第 {j} 条互换了位置：日志的先后次序被改动过，不能再据此判断谁先谁后。",
                f"Entries {i} and {j} have changed places: the order was tampered with and proves nothing any more.",
            )
        elif moved.get(j) != i:
            yield Finding(
                "entry_moved",
                f"entry {i}",
                f"第 {i} 条的位置上放着第 {j} 条：日志的先后次序被改动过。",
                f"Entry {j} stands in the place of entry {i}: the order was tampered with.",
            )
    for i in moved:
        del differ[i]


def upper_tiles(source: LogSource, contents: Contents, size: int) -> Iterator[Finding]:
    """Each tile above level 0 must hold the roots of the full tiles below it."""
    row, level = contents.want, 1
    while size >> (tiles.HEIGHT * level):
        row = [_root(row[start : start + tiles.WIDTH]) for start in range(0, len(row) // 256 * 256, tiles.WIDTH)]
        for index, width in tiles.layout(level, size):
            path = tiles.path(level, index, width)
            expected = row[index * tiles.WIDTH : index * tiles.WIDTH + width]
            try:
                found = tiles.hashes(source.read(path), width)
            except FileNotFoundError:
                yield _missing(path)
                continue
            except ValueError as error:
                yield _broken(path, str(error))
                continue
            if any(hash_ is not None and hash_ != other for hash_, other in zip(expected, found, strict=True)):
                yield _broken(path, "its hashes are not those of the tiles below it")
        level += 1


def strays(source: LogSource, size: int) -> Iterator[Finding]:
    """Files under ``tile/`` that a log of this size does not have, unless they are an older state of one it has."""
    for name in source.names() or ():
        match = _TILE_NAME.fullmatch(name)
        if not name.startswith("tile/"):
            continue
        if match is None:
            yield _broken(name, "no tile has this name")
            continue
        level, index = match[1], int(match[2].replace("/", "").replace("x", ""))
        width = int(match[3] or tiles.WIDTH)
        if name != tiles.path(level, index, width):
            yield _broken(name, "no tile has this name")
            continue
        depth = 0 if level == tiles.ENTRIES else int(level)
        due = min(tiles.WIDTH, (size >> (tiles.HEIGHT * depth)) - index * tiles.WIDTH)
        if width > due:
            yield Finding(
                "beyond_checkpoint",
                name,
                f"{name} 里的内容超出检查点签过的 {size} 条：检查点可能被换成了旧的。",
                f"{name} goes beyond the {size} entries of the checkpoint: an older checkpoint may have been put here.",
            )
        elif width < due and not _older_state(source, name, tiles.path(level, index, due), width):
            yield _broken(name, "it is not an earlier state of the tile it belongs to")


def _older_state(source: LogSource, older: str, newer: str, width: int) -> bool:
    try:
        old, new = source.read(older), source.read(newer)
        if older.startswith(f"tile/{tiles.ENTRIES}/"):
            return tiles.split(old) == (tiles.split(new)[0][:width], True)
        return len(old) == width * merkle.HASH_SIZE and new.startswith(old)
    except (FileNotFoundError, ValueError):
        return False


def _missing(path: str) -> Finding:
    return Finding(
        "file_missing",
        path,
        f"缺少 {path}：导出不完整，或有人删去了这些条目。",
        f"{path} is missing: the export is incomplete, or these entries were removed.",
    )


def _broken(path: str, why: str) -> Finding:
    return Finding(
        "file_broken",
        path,
        f"{path} 与日志其余部分不符（{why}）：文件被改动过或已损坏。",
        f"{path} does not fit the rest of the log ({why}): it was changed or is damaged.",
    )


def _removed(index: int, path: str) -> Finding:
    return Finding(
        "entry_removed",
        f"entry {index}",
        f"第 {index} 条被删去（{path}）：树里有它的散列值，条目本身却不见了。",
        f"Entry {index} was removed ({path}): the tree holds its hash, but the entry is gone.",
    )


def _changed(index: int, *, tiles_right: bool, entries_right: bool) -> Finding:
    if entries_right and not tiles_right:
        path = tiles.path(0, index // tiles.WIDTH)
        return Finding(
            "tile_changed",
            f"entry {index}, {path}",
            f"{path} 中第 {index} 条的散列值被改动过；条目本身与检查点相符。",
            f"The hash of entry {index} in {path} was changed; the entry itself fits the checkpoint.",
        )
    return Finding(
        "entry_changed",
        f"entry {index}",
        f"第 {index} 条在写入之后被改动过：它的内容与树里的散列值不符，不能采信。",
        f"Entry {index} was changed after it was written: its content does not fit its hash. Do not rely on it.",
    )


def _other_root(checkpoint: Checkpoint) -> Finding:
    return Finding(
        "root_differs",
        "checkpoint",
        f"{checkpoint.size} 条条目得出的根不是检查点签过的根：条目与树被一起改写过。",
        f"The {checkpoint.size} entries do not lead to the signed root: entries and tree were rewritten together.",
    )
