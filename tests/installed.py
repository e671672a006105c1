"""An installation for a test, over a copy of the tables that are made once for a whole test run."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import make_url

from gateway.config import Settings
from gateway.wiring import make_installation
from tests import migrated


def install(settings: Settings) -> None:
    """``make_installation``, over a copy of a migrated SQLite file where there is none yet."""
    path = Path(make_url(settings.database).database or "")
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(migrated.sqlite(), path)
    make_installation(settings)
