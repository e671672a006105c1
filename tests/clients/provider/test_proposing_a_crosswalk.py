"""Which column means which element: by name, comment and values, with the doubt said aloud."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tongqu_client.provider.mapping.ask import answer_open
from tongqu_client.provider.mapping.model import Choice, Proposal, Wishes
from tongqu_client.provider.mapping.preview import preview
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.mapping.ranking import clear, rank
from tongqu_client.provider.mapping.rules import dates
from tongqu_client.provider.readers.table import Row, Table

import standards
from standards.crosswalk import compile
from standards.identifiers import resident_check_digit

PERSON = standards.get("person-basic/1.0.0")
IDS = ("990101199001010019", "990101195001010037")


def table(**columns: list[str | None]) -> Table:
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return Table(tuple(columns), tuple(Row(number, cells) for number, cells in enumerate(rows, 2)), (), {})


def proposed(found: Table, comments: Mapping[str, str] | None = None, **wishes: Any) -> Proposal:
    return propose(PERSON, found, comments or {}, Wishes(**wishes))


def choice(proposal: Proposal, path: str) -> Choice:
    return next(one for one in proposal.choices if one.element.path == path)


PLAIN: dict[str, list[str | None]] = {
    "sfzhm": list(IDS), "xm": ["甲甲", "乙乙"], "xb": ["男", "女"], "csrq": ["1990/1/1", "1950/1/1"],
}  # fmt: skip


def test_a_comment_in_the_database_names_a_column() -> None:
    columns = {"c1": PLAIN["sfzhm"], "c2": PLAIN["xm"], "c3": PLAIN["xb"], "c4": PLAIN["csrq"]}
    proposal = proposed(table(**columns), {"c1": "身份证号", "c2": "姓名", "c3": "性别", "c4": "出生日期"})
    assert not proposal.open
    assert choice(proposal, "sex").columns == ("c3",)


def test_identity_numbers_are_recognised_by_their_check_digits_under_any_name() -> None:
    proposal = proposed(table(nonsense=list(IDS), xm=["甲甲", "乙乙"]))
    assert choice(proposal, "idNumber").columns == ("nonsense",)


def test_a_fitting_name_with_values_that_do_not_fit_is_not_taken_and_said_so() -> None:
    proposal = proposed(table(**(PLAIN | {"csrq": ["甲", "乙"]})))
    birth = choice(proposal, "birthDate")
    assert birth.state == "open" and birth in proposal.open
    assert "csrq" in birth.zh and "2" in birth.zh


def test_a_constant_or_a_column_of_the_users_choice_wins() -> None:
    found = table(**(PLAIN | {"zt": ["注销", "正常"]}))
    assert choice(proposed(found, set={"sex": "9"}), "sex").state == "constant"
    chosen = choice(proposed(found, use={"personStatus": ("zt",)}), "personStatus")
    assert (chosen.columns, chosen.confidence) == (("zt",), 1.0)
    assert "maritalStatus" not in proposed(found, skip=frozenset({"maritalStatus"})).document["targets"]


def test_an_assumption_is_marked_in_the_document_and_listed_as_unsure() -> None:
    proposal = proposed(table(**PLAIN))
    assert [one.element.path for one in proposal.unsure] == ["personStatus"]
    assert "note_zh" in proposal.document["targets"]["personStatus"]


def test_parts_of_an_optional_object_wait_for_its_required_part() -> None:
    found = table(**(PLAIN | {"JLX": ["一里", "二里"], "MLPH": ["1号", "2号"]}))
    proposal = proposed(found)
    assert not [path for path in proposal.document["targets"] if path.startswith("domicileAddress")]
    road = choice(proposal, "domicileAddress.road")
    assert (road.state, road.columns) == ("waiting", ("JLX",))
    assert "--set domicileAddress.divisionCode=…" in road.zh
    given = proposed(found, set={"domicileAddress.divisionCode": "440399"})
    assert "domicileAddress.road" in given.document["targets"]


def ids(*first17: str) -> list[str | None]:
    return [one + resident_check_digit(one) for one in first17]


NUMBERS = ids("99010119900101001", "99010119500101003", "99010119880505002", "99010119750303002", "99010120011212004")
NAMES: list[str | None] = ["王小明", "李大伟", "赵丽", "陈静", "欧阳文"]
BORN: list[str | None] = ["1990-01-01", "1950-01-01", "1988-05-05", "1975-03-03", "2001-12-12"]


def test_a_choice_is_certain_only_when_name_and_values_agree_and_nothing_else_fits() -> None:
    sure = proposed(table(身份证号=NUMBERS, 姓名=NAMES, 出生日期=BORN, 性别=["男", "男", "女", "女", "女"]))
    told = {one.element.path: one.certainty for one in sure.choices if one.state == "mapped"}
    assert told == {"idNumber": "certain", "name": "certain", "birthDate": "certain", "sex": "certain"}
    two = proposed(table(身份证号=NUMBERS, 身份证号码=NUMBERS[::-1], 姓名=NAMES, 曾用姓名=NAMES[::-1]))
    assert choice(two, "idNumber").certainty != "certain"
    few = proposed(table(身份证号=NUMBERS[:2], 姓名=NAMES[:2]))
    assert choice(few, "name").certainty == "likely" and choice(few, "name").doubts


def test_the_birth_date_decides_which_of_two_numbers_is_the_persons() -> None:
    other = ids("99010119660606001", "99010119670707003", "99010119680808002", "99010119690909001", "99010119701010004")
    proposal = proposed(table(号码甲=other, 身份证=NUMBERS, 姓名=NAMES, 出生日期=BORN))
    assert choice(proposal, "idNumber").columns == ("身份证",)
    assert choice(proposal, "idNumber").certainty == "certain"


def test_birth_dates_that_are_not_those_of_the_numbers_are_not_taken() -> None:
    proposal = proposed(table(身份证号=NUMBERS, 姓名=NAMES, 出生日期=BORN[1:] + BORN[:1]))
    birth = choice(proposal, "birthDate")
    assert (birth.state, birth.columns) == ("derived", ("身份证号",)) or "不相符" in birth.zh


def test_sex_codes_turned_round_are_told_by_the_identity_numbers_and_never_certain() -> None:
    turned = ["2" if int((number or "")[16]) % 2 else "1" for number in NUMBERS] * 2
    proposal = proposed(table(身份证号=NUMBERS * 2, 姓名=NAMES * 2, XB=list(turned)))
    sex = choice(proposal, "sex")
    assert sex.certainty != "certain" and sex.rule is not None
    assert sex.rule["fn"] == [{"fn": "lookup", "table": {"1": "2", "2": "1"}}]


def test_what_no_column_gives_is_read_out_of_the_identity_number_and_said_so() -> None:
    proposal = proposed(table(身份证号=NUMBERS, 姓名=NAMES))
    assert {choice(proposal, path).state for path in ("birthDate", "sex")} == {"derived"}
    crosswalk = compile(proposal.document, PERSON)
    record = crosswalk.apply({"身份证号": NUMBERS[0], "姓名": "王小明"}).record or {}
    assert (record["birthDate"], record["sex"]) == ("1990-01-01", "1")


def test_codes_of_the_departments_own_are_asked_for_and_not_guessed() -> None:
    own = ["A", "B", "A", "C", "B"] * 2
    proposal = proposed(table(身份证号=NUMBERS * 2, 姓名=NAMES * 2, 婚姻状况=list(own)))
    marital = choice(proposal, "maritalStatus")
    assert marital.certainty == "unsure" and any("--code" in doubt.zh for doubt in marital.doubts)
    assert proposal.document["targets"]["maritalStatus"]["on_unknown"] == "omit"


def test_columns_that_no_standard_carries_are_left_out_with_the_reason() -> None:
    proposal = proposed(table(身份证号=NUMBERS, 姓名=NAMES, 宗教信仰=["无"] * 5, 重点人员类别=["无"] * 5))
    assert [one.column for one in proposal.unused if one.left_out] == ["宗教信仰", "重点人员类别"]


def test_columns_of_list_items_are_named_but_wait_for_the_list() -> None:
    household = standards.get("household/1.0.0")
    kin = ["02", "10", "20", "02", "10"]
    found = table(HH=["1", "1", "1", "2", "2"], GMSFHM=NUMBERS, XM=NAMES, YHZGX=kin)
    proposal = propose(household, found, {}, Wishes())
    told = {one.element.path: (one.state, one.columns) for one in proposal.choices if one.columns}
    assert told["members.idNumber"] == ("waiting", ("GMSFHM",))
    assert told["members.relationToHead"] == ("waiting", ("YHZGX",))
    assert "members" in [one.element.path for one in proposal.open]
    assert not any(path.startswith("members") for path in proposal.document["targets"])


def test_the_preview_hides_what_is_personal() -> None:
    found = table(身份证号=NUMBERS, 姓名=NAMES, 出生日期=BORN, 性别=["男", "男", "女", "女", "女"])
    shown = preview(PERSON, found, proposed(found))
    assert [row["row"] for row in shown] == [2, 3, 4] and shown[0]["record"]["sex"] == "1"
    text = str(shown)
    assert not any(str(number) in text for number in NUMBERS) and "王小明" not in text


def test_the_standard_is_proposed_when_none_is_named() -> None:
    found = table(
        流水号=["1", "2", "3", "4", "5"],
        身份证号=NUMBERS,
        来本地日期=BORN,
        现居住地址=["示范区样例路1号2栋"] * 5,
        居住证号=["J1", "J2", "J3", "J4", "J5"],
    )
    ranked = rank(found, {})
    assert ranked[0].standard == "residence-record/1.0.0" and clear(ranked)


def test_words_for_nothing_are_declared_as_missing() -> None:
    proposal = proposed(table(**(PLAIN | {"lxdh": ["无", "13800000000"]})))
    assert proposal.document["targets"]["phone"]["missing"] == ["无"]


def test_codes_that_a_spreadsheet_shortened_are_padded() -> None:
    proposal = proposed(table(**(PLAIN | {"mz": ["1", "15"]})))
    row = {"sfzhm": IDS[0], "xm": "甲甲", "xb": "男", "csrq": "1990/1/1", "mz": "1"}
    assert (compile(proposal.document, PERSON).apply(row).record or {})["ethnicGroup"] == "01"


def test_every_column_is_either_used_or_listed_with_a_reason() -> None:
    found = table(**(PLAIN | {"haici": ["1", "2"], "del_flag": ["0", "1"]}))
    proposal = proposed(found)
    used = {column for one in proposal.choices for column in one.columns}
    assert used | {one.column for one in proposal.unused} == set(found.columns)
    assert [one.column for one in proposal.unused if one.flag] == ["del_flag"]
    assert compile(proposal.document, PERSON).apply(found.rows[0].cells).lost == ()


def test_on_a_terminal_what_is_open_is_asked_and_what_is_unsure_confirmed() -> None:
    found = table(**(PLAIN | {"csrq": ["?", "?"], "geboren": ["1990-01-01", "1950-01-01"]}))
    answers = iter(["kein", "geboren", "=deceased"])
    proposal = answer_open(PERSON, found, {}, Wishes(), proposed(found), lambda _: next(answers))
    assert choice(proposal, "birthDate").columns == ("geboren",)
    assert choice(proposal, "personStatus").state == "constant"
    assert not proposal.open


SHAPES = {
    "yyyyMMdd": "{0:%Y%m%d}", "yyyy-M-d": "{0:%Y-%m-%d}", "yyyy/M/d": "{0.year}/{0.month}/{0.day}",
    "yyyy.M.d": "{0.year}.{0.month}.{0.day}", "yyyy年M月d日": "{0.year}年{0.month}月{0.day}日",
    "yyyy-M-d HH:mm:ss": "{0:%Y-%m-%d} 00:00:00", "yyyyMMddHHmmss": "{0:%Y%m%d}083000",
}  # fmt: skip


@settings(deadline=None)  # a busy machine is no fault of the formats
@given(
    days=st.lists(st.dates(date(1900, 1, 1), date(2099, 12, 31)), min_size=1, max_size=12),
    shapes=st.lists(st.sampled_from(sorted(SHAPES)), min_size=1, max_size=4),
)
def test_dates_written_in_any_mixture_of_shapes_are_read_back(days: list[date], shapes: list[str]) -> None:
    written: list[str | None] = [SHAPES[shapes[index % len(shapes)]].format(day) for index, day in enumerate(days)]
    step = dates(written, with_time=False)
    document = {
        "crosswalk": "tongqu-crosswalk/1",
        "standard": PERSON.id,
        "targets": {
            "idNumber": {"from": "/i", "fn": ["id15to18"]},
            "name": {"from": "/n", "fn": ["trim"]},
            "sex": {"fn": [{"fn": "const", "value": "9"}]},
            "birthDate": {"from": "/d", "fn": [step]},
            "personStatus": {"fn": [{"fn": "const", "value": "active"}]},
        },
    }
    crosswalk = compile(document, PERSON).narrow(("birthDate",))
    for text, day in zip(written, days, strict=True):
        assert crosswalk.apply({"d": text}).record == {"birthDate": day.isoformat()}


def test_a_day_that_two_formats_read_differently_is_refused_and_not_guessed() -> None:
    step = dates(["13/4/2024", "4/13/2024", "3/4/2024"], with_time=False)
    assert {"M/d/yyyy", "d/M/yyyy"} <= set(step["formats"])
    proposal = proposed(table(**(PLAIN | {"csrq": ["13/4/2024", "4/13/2024"]})))
    done = compile(proposal.document, PERSON).narrow(("birthDate",)).apply({"csrq": "3/4/2024"})
    assert [refusal.why_code for refusal in done.refused] == ["ambiguous_date"]


def test_a_month_without_a_day_becomes_its_first_day_by_declaration() -> None:
    step = dates(["2020.10", "202304", "2019年9月"], with_time=False)
    assert step["missing_day"] == "first"
    assert step["formats"] == ["yyyyMM", "yyyy.M", "yyyy年M月"]
