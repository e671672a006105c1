"""What a journey starts from: a running gateway, its cast, and a department that answers well until told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import DATABASES, fresh_url
from tests.running import City, running_city


@pytest.fixture(scope="module", params=DATABASES)
def shared_city(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("city")
    with fresh_url(request.param, folder, sqlite_template) as url, running_city(folder / "gateway", url) as running:
        yield running


@pytest.fixture
def city(shared_city: City) -> City:
    """A city that the tests of one file share: each makes agreements of its own and leaves everybody in good standing.

    Once over SQLite, once over PostgreSQL.
    """
    shared_city.begin()
    return shared_city


@pytest.fixture
def own_city(tmp_path: Path, database_url: str) -> Iterator[City]:
    """A city for one test alone, which may suspend people, move the clock and stop the gateway."""
    with running_city(tmp_path / "gateway", database_url) as running:
        running.begin()
        yield running
