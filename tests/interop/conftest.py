from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop import place as places
from tests.interop.place import Place


@pytest.fixture(params=[places.small, places.whole], ids=["identity alone", "whole gateway"])
def place(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[Place]:
    """Where the libraries ask: where only identity is at work, and /v1/queries of a gateway with everything on."""
    with request.param(sqlite_template, tmp_path) as place:
        yield place


@pytest.fixture(params=["PS256", "Ed25519"])
def place_of_alg(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[Place]:
    """The same with a client whose key is of another kind."""
    with places.small(sqlite_template, tmp_path, request.param) as place:
        yield place
