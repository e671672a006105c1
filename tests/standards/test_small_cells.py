"""No small cell can be recovered from the totals that are shown: attacked here by exact linear programming."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.small_cells import ALL, LIMIT, Key, hidden
from tests.examples import examples


def with_totals(inner: Mapping[Key, int]) -> dict[Key, int]:
    """The table with all its margins; combinations with nobody are not cells."""
    table: Counter[Key] = Counter()
    for key, count in inner.items():
        for margin in product(*((label, ALL) for label in key)):
            table[margin] += count
    return dict(table)


def protected(inner: Mapping[Key, int]) -> tuple[dict[Key, int], frozenset[Key]]:
    table = with_totals(inner)
    return table, hidden({key: (count,) for key, count in table.items()}, least=1)


def what_an_attacker_learns(table: Mapping[Key, int], out: frozenset[Key]) -> dict[Key, set[int]]:
    """For each small inner cell: which of the values 1 and 9 agree with everything that is shown.

    Both do only if every value between does (what is possible is convex), and then the totals tell nothing.
    """
    unknown = [key for key in sorted(table) if ALL not in key and key in out]
    equations = [
        ([int(_covers(total, key)) for key in unknown], value - _shown(table, out, total))
        for total, value in table.items()
        if ALL in total and total not in out
    ]
    return {
        target: {value for value in (1, LIMIT - 1) if _feasible(equations, unknown.index(target), value)}
        for target in unknown
        if table[target] < LIMIT
    }


def _covers(total: Key, key: Key) -> bool:
    return all(a in (ALL, b) for a, b in zip(total, key, strict=True))


def _shown(table: Mapping[Key, int], out: frozenset[Key], total: Key) -> int:
    return sum(count for key, count in table.items() if ALL not in key and key not in out and _covers(total, key))


def _feasible(equations: list[tuple[list[int], int]], target: int, value: int) -> bool:
    """Whether the equations have a solution in which every unknown is at least 1 and the target is this value.

    The first phase of the simplex method in exact fractions with Bland's rule. Sums over a table with margins are
    totally unimodular: if fractions solve them, whole numbers do.
    """
    width = len(equations[0][0]) if equations else target + 1
    fixed = [int(place == target) for place in range(width)]
    rows = []
    for coefficients, right in [*equations, (fixed, value)]:
        right -= sum(coefficients)  # every unknown is 1 and something
        sign = -1 if right < 0 else 1
        rows.append([Fraction(sign * number) for number in (*coefficients, right)])
    count = len(rows)
    for place, row in enumerate(rows):
        row[-1:-1] = [Fraction(int(other == place)) for other in range(count)]
    cost = [-sum(row[place] for row in rows) for place in range(width)] + [Fraction(0)] * count
    cost.append(-sum(row[-1] for row in rows))
    basis = list(range(width, width + count))
    while (enter := next((place for place in range(width + count) if cost[place] < 0), None)) is not None:
        ratios = [(row[-1] / row[enter], basis[at], at) for at, row in enumerate(rows) if row[enter] > 0]
        _, _, leave = min(ratios)
        pivot = rows[leave][enter]
        rows[leave] = [number / pivot for number in rows[leave]]
        for row in [*(row for at, row in enumerate(rows) if at != leave), cost]:
            factor = row[enter]
            if factor:
                row[:] = [number - factor * other for number, other in zip(row, rows[leave], strict=True)]
        basis[leave] = enter
    return cost[-1] == 0


def test_one_small_cell_takes_a_second_one_with_it() -> None:
    _, out = protected({("a",): 3, ("b",): 40, ("c",): 12})
    assert out == {("a",), ("c",)}


def test_two_small_cells_whose_sum_would_tell_take_a_third() -> None:
    _, out = protected({("a",): 3, ("b",): 2, ("c",): 40, ("d",): 90})
    assert out == {("a",), ("b",), ("c",)}


def test_when_nothing_else_is_left_the_total_is_hidden() -> None:
    _, out = protected({("a",): 3})
    assert out == {("a",), (ALL,)}


def test_a_table_without_small_cells_is_shown_whole() -> None:
    assert protected({("a", "x"): 10, ("a", "y"): 11, ("b", "x"): 12})[1] == frozenset()


def test_a_figure_of_fewer_than_ten_is_hidden_and_ten_is_not() -> None:
    assert hidden({(): (9,)}) == {()}
    assert hidden({(): (0,)}) == {()}
    assert hidden({(): (10,)}) == frozenset()


def test_a_rate_is_hidden_if_those_it_counts_or_the_others_are_few() -> None:
    assert hidden({(): (95, 5)}) == {()}
    assert hidden({(): (5, 95)}) == {()}
    assert hidden({(): (50, 50)}) == frozenset()


def test_one_small_cell_in_a_square_takes_the_corners_of_a_rectangle() -> None:
    table, out = protected(dict.fromkeys(product("abc", "xyz"), 30) | {("a", "x"): 4})
    assert len(out) == 4
    assert {key[0] for key in out} - {"a"} and {key[1] for key in out} - {"x"}
    assert what_an_attacker_learns(table, out) == {("a", "x"): {1, 9}}


def test_hidden_cells_in_separate_rows_that_a_chain_of_sums_would_give_away() -> None:
    """Each line has two hidden cells, yet adding and subtracting lines would give the fifth: it is no ring."""
    inner = {
        ("a", "x"): 5, ("a", "y"): 5, ("b", "x"): 6, ("b", "y"): 30, ("b", "z"): 7, ("c", "z"): 40, ("c", "x"): 50,
        ("c", "y"): 60, ("a", "z"): 70,
    }  # fmt: skip
    table, out = protected(inner)
    assert all(values == {1, 9} for values in what_an_attacker_learns(table, out).values())


@given(st.dictionaries(st.tuples(st.sampled_from("abcdef")), st.integers(1, 30), min_size=1))
@settings(max_examples=examples(150), deadline=None)
def test_in_a_list_of_cells_nothing_small_can_be_narrowed(inner: dict[Key, int]) -> None:
    table, out = protected(inner)
    assert all(key in out for key, count in table.items() if count < LIMIT)
    assert all(values == {1, 9} for values in what_an_attacker_learns(table, out).values())


@given(st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.integers(1, 30), min_size=1))
@settings(max_examples=examples(150), deadline=None)
def test_in_a_table_with_its_margins_nothing_small_can_be_narrowed(inner: dict[Key, int]) -> None:
    table, out = protected(inner)
    assert all(key in out for key, count in table.items() if count < LIMIT)
    learnt = what_an_attacker_learns(table, out)
    assert all(values == {1, 9} for values in learnt.values()), learnt


@pytest.mark.parametrize("size", [20])
def test_a_large_table_is_protected_in_a_moment(size: int) -> None:
    inner = {(f"{r:02d}", f"{c:02d}"): (r * 7 + c * 13) % 45 + 1 for r, c in product(range(size), range(size))}
    table, out = protected(inner)
    assert {key for key, count in table.items() if count < LIMIT} < out < table.keys()
