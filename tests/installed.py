"""An installation for a test, over a copy of the tables that are made once for a whole test run."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import make_url

from gateway.config import Settings
from gateway.lib.keys import Keys
from tests import migrated


def install(settings: Settings) -> None:
    """What ``make_installation`` leaves behind, with copied tables: to look for newer ones reads each migration."""
    path = Path(make_url(settings.database).database or "")
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(migrated.sqlite(), path)
    Keys.create(settings.data_dir / "keys")
    (settings.data_dir / "log").mkdir()
