"""Numbers that several processes of one machine count, and that any of them can add up.

Each process has a file of its own, mapped into memory: counting is one addition, costs a tenth of a microsecond, needs
no lock (a cell is written by one thread) and is still there when the process was killed. The process holds a lock on
its file for as long as it lives; so whoever adds up knows whose gauges still mean something, keeps what ended processes
counted, and throws their files away.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from gateway.lib.durable import write_file
from gateway.lib.ids import new_id

CELLS: Final = 512  # in one block of the file
NAME: Final = 120  # bytes for the name of a cell
BLOCK: Final = CELLS * (8 + NAME)  # a multiple of the size of a memory page
ENDED: Final = "ended.json"


class Block:
    """So many numbers and their names. ``values[n]`` may be read and written; the name tells that it is used."""

    def __init__(self, memory: mmap.mmap) -> None:
        self.take(memory)
        self.used = 0

    def take(self, memory: mmap.mmap) -> None:
        self.memory = memory
        self.values = memoryview(memory)[: CELLS * 8].cast("d")

    def name(self, number: int, name: bytes) -> None:
        at = CELLS * 8 + number * NAME
        self.memory[at : at + NAME] = name.ljust(NAME, b"\0")


@dataclass(slots=True)
class Cell:
    """One number."""

    block: Block
    number: int

    def add(self, amount: float) -> None:
        self.block.values[self.number] += amount

    def set(self, value: float) -> None:
        self.block.values[self.number] = value

    @property
    def value(self) -> float:
        return self.block.values[self.number]


class Sheet:
    """This process's numbers: in its own memory at first, and in a file that others can read after ``share``."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._cells: dict[str, Cell] = {}
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._folder: Path | None = None

    def cell(self, name: str) -> Cell:
        """The cell of this name, made when it is first asked for. Names of more than NAME bytes are refused."""
        with self._lock:
            found = self._cells.get(name)
            if found is None:
                encoded = name.encode()
                if len(encoded) > NAME:
                    raise ValueError(f"expected a name of at most {NAME} bytes, got {len(encoded)}")
                block = self._block_with_room()
                found = self._cells[name] = Cell(block, block.used)
                block.name(block.used, encoded)
                block.used += 1
            return found

    def share(self, folder: Path) -> None:
        """Move into a file in ``folder``. If nobody else lives there, all counting begins anew."""
        folder.mkdir(exist_ok=True, mode=0o700)
        with self._lock, _alone(folder):
            _, alive = _look(folder)
            if not alive:
                for old in [*folder.glob("*.sheet"), folder / ENDED]:
                    old.unlink(missing_ok=True)
            self._file = (folder / f"{new_id('run')}.sheet").open("w+b", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._folder = folder
            for block in self._blocks:
                block.take(self._grown(bytes(block.memory)))

    def close(self) -> None:
        """This process counts no more."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # the mapping holds the file open for as long as it lives
            self._file.close()
            self._file = None

    def everything(self) -> tuple[dict[str, float], list[dict[str, float]]]:
        """What ended processes counted (without their gauges' meaning), and what each living one shows."""
        if self._folder is None:
            with self._lock:
                return {}, [{name: cell.value for name, cell in self._cells.items()}]
        with _alone(self._folder):
            return _look(self._folder)

    def _block_with_room(self) -> Block:
        if not self._blocks or self._blocks[-1].used == CELLS:
            self._blocks.append(Block(self._grown(bytes(BLOCK)) if self._file else mmap.mmap(-1, BLOCK)))
        return self._blocks[-1]

    def _grown(self, content: bytes) -> mmap.mmap:
        """One more block of the file; written first, so that no page is missing when the disk is full later."""
        assert self._file is not None
        at = self._file.seek(0, os.SEEK_END)
        self._file.write(content)
        return mmap.mmap(self._file.fileno(), BLOCK, offset=at)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _look(folder: Path) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Read all files; those of ended processes are added to what is kept of them, and removed."""
    kept = _kept(folder)
    ended, counted, alive = Counter(kept["values"]), set(kept["of"]), []
    gone: list[Path] = []
    for path in sorted(folder.glob("*.sheet")):
        with path.open("rb") as file:
            values = _read(file.read())
            if _is_locked(file):
                alive.append(values)
                continue
        gone.append(path)
        if path.name not in counted:
            counted.add(path.name)
            ended.update(values)
    if gone:
        with contextlib.suppress(OSError):  # a full disk: they are added up anew next time
            content = {"values": ended, "of": [path.name for path in gone]}  # should we end before they are removed
            write_file(folder / ENDED, json.dumps(content).encode())
            for path in gone:
                path.unlink()
    return dict(ended), alive


def _kept(folder: Path) -> Mapping[str, Any]:
    try:
        kept: Mapping[str, Any] = json.loads((folder / ENDED).read_bytes())
    except FileNotFoundError:
        kept = {"values": {}, "of": []}
    return kept


def _is_locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _read(data: bytes) -> dict[str, float]:
    found: dict[str, float] = {}
    for start in range(0, len(data) - BLOCK + 1, BLOCK):
        values = memoryview(data)[start : start + CELLS * 8].cast("d")
        names = start + CELLS * 8
        for number in range(CELLS):
            name = data[names + number * NAME : names + (number + 1) * NAME].rstrip(b"\0")
            if not name:
                break
            found[name.decode()] = values[number]
    return found
