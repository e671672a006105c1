"""A running gateway that several tests of one file share; it starts on a migrated, empty SQLite file."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.running import City, running_city


@contextlib.contextmanager
def shared_city(folder: Path, template: Path) -> Iterator[City]:
    path = folder / "gateway.sqlite"
    shutil.copyfile(template, path)
    with running_city(folder / "gateway", f"sqlite:///{path}") as city:
        yield city
