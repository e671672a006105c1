"""What a heading may mean: Chinese and its endings, pinyin, initials, English, whose it is, what it must not be."""

from __future__ import annotations

import pytest
from tongqu_client.provider.mapping import names
from tongqu_client.provider.mapping.pinyin import spellings
from tongqu_client.provider.mapping.vocabulary import vocabulary

import standards

PERSON = standards.get("person-basic/1.0.0")
HOUSING = standards.get("rental-housing/1.0.0")


def fit(column: str, path: str, standard: standards.Standard = PERSON) -> float:
    return vocabulary(standard).fits(standard.element(path), column).score


@pytest.mark.parametrize(
    ("column", "path"),
    [
        ("GMSFHM", "idNumber"), ("公民身份号码", "idNumber"), ("CERT_NUM", "idNumber"), ("本人身份证号", "idNumber"),
        ("DE02.01.039.00", "name"), ("AAC003", "name"), ("姓 名", "name"), ("RY_XM", "name"), ("xingming", "name"),
        ("XBDM", "sex"), ("性别（代码）", "sex"), ("gender", "sex"), ("HYZK", "maritalStatus"),
        ("婚姻情况", "maritalStatus"),
        ("WHCD", "education"), ("LXDH", "phone"), ("mobile_no", "phone"), ("dateOfBirth", "birthDate"),
        ("chushengriqi", "birthDate"), ("CSNYR", "birthDate"), ("hujidizhi", "domicileAddress.text"),
        ("户口所在地", "domicileAddress.text"), ("曾用名", "formerName"), ("zengyongming", "formerName"),
    ],
)  # fmt: skip
def test_names_departments_really_use_are_known(column: str, path: str) -> None:
    assert fit(column, path) >= 0.8


@pytest.mark.parametrize(
    ("column", "path"),
    [
        ("配偶身份证号", "idNumber"), ("监护人姓名", "name"), ("联系人电话", "phone"), ("MQXM", "name"),
        ("POSFZH", "idNumber"),
        ("紧急联系人手机", "phone"), ("经办人", "name"), ("父亲姓名", "name"), ("家里人电话", "phone"),
        ("配偶信息/姓名", "name"),
        ("姓名（配偶）", "name"), ("spouse_id_card", "idNumber"),
    ],
)  # fmt: skip
def test_what_is_said_of_another_person_never_fits_the_subject(column: str, path: str) -> None:
    assert fit(column, path) == 0


@pytest.mark.parametrize(
    ("column", "path"),
    [("房东电话", "ownerPhone"), ("业主手机号", "ownerPhone"), ("FDXM", "ownerName"), ("landlord_phone", "ownerPhone")],
)
def test_the_words_for_one_person_are_combined_with_the_words_for_one_thing(column: str, path: str) -> None:
    assert fit(column, path, HOUSING) >= 0.8


def test_a_householder_may_be_the_subject_of_a_ledger_but_not_surely() -> None:
    fits = vocabulary(PERSON).fits(PERSON.element("idNumber"), "户主信息/身份证号")
    assert 0 < fits.score < 0.8 and not fits.sure


def test_a_comment_names_a_column_and_one_that_disagrees_makes_it_doubtful() -> None:
    words = vocabulary(PERSON)
    assert words.fits(PERSON.element("name"), "c02", "姓名").sure
    assert not words.fits(PERSON.element("name"), "XM", "项目").sure


def test_a_character_of_two_readings_gives_both() -> None:
    assert {"zengyongming", "cengyongming"} == {full for full, _ in spellings("曾用名")}
    assert {initials for _, initials in spellings("行业")} == {"xy", "hy"}


def test_every_character_of_a_name_has_a_reading() -> None:
    for identifier in standards.REGISTRY:
        for name in vocabulary(standards.get(identifier)).names.values():
            for phrase in name.phrases:
                assert not name.element.required or list(spellings(phrase)), phrase


@pytest.mark.parametrize("column", ["宗教信仰", "ZZMM", "政治面貌", "重点人员类别", "银行卡号", "指纹信息", "管控级别"])
def test_what_no_standard_carries_is_left_out_by_name(column: str) -> None:
    assert names.left_out(column) is not None


@pytest.mark.parametrize(
    ("column", "unit"), [("注册资本（万元）", "万元"), ("金额(元)", "元"), ("面积（㎡）", "平方米"), ("金额", None)]
)
def test_a_heading_may_name_its_unit(column: str, unit: str | None) -> None:
    assert names.heading(column).unit == unit
