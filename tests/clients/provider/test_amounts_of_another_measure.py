"""Amounts that look right and would be wrong: in another unit, for another time, of another place's code."""

from __future__ import annotations

from pathlib import Path

import pytest
from tongqu_client.provider.mapping.measures import period_of, unit_in_titles, unit_of
from tongqu_client.provider.mapping.model import Choice, Proposal, Wishes
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.readers.csvfile import read_csv
from tongqu_client.provider.readers.table import Row, Table

import standards
from tests.clients.provider.test_never_too_sure import days, numbers

ROWS = 40


def proposed(standard: str, columns: dict[str, list[str]], wishes: Wishes | None = None) -> Proposal:
    rows = [
        Row(index + 2, dict(zip(columns, cells, strict=True)))
        for index, cells in enumerate(zip(*columns.values(), strict=True))
    ]
    return propose(
        standards.get(f"{standard}/1.0.0"), Table(tuple(columns), tuple(rows), (), {}), {}, wishes or Wishes()
    )


def choice(proposal: Proposal, path: str) -> Choice:
    return next(one for one in proposal.choices if one.element.path == path)


def amounts() -> list[str]:
    return [f"{1200 + 7 * index}.50" for index in range(ROWS)]


ASSISTANCE = {"救助编号": [f"DB{index:05}" for index in range(ROWS)], "申请人身份证号": numbers()}


@pytest.mark.parametrize("heading", ["年保障金（元）", "年保障金额", "保障金额（元/年）", "月保障金额（元/年）"])
def test_an_amount_for_a_year_is_held_back_and_told(heading: str) -> None:
    proposal = proposed("social-assistance", ASSISTANCE | {heading: amounts()})
    found = choice(proposal, "monthlyAmount")
    assert "monthlyAmount" not in proposal.document["targets"]
    assert heading in found.zh
    assert "一年" in found.zh


def test_the_monthly_column_beside_the_yearly_one_is_taken() -> None:
    proposal = proposed(
        "social-assistance", ASSISTANCE | {"年保障金额（元）": amounts(), "月保障金额（元）": amounts()}
    )
    assert choice(proposal, "monthlyAmount").columns == ("月保障金额（元）",)
    assert choice(proposal, "monthlyAmount").state == "mapped"


def test_a_heading_that_is_wrong_is_taken_when_somebody_says_so() -> None:
    wishes = Wishes(use={"monthlyAmount": ("年保障金额（元）",)})
    proposal = proposed("social-assistance", ASSISTANCE | {"年保障金额（元）": amounts()}, wishes)
    assert "monthlyAmount" in proposal.document["targets"]


@pytest.mark.parametrize("unit", ["亩", "万平方米"])
def test_an_area_that_is_not_exactly_square_metres_is_held_back(unit: str) -> None:
    houses = {"房屋编码": [f"FW{index:06}" for index in range(ROWS)], f"建筑面积（{unit}）": amounts()}
    proposal = proposed("rental-housing", houses)
    assert "floorArea" not in proposal.document["targets"]
    assert unit in choice(proposal, "floorArea").zh


@pytest.mark.parametrize(("unit", "source"), [("万元", "万元"), ("万", "万元"), ("元", "元"), ("分", "分")])
def test_a_unit_that_can_be_converted_is(unit: str, source: str) -> None:
    proposal = proposed("market-entity", {f"注册资本（{unit}）": [str(index) for index in range(1, 41)]})
    assert proposal.document["targets"]["registeredCapital"]["fn"][0]["from"] == source


@pytest.mark.parametrize("unit", ["万美元", "百万元", "港币"])
def test_money_of_another_kind_is_held_back(unit: str) -> None:
    proposal = proposed("market-entity", {f"注册资本（{unit}）": [str(index) for index in range(1, 41)]})
    assert "registeredCapital" not in proposal.document["targets"]


def test_fen_in_an_english_heading() -> None:
    proposal = proposed("market-entity", {"registered_capital_fen": [str(index) for index in range(100, 140)]})
    assert proposal.document["targets"]["registeredCapital"]["fn"][0]["from"] == "分"


def test_the_title_states_the_unit(tmp_path: Path) -> None:
    lines = ["企业名录,,", "填报单位：样例街道,,单位：万元", "企业名称,经营地址,注册资本"]
    lines += [f"样例{index}商贸有限公司,样例街道{index}号,{100 + index}" for index in range(ROWS)]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    table = read_csv(tmp_path / "a.csv", {})
    assert table.columns == ("企业名称", "经营地址", "注册资本")
    proposal = propose(standards.get("market-entity/1.0.0"), table, {}, Wishes())
    assert proposal.document["targets"]["registeredCapital"]["fn"][0]["from"] == "万元"
    found = choice(proposal, "registeredCapital")
    assert found.certainty == "likely"
    assert any("标题" in doubt.zh for doubt in found.doubts)


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("单位：万元", "万元"),
        ("2026年台账（万元）", "万元"),
        ("单位：人、元", "元"),
        ("填报单位：样例街道办事处", None),
    ],
)
def test_units_of_titles(title: str, unit: str | None) -> None:
    assert unit_in_titles([title], area=False) == unit


@pytest.mark.parametrize(
    ("heading", "period"),
    [
        *(("上年度人均月收入", "month"), ("年人均收入", "year"), ("起始年月", None), ("老年津贴（元）", None)),
        *(("补贴（元/季）", "quarter"), ("annual_income", "year"), ("monthlyPension", "month"), ("企业年金", None)),
    ],
)
def test_periods_of_headings(heading: str, period: str | None) -> None:
    assert period_of(heading) == period


@pytest.mark.parametrize(
    ("noted", "unit"), [("元/人·月", "元"), ("单位：万元", "万元"), ("㎡", "平方米"), ("是/否", None)]
)
def test_units_of_notes(noted: str, unit: str | None) -> None:
    assert unit_of(noted) == unit


def test_codes_of_two_places_are_not_one_division() -> None:
    codes = [f"99010100{1 + index % 3}" for index in range(ROWS)]
    births = {"母亲身份证号": numbers(), "登记日期": days(2024), "登记地代码": codes, "居住地区划": codes}
    assert len(choice(proposed("birth-service", births), "divisionCode").columns) == 1
