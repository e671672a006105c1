"""Segments on disk as they are read: mapped, so that all processes of a machine share the memory they stand in.

A file is a copy of what the database holds compressed. It may be thrown away at any time, is never trusted before its
SHA-256 was compared with the mark that the database gives, and is made by whoever needed the segment first. Where no
file can be written (a full disk) segments are read from the database as before.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.audit import segment
from gateway.audit.segment import MARKED, Plain

_NAME = re.compile(r"([0-9]{1,15})-([0-9a-f]{15})")


class SegmentFiles:
    """``folder``: None keeps nothing on disk."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, number: int, mark: int, stored: Callable[[], bytes]) -> Plain:
        """The segment as columns; ``stored`` reads what the database has."""
        path = self._path(number, mark)
        if path is None:
            return segment.unpacked(stored())
        if (found := _mapped(path, mark)) is not None:
            return found
        data = segment.unpacked(stored())
        return _written(path, data) if segment.mark(data) == mark else data

    def tidy(self, current: Iterable[tuple[int, int]]) -> int:
        """Remove what no longer stands in the database, such as segments of pruned entries. Returns how many."""
        if self._folder is None or not self._folder.is_dir():
            return 0
        names = {_name(number, mark) for number, mark in current}
        stale = [path for path in self._folder.iterdir() if path.name not in names and _NAME.fullmatch(path.name)]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _path(self, number: int, mark: int) -> Path | None:
        return None if self._folder is None or mark < MARKED else self._folder / _name(number, mark)


def _name(number: int, mark: int) -> str:
    return f"{number}-{mark:015x}"


def _mapped(path: Path, mark: int) -> mmap.mmap | None:
    try:
        with path.open("rb") as file:
            found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # not there, or empty
        return None
    if segment.mark(found) != mark:  # cut off when the machine stopped, or altered
        path.unlink(missing_ok=True)
        return None
    return found


def _written(path: Path, data: bytes) -> Plain:
    """Not synced: what a power failure leaves of it does not have its mark, and is made again."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).rename(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return data
