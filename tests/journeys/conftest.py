"""What a journey starts from: a running gateway, its cast, and a department that answers well until told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import City, running_city


@pytest.fixture
def city(tmp_path: Path, database_url: str) -> Iterator[City]:
    """Everything over an empty database: once SQLite, once PostgreSQL."""
    with running_city(tmp_path / "gateway", database_url) as running:
        yield running
