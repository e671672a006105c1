"""A machine whose clock leaps and whose disk fails while a real gateway runs on it (see failing_machine.c).

with FailingMachine(folder, fails="gateway.sqlite") as machine:
    with Process(config, url, said, env=machine.environment):
        machine.clock_ahead(hours=1)
        machine.disk_fails(errno.EIO, "syncs")
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Literal

import pytest

SOURCE = Path(__file__).with_suffix(".c")
_FORMAT = "@qqq"
_WHICH = {"syncs": 1, "writes": 2}


class FailingMachine:
    """Works well until told otherwise. ``fails``: part of the path of the files that a failing disk holds."""

    def __init__(self, folder: Path, fails: str = "") -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no C compiler (cc) to make the machine")
        assert compiler is not None
        library, self._orders = folder / "failing_machine.so", folder / "orders"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self._orders.write_bytes(bytes(struct.calcsize(_FORMAT)))
        self.environment = {
            "LD_PRELOAD": str(library), "FAILING_MACHINE": str(self._orders), "FAILING_PATH": fails,
        }  # fmt: skip
        self._now = [0, 0, 0]

    def __enter__(self) -> FailingMachine:
        with self._orders.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._shared.close()

    def clock_ahead(self, *, hours: float) -> None:
        self._order(0, int(hours * 3600))

    def disk_fails(self, error: int, which: Literal["syncs", "writes"]) -> None:
        """``error``: the errno that the kernel gives; 0 mends the disk."""
        self._order(2, _WHICH[which])
        self._order(1, error)

    def _order(self, place: int, value: int) -> None:
        self._now[place] = value
        self._shared[place * 8 : place * 8 + 8] = struct.pack("@q", value)
