"""C2: one department's format A is read by another in its own format B, through the standard, and the loss is told."""

from __future__ import annotations

import pytest
from tongqu_client import errors

from tests.cast import AN
from tests.running import City

CIVIL_AFFAIRS = {
    "crosswalk": "tongqu-crosswalk/1",
    "standard": "person-basic/1.0.0",
    "title_zh": "民政业务系统人员表 → 自然人基本信息",
    "title_en": "Civil affairs, table of persons, to person-basic",
    "targets": {
        "idNumber": {"from": "/CERT_NUM", "fn": ["id15to18"]},
        "name": {"from": "/NAME", "fn": [{"fn": "trim", "kind": "name"}]},
        "sex": {
            "from": "/SEX",
            "fn": [
                {
                    "fn": "lookup",
                    "codelist": "gbt-2261.1-2003-sex",
                    "written": "name",
                    "table": {"男": "1", "女": "2"},
                }
            ],
            "on_unknown": "refuse",
        },
        "birthDate": {"from": "/BIRTH", "fn": [{"fn": "date", "formats": ["yyyy年M月d日", "yyyy-M-d"]}]},
        "personStatus": {"fn": [{"fn": "const", "value": "active"}]},
    },
    "ignored": {"/OP_DATE": {"zh": "民政自己的办理日期", "en": "their own date of the operation"}},
}


@pytest.mark.daily_on_one
def test_an_answer_comes_in_the_askers_own_columns_with_what_was_lost_and_still_proves_itself(city: City) -> None:
    answer = city.ask(city.cast.agreement().id, deliver_as=CIVIL_AFFAIRS)
    made = answer.delivered
    assert made is not None
    day = f"1990年{int(AN['birthDate'][5:7])}月{int(AN['birthDate'][8:])}日"
    assert made.rows == [{"CERT_NUM": AN["idNumber"], "NAME": AN["name"], "SEX": "女", "BIRTH": day}]
    assert made.columns == ("CERT_NUM", "NAME", "SEX", "BIRTH", "OP_DATE")
    assert [(loss["field"], loss["why_code"], loss["count"]) for loss in made.losses] == [("phone", "no_column", 1)]
    assert made.report["empty_columns"] == ["OP_DATE"]
    assert answer.verify().query == made.report["evidence"]["request_id"]
    assert AN["phone"] not in str(made.report) and AN["name"] not in str(made.report)


@pytest.mark.daily_on_one
def test_what_was_not_granted_has_no_way_into_the_other_format(city: City) -> None:
    answer = city.ask(city.cast.agreement(fields=["name"]).id, deliver_as=CIVIL_AFFAIRS)
    assert answer.delivered is not None and answer.delivered.rows == [{"NAME": AN["name"]}]


@pytest.mark.daily_on_one
def test_a_masked_value_that_the_format_would_read_as_something_else_is_not_written(city: City) -> None:
    agreement = city.cast.agreement(fields=["idNumber", "name"], masks={"idNumber": "hide-middle"})
    made = city.ask(agreement.id, deliver_as=CIVIL_AFFAIRS).delivered
    assert made is not None and made.rows == [{"NAME": AN["name"]}]
    assert [(loss["field"], loss["why_code"]) for loss in made.losses] == [("idNumber", "reads_differently")]


@pytest.mark.daily_on_one
def test_a_format_of_another_standard_or_none_at_all_is_refused_with_a_reason(city: City) -> None:
    answer = city.ask(city.cast.agreement().id)
    assert answer.delivered is None
    with pytest.raises(errors.InvalidRequest, match="person-basic"):
        answer.as_format(CIVIL_AFFAIRS | {"standard": "residence-record/1.0.0"})
    with pytest.raises(errors.InvalidRequest):
        answer.as_format(CIVIL_AFFAIRS | {"targets": {"noSuchField": {"from": "/A"}}})
