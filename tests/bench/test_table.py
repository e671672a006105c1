"""What the table says follows from the rounds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import compare, table
from bench.__main__ import main
from bench.measure import Row, Target

DIRECT = Row("direct", "-", 1, 64, "1k", 1000.0, 1.0, 2.0, 10.0, 30.0, 0)
TONGQU = Row("tongqu", "sqlite", 1, 64, "1k", 100.0, 9.0, 12.0, 300.0, 90.0, 0)


def test_a_case_is_the_median_of_its_rounds_and_all_of_its_errors() -> None:
    rounds = [replace(TONGQU, qps=rate, errors=errors) for rate, errors in ((90.0, 1), (100.0, 0), (300.0, 2))]
    assert table.middle(rounds).qps == 100.0
    assert table.middle(rounds).errors == 3
    assert table.spread(rounds) == 2.0


def test_a_ratio_is_made_within_each_round_so_that_a_slow_minute_slows_both_sides_of_it() -> None:
    moods = (1.0, 0.5, 0.25)
    rounds = [replace(TONGQU, qps=100.0 * mood, beside={"direct": 1000.0 * mood}) for mood in moods]
    found = table.ratio(rounds, "direct")
    assert found is not None
    assert (found.middle, found.spread) == pytest.approx((0.1, 0.0))
    assert table.ratio(rounds, "nginx proxy_pass") is None
    assert table.ratio([DIRECT], "direct") == table.Ratio(1.0, 0.0)


def test_the_spread_of_a_ratio_is_told() -> None:
    rounds = [replace(TONGQU, qps=rate, beside={"direct": 1000.0}) for rate in (80.0, 90.0, 100.0, 110.0, 120.0)]
    found = table.ratio(rounds, "direct")
    assert found is not None
    assert (found.middle, found.spread) == pytest.approx((0.1, 0.1))


def test_what_other_programs_took_is_added_in_proportion_unless_the_machine_had_time_to_spare() -> None:
    assert replace(TONGQU, taken=0.5).fair_qps == 200.0
    assert replace(TONGQU, taken=0.5, idle=0.3).fair_qps == 100.0


def test_added_latency_is_what_one_connection_waits_longer_than_directly() -> None:
    rows = [replace(DIRECT, connections=1), replace(TONGQU, connections=1), TONGQU]
    assert table.added_ms(rows[1], rows) == {"p50_ms": 8.0, "p99_ms": 10.0}
    assert table.added_ms(TONGQU, rows) is None


def test_a_reference_is_measured_between_any_two_others_and_every_other_round_goes_backwards() -> None:
    targets = [Target(name, "-", 1, 0, [], [], lambda _: [], b"", True, "1k") for name in ("direct", "a", "b", "c")]
    forwards = [target.system for target, _ in compare.in_order(targets, 1.0, backwards=False)]
    assert forwards == ["direct", "a", "direct", "b", "direct", "c", "direct"]
    assert [target.system for target, _ in compare.in_order(targets, 1.0, backwards=True)] == forwards[::-1]


def test_a_slice_is_compared_with_the_references_just_before_and_after_it() -> None:
    rows = [replace(DIRECT, qps=rate) for rate in (10.0, 1000.0)]
    rows = [*rows, TONGQU, replace(DIRECT, qps=3000.0), replace(DIRECT, qps=7.0)]
    assert compare.nearest(rows, 2) == {"direct": 2000.0}


@pytest.mark.parametrize(("second", "code"), [(0.1, 0), (0.114, 0), (0.2, 1)])
def test_two_runs_agree_or_they_do_not(tmp_path: Path, second: float, code: int) -> None:
    for name, qps in (("a", 0.1), ("b", second)):
        rounds = [[replace(TONGQU, qps=qps * 1000, beside={"direct": 1000.0})]]
        table.write(tmp_path / name, rounds, {}, [], [])
    done = CliRunner().invoke(main, ["agree", str(tmp_path / "a"), str(tmp_path / "b")])
    assert done.exit_code == code, done.output
    assert json.loads((tmp_path / "a").read_text())["results"][0]["ratio"] == {"direct": 0.1}
