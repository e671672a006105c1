"""Numbers that carry their own check digit: the resident's (GB 11643-1999) and the organisation's (GB 32100-2015).

Plain Python. No message holds the number it speaks of.
"""

from __future__ import annotations

from datetime import date
from operator import mul

# GB 11643-1999, 4.3 (ISO 7064 MOD 11-2): the weight of a digit is 2 to the power of its place, modulo 11, counted from
# the check character. 13 is 2 modulo 11: so the digits, read as a number to the base 13, are the sum, but for one 2.
_RESIDENT_BASE = 13
_RESIDENT_CHECK = "10X98765432"  # by the sum modulo 11
# GB 32100-2015, 5.3: 31 characters, without I, O, S, V, Z; the weight of position i is 3^i mod 31
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_USCC_NONE = 255  # stands for a byte that is no character of the alphabet
_USCC_OF_BYTES = bytes(_USCC_VALUES.get(chr(byte), _USCC_NONE) for byte in range(256))


class IdentifierInvalid(ValueError):
    """Not an identifier of its kind. ``reason`` says in which way; ``zh`` and ``en`` say so to people."""

    def __init__(self, reason: str, zh: str, en: str) -> None:
        self.reason = reason
        self.zh = zh
        self.en = en
        super().__init__(en)


def as_printed(text: str) -> str:
    """An identifier as its document prints it: no blanks around it, and a last character typed as x is an X."""
    return text.strip().upper()


def check_resident_id(text: str) -> None:
    """Check an 18-character resident identity number (公民身份号码, GB 11643-1999).

    Checked: length, characters (a final X is upper case), that the birth date exists, the check digit.
    Not checked: that the six-digit division exists or existed, that the number was ever issued, that the person lives.
    Raises IdentifierInvalid, a ValueError; reasons ``id_length``, ``id_characters``, ``id_date``, ``id_checksum``.
    """
    if len(text) != 18:
        raise IdentifierInvalid("id_length", "公民身份号码应为 18 位", "a resident number has 18 characters")
    first17 = text[:17]
    if not (first17.isascii() and first17.isdigit()) or text[17] not in "0123456789X" or text[0] == "0":
        raise IdentifierInvalid(
            "id_characters",
            "公民身份号码应为 17 位数字加一位数字或大写 X",
            "a resident number is 17 digits, then a digit or an upper-case X",
        )
    try:
        date.fromisoformat(text[6:14])
    except ValueError:
        raise IdentifierInvalid(
            "id_date", "公民身份号码中的出生日期不存在", "the birth date within does not exist"
        ) from None
    if resident_check_digit(first17) != text[17]:
        raise IdentifierInvalid("id_checksum", "公民身份号码校验码不符", "the check digit does not fit the number")


def resident_check_digit(first17: str) -> str:
    """The 18th character for 17 digits (GB 11643-1999, 4.3)."""
    return _RESIDENT_CHECK[2 * int(first17, _RESIDENT_BASE) % 11]


def check_uscc(text: str) -> None:
    """Check an 18-character unified social credit code (统一社会信用代码, GB 32100-2015).

    Checked: length, the 31-character alphabet, six digits of division at 3–8, the check character.
    Not checked: the inner organisation code's own check digit, that the division exists, that it was ever issued.
    Raises IdentifierInvalid, a ValueError, with reason ``uscc_length``, ``uscc_characters`` or ``uscc_checksum``.
    """
    if len(text) != 18:
        raise IdentifierInvalid("uscc_length", "统一社会信用代码应为 18 位", "a social credit code has 18 characters")
    values = text.encode("ascii", "replace").translate(_USCC_OF_BYTES)  # what is not ASCII becomes ?, which is none
    if _USCC_NONE in values or max(values[2:8]) > 9:
        raise IdentifierInvalid(
            "uscc_characters",
            "统一社会信用代码只用数字和除 I、O、S、V、Z 以外的大写字母，第 3 至 8 位为数字",
            "a social credit code has digits and upper-case letters without I, O, S, V, Z, and digits at 3 to 8",
        )
    if -sum(map(mul, values[:17], _USCC_WEIGHTS)) % 31 != values[17]:
        raise IdentifierInvalid(
            "uscc_checksum", "统一社会信用代码校验码不符", "the check character does not fit the code"
        )


def uscc_check_character(first17: str) -> str:
    """The 18th character for the first 17 (GB 32100-2015, 5.3)."""
    total = sum(map(mul, map(_USCC_VALUES.__getitem__, first17), _USCC_WEIGHTS))
    return _USCC_ALPHABET[-total % 31]


def is_resident_id(text: str) -> bool:
    """The format ``cn-resident-id`` of our schemas. For a decision with a reason use check_resident_id."""
    try:
        check_resident_id(text)
    except ValueError:
        return False
    return True


def is_uscc(text: str) -> bool:
    """The format ``cn-uscc`` of our schemas. For a decision with a reason use check_uscc."""
    try:
        check_uscc(text)
    except ValueError:
        return False
    return True
