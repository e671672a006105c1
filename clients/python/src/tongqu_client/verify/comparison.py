"""Do the entries, the tiles and the signed root of a log fit together, byte for byte? If not: where, and why?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tongqu_client.verify import merkle, tiles
from tongqu_client.verify.findings import Finding, broken, changed, missing, other_root
from tongqu_client.verify.notes import Checkpoint
from tongqu_client.verify.structure import Contents, LogSource

_TILE_NAME = re.compile(r"tile/(\d{1,2}|entries)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


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
        findings.append(changed(index, tiles_right=by_tiles == signed, entries_right=by_entries == signed))
    if by_tiles is not None and by_tiles != signed and by_entries != signed and not differ:
        findings.append(other_root(checkpoint))
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
                yield missing(path)
                continue
            except ValueError as error:
                yield broken(path, "长度不对", str(error))
                continue
            if any(hash_ is not None and hash_ != other for hash_, other in zip(expected, found, strict=True)):
                yield broken(path, "散列值与下层不符", "its hashes are not those of the tiles below it")
        level += 1


def strays(source: LogSource, size: int) -> Iterator[Finding]:
    """Files under ``tile/`` that a log of this size does not have, unless they are an older state of one it has."""
    for name in source.names() or ():
        match = _TILE_NAME.fullmatch(name)
        if not name.startswith("tile/"):
            continue
        if match is None:
            yield broken(name, "没有这种名称的文件", "no tile has this name")
            continue
        level, index = match[1], int(match[2].replace("/", "").replace("x", ""))
        width = int(match[3] or tiles.WIDTH)
        if name != tiles.path(level, index, width):
            yield broken(name, "没有这种名称的文件", "no tile has this name")
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
            yield broken(name, "不是同一分块较早的内容", "it is not an earlier state of its tile")


def _older_state(source: LogSource, older: str, newer: str, width: int) -> bool:
    try:
        old, new = source.read(older), source.read(newer)
        if older.startswith(f"tile/{tiles.ENTRIES}/"):
            return tiles.split(old) == (tiles.split(new)[0][:width], True)
        return len(old) == width * merkle.HASH_SIZE and new.startswith(old)
    except (FileNotFoundError, ValueError):
        return False
