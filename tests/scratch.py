"""Where the files of a test run lie: in memory, where this machine has a file system there with room enough.

Everything that is tested here waits for the disk before it answers, and a disk takes 5 to 20 ms for it: thousands of
tests would wait for nothing. The same calls are made and the same bytes written; only a power failure could tell the
difference, and no test makes one. TMPDIR=/some/folder: the files lie there instead.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

MEMORY = "/dev/shm"
ROOM = 3 << 30  # a whole run leaves 1.1 GB


def choose() -> None:
    """Called once by the controlling process, before anything asks for a temporary file."""
    if "TMPDIR" not in os.environ and _fits():
        os.environ["TMPDIR"] = MEMORY  # for our workers and for the processes that tests start
        tempfile.tempdir = None


def keep_bytecode() -> None:
    """Hundreds of processes of ours are started: each would compile the same modules where that is forbidden."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def _fits() -> bool:
    try:
        with Path("/proc/self/mounts").open() as mounts:
            rows = [line.split() for line in mounts]
        mine = [row for row in rows if row[1] == MEMORY]
        return (
            bool(mine)
            and mine[-1][2] in ("tmpfs", "ramfs")
            and "noexec" not in mine[-1][3].split(",")  # tests make programs and run them
            and os.access(MEMORY, os.W_OK)
            and min(shutil.disk_usage(MEMORY).free, _available()) > ROOM
        )
    except OSError:
        return False


def _available() -> int:
    """What this machine can give without swapping."""
    with Path("/proc/meminfo").open() as figures:
        for line in figures:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return 0
