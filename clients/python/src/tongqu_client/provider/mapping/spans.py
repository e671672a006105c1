"""Names of a begin or an end: 租赁起始日期, 租赁期起, 起租日期 and 租赁期限/起 all are the begin of 租赁.

What begins or ends is the stem; the words for the time it takes (期, 期限, 有效期) and for a date are taken off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

_START = "起始|开始|开启|起算|起|始|自|从"
_END = "截止|终止|结束|到期|届满|停止|止|至|迄|到"
_DATE = "(日期|时间|年月日|年月|月份|日|月)?"
_SPELT = re.compile(rf"(?P<stem>.*?)(?P<mark>{_START}|{_END}){_DATE}")
_BEFORE = re.compile(r"(?P<mark>起|止|始|终)(?P<stem>\w{1,3}?)(日期|时间|年月|月份|日|月)")
_LENGTH = re.compile("(有效期限|有效期|有效|期限|期间|时限|时间|日期|周期|期|的)$")


@dataclass(frozen=True, slots=True)
class Span:
    """One end of a time: what lasts, and which end."""

    stem: str
    end: Literal["start", "end"]


@cache
def span(name: str) -> Span | None:
    """A plain Chinese name as a begin or an end; None if it is neither."""
    found = _SPELT.fullmatch(name) or _BEFORE.fullmatch(name)
    if found is None or len(name) < 2:
        return None
    mark = found["mark"]
    start = mark in _START.split("|")
    stem = _LENGTH.sub("", found["stem"])
    return Span(_LENGTH.sub("", stem), "start" if start else "end")


def likeness(one: Span, other: Span) -> float:
    """1 for the same, less if one stem is within the other; 0 for different ends or stems that say nothing."""
    if one.end != other.end or not one.stem or not other.stem:
        return 0.0
    if one.stem == other.stem:
        return 1.0
    short, long = sorted((one.stem, other.stem), key=len)
    within = set(short) <= set(long)
    return (0.9 if len(short) > 1 else 0.8) if within else 0.0
