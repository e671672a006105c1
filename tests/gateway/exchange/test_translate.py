"""From a department's reply to records of the standard: this person, these rows, and never a value in an error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import standards
from gateway.errors import AmbiguousSubject, ProviderNonconformant
from gateway.exchange.translate import Translated, translate, wanted_from_department
from standards import crosswalk
from tests.cast import AN, BO, LINDEN_DIVISION
from tests.examples import examples

STANDARD = standards.get("person-basic/1.0.0")
FIELDS = ("idNumber", "name", "sex")
CROSSWALK = crosswalk.compile(
    {
        "crosswalk": "tongqu-crosswalk/1",
        "standard": STANDARD.id,
        "targets": {
            "idNumber": {"from": "/SFZH", "fn": [{"fn": "trim", "kind": "identifier"}, "id15to18"]},
            "name": {"from": "/XM", "fn": ["trim"]},
            "sex": {"from": "/XB", "fn": [{"fn": "lookup", "table": {"男": "1", "女": "2"}}], "on_unknown": "refuse"},
            "birthDate": {"from": "/CSRQ", "fn": [{"fn": "date", "formats": ["yyyyMMdd"]}]},
            "personStatus": {"fn": [{"fn": "const", "value": "active"}]},
        },
    },
    STANDARD,
)
NATIVE = {"SFZH": AN["idNumber"].lower(), "XM": " 安采薇 ", "XB": "女", "CSRQ": "1990年", "ZZMM": "秘密"}


def run(records: list[Any], **changes: Any) -> Translated:
    settings = {"wanted": FIELDS, "subject_id": AN["idNumber"], "divisions": None, "crosswalk": None}
    return translate(records, standard=STANDARD, **(settings | changes))


def test_the_asked_fields_of_the_asked_person_come_through() -> None:
    kept = run([AN, BO])
    assert kept.records == [{name: AN[name] for name in FIELDS}]
    assert (kept.dropped_fields, kept.dropped_records, kept.outside) == (len(AN) - len(FIELDS), 1, 0)


def test_nobody_is_no_error() -> None:
    assert run([]) == Translated([], 0, 0, 0)


def test_two_records_of_one_person_are_not_guessed_at() -> None:
    with pytest.raises(AmbiguousSubject) as caught:
        run([AN, AN])
    assert caught.value.members["matches"] == 2


@pytest.mark.parametrize(
    ("name", "record", "pointer", "rule"),
    [
        ("wrong type", AN | {"name": 7}, "/records/0/name", "type"),
        ("not in the code list", AN | {"sex": "3"}, "/records/0/sex", "enum"),
        ("missing", {key: value for key, value in AN.items() if key != "name"}, "/records/0/name", "required"),
        ("says not whose", {"name": "安"}, "/records/0/idNumber", "subject_missing"),
        ("whose is a number", AN | {"idNumber": int(AN["idNumber"][:17])}, "/records/0/idNumber", "subject_missing"),
    ],
)
def test_a_record_that_breaks_the_standard_is_refused_by_place_and_rule(
    name: str, record: dict[str, Any], pointer: str, rule: str
) -> None:
    with pytest.raises(ProviderNonconformant) as caught:
        run([record])
    found = caught.value.members["errors"]
    assert any(each["pointer"].startswith(pointer.rsplit("/", 1)[0]) and each["rule"] == rule for each in found), found
    assert all(each["zh"] and each["en"] for each in found)
    assert AN["name"] not in str(found) and AN["idNumber"][:17] not in str(found)


def test_a_fault_in_what_nobody_asked_for_is_none_of_ours() -> None:
    assert run([AN | {"ethnicGroup": 7, "phone": {"x": 1}}]).records[0]["name"] == AN["name"]


def test_a_fault_in_somebody_elses_record_is_not_looked_at() -> None:
    assert len(run([AN, BO | {"name": 7}]).records) == 1


def test_the_gateway_asks_for_what_it_must_see_itself_and_no_more() -> None:
    assert wanted_from_department(("name",), STANDARD, by_division=False) == ("name", "idNumber")
    assert wanted_from_department(("name", "idNumber"), STANDARD, by_division=True) == (
        "name",
        "idNumber",
        "domicileAddress.divisionCode",
    )


def test_records_outside_the_divisions_are_counted_before_they_are_looked_at() -> None:
    wanted = wanted_from_department(FIELDS, STANDARD, by_division=True)
    broken = BO | {"name": 7}
    kept = run([broken], wanted=wanted, subject_id=BO["idNumber"], divisions=(LINDEN_DIVISION,))
    assert (kept.records, kept.outside) == ([], 1)
    assert len(run([AN], wanted=wanted, divisions=(LINDEN_DIVISION,)).records) == 1


def test_many_violations_are_cut_short() -> None:
    wanted = tuple(STANDARD.top_level)
    with pytest.raises(ProviderNonconformant) as caught:
        run([dict.fromkeys(STANDARD.top_level, 7) | {"idNumber": AN["idNumber"]}] * 5, wanted=wanted)
    assert 1 <= len(caught.value.members["errors"]) <= 20


def test_native_records_are_translated_and_what_is_not_asked_for_is_not_even_read() -> None:
    kept = run([NATIVE], crosswalk=CROSSWALK)  # its birth date cannot be read, and nobody asked for it
    assert kept.records == [{"idNumber": AN["idNumber"], "name": "安采薇", "sex": "2"}]


def test_a_native_value_that_cannot_be_translated_is_refused_by_column_without_the_value() -> None:
    with pytest.raises(ProviderNonconformant) as caught:
        run([NATIVE | {"XB": "不详的秘密"}], crosswalk=CROSSWALK)
    (found,) = caught.value.members["errors"]
    assert found["pointer"].startswith("/records/0/") and "XB" in found["pointer"]
    assert "秘密" not in str(found) + str(caught.value)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
replies = st.dictionaries(st.one_of(st.sampled_from(STANDARD.top_level), st.text(max_size=8)), json_values, max_size=6)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(replies, max_size=4), st.booleans(), st.booleans())
def test_whatever_comes_only_asked_fields_of_this_person_leave(
    noise: list[dict[str, Any]], with_good: bool, of_this_person: bool
) -> None:
    if of_this_person:
        noise = [record | {"idNumber": AN["idNumber"]} for record in noise]
    records = [*noise, AN] if with_good else noise
    try:
        kept = run(records)
    except (ProviderNonconformant, AmbiguousSubject):
        return
    for record in kept.records:
        assert set(record) <= set(FIELDS) and record["idNumber"] == AN["idNumber"]
        assert not STANDARD.validator(FIELDS).errors(record)
