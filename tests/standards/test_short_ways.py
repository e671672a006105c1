"""The commonest amounts, numbers and texts take a short way; it gives what the long way gives."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.crosswalk_steps import make, trim_text
from standards.crosswalk_values import Untranslatable
from standards.identifiers import IdentifierInvalid, check_resident_id, check_uscc, resident_check_digit

METRES = {"from": "平方米", "to": "平方米", "decimals": 2}


@given(st.from_regex(r"(0|[1-9][0-9]{0,13})(\.[0-9]{1,3})?", fullmatch=True))
def test_an_amount_as_it_stands_is_the_exact_one(text: str) -> None:
    exact = Decimal(text)
    if exact != round(exact, 2):
        with pytest.raises(Untranslatable):
            make("unit", METRES).run(text)
    else:
        assert make("unit", METRES).run(text) == f"{exact:.2f}"


@pytest.mark.parametrize(
    ("text", "amount"),
    [("007.5", "7.50"), ("1,234.5", "1234.50"), ("+3", "3.00"), ("３.５", "3.50"), ("8平方米", "8.00")],
)
def test_any_other_amount_goes_the_long_way(text: str, amount: str) -> None:
    assert make("unit", METRES).run(text) == amount


@given(st.text("测试 A\u3000\u200b\ufeff\n\t\u0301e\u2028", max_size=12))
def test_a_text_without_spaces_is_trimmed_like_any_other(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert trim_text(text) == re.sub(r"[\s\u200b-\u200f\ufeff]+", " ", composed).strip()


@given(st.text("0123456789ABCXIOé０٣", min_size=17, max_size=19))
def test_a_code_that_is_none_is_refused_and_never_breaks_the_check(text: str) -> None:
    for check in (check_uscc, check_resident_id):
        try:
            check(text)
        except IdentifierInvalid as error:
            assert text not in str(error)


@pytest.mark.parametrize("day", ["19000229", "20230230", "20231301", "00000101", "20240100"])
def test_a_number_whose_birth_date_does_not_exist_is_refused(day: str) -> None:
    first = f"440399{day}001"
    with pytest.raises(IdentifierInvalid) as caught:
        check_resident_id(first + resident_check_digit(first))
    assert caught.value.reason == "id_date"


@pytest.mark.parametrize(
    "code", ["11440399MB0000001C", "11440399MB0000001D", "1144039AMB0000001C", "1144O399MB0000001C"]
)
def test_a_social_credit_code_is_taken_only_with_its_own_check_character(code: str) -> None:
    if code.endswith("1C") and code[2:8].isdigit():
        check_uscc(code)
    else:
        with pytest.raises(IdentifierInvalid):
            check_uscc(code)
