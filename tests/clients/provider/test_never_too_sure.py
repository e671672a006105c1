"""What may not be called certain: initials alone, letters of a person, what is filled too often, better names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from tongqu_client.provider.mapping.model import Choice, Wishes
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.readers.table import Row, Table

import standards
from tests.clients.provider.corpus_people import person

PEOPLE = 40


def numbers(step: int = 1) -> list[str]:
    """Identity numbers; ``step`` rows share one."""
    random = Random(7)
    different = [person(random).id for _ in range(PEOPLE)]
    return [different[index // step] for index in range(PEOPLE)]


def names() -> list[str]:
    random = Random(8)
    return [person(random).name for _ in range(PEOPLE)]


def days(year: int) -> list[str]:
    return [f"{year}-{1 + index % 12:02}-{1 + index % 28:02}" for index in range(PEOPLE)]


def choices(
    standard: str, columns: Mapping[str, Sequence[str]], comments: Mapping[str, str] | None = None
) -> dict[str, Choice]:
    rows = [
        Row(index + 2, dict(zip(columns, cells, strict=True)))
        for index, cells in enumerate(zip(*columns.values(), strict=True))
    ]
    table = Table(tuple(columns), tuple(rows), (), {})
    found = propose(standards.get(f"{standard}/1.0.0"), table, comments or {}, Wishes())
    return {choice.element.path: choice for choice in found.choices}


@pytest.mark.parametrize(
    ("standard", "column", "path"),
    [
        ("person-basic", "SWRQ", "deathDate"),
        ("residence-record", "RZRQ", "arrivalDate"),
        ("residence-record", "LKRQ", "leaveDate"),
    ],
)
def test_initials_of_a_date_prove_nothing(standard: str, column: str, path: str) -> None:
    found = choices(standard, {"SFZHM": numbers(), "XM": names(), column: days(2024)})
    assert found[path].certainty != "certain"
    assert found["idNumber"].certainty == "certain"


def test_a_birth_date_in_initials_is_certain_where_the_numbers_agree() -> None:
    born = [f"{number[6:10]}-{number[10:12]}-{number[12:14]}" for number in numbers()]
    found = choices("person-basic", {"SFZHM": numbers(), "XM": names(), "CSRQ": born})
    assert found["birthDate"].certainty == "certain"


def test_a_comment_makes_initials_plain() -> None:
    found = choices("residence-record", {"SFZHM": numbers(), "RZRQ": days(2024)}, {"RZRQ": "入住日期"})
    assert found["arrivalDate"].certainty == "certain"


def test_nobody_believes_that_all_are_dead() -> None:
    found = choices("person-basic", {"身份证号": numbers(), "姓名": names(), "死亡日期": days(2024)})
    assert found["deathDate"].certainty == "unsure"


def test_the_rows_are_about_the_person_whose_numbers_differ() -> None:
    head = numbers(step=5)
    found = choices("person-basic", {"HZSFZH": head, "HZXM": names(), "CYSFZH": numbers(), "CYXM": names()})
    assert found["idNumber"].columns == ("CYSFZH",)
    assert found["name"].columns == ("CYXM",)
    assert found["formerName"].columns == ()
    assert "certain" not in {found["idNumber"].certainty, found["name"].certainty}


def test_letters_that_several_columns_share_are_a_person() -> None:
    found = choices("person-basic", {"SFZHM": numbers(), "XM": names(), "CYXM": names(), "CYSFZH": numbers(step=2)})
    assert found["formerName"].certainty != "certain"


def test_a_better_name_that_fell_out_is_told() -> None:
    spoilt = [f"{index}号" for index in range(PEOPLE)]
    found = choices("residence-record", {"身份证号": numbers(), "到达日期": days(2024), "入住日期": spoilt})
    assert found["arrivalDate"].certainty == "likely"
    assert "入住日期" in "".join(doubt.zh for doubt in found["arrivalDate"].doubts)


def test_a_number_repeated_in_many_rows_is_a_clerks() -> None:
    found = choices("person-basic", {"身份证号": numbers(step=20), "居民身份证号": numbers(), "姓名": names()})
    assert found["idNumber"].columns == ("居民身份证号",)


def test_a_counter_is_not_taken_where_a_number_of_its_own_stands_beside_it() -> None:
    counted = [str(index + 1) for index in range(PEOPLE)]
    own = [f"DJ2026{index:06}" for index in range(PEOPLE)]
    found = choices("residence-record", {"序号": counted, "登记表编号": own, "身份证号": numbers()})
    assert found["recordId"].columns == ("登记表编号",)


def test_names_of_people_are_not_those_of_an_office() -> None:
    found = choices(
        "service-evaluation", {"user_name": names(), "eval_no": [f"P{index:05}" for index in range(PEOPLE)]}
    )
    assert found["office.name"].columns == ()


def test_a_pattern_of_its_own_tells_a_number_whose_heading_says_nothing() -> None:
    given = [f"440399001001GB{index:05}F{index:08}" for index in range(PEOPLE)]
    found = choices("rental-housing", {"F7": given, "房东身份证号": numbers()})
    assert found["realEstateUnit"].columns == ("F7",)
    assert found["realEstateUnit"].certainty != "certain"


def test_an_address_is_put_together_in_the_order_in_which_it_is_written() -> None:
    parts = {
        "房号": ["302"] * PEOPLE,
        "楼栋号": ["5栋"] * PEOPLE,
        "现住街路巷": ["示例大道"] * PEOPLE,
        "门牌号": ["12号"] * PEOPLE,
    }
    found = choices("residence-record", {"身份证号": numbers(), **parts})
    assert found["residenceAddress.text"].columns == ("现住街路巷", "门牌号", "楼栋号", "房号")


def test_a_vendors_prefix_says_nothing_and_a_flag_behind_it_is_a_flag() -> None:
    columns = {"QX_SFZHM": numbers(), "QX_XM": names(), "QX_SCBZ": ["0"] * PEOPLE, "QX_LXDH": ["13800000000"] * PEOPLE}
    table = Table(
        tuple(columns),
        tuple(Row(2, dict(zip(columns, one, strict=True))) for one in zip(*columns.values(), strict=True)),
        (),
        {},
    )
    found = propose(standards.get("person-basic/1.0.0"), table, {}, Wishes())
    assert {one.element.path: one.columns for one in found.choices}["name"] == ("QX_XM",)
    assert [one.column for one in found.unused if one.flag] == ["QX_SCBZ"]


def test_what_all_names_of_a_list_end_in_may_be_left_out() -> None:
    """视力 is 视力残疾, because every name of that list ends in 残疾; 视障 is nobody's name."""
    spoken = ["视力", "听力", "言语", "肢体", "智力", "精神", "多重", "视障"]
    kinds = [spoken[index % len(spoken)] for index in range(PEOPLE)]
    found = choices("elderly-disability", {"身份证号": numbers(), "姓名": names(), "残疾类别": kinds})
    (lookup,) = [step for step in found["disabilityType"].rule["fn"] if step["fn"] == "lookup"]
    assert lookup["table"] == dict(zip(spoken[:7], "1234567", strict=True))
