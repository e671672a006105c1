"""The published log as files: full tiles, full entry bundles and the checkpoint (C2SP tlog-tiles).

A full tile never changes, so it is written once; a partial one is computed when it is asked for. Any web server can
serve the folder. The order of writing is: tiles first, then the checkpoint that needs them; if we stop between, the
tiles are there early, which nobody notices, and are found again as they should be.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.audit.merkle import TILE_WIDTH
from gateway.audit.shard import Shard
from gateway.lib import durable

# Levels 0 to 7: 256^8 = 2^64 entries
_PATH = re.compile(r"(entries|[0-7])((?:/x[0-9]{3}){0,5}/[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


class TileName(NamedTuple):
    """Tile (level, number) with ``width`` hashes; level None stands for the entries themselves."""

    level: int | None
    number: int
    width: int

    def path(self) -> str:
        """Its path below ``tile/``: 1234067 is written x001/x234/067."""
        digits = f"{self.number:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
        number = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"{'entries' if self.level is None else self.level}/{number}{partial}"

    @classmethod
    def parse(cls, path: str) -> TileName | None:
        """Read a path; None for one that no tile has (there is one spelling only)."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        level = None if match[1] == "entries" else int(match[1])
        name = cls(level, int(match[2].replace("/x", "").replace("/", "")), int(match[3] or TILE_WIDTH))
        return name if name.path() == path else None


def bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry after its length, two bytes, big-endian."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


class Folder:
    """The folder of one published log. That of a later year has its own in it, named by the year."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, shard: Shard) -> Folder:
        return Folder(self.path / shard.year) if shard.first else self

    def checkpoints(self) -> list[str]:
        """The checkpoints of all years, as last published."""
        folders = [self, *map(Folder, sorted(self.path.glob("[0-9][0-9][0-9][0-9]")))]
        return [note for folder in folders if (note := folder.checkpoint()) is not None]

    def checkpoint(self) -> str | None:
        """The signed checkpoint as last published."""
        try:
            return (self.path / "checkpoint").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def publish(self, note: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        durable.write_file(self.path / "checkpoint", note.encode())

    def tile(self, name: TileName) -> bytes | None:
        """A full tile or bundle if it was written."""
        try:
            return (self.path / "tile" / name.path()).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, name: TileName, data: bytes) -> None:
        """Write a tile or bundle, durably. Raises ValueError if it is there already with other bytes."""
        there = self.tile(name)
        if there is not None:
            if there != data:
                raise ValueError(f"tile/{name.path()} was published before with other content")
            return
        path = self.path / "tile" / name.path()
        durable.make_folder(path.parent)
        durable.write_file(path, data)

    def remove(self, name: TileName) -> None:
        """Remove a bundle that was pruned; nothing happens if it is gone already."""
        (self.path / "tile" / name.path()).unlink(missing_ok=True)
