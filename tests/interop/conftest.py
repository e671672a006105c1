from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import place as places
from tests.interop.place import Place


@pytest.fixture
def place(sqlite_template: Path, tmp_path: Path) -> Iterator[Place]:
    """Where the libraries ask. Another gateway joins by another fixture that gives a Place."""
    with places.small(sqlite_template, tmp_path) as place:
        yield place


@pytest.fixture(params=["PS256", "Ed25519"])
def place_of_alg(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[Place]:
    """The same with a client whose key is of another kind."""
    with places.small(sqlite_template, tmp_path, request.param) as place:
        yield place
