"""Check digits of resident numbers (GB 11643) and of social credit codes (GB 32100). Oracle: python-stdnum."""

from __future__ import annotations

import datetime

import pytest
import stdnum.cn.ric
import stdnum.cn.uscc
from hypothesis import given
from hypothesis import strategies as st

from standards.identifiers import (
    IdentifierInvalid,
    check_resident_id,
    check_uscc,
    resident_check_digit,
    uscc_check_character,
)
from tests.standards.people import organisation, resident

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@given(st.from_regex(r"[1-9][0-9]{16}", fullmatch=True))
def test_the_check_digit_of_a_resident_is_the_oracles(first17: str) -> None:
    assert resident_check_digit(first17) == stdnum.cn.ric.calc_check_digit(first17 + "0")


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17))
def test_the_check_character_of_an_organisation_is_the_oracles(first17: str) -> None:
    assert uscc_check_character(first17) == stdnum.cn.uscc.calc_check_digit(first17)


@given(st.dates(datetime.date(1800, 1, 1), datetime.date(2199, 12, 31)), st.integers(0, 999))
def test_every_real_day_gives_a_good_number(born: datetime.date, serial: int) -> None:
    check_resident_id(resident(f"{born:%Y%m%d}", serial))


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_changed_digit_is_always_noticed(position: int, shift: int) -> None:
    good = resident()
    wrong = good[:position] + str((int(good[position]) + shift) % 10) + good[position + 1 :]
    with pytest.raises(IdentifierInvalid):
        check_resident_id(wrong)


@given(st.integers(0, 15))
def test_two_exchanged_neighbours_are_always_noticed(position: int) -> None:
    good = resident("19580102", 347)
    if good[position] != good[position + 1]:
        swapped = good[:position] + good[position + 1] + good[position] + good[position + 2 :]
        with pytest.raises(IdentifierInvalid):
            check_resident_id(swapped)


BAD_RESIDENTS = {
    "empty": ("", "id_length"),
    "fifteen digits": ("990101580101019", "id_length"),
    "nineteen": (resident() + "0", "id_length"),
    "lower-case x": ("99010119580101019x", "id_characters"),
    "x in the middle": ("99010119580101X192", "id_characters"),
    "full-width": ("９９０１０１１９５８０１０１０１９２", "id_characters"),
    "arabic-indic digits": ("٩" * 18, "id_characters"),
    "begins with nought": ("090101195801010192", "id_characters"),
    "thirteenth month": (resident("19581301"), "id_date"),
    "no 30 February": (resident("19580230"), "id_date"),
    "no leap year": (resident("19000229"), "id_date"),
    "wrong check digit": (resident()[:17] + ("0" if resident()[17] != "0" else "1"), "id_checksum"),
}


@pytest.mark.parametrize(("text", "reason"), BAD_RESIDENTS.values(), ids=BAD_RESIDENTS.keys())
def test_a_bad_resident_number_is_refused_with_its_reason_and_without_itself(text: str, reason: str) -> None:
    with pytest.raises(IdentifierInvalid) as refused:
        check_resident_id(text)
    assert refused.value.reason == reason
    assert not text or text not in f"{refused.value} {refused.value.zh} {refused.value.en}"


def test_a_good_organisation_passes_ours_and_the_oracle() -> None:
    check_uscc(organisation())
    assert stdnum.cn.uscc.is_valid(organisation())


BAD_ORGANISATIONS = {
    "empty": ("", "uscc_length"),
    "letter I": ("I" + organisation()[1:], "uscc_characters"),
    "letter in the division": (organisation()[:3] + "A" + organisation()[4:], "uscc_characters"),
    "lower case": (organisation().lower(), "uscc_characters"),
    "wrong check character": (organisation()[:17] + ("0" if organisation()[17] != "0" else "1"), "uscc_checksum"),
}


@pytest.mark.parametrize(("text", "reason"), BAD_ORGANISATIONS.values(), ids=BAD_ORGANISATIONS.keys())
def test_a_bad_organisation_code_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(IdentifierInvalid) as refused:
        check_uscc(text)
    assert refused.value.reason == reason
    assert not stdnum.cn.uscc.is_valid(text) or text.islower()  # the oracle turns letters upper first; we do not
