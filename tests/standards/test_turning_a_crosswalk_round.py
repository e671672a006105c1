"""From a record of the standard back to the department's columns."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards import codelists, crosswalk
from tests.standards.crosswalking import PERSON, document, person
from tests.standards.people import resident

SEX = {"from": "/性别", "fn": [{"fn": "lookup", "table": {"男": "1", "男性": "1", "女": "2"}}], "on_unknown": "refuse"}
BIRTH = {"from": "/出生", "fn": [{"fn": "date", "formats": ["yyyy/M/d", "yyyyMMdd"]}]}
ETHNIC = {
    "from": "/民族",
    "fn": [{"fn": "lookup", "codelist": "gbt-3304-1991-ethnic-group", "table": {"汉人": "01"}}],
    "on_unknown": "refuse",
}


@given(
    st.dates(date(1800, 1, 1), date(2199, 12, 31)),
    st.sampled_from(["1", "2"]),
    st.sampled_from(sorted(codelists.get("gbt-3304-1991-ethnic-group").codes)),
    st.text("示例测试阿依·", min_size=1, max_size=20),
)
def test_what_is_written_back_is_read_as_the_same_record(born: date, sex: str, ethnic: str, name: str) -> None:
    walk = person(sex=SEX, birthDate=BIRTH, ethnicGroup=ETHNIC, name={"from": "/xm", "fn": ["trim"]})
    record = {
        "idNumber": resident(f"{born:%Y%m%d}"),
        "name": name,
        "sex": sex,
        "birthDate": born.isoformat(),
        "ethnicGroup": ethnic,
        "personStatus": "active",
    }
    back = walk.invert()
    again = walk.apply(back.apply(record))
    assert again.record == record


def test_the_first_spelling_is_written() -> None:
    back = person(sex=SEX, birthDate=BIRTH, ethnicGroup=ETHNIC).invert()
    assert back.apply({"sex": "1", "birthDate": "1990-01-05", "ethnicGroup": "01"}) == {
        "性别": "男",
        "出生": "1990/1/5",
        "民族": "汉人",
    }
    assert back.apply({"ethnicGroup": "15", "sex": "9"}) == {"民族": "15"}  # 9 has no spelling in this table


NOT_INVERTIBLE: dict[str, dict[str, Any]] = {
    "a constant": {"fn": [{"fn": "const", "value": "示例"}]},
    "several columns": {"from": ["/a", "/b"], "fn": ["concat"]},
    "one of a list": {"from": "/a/[]/b", "fn": ["first"]},
    "joined with a literal": {"from": "/a", "fn": [{"fn": "concat", "parts": ["x", 0]}]},
    "cut": {"from": "/a", "fn": [{"fn": "split", "start": 0, "end": 2}]},
    "masked": {"from": "/a", "fn": [{"fn": "mask", "mask": "hidden"}]},
    "a condition": {"from": "/a", "fn": [{"fn": "when-eq", "value": "1", "then": "x"}]},
    "a month": {"from": "/a", "fn": [{"fn": "date", "formats": ["yyyyMM"], "missing_day": "first"}]},
    "two-digit years": {"from": "/a", "fn": [{"fn": "date", "formats": ["yy-M-d"], "pivot": 2030}]},
}


@pytest.mark.parametrize("rule", NOT_INVERTIBLE.values(), ids=NOT_INVERTIBLE.keys())
def test_what_cannot_be_turned_round_says_why(rule: dict[str, Any]) -> None:
    target = "deathDate" if "date" in str(rule) else "certType" if "codelist" in str(rule) else "formerName"
    back = crosswalk.compile(document(**{target: rule}), PERSON).invert()
    assert target not in back.columns
    (why,) = [one for one in back.not_invertible if one.target == target]
    assert why.zh and why.en


def test_an_amount_goes_back_in_the_departments_unit() -> None:
    rule = {"from": "/金额", "fn": [{"fn": "unit", "from": "万元", "to": "元", "decimals": 2}]}
    walk = person(formerName=rule)
    assert walk.invert().apply({"formerName": "12000.00"}) == {"金额": "1.2"}


def test_what_came_from_several_levels_or_a_nested_value_goes_back_to_its_first_place() -> None:
    walk = person(
        formerName={"from": "/a/b"},
        **{
            "domicileAddress.divisionCode": {"from": ["/社区", "/街道"], "fn": ["first", "region_code"]},
            "domicileAddress.text": {"from": "/地址"},
        },
    )
    record = {"formerName": "旧名", "domicileAddress": {"divisionCode": "440399001", "text": "示范里1号"}}
    row = walk.invert().apply(record)
    assert row == {"a": {"b": "旧名"}, "社区": "440399001", "地址": "示范里1号"}
    assert walk.narrow(("formerName", "domicileAddress")).apply(row).record == record
    assert walk.invert().apply({"domicileAddress": {"divisionCode": "440399001000"}}) == {}  # its zeros would be cut


@pytest.mark.parametrize(
    ("step", "value", "written"),
    [
        ({"fn": "date", "formats": ["excel"]}, "2024-01-05", "45296"),
        ({"fn": "date", "formats": ["yyyy年M月d日"]}, "2024-01-05", "2024年1月5日"),
    ],
)
def test_days_go_back_in_the_first_declared_writing(step: dict[str, Any], value: str, written: str) -> None:
    walk = person(deathDate={"from": "/卒", "fn": [step]})
    assert walk.invert().apply({"deathDate": value}) == {"卒": written}
    assert walk.narrow(("deathDate",)).apply({"卒": written}).record == {"deathDate": value}


def test_a_list_that_says_names_are_written_gets_names_back() -> None:
    lookup = {"fn": "lookup", "codelist": "gbt-2261.1-2003-sex", "written": "name", "table": {"男": "1", "女": "2"}}
    walk = person(sex={"from": "/性别", "fn": [lookup], "on_unknown": "refuse"})
    assert walk.invert().apply({"sex": "2"}) == {"性别": "女"}
    assert walk.invert().apply({"sex": "9"}) == {"性别": "未说明的性别"}


def test_a_code_that_only_one_code_of_the_other_list_means_is_translated_back() -> None:
    health, police = "ws364.3-cv02.01.101-certificate-type", "gat-517-2004-certificate-type"
    walk = person(
        certType={
            "from": "/类",
            "fn": [{"fn": "lookup", "codelist": police, "from_codelist": health}],
            "on_unknown": "refuse",
        }
    )
    back = walk.invert()
    for code in codelists.get(police).codes:
        row = back.apply({"certType": code})
        assert not row or walk.narrow(("certType",)).apply(row).record == {"certType": code}
    assert back.apply({"certType": "111"}) == {"类": "01"}
