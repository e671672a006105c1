"""However much is taken away, memory does not grow with it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bench.traffic import City, write
from gateway.audit import extract, index
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.filter import Filter
from gateway.audit.policy import NO_WITNESSES
from gateway.audit.search import Search
from tests.clock import FixedClock
from tests.conftest import DATABASES
from tests.gateway.audit.conftest import Standing
from tests.gateway.audit.examples import NOBODY

QUERIES = 6000
MAY_GROW = 3_000_000  # bytes; the rows themselves would be 30 MB and more
DAY = "type:exchange since:1d"
ALL = "type:exchange"


@pytest.fixture(scope="module", params=DATABASES)
def extractor(
    request: pytest.FixtureRequest, standing: Standing, checkpoint_key: CheckpointKey
) -> Iterator[extract.Extractor]:
    with standing(request.param) as log:
        events = City(5, offices=6, officers=5).history(14, FixedClock().now() - timedelta(minutes=1), QUERIES)
        write(log.database, checkpoint_key, None, events)
        index.catch_up(log.database, group=8192)
        search = Search(log.database, log.clock)
        yield extract.Extractor(log, search, NO_WITNESSES, dict)


def peak(extractor: extract.Extractor, q: str, format: str) -> tuple[int, int]:
    """Rows, and the most bytes that were held at any moment."""
    tracemalloc.start()
    try:
        file = extractor.extract(Filter.parse(q), format, reach=None, actor=NOBODY)
        assert sum(map(len, file.pieces())) == file.size
        return file.rows, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.torture
@pytest.mark.parametrize("format", extract.FORMATS)
def test_memory_does_not_grow_with_the_rows(extractor: extract.Extractor, format: str) -> None:
    peak(extractor, DAY, format)  # what is kept for the next time is there
    few, small = peak(extractor, "type:exchange since:7d", format)
    many, large = peak(extractor, ALL, format)
    assert many > 1.8 * few > 1000
    assert large < small + MAY_GROW, f"{small} bytes for {few} rows, {large} for {many}"
