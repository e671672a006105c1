"""What the table says follows from the slices; two runs agree or they do not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench import cases, compare, table
from bench.__main__ import main
from bench.cases import Case
from bench.estimate import Ratio
from bench.measure import Row, Target

DIRECT = Row("direct", "-", 1, 64, "1k", 1000.0, 1.0, 2.0, 10.0, 30.0, 0)
NGINX = replace(DIRECT, system="nginx proxy_pass", processes=2, qps=500.0)
FASTIFY = replace(DIRECT, system="fastify broker", processes=2, qps=200.0)
TONGQU = Row("tongqu", "sqlite", 1, 64, "1k", 100.0, 9.0, 12.0, 300.0, 90.0, 0)


def of(found: Sequence[Case], system: str) -> Case:
    return next(case for case in found if case.middle.system == system)


def test_a_case_is_the_median_of_its_slices_and_all_of_their_errors() -> None:
    rows = [replace(TONGQU, qps=rate, errors=errors) for rate, errors in ((90.0, 1), (100.0, 0), (300.0, 2))]
    case = of(cases.judged([rows]), "tongqu")
    assert (case.middle.qps, case.middle.errors, case.spread) == (100.0, 3, 2.0)


def test_a_ratio_is_made_within_each_round_so_that_a_slow_minute_slows_both_sides_of_it() -> None:
    rounds = [[replace(row, qps=row.qps * mood) for row in (DIRECT, TONGQU)] for mood in (1.0, 0.5, 0.25)]
    found = cases.judged(rounds)
    assert of(found, "tongqu").ratios == {"direct": Ratio(pytest.approx(0.1), pytest.approx(0.0))}
    assert of(found, "direct").ratios == {"direct": Ratio(1.0, 0.0)}


def test_a_slice_is_compared_with_those_just_before_and_after_it() -> None:
    rows = [replace(DIRECT, qps=rate) for rate in (10.0, 1000.0)]
    rows = [*rows, TONGQU, replace(DIRECT, qps=4000.0), replace(DIRECT, qps=7.0)]
    assert cases.nearest(rows, 2) == {"direct": pytest.approx(2000.0)}


def test_a_department_that_lets_one_wait_is_asked_directly_in_the_first_round_only() -> None:
    direct, ours = (replace(row, payload="steady") for row in (DIRECT, TONGQU))
    case = of(cases.judged([[direct, ours], [replace(ours, qps=80.0)], [replace(ours, qps=90.0)]]), "tongqu")
    assert [row.beside["direct"] for row in case.rows] == [pytest.approx(1000.0)] * 3


def test_nobody_gets_more_from_such_a_department_than_it_gives() -> None:
    direct, ours = (replace(row, payload="steady", qps=745.0) for row in (DIRECT, TONGQU))
    case = of(cases.judged([[direct, replace(ours, taken=0.2)]]), "tongqu")
    assert case.ratios["direct"].middle == 1.0


def test_what_the_host_slowed_down_during_a_slice_is_added_in_proportion() -> None:
    rows = [replace(DIRECT, pulse_us=100.0), replace(TONGQU, qps=50.0, pulse_us=200.0)]
    assert of(cases.judged([rows], best_us=100.0), "tongqu").ratios["direct"].middle == pytest.approx(0.1)


def test_the_gateway_is_compared_with_each_peer_and_the_peers_with_the_references_only() -> None:
    found = cases.judged([[DIRECT, NGINX, FASTIFY, TONGQU, replace(TONGQU, processes=2), DIRECT]])
    assert of(found, "tongqu").ratios.keys() == {"direct", "nginx proxy_pass", "fastify broker"}
    assert of(found, "fastify broker").ratios.keys() == {"direct", "nginx proxy_pass"}
    console = Console(width=200, record=True, file=None, quiet=True)
    peers = table.beside_peers(found)
    assert peers is not None and peers.row_count == 2
    console.print(peers)
    assert table.beside_peers(cases.judged([[DIRECT, TONGQU]])) is None


def test_what_other_programs_took_is_added_in_proportion_unless_the_machine_had_time_to_spare() -> None:
    assert replace(TONGQU, taken=0.5).fair_qps == 200.0
    assert replace(TONGQU, taken=0.5, idle=0.3).fair_qps == 100.0
    assert replace(DIRECT, payload="slow", taken=0.5, slower=2.0).fair_qps == 1000.0, "it waits, whatever others take"
    waiting = replace(TONGQU, payload="slow", slower=2.0)
    assert (waiting.fair_qps, replace(waiting, idle=0.3).fair_qps) == (200.0, 100.0)


def test_added_latency_is_what_one_connection_waits_longer_than_directly() -> None:
    rows = [replace(DIRECT, connections=1), replace(TONGQU, connections=1), TONGQU]
    assert table.added_ms(rows[1], rows) == {"p50_ms": 8.0, "p99_ms": 10.0}
    assert table.added_ms(TONGQU, rows) is None


def targets(*systems: str, payload: str = "1k") -> list[Target]:
    return [Target(name, "-", 1, 0, [], [], lambda _: [], b"", True, payload) for name in systems]


def names(order: Sequence[Target]) -> list[str]:
    return [target.system for target in order]


def test_references_are_measured_first_last_and_between_and_every_other_round_goes_backwards() -> None:
    everybody = targets("direct", *"abcde")
    forwards = names(compare.in_order(everybody))
    assert forwards == ["direct", "a", "b", "c", "d", "direct", "e", "direct"]
    assert names(compare.in_order(everybody, backwards=True)) == forwards[::-1]
    slow = targets("direct", "a", "b", payload="slow")
    assert names(compare.in_order(slow)) == ["direct", "a", "b"]


@pytest.mark.parametrize(("second", "code"), [(0.1, 0), (0.114, 0), (0.2, 1)])
def test_two_runs_agree_or_they_do_not(tmp_path: Path, second: float, code: int) -> None:
    for name, share in (("a", 0.1), ("b", second)):
        rounds = [[DIRECT, replace(TONGQU, qps=share * 1000)]] * 5
        table.write(tmp_path / name, cases.judged(rounds), {}, [], [])
    done = CliRunner().invoke(main, ["agree", str(tmp_path / "a"), str(tmp_path / "b")])
    assert done.exit_code == code, done.output
    assert ("more than chance" in done.output) == (second != 0.1)
    results = json.loads((tmp_path / "a").read_text())["results"]
    assert results[1]["ratio"] == {"direct": 0.1}
    assert results[1]["ratio_within"] == {"direct": 0.0}


def test_runs_of_which_one_lacks_a_ratio_do_not_agree(tmp_path: Path) -> None:
    for name, rows in (("a", [DIRECT, TONGQU]), ("b", [DIRECT, TONGQU, NGINX])):
        table.write(tmp_path / name, cases.judged([rows] * 5), {}, [], [])
    done = CliRunner().invoke(main, ["agree", str(tmp_path / "a"), str(tmp_path / "b")])
    assert done.exit_code == 1
    assert "in one run only" in done.output


def test_a_ratio_that_is_not_sure_is_marked_in_the_table_and_between_two_runs(tmp_path: Path) -> None:
    rounds = [[DIRECT, replace(TONGQU, qps=rate)] for rate in (50.0, 90.0, 100.0, 110.0, 200.0)]
    found = cases.judged(rounds)
    assert not of(found, "tongqu").ratios["direct"].claimed
    with (console := Console(width=150)).capture() as printed:
        console.print(table.printed(found))
    assert "%?" in printed.get()
    table.write(tmp_path / "a", found, {}, [], [])
    done = CliRunner().invoke(main, ["agree", str(tmp_path / "a"), str(tmp_path / "a")])
    assert done.exit_code == 0
    assert "not claimed" in done.output


def test_one_slice_is_a_figure_and_no_claim(tmp_path: Path) -> None:
    table.write(tmp_path / "a", cases.judged([[DIRECT, TONGQU]]), {}, [], [])
    assert json.loads((tmp_path / "a").read_text())["results"][1]["ratio_within"] == {"direct": None}
    table.write_slices(tmp_path / "slices", [[DIRECT, TONGQU]], 100.0)
    assert [row["qps"] for row in json.loads((tmp_path / "slices").read_text())["rounds"][0]] == [1000.0, 100.0]
