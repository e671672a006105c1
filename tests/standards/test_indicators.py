"""An indicator computes what a person would compute by hand, exactly, and hides what is small."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import standards
from standards import generate, indicators
from standards.indicator_differences import explain_difference
from standards.indicator_periods import Period, PeriodInvalid
from standards.indicators import Figure, IndicatorInvalid
from standards.small_cells import LIMIT

Record = dict[str, Any]
ALL = indicators.names()
LABEL = {"day": "2026-10-31", "month": "2026-10", "quarter": "2026-Q3", "half-year": "2026-H2", "year": "2026"}


@cache
def city() -> dict[str, list[Record]]:
    return generate.city(seed=11, families_count=250)


def figure(document: dict[str, Any], records: list[Record], period: str = "2026-10") -> Figure:
    return indicators.evaluate(indicators.compile(document), records, period)


def indicator(standard: str = "person-basic/1.0.0", **members: Any) -> dict[str, Any]:
    words = {"zh": "测试", "en": "test"}
    return {
        "indicator": "tongqu-indicator/1", "id": "test/1.0.0", "name": words, "definition": words, "owner": words,
        "standard": standard, "population": words, "aggregation": {"fn": "count"}, "unit": words,
        "period": {"every": "month"},
    } | members  # fmt: skip


def cells(of: Figure) -> dict[tuple[str | None, ...], str | None]:
    return {tuple(cell["by"].values()): cell.get("value") for cell in of.cells}


# ── the published ones ────────────────────────────────────────────────────────────────────────────────────────────────
def test_there_are_indicators_for_what_streets_are_asked_for() -> None:
    assert len(ALL) >= 12
    assert {indicators.get(name).standard.name for name in ALL} >= {
        "person-basic", "residence-record", "social-assistance", "elderly-disability", "market-entity", "employment",
        "hazard-inspection", "service-evaluation", "grid-event",
    }  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_each_published_indicator_obeys_is_in_its_file_and_speaks_both_languages(name: str) -> None:
    own = indicators.get(name)
    path = Path(indicators.FOLDER) / f"{name}.json"
    document = json.loads(path.read_text("utf-8"))
    assert indicators.check(document) == []
    assert document["id"] == own.id == name
    for member in ("name", "definition", "owner", "population", "unit"):
        assert document[member]["zh"] and document[member]["en"]
    assert set(own.elements) <= {element.path for element in own.standard.elements}


@pytest.mark.parametrize("name", ALL)
def test_each_published_indicator_gives_a_figure_of_a_city_whatever_the_order_of_records(name: str) -> None:
    own = indicators.get(name)
    records = list(city()[own.standard.id])
    first = indicators.evaluate(own, records, LABEL[own.every]).document()
    Random(1).shuffle(records)
    assert indicators.evaluate(own, records, LABEL[own.every]).document() == first
    assert first["rows"]["refused"] == 0


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_registered_population_by_street_and_sex() -> None:
    records = city()["person-basic/1.0.0"]
    by_hand = Counter((r.get("domicileAddress", {}).get("divisionCode", "")[:9], r["sex"]) for r in records)
    own = indicators.evaluate(indicators.get("registered-population/1.0.0"), records, "2026-10")
    assert own.value == str(len({record["idNumber"] for record in records}))
    shown = {key: value for key, value in cells(own).items() if value is not None and None not in key}
    assert len(shown) > 4
    assert shown == {key: str(by_hand[key[0] or "", key[1] or ""]) for key in shown}


def test_people_of_eighty_on_the_last_day_of_the_period() -> None:
    records = city()["person-basic/1.0.0"]
    by_hand = sum(record["birthDate"] <= "1946-10-31" for record in records)
    own = indicators.get("registered-elderly-80/1.0.0")
    assert indicators.evaluate(own, records, "2026-10").value == str(by_hand)


def test_share_of_favourable_evaluations_rounded_once() -> None:
    records = city()["service-evaluation/1.0.0"]
    of_period = [r for r in records if r["evaluatedAt"][:7] == "2026-08"]
    valid = [r for r in of_period if r.get("handling", {}).get("verdict") not in ("invalid", "malicious", "mistaken")]
    good = sum(record["grade"] in "543" for record in valid)
    document = copy.deepcopy(indicators.get("service-satisfaction-rate/1.0.0").document)
    extra = [{**valid[0], "grade": "1", "evaluationId": f"x{n}"} for n in range(LIMIT)]
    [record.pop("handling", None) for record in extra]
    own = figure(document, [*records, *extra], "2026-08")
    percent = Decimal(100 * good) / Decimal(len(valid) + LIMIT)
    assert own.value == str(percent.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP"))


def test_average_of_amounts_to_the_cent() -> None:
    records = [r for r in city()["social-assistance/1.0.0"] if r["status"] == "approved"]
    amounts = [Decimal(record["monthlyAmount"]) for record in records if "monthlyAmount" in record]
    own = indicators.evaluate(indicators.get("minimum-allowance-average/1.0.0"), records, "2026-10")
    by_hand = (sum(amounts, Decimal(0)) / len(amounts)).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    assert own.value == str(by_hand)
    assert own.rows["counted"] == len(amounts)


def test_events_closed_by_the_end_of_the_period_and_not_after() -> None:
    records = [r for r in city()["grid-event/1.0.0"] if r["reportedAt"][:7] == "2026-08"][:1] * 40
    records = [{**r, "eventId": f"e{n}"} for n, r in enumerate(records)]
    for n, record in enumerate(records):
        record.pop("mergedInto", None)
        record["closedAt"] = "2026-08-31T23:59:00+08:00" if n < 25 else "2026-08-31T16:00:00Z"  # midnight in China
    own = indicators.evaluate(indicators.get("event-closing-rate/1.0.0"), records, "2026-08")
    assert own.value == "62.50"


# ── aggregations and conditions ───────────────────────────────────────────────────────────────────────────────────────
def people(count: int, **members: Any) -> list[Record]:
    made = list(generate.records("person-basic/1.0.0", seed=count, count=count))
    return [record | members for record in made]


def test_a_sum_is_exact_whatever_its_length() -> None:
    base = generate.record("social-assistance/1.0.0", 1)
    records = [{**base, "caseId": f"c{n}", "applicantIdNumber": p["idNumber"], "monthlyAmount": "0.10"}
               for n, p in enumerate(people(30))]  # fmt: skip
    records[0]["monthlyAmount"] = "9999999999.99"
    own = figure(indicator("social-assistance/1.0.0", aggregation={"fn": "sum", "of": "monthlyAmount"}), records)
    assert own.value == "10000000002.89"


def test_a_rate_is_rounded_half_up_and_not_by_binary_fractions() -> None:
    records = people(75, sex="2") + people(525, sex="1")
    document = indicator(aggregation={"fn": "ratio", "part": {"element": "sex", "is": "2"}, "per": 100, "decimals": 1})
    assert figure(document, records).value == "12.5"
    document["aggregation"]["decimals"] = 0
    assert figure(document, records).value == "13"


def test_distinct_counts_a_person_in_two_rows_once() -> None:
    records = people(20)
    document = indicator(aggregation={"fn": "distinct", "of": "idNumber"})
    assert figure(document, records + records).value == "20"
    assert figure(indicator(), records + records).value == "40"


def test_many_records_of_few_people_are_a_small_cell() -> None:
    one = generate.record("social-insurance/1.0.0", 3)
    assert figure(indicator("social-insurance/1.0.0"), [one] * 500).value is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"element": "sex", "is": "1"}, lambda r: r["sex"] == "1"),
        ({"element": "sex", "in": ["1", "9"]}, lambda r: r["sex"] in "19"),
        ({"not": {"element": "sex", "is": "1"}}, lambda r: r["sex"] != "1"),
        ({"element": "phone", "present": True}, lambda r: "phone" in r),
        ({"element": "phone", "present": False}, lambda r: "phone" not in r),
        ({"element": "domicileAddress.road", "present": True}, lambda r: "road" in r.get("domicileAddress", {})),
        ({"element": "birthDate", "between": {"to": "1990-12-31"}}, lambda r: r["birthDate"] <= "1990-12-31"),
        ({"element": "birthDate", "between": {"from": "1990-12-31"}}, lambda r: r["birthDate"] >= "1990-12-31"),
        (
            {"element": "idNumber", "age": {"at_least": 18, "less_than": 60, "on": "period_end"}},
            lambda r: "19661031" < r["idNumber"][6:14] <= "20081031",
        ),
        ({"element": "domicileDivision", "division": "9901"}, lambda r: r.get("domicileDivision", "")[:4] == "9901"),
        (
            {"any": [{"element": "sex", "is": "2"}, {"all": [{"element": "sex", "is": "1"},
             {"element": "birthDate", "between": {"from": "2000-01-01"}}]}]},
            lambda r: r["sex"] == "2" or r["birthDate"] >= "2000-01-01",
        ),
    ],
)  # fmt: skip
def test_each_comparison_says_what_it_says(condition: dict[str, Any], expected: Any) -> None:
    records = city()["person-basic/1.0.0"]
    own = figure(indicator(filter=condition), records)
    by_hand = sum(map(expected, records))
    assert LIMIT <= by_hand < len(records)
    assert own.value == str(by_hand)


@pytest.mark.parametrize(
    ("operator", "limit", "count"),
    [("at_least", 3, 40), ("at_most", 3, 30), ("more_than", 3, 30), ("less_than", "3", 20), ("is", 3, 10)],
)
def test_numbers_are_compared_as_numbers(operator: str, limit: Any, count: int) -> None:
    base = generate.record("birth-service/1.0.0", 1)
    mothers = people(60)
    records = [{**base, "birthOrder": n % 6 + 1, "motherIdNumber": mothers[n]["idNumber"]} for n in range(60)]
    document = indicator("birth-service/1.0.0", filter={"element": "birthOrder", operator: limit})
    assert figure(document, records).value == str(count)


def test_an_amount_is_equal_however_it_is_written() -> None:
    assert (
        indicators.check(indicator("social-assistance/1.0.0", filter={"element": "monthlyAmount", "at_least": "100"}))
        == []
    )


# ── periods ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("label", "every", "start", "end"),
    [
        ("2026-02", "month", "2026-02-01", "2026-02-28"),
        ("2024-02", "month", "2024-02-01", "2024-02-29"),
        ("2026-Q4", "quarter", "2026-10-01", "2026-12-31"),
        ("2026-H1", "half-year", "2026-01-01", "2026-06-30"),
        ("2026", "year", "2026-01-01", "2026-12-31"),
        ("2026-11-01", "day", "2026-11-01", "2026-11-01"),
    ],
)
def test_a_period_begins_and_ends_where_the_calendar_says(label: str, every: str, start: str, end: str) -> None:
    period = Period.of(label, every)
    assert (str(period.start), str(period.end)) == (start, end)


@pytest.mark.parametrize(
    ("label", "every"),
    [("2026-13", "month"), ("2026-00", "month"), ("2026-10-05", "month"), ("2026-10", "day"), ("2026-Q5", "quarter"),
     ("2026-02-30", "day"), ("９９９９", "year"), ("9999", "year"), ("", "year"), ("2026-Q1", "year")],
)  # fmt: skip
def test_any_other_period_is_refused_with_an_example(label: str, every: str) -> None:
    with pytest.raises(PeriodInvalid, match="2026"):
        Period.of(label, every)


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("members", "pointer", "code"),
    [
        ({"standard": "no-such/1.0.0"}, "/standard", "standard_unknown"),
        ({"filter": {"element": "income", "at_least": 1}}, "/filter/element", "field_unknown"),
        ({"filter": {"element": "sex", "is": "男"}}, "/filter/is", "never_true"),
        ({"filter": {"element": "sex", "at_least": 1}}, "/filter/element", "wrong_kind"),
        ({"filter": {"not": {"element": "name", "age": {"at_least": 1, "on": "period_end"}}}},
         "/filter/not/element", "wrong_kind"),
        ({"aggregation": {"fn": "sum", "of": "name"}}, "/aggregation/of", "wrong_kind"),
        ({"by": [{"element": "name"}]}, "/by/0/element", "wrong_kind"),
        ({"by": [{"element": "idNumber"}]}, "/by/0/element", "wrong_kind"),
        ({"by": [{"element": "birthDate"}]}, "/by/0/element", "wrong_kind"),
        ({"by": [{"element": "sex"}, {"element": "sex"}]}, "/by", "grouped_twice"),
        ({"by": [{"element": "sex"}] * 3}, "/by", "meta:maxItems"),
        ({"period": {"every": "month", "element": "name"}}, "/period/element", "wrong_kind"),
        ({"period": {"every": "week"}}, "/period/every", "meta:enum"),
        ({"filter": {"element": "sex", "matches": ".*"}}, "/filter", "meta:unevaluatedProperties"),
        ({"secret": 1}, "", "meta:unevaluatedProperties"),
    ],
)  # fmt: skip
def test_what_is_no_indicator_is_refused_with_its_place(members: dict[str, Any], pointer: str, code: str) -> None:
    problems = indicators.check(indicator(**members))
    assert (pointer, code) in {(problem.pointer, problem.code) for problem in problems}
    assert all(problem.zh and problem.en for problem in problems)


def test_an_element_within_a_list_has_no_single_value() -> None:
    document = indicator("social-assistance/1.0.0", filter={"element": "householdMembers.name", "present": True})
    assert [problem.code for problem in indicators.check(document)] == ["inside_a_list"]


def test_a_bottomless_condition_is_refused_at_once() -> None:
    deep: dict[str, Any] = {"element": "sex", "is": "1"}
    for _ in range(5000):
        deep = {"not": deep}
    with pytest.raises(IndicatorInvalid, match="large or nested"):
        indicators.compile(indicator(filter=deep))
    assert indicators.check([]) and indicators.check(None)


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_record_that_breaks_the_standard_is_not_counted_and_its_reason_is() -> None:
    records = people(30)
    broken = [{**records[0], "sex": "男"}, {**records[1], "birthDate": "1990-13-01"}, {**records[2], "sex": "女"}]
    own = figure(indicator(), records + broken).document()
    assert own["figure"] == {"value": "30", "counted": 30}
    assert own["rows"] == {"read": 33, "kept_out": 0, "refused": 3, "population": 30, "counted": 30}
    assert own["refusals"] == [
        {"element": "sex", "rule": "standard:enum", "count": 2},
        {"element": "birthDate", "rule": "standard:format:date", "count": 1},
    ]


@given(counted=st.integers(0, 60), others=st.integers(0, 30), outside=st.integers(0, 30))
@settings(max_examples=80, deadline=None)
def test_no_difference_of_published_numbers_is_small(counted: int, others: int, outside: int) -> None:
    """Neither figure, population nor rows give away fewer than ten by subtraction, and a hidden figure stays hidden."""
    made = pool()[: counted + others + outside]
    records = [
        record | ({"sex": "2"} if n < counted else {"sex": "1"})
        | {"personStatus": "active" if n < counted + others else "cancelled"}
        for n, record in enumerate(made)
    ]  # fmt: skip
    words = {"zh": "测试", "en": "test"}
    where = {"element": "personStatus", "is": "active"}
    document = indicator(population=words | {"where": where}, filter={"element": "sex", "is": "2"})
    own = figure(document, records).document()
    value = own["figure"].get("counted")
    assert (value is None) == (counted < LIMIT)
    numbers = [own["rows"]["read"], own["rows"]["population"], value]
    known = [number for number in numbers if number is not None]
    assert all(abs(a - b) == 0 or abs(a - b) >= LIMIT for a in known for b in known)
    if value is None:
        assert all(number - counted >= LIMIT for number in known)


@cache
def pool() -> list[Record]:
    return people(120)


# ── rules that hold for every figure ──────────────────────────────────────────────────────────────────────────────────
@given(st.lists(st.tuples(st.sampled_from("0129"), st.integers(0, 3)), min_size=1, max_size=110), st.randoms())
@settings(max_examples=50, deadline=None)
def test_cells_that_are_shown_add_up_and_order_does_not_matter(drawn: list[tuple[str, int]], random: Random) -> None:
    records = [
        record | {"sex": sex, "domicileDivision": f"99010{division + 1}"}
        for record, (sex, division) in zip(pool(), drawn, strict=False)
    ]
    document = indicator(by=[{"element": "sex"}, {"element": "domicileDivision", "digits": 6}])
    own = figure(document, records)
    random.shuffle(records)
    assert figure(document, records) == own
    table = cells(own) | {(None, None): own.value}
    truth = Counter((record["sex"], record["domicileDivision"]) for record in records)
    for (sex, division), value in table.items():
        whole = sum(n for (s, d), n in truth.items() if sex in (None, s) and division in (None, d))
        assert value is None or (value == str(whole) and whole >= LIMIT)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 4))
@settings(max_examples=50, deadline=None)
def test_two_percentages_of_one_whole_make_a_hundred(first: int, second: int, decimals: int) -> None:
    records = [r | {"sex": "1" if n < first else "2"} for n, r in enumerate(pool()[: first + second])]

    def rate(sex: str) -> str | None:
        part = {"element": "sex", "is": sex}
        aggregation = {"fn": "ratio", "part": part, "per": 100, "decimals": decimals}
        return figure(indicator(aggregation=aggregation), records).value

    one, other = rate("1"), rate("2")
    assert (one is None) == (other is None) == (first < LIMIT or second < LIMIT)
    if one is not None and other is not None:
        assert abs(Decimal(one) + Decimal(other) - 100) <= Decimal(1).scaleb(-decimals)


# ── why two figures differ ────────────────────────────────────────────────────────────────────────────────────────────
def codes(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    return [reason.code for reason in explain_difference(a, b)]


@pytest.fixture
def answer() -> Iterator[dict[str, Any]]:
    yield figure(indicator(), people(40)).document()


def test_another_definition_period_or_indicator_comes_first(answer: dict[str, Any]) -> None:
    other = figure(indicator(id="test/1.1.0", filter={"element": "sex", "is": "1"}), people(40), "2026-09").document()
    assert codes(answer, other)[:2] == ["definition", "period"]
    assert codes(answer, other | {"indicator": "other/1.0.0"})[0] == "indicator"


def test_refused_rows_are_named_with_their_rule(answer: dict[str, Any]) -> None:
    records = people(40)
    spoilt = [{**record, "sex": "男"} if n < 3 else record for n, record in enumerate(records)]
    other = figure(indicator(), spoilt).document()
    reasons = {reason.code: reason for reason in explain_difference(answer, other)}
    assert "sex standard:enum 3" in reasons["refused"].en and "sex standard:enum 3" in reasons["refused"].zh
    assert "population" in reasons


def test_figures_that_agree_are_equal_and_hidden_ones_cannot_be_compared(answer: dict[str, Any]) -> None:
    assert codes(answer, answer) == ["equal"]
    assert "suppressed" in codes(answer, figure(indicator(), people(5)).document())


def test_if_nothing_else_differs_the_records_do(answer: dict[str, Any]) -> None:
    by_sex = indicator(filter={"element": "sex", "is": "1"})
    a = figure(by_sex, [r | {"sex": "1" if n < 30 else "2"} for n, r in enumerate(pool())]).document()
    b = figure(by_sex, [r | {"sex": "1" if n < 31 else "2"} for n, r in enumerate(pool())]).document()
    assert codes(a, b) == ["records"]
    assert standards.get("person-basic/1.0.0").id == a["standard"]
