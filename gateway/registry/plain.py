"""What people write beside a standard must not name anybody: comments, answers and reasons are public. Plain Python."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gateway.registry.model import invalid

MAX_COMMENT: Final = 2000  # characters
MAX_POINTER: Final = 500  # characters: deeper than any standard

_GAP: Final = r"(?:[^\w:]|_){0,3}"  # between the digits of a number that is written in groups; a colon is a time of day
_YEAR, _MONTH, _DAY = "(?:1[89]|20)##", "(?:0#|1[012])", "(?:[012]#|3[01])"
_GROUPED: Final = "######" + _YEAR + _MONTH + _DAY + "###"


def _with_gaps(shape: str) -> str:
    """The shape, whose ``#`` is any digit, with a gap allowed after each digit."""
    return re.sub(r"\[[0-9]+\]|[0-9#]", lambda digit: digit[0].replace("#", r"\d") + _GAP, shape)


# GB 11643: eighteen in a row whatever they are; in groups only around a date, or two dates in a sentence would be one.
_LIKE_A_RESIDENT_ID: Final = re.compile(rf"(?<!\d)(?:\d{{17}}|{_with_gaps(_GROUPED)})[\dXx](?!\d)")


def insist_plain(pointer: str, text: str) -> None:
    """Raises InvalidRequest for a comment, answer or reason that is empty, too long, or seems to name a resident."""
    if not text.strip() or len(text) > MAX_COMMENT:
        raise invalid(pointer, f"应为 1 至 {MAX_COMMENT} 个字符", f"expected 1 to {MAX_COMMENT} characters")
    _insist_nobody(pointer, text)


def insist_pointer(pointer: str, text: str) -> None:
    """The same for the JSON Pointer that a comment speaks of."""
    if len(text) > MAX_POINTER:
        raise invalid(pointer, f"应不超过 {MAX_POINTER} 个字符", f"expected at most {MAX_POINTER} characters")
    _insist_nobody(pointer, text)


def _insist_nobody(pointer: str, text: str) -> None:
    if _LIKE_A_RESIDENT_ID.search(unicodedata.normalize("NFKC", text)):
        raise invalid(pointer, "疑似公民身份号码；意见不得写入个人信息", "looks like a resident id; leave people out")
