"""Headings a stranger's extracts had, and what the program says of columns, rows and progress."""

from __future__ import annotations

from pathlib import Path

import pytest
from tongqu_client.cli.provider_progress import Progress
from tongqu_client.provider.mapping.model import Proposal, Wishes
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.mapping.report import for_terminal
from tongqu_client.provider.readers.csvfile import read_csv
from tongqu_client.provider.readers.table import Row, Table, suspicious

import standards
from tests.clients.provider.test_never_too_sure import days, names, numbers

ROWS = 40


def proposed(standard: str, columns: dict[str, list[str]]) -> Proposal:
    rows = [
        Row(index + 2, dict(zip(columns, cells, strict=True)))
        for index, cells in enumerate(zip(*columns.values(), strict=True))
    ]
    return propose(standards.get(f"{standard}/1.0.0"), Table(tuple(columns), tuple(rows), (), {}), {}, Wishes())


def taken(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    return {choice.element.path: choice.columns for choice in proposal.choices if choice.columns}


def addresses(road: str) -> list[str]:
    return [f"样例街道{road}{index}号{index}栋{index}01室" for index in range(1, ROWS + 1)]


def test_english_headings_of_a_residence_register() -> None:
    times = [f"{day} 10:20:00" for day in days(2025)]
    found = taken(
        proposed(
            "residence-record",
            {
                "record_no": [f"R{index:07}" for index in range(ROWS)],
                "tenant_id": numbers(),
                "home_address": addresses("家乡路"),
                "current_address": addresses("现居路"),
                "move_in": days(2024),
                "created_at": times,
                "updated_at": times,
            },
        )
    )
    assert found["residenceAddress.text"] == ("current_address",)
    assert found["arrivalDate"] == ("move_in",)
    assert found["collectedAt"] == ("created_at",)


def test_an_inspection_in_nested_lines_of_json() -> None:
    found = proposed(
        "hazard-inspection",
        {
            "inspection_no": [f"AQ{index:07}" for index in range(ROWS)],
            "site_name": [f"样例{index}商店" for index in range(ROWS)],
            "org/code": ["11990101MA48894007"] * ROWS,
            "org/name": ["样例街道应急管理办公室"] * ROWS,
            "check_item": [f"第 {1 + index % 3} 项是否合格" for index in range(ROWS)],
            "check_result": [("合格", "不合格")[index % 2] for index in range(ROWS)],
        },
    )
    columns = taken(found)
    assert columns["inspectingOffice.uscc"] == ("org/code",)
    assert columns["inspectingOffice.name"] == ("org/name",)
    assert columns["items.point"] == ("check_item",)
    assert columns["items.result"] == ("check_result",)
    assert "items" not in {choice.element.path for choice in found.open}


def test_a_member_column_is_not_said_to_have_no_element_and_is_listed_once() -> None:
    proposal = proposed(
        "household",
        {
            "户编号": [f"YX{index // 2:06}" for index in range(ROWS)],
            "家庭成员/姓名": names(),
            "家庭成员/身份证号": numbers(),
            "家庭成员/与户主关系": [("妻", "子")[index % 2] for index in range(ROWS)],
        },
    )
    assert taken(proposal)["members.relationToHead"] == ("家庭成员/与户主关系",)
    shown = for_terminal(proposal)
    assert "未用的列 家庭成员/与户主关系" not in shown


def test_headings_repeated_on_each_page_are_no_records(tmp_path: Path) -> None:
    lines = ["姓名,身份证号,男/女"]
    for name, number in zip(names(), numbers(), strict=True):
        lines.append(f"{name},{number},")
    lines.insert(20, "姓名,身份证号,男/女")
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    table = read_csv(tmp_path / "a.csv", {})
    assert len(table.rows) == ROWS
    assert [note.row for note in table.notes if note.rule == "headings"] == [21]


def test_the_end_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("转换", "converting") as progress:
        progress.at(1.0, 10)
        progress.at(1.0, 10)
    assert capsys.readouterr().err.count("100%") == 1


@pytest.mark.parametrize("cell", ["4.40399E+17", "a\x00b", "\ue000", "\ud800"])
def test_suspicious_cells_are_seen(cell: str) -> None:
    assert suspicious(["样例", cell])
    assert not suspicious(["Example 15", "样例", None])
