"""What travels through a crosswalk: scalars of an extract, the mark for "nothing there", and the reason for a refusal.

Readers hand over text, whole and floating numbers, booleans, dates and nothing. Here they become text, in one way.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

MAX_TEXT = 2_000  # characters of one value, on the way in and on the way out
MAX_INTEGER_BITS = 128  # a whole number beyond this is no code and no amount
EXACT_FLOAT = 10**15  # a floating number keeps 15 decimal digits; beyond, digits were lost before we saw it

# "the same as above": means something only beside the row before, which a record does not have
DITTO = frozenset({"同上", "同前", "同左", "〃", "″", '"', "ditto"})


BLANKS = " \t\r\n\u3000\u00a0\u200b\ufeff"


class Untranslatable(Exception):
    """This value cannot become what the target wants. ``code`` is stable; neither sentence holds the value."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code = code
        self.zh = zh
        self.en = en
        super().__init__(en)

    def again(self) -> Untranslatable:
        """The same reason as a new exception, for one that is kept must not gather tracebacks."""
        return Untranslatable(self.code, self.zh, self.en)


class _Missing:
    """The only value of its kind: nothing was there."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def is_blank(value: object) -> bool:
    """Nothing there: no value, or text of spaces only (full-width and zero-width ones included)."""
    if isinstance(value, str):
        return not value or (value[0] in BLANKS and not value.strip(BLANKS))
    return value is None


def as_text(value: Any) -> str:
    """The text of one scalar. Raises Untranslatable for what has no faithful text.

    A whole floating number loses its ``.0``: spreadsheets keep every number so. Beyond 15 digits it is refused, since
    its last digits are gone for good (formats.md 3, row 13).
    """
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT and value not in DITTO else _bounded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > MAX_INTEGER_BITS:
            raise Untranslatable("too_long", "数值过长", "the number is too long")
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise Untranslatable(
        "not_a_scalar", "应为单个值，来的是列表或对象", "expected a single value, not a list or an object"
    )


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Untranslatable("too_long", f"超过 {MAX_TEXT} 个字符", f"more than {MAX_TEXT} characters")
    if text in DITTO:
        raise Untranslatable(
            "ditto",
            "写的是“同上”一类的话，单独一条记录无从得知所指；请在导出前填全",
            'says "as above", which one record cannot tell; fill the cell before exporting',
        )
    return text


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        raise Untranslatable("not_a_number", "不是有限的数", "not a finite number")
    if abs(value) >= EXACT_FLOAT:
        raise Untranslatable(
            "digits_lost",
            "长号码被电子表格存成了浮点数，末尾数字已丢失，无法还原；请在源头以文本重新填写",
            "a long number was kept as a floating number and its last digits are lost; enter it again as text",
        )
    return str(int(value)) if value.is_integer() else format(value, ".15g")


def _decimal_text(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 40 or len(value.as_tuple().digits) > 40:
        raise Untranslatable("not_a_number", "不是可用的数", "not a usable number")
    return format(value.normalize() if value == value.to_integral_value() else value, "f")
