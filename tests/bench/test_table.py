"""What the table says follows from the turns; two runs agree or they do not."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench import cases, table, turns
from bench.__main__ import main
from bench.cases import Case, Visit
from bench.estimate import Ratio
from bench.measure import Target
from bench.plan import Group
from bench.turns import Block, Player, Turn

RATES = {"direct": 1000.0, "nginx proxy_pass": 500.0, "fastify broker": 200.0, "tongqu": 100.0}
Rates = Sequence[tuple[str, float]]


def target(system: str, processes: int = 2, payload: str = "1k") -> Target:
    store = "sqlite" if system == "tongqu" else "-"
    return Target(system, store, processes, 0, [], [], lambda _: [], b"", True, payload)


def turn(system: int, qps: float, number: int = 0, *, cpu_s: float = 1.0, idle: float = 0.0, errors: int = 0) -> Turn:
    wrong = {"status 500": errors} if errors else {}
    counted = int(qps)
    return Turn(
        system, number, 0.0, 1.0, qps, counted, 1.0, counted, wrong, [1.0 / qps] * counted, [counted], cpu_s, 0.0, idle,
        0.0,
    )  # fmt: skip


def visit(rounds: Sequence[Rates], group: Group | None = None, *, put_off_s: float = 0.0, idle: float = 0.0) -> Visit:
    """Of each round: who had turns after whom, and what they reached."""
    systems = list(dict.fromkeys(system for each in rounds for system, _ in each))
    group = group or Group("1k", 64, ("*",), 1, 1.0)
    targets = [target(system, payload=group.payload) for system in systems]
    every = [
        turn(systems.index(system), qps, number, idle=idle)
        for number, each in enumerate(rounds)
        for system, qps in each
    ]
    spent = [sum(each.cpu_s for each in every if each.system == place) + put_off_s for place in range(len(systems))]
    return Visit(group, targets, cases.reference(targets), Block(every, [30.0] * len(systems)), spent)


def usual(*systems: str, mood: float = 1.0) -> list[tuple[str, float]]:
    return [(system, RATES[system] * mood) for system in systems]


def of(found: Sequence[Case], system: str) -> Case:
    return next(case for case in found if case.row.system == system)


def test_a_case_is_all_its_turns_together() -> None:
    block = [turn(0, 90.0, errors=1), turn(0, 100.0), turn(0, 200.0, errors=2)]
    [case] = cases.judged(
        [Visit(Group("1k", 64, ("*",), 1, 1.0), [target("tongqu")], None, Block(block, [90.0]), [6.0])]
    )
    assert (case.row.qps, case.row.errors, case.row.rss_mb, case.rounds) == (130.0, 3, 90.0, 3)
    assert case.row.cpu_us == pytest.approx(6.0 / 390 * 1e6)
    assert case.row.p50_ms == pytest.approx(1000 / 200)
    assert case.ratios == {}


def test_a_slow_minute_slows_both_sides_of_a_ratio() -> None:
    visits = [visit([usual("nginx proxy_pass", "tongqu", mood=mood)] * 3) for mood in (1.0, 0.5, 0.25)]
    found = cases.judged(visits)
    assert of(found, "tongqu").ratios == {"nginx proxy_pass": Ratio(pytest.approx(0.2), pytest.approx(0.0))}
    assert of(found, "nginx proxy_pass").ratios == {}


def test_a_turn_is_compared_with_those_of_the_reference_nearest_to_it() -> None:
    rates = [7000.0, 10.0, 10.0, 10.0, 10.0, 100.0, 20.0, 20.0, 20.0, 20.0, 9000.0]
    block, both = [turn(int(rate == 100.0), rate) for rate in rates], [target("direct"), target("tongqu")]
    assert cases.nearest(block, 5, both, 0) == pytest.approx(15.0)
    assert cases.nearest(block[:1], 0, both, 0) == 0.0


def test_the_gateway_is_compared_with_each_peer_and_everybody_with_one_reference() -> None:
    found = cases.judged([visit([usual(*RATES)] * 2)])
    assert of(found, "tongqu").ratios.keys() == {"nginx proxy_pass", "fastify broker"}
    assert of(found, "tongqu").ratios["fastify broker"].middle == pytest.approx(0.5)
    assert of(found, "fastify broker").ratios.keys() == {"nginx proxy_pass"}
    assert of(found, "direct").ratios.keys() == {"nginx proxy_pass"}
    peers = table.beside_peers(found)
    assert peers is not None and peers.row_count == 1
    assert table.beside_peers(cases.judged([visit([usual("direct", "tongqu")])])) is None


def test_what_a_system_puts_off_until_others_have_their_turns_is_its_own() -> None:
    rounds = [usual("nginx proxy_pass", "tongqu")] * 3

    def ratio(visits: Sequence[Visit]) -> float:
        return of(cases.judged(visits), "tongqu").ratios["nginx proxy_pass"].middle

    late = visit(rounds)
    late = Visit(late.group, late.targets, late.reference, late.block, [3.0, 4.0])  # a quarter of the gateway's is late
    assert ratio([late]) == pytest.approx(0.2 * 0.75)
    assert of(cases.judged([late]), "tongqu").row.cpu_us == pytest.approx(4.0 / 300 * 1e6)
    spare = visit(rounds, idle=1.0)
    spare = Visit(spare.group, spare.targets, spare.reference, spare.block, [3.0, 4.0])
    assert ratio([spare]) == pytest.approx(0.2), "it would have found an idle core"


def test_what_other_programs_took_is_added_in_proportion_where_a_system_can_use_all_cores() -> None:
    busy = replace(turn(0, 100.0), taken=0.5)
    assert cases.fair_qps(busy, target("tongqu")) == 200.0
    assert cases.fair_qps(busy, target("direct", 1)) == 200.0
    assert cases.fair_qps(busy, target("tongqu", 1)) == 100.0, "it runs out of its own core"


def test_where_a_department_lets_one_wait_it_is_what_that_can_give_that_counts() -> None:
    group = Group("steady", 5000, ("tongqu",), 1, 1.0, turn_s=3)
    [case] = cases.judged([visit([[("tongqu", 675.0)]], group)])
    assert case.ratios["department"].middle == pytest.approx(0.9)


def test_added_latency_is_what_one_connection_waits_longer_than_directly() -> None:
    single = Group("1k", 1, ("*",), 1, 1.0)
    rows = [case.row for case in cases.judged([visit([usual("direct", "tongqu")], single)])]
    assert table.added_ms(rows[1], rows) == {"p50_ms": 9.0, "p99_ms": 9.0}
    assert table.added_ms(cases.judged([visit([usual("direct", "tongqu")])])[1].row, rows) is None


def test_the_order_is_drawn_anew_and_the_reference_stands_between_every_two() -> None:
    players = [Player(target(str(number)), 1, 100.0, reference=number == 0) for number in range(6)]
    chosen = random.Random(1)
    orders = [turns.order(players, chosen) for _ in range(5)]
    assert all(order[::2] == [0] * 5 and sorted(order[1::2]) == [1, 2, 3, 4, 5] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_slow_systems_have_longer_turns_within_bounds() -> None:
    lengths = [Player(target("a"), 64, rate).turn_s for rate in (1.0, 1000.0, 1e6)]
    assert lengths == [turns.LONGEST_S, turns.ANSWERED * 0.064, turns.SHORTEST_S]
    assert Player(target("a"), 64, 1.0, reference=True).turn_s == turns.REFERENCE_S


def written(file: Path, *rounds: Rates) -> None:
    table.write(file, cases.judged([visit(rounds)]), {}, [], [])


@pytest.mark.parametrize(("second", "code"), [(0.1, 0), (0.114, 0), (0.2, 1)])
def test_two_runs_agree_or_they_do_not(tmp_path: Path, second: float, code: int) -> None:
    for name, share in (("a", 0.1), ("b", second)):
        written(tmp_path / name, *[[("direct", 1000.0), ("tongqu", share * 1000)]] * 5)
    done = CliRunner().invoke(main, ["agree", str(tmp_path / "a"), str(tmp_path / "b")])
    assert done.exit_code == code, done.output
    assert ("more than chance" in done.output) == (second != 0.1)
    results = json.loads((tmp_path / "a").read_text())["results"]
    assert results[1]["ratio"] == {"direct": 0.1}
    assert results[1]["ratio_within"] == {"direct": 0.0}


def test_runs_of_which_one_lacks_a_ratio_do_not_agree(tmp_path: Path) -> None:
    for name, systems in (("a", ("nginx proxy_pass", "tongqu")), ("b", ("nginx proxy_pass", "tongqu", "direct"))):
        written(tmp_path / name, *[usual(*systems)] * 5)
    done = CliRunner().invoke(main, ["agree", str(tmp_path / "a"), str(tmp_path / "b")])
    assert done.exit_code == 1
    assert "in one run only" in done.output


def test_a_ratio_that_is_not_sure_is_marked_in_the_table_and_between_two_runs(tmp_path: Path) -> None:
    rounds = [[("direct", 1000.0), ("tongqu", rate)] for rate in (50.0, 90.0, 100.0, 110.0, 200.0)]
    found = cases.judged([visit(rounds)])
    assert not of(found, "tongqu").ratios["direct"].claimed
    with (console := Console(width=150)).capture() as printed:
        console.print(table.printed(found))
    assert "%?" in printed.get()
    table.write(tmp_path / "a", found, {}, [], [])
    done = CliRunner().invoke(main, ["agree", str(tmp_path / "a"), str(tmp_path / "a")])
    assert done.exit_code == 0
    assert "not claimed" in done.output


def test_one_turn_is_a_figure_and_no_claim(tmp_path: Path) -> None:
    written(tmp_path / "a", usual("direct", "tongqu"))
    assert json.loads((tmp_path / "a").read_text())["results"][1]["ratio_within"] == {"direct": None}
    table.write_turns(tmp_path / "turns", [visit([usual("direct", "tongqu")])])
    assert [row["qps"] for row in json.loads((tmp_path / "turns").read_text())[0]["turns"]] == [1000.0, 100.0]
