"""What the table says follows from the rounds."""

from __future__ import annotations

from dataclasses import replace

from bench import table
from bench.measure import Row

DIRECT = Row("direct", "-", 1, 64, "1k", 1000.0, 1.0, 2.0, 10.0, 30.0, 0)
TONGQU = Row("tongqu", "sqlite", 1, 64, "1k", 100.0, 9.0, 12.0, 300.0, 90.0, 0)


def test_a_case_is_the_median_of_its_rounds_and_all_of_its_errors() -> None:
    rounds = [replace(TONGQU, qps=rate, errors=errors) for rate, errors in ((90.0, 1), (100.0, 0), (300.0, 2))]
    assert table.middle(rounds).qps == 100.0
    assert table.middle(rounds).errors == 3
    assert table.spread(rounds) == 2.0


def test_ratios_compare_the_same_payload_at_as_many_connections() -> None:
    rows = [replace(DIRECT, connections=16, qps=7.0), replace(DIRECT, payload="page", qps=9.0), DIRECT, TONGQU]
    assert table.ratio(TONGQU, rows, "direct") == 0.1
    assert table.ratio(replace(TONGQU, payload="1k-kept"), rows, "direct") == 0.1
    assert table.ratio(TONGQU, rows, "nginx proxy_pass") is None


def test_added_latency_is_what_one_connection_waits_longer_than_directly() -> None:
    rows = [replace(DIRECT, connections=1), replace(TONGQU, connections=1), TONGQU]
    assert table.added_ms(rows[1], rows) == {"p50_ms": 8.0, "p99_ms": 10.0}
    assert table.added_ms(TONGQU, rows) is None
