"""A list whose one item stands in the row itself: ``"each": ""``."""

from __future__ import annotations

import pytest

import standards
from standards.crosswalk import CrosswalkInvalid, compile
from standards.crosswalk_lineage import lineage
from standards.identifiers import resident_check_digit

STANDARD = standards.get("elderly-disability/1.0.0")
DOCUMENT = {
    "crosswalk": "tongqu-crosswalk/1",
    "standard": STANDARD.id,
    "targets": {
        "idNumber": {"from": "/身份证号", "fn": ["id15to18"]},
        "divisionCode": {"from": "/街道", "fn": [{"fn": "region_code", "level": "finest"}]},
        "allowances": {
            "each": "",
            "targets": {
                "allowanceType": {
                    "from": "/补贴",
                    "fn": [{"fn": "lookup", "codelist": "allowance-type", "written": "name"}],
                    "missing": ["无"],
                    "on_unknown": "refuse",
                },
                "from": {"from": "/起", "fn": [{"fn": "date", "formats": ["yyyyMM"], "as": "month"}]},
            },
        },
    },
}  # fmt: skip
NUMBER = "44039919500101001" + resident_check_digit("44039919500101001")
ROW = {"身份证号": NUMBER, "街道": "440399001", "补贴": "高龄津贴", "起": "202401"}


def test_the_row_gives_the_one_item() -> None:
    done = compile(DOCUMENT, STANDARD).apply(ROW)
    assert done.record is not None
    assert done.record["allowances"] == [{"allowanceType": "old-age", "from": "2024-01"}]
    assert done.lost == ()


@pytest.mark.parametrize("blank", ["", "无"])
def test_a_row_without_any_part_gives_no_list(blank: str) -> None:
    done = compile(DOCUMENT, STANDARD).apply(ROW | {"补贴": blank, "起": ""})
    assert done.record is not None
    assert "allowances" not in done.record
    assert not done.refused


def test_half_an_item_is_refused_by_the_column_that_lacks() -> None:
    done = compile(DOCUMENT, STANDARD).apply(ROW | {"起": ""})
    assert [(one.target, one.source) for one in done.refused] == [("allowances.0.from", "起")]


def test_only_the_columns_of_the_wanted_parts_are_needed() -> None:
    crosswalk = compile(DOCUMENT, STANDARD)
    assert crosswalk.needed(["idNumber"]) == ("身份证号",)
    assert crosswalk.needed(["allowances.allowanceType"]) == ("补贴",)
    narrow = crosswalk.narrow(("allowances.allowanceType",))
    assert narrow.apply({"补贴": "高龄津贴"}).record == {"allowances": [{"allowanceType": "old-age"}]}


def test_there_is_no_way_back_and_the_lineage_names_the_columns() -> None:
    assert [one.target for one in compile(DOCUMENT, STANDARD).invert().not_invertible] == ["allowances"]
    told = {one.target: one.columns for one in lineage(DOCUMENT)}
    assert told["allowances.from"] == ("起",)
    assert told["allowances"] == ()


def test_a_column_that_no_part_takes_is_lost() -> None:
    assert compile(DOCUMENT, STANDARD).apply(ROW | {"备注": "某事"}).lost == ("备注",)


def test_the_item_must_have_its_required_parts() -> None:
    targets = DOCUMENT["targets"] | {"allowances": {"each": "", "targets": {"from": {"from": "/起"}}}}  # type: ignore[operator]
    with pytest.raises(CrosswalkInvalid):
        compile(DOCUMENT | {"targets": targets}, STANDARD)
