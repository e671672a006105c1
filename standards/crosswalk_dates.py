"""Dates as departments write them, into one spelling: a list of formats that is data, never a guess.

A format is made of ``yyyy yy MM M dd d HH mm ss`` and the marks ``- / . : T`` space and 年 月 日 时 分 秒; ``MM`` takes
two digits, ``M`` one or two. Numbers in characters (二〇二四年三月五日, GB/T 15835) are read as digits. ``excel`` and
``excel1904`` take a spreadsheet's day number; ``rfc3339`` takes a time as standards write it, zone and fractions
included, and keeps it as it is. All other formats are tried; if two read different days in one value (3/4/2024), it is
ambiguous and refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from standards.crosswalk_values import Untranslatable, as_text

SERIALS = {"excel": date(1899, 12, 30), "excel1904": date(1904, 1, 1)}
# Day 60 of the 1900 system is 29 February 1900, which never was, and days before it are off by one; 1 March is 61.
FIRST_SERIAL = {"excel": 61, "excel1904": 0}
LAST_DAY = date(2199, 12, 31)
STANDARD_TIME = "rfc3339"
FIRST_YEAR = 1800  # the oldest date a record of a living system holds
ZONE = timezone(timedelta(hours=8))
OFFSET = "+08:00"  # times carry China standard time

# The groups of our own patterns; a format's text never reaches the regular expression unescaped.
_TOKENS = {
    "yyyy": "(?P<year>[0-9]{4})",
    "yy": "(?P<short>[0-9]{2})",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "dd": "(?P<day>[0-9]{2})",
    "d": "(?P<day>[0-9]{1,2})",
    "HH": "(?P<hour>[0-9]{2})",
    "mm": "(?P<minute>[0-9]{2})",
    "ss": "(?P<second>[0-9]{2})",
}
_SPLIT = re.compile("(yyyy|yy|MM|M|dd|d|HH|mm|ss)")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９／－．：　", "0123456789/-.: ")

Moment = tuple[date, str]  # the day, and the time of day as HH:MM:SS


class FormatInvalid(ValueError):
    """A date format that cannot be read by; the message says why, in English. ``zh`` says it in Chinese."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        super().__init__(en)


def parser(
    formats: Sequence[str], *, pivot: int | None, missing_day: str | None, with_time: bool, midnight: bool
) -> Callable[[Any], str]:
    """Compile formats to a function from a value to ``YYYY-MM-DD``, or to RFC 3339 with +08:00 if ``with_time``.

    ``pivot``: the last year a two-digit year may mean (2030: 31 is 1931). ``missing_day``: ``first`` or ``last`` day
    for a month without a day. ``midnight``: a date without a time counts as 00:00:00. Raises FormatInvalid.
    """
    serials = [name for name in formats if name in SERIALS]
    written = [name for name in formats if name not in SERIALS and name != STANDARD_TIME]
    patterns = [_pattern(name, pivot, missing_day, with_time, midnight) for name in written]
    if STANDARD_TIME in formats and not with_time:
        raise FormatInvalid("rfc3339 是时刻，须声明 as: date-time", "rfc3339 is a time; declare as: date-time")
    if with_time and serials and not midnight:
        raise FormatInvalid("序列号没有时刻，须声明 missing_time", "a day number has no time; declare missing_time")

    alone = _quick(patterns[0]) if len(patterns) == 1 and not serials and STANDARD_TIME not in formats else None

    def parse(value: Any) -> str:
        quick = alone(value, with_time) if alone is not None and type(value) is str else None
        return quick or slow(value)

    def slow(value: Any) -> str:
        found = {_native(value)} if isinstance(value, date) else set()
        if not found:
            text = as_text(value).strip()
            if STANDARD_TIME in formats and _is_standard_time(text):
                return text
            if not text.isascii():
                text = in_digits(text.translate(_FULL_WIDTH))
            # A number such as 2020.1 may have been 2020.10 before a spreadsheet took the nought: no date is read in it.
            broken = isinstance(value, float | Decimal) and value != int(value)
            texts = [] if broken else patterns
            found = {moment for one in texts if (moment := _read(one, text, pivot, missing_day)) is not None}
            found |= {moment for name in serials if (moment := _from_serial(name, value, text)) is not None}
            if not found:
                raise _not_a_date(any(one.fullmatch(text) for one in texts))
        if not with_time:
            found = {(day, "") for day, _ in found}
        if len(found) > 1:
            raise Untranslatable(
                "ambiguous_date",
                "所声明的几种格式读出不同的日期，无法确定是哪一天",
                "the declared formats read different days in it, so the day is not certain",
            )
        day, clock = found.pop()
        if not FIRST_YEAR <= day.year <= LAST_DAY.year:
            raise _not_a_date(True)
        return f"{day.isoformat()}T{clock}{OFFSET}" if with_time else day.isoformat()

    return parse


def _quick(pattern: re.Pattern[str]) -> Callable[[str, bool], str | None] | None:
    """The commonest case, one format with a year of four digits and a day: the same result, or None to be judged."""
    if not {"year", "day"} <= pattern.groupindex.keys():
        return None
    wanted = ["year", "month", "day", *(part for part in ("hour", "minute", "second") if part in pattern.groupindex)]

    def read(text: str, with_time: bool) -> str | None:
        match = pattern.fullmatch(text)
        if match is None:
            return None
        year, month, day, *clock = match.group(*wanted)
        try:
            moment = date(int(year), int(month), int(day))
        except ValueError:
            return None
        hour, minute, second = (*clock, "00", "00", "00")[:3]
        if not FIRST_YEAR <= moment.year <= LAST_DAY.year or hour > "23" or minute > "59" or second > "59":
            return None
        return f"{moment.isoformat()}T{hour}:{minute}:{second}{OFFSET}" if with_time else moment.isoformat()

    return read


def writer(format_: str, wanted: str = "date") -> Callable[[str], str] | None:
    """From the standard's spelling (``date``, ``date-time`` or ``month``) back to a format, or None if it cannot be.

    None: the format leaves out what the value tells, or would have to tell more than it does.
    """
    if format_ in SERIALS:
        return (lambda text: str((date.fromisoformat(text) - SERIALS[format_]).days)) if wanted == "date" else None
    tokens = {token[0] for token in _SPLIT.findall(format_)}
    needed = {"date": {"y", "M", "d"}, "month": {"y", "M"}, "date-time": {"y", "M", "d", "H", "m", "s"}}[wanted]
    if tokens != needed or "yyyy" not in _SPLIT.findall(format_):
        return None
    pieces = _SPLIT.split(format_)

    def write(text: str) -> str:
        moment = datetime.fromisoformat(f"{text}-01" if wanted == "month" else text)
        moment = moment.astimezone(ZONE) if moment.tzinfo else moment
        values = {
            "yyyy": f"{moment.year:04d}",
            "MM": f"{moment.month:02d}",
            "M": str(moment.month),
            "dd": f"{moment.day:02d}",
            "d": str(moment.day),
            "HH": f"{moment.hour:02d}",
            "mm": f"{moment.minute:02d}",
            "ss": f"{moment.second:02d}",
        }
        return "".join(values.get(piece, piece) for piece in pieces)

    return write


def _pattern(
    format_: str, pivot: int | None, missing_day: str | None, with_time: bool, midnight: bool
) -> re.Pattern[str]:
    pieces = _SPLIT.split(format_)
    tokens = pieces[1::2]
    parts = [token[0] for token in tokens]
    if len(parts) != len(set(parts)):
        raise FormatInvalid("同一部分出现两次", "a part appears twice")
    if not {"y", "M"} <= set(parts):
        raise FormatInvalid("至少应有年和月", "needs at least a year and a month")
    if any(part in "Md" and not mark for part, mark in zip(tokens[:-1], pieces[2::2], strict=False)):
        raise FormatInvalid("一位或两位的 M、d 之后须有分隔符", "M and d, of one or two digits, need a mark after them")
    if ("m" in parts and "H" not in parts) or ("s" in parts and "m" not in parts):
        raise FormatInvalid("有分须有时，有秒须有分", "minutes need hours, and seconds need minutes")
    if "yy" in tokens and pivot is None:
        raise FormatInvalid("两位年份须声明 pivot", "a two-digit year needs pivot")
    if "d" not in parts and missing_day is None:
        raise FormatInvalid("没有日，须声明 missing_day", "has no day; declare missing_day")
    if with_time and "H" not in parts and not midnight:
        raise FormatInvalid("没有时刻，须声明 missing_time", "has no time; declare missing_time")
    marks = [re.escape(piece) if index % 2 == 0 else _TOKENS[piece] for index, piece in enumerate(pieces)]
    return re.compile("".join(marks), re.ASCII)


def _read(pattern: re.Pattern[str], text: str, pivot: int | None, missing_day: str | None) -> Moment | None:
    match = pattern.fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict()
    try:
        month = int(parts["month"])
        year = int(parts["year"]) if "year" in parts else _full_year(int(parts["short"]), pivot or 0)
        day = date(year, month, int(parts["day"])) if "day" in parts else _edge(year, month, missing_day)
        if "hour" not in parts:
            return day, "00:00:00"
        clock = time(int(parts["hour"]), int(parts.get("minute", 0)), int(parts.get("second", 0)))
    except (ValueError, OverflowError):
        return None
    return day, f"{clock:%H:%M:%S}"


_TIME = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:[.][0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII)


_NUMERALS = {"〇": 0, "零": 0, "○": 0, **{numeral: at for at, numeral in enumerate("一二三四五六七八九", 1)}}
_ONE = "[" + "".join(_NUMERALS) + "]"
_IN_CHARACTERS = re.compile(
    f"({_ONE}{{4}})年(?:([一二三四五六七八九十]{{1,2}})月(?:([一二三四五六七八九十]{{1,3}})日)?)?"
)


def in_digits(text: str) -> str:
    """A date written in characters, 二〇二四年三月五日 or 二〇二四年三月, with digits; any other text as it is."""
    match = _IN_CHARACTERS.fullmatch(text) if "年" in text else None
    if match is None:
        return text
    year, month, day = match.groups()
    parts = [(month, "月"), (day, "日")]
    numbers = [(_number(one), mark) for one, mark in parts if one]
    if not all(number for number, _ in numbers):
        return text
    digits = "".join(str(_NUMERALS[one]) for one in year)
    return f"{digits}年" + "".join(f"{number}{mark}" for number, mark in numbers)


def _number(text: str) -> int:
    """The number from 1 to 99 that characters say: 五, 十, 十二, 二十, 三十一; 0 for what says none."""
    tens, ten, ones = text.rpartition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in tens:
        return 0
    return (10 * _NUMERALS.get(tens, 1) if ten else 0) + _NUMERALS.get(ones, 0)


def _is_standard_time(text: str) -> bool:
    """RFC 3339, section 5.6, without leap seconds."""
    if _TIME.fullmatch(text) is None:
        return False
    try:
        return FIRST_YEAR <= datetime.fromisoformat(text[:19]).year <= LAST_DAY.year
    except ValueError:
        return False


def _full_year(short: int, pivot: int) -> int:
    """The year ending in these two digits within the hundred years up to ``pivot``."""
    return pivot - (pivot - short) % 100


def _edge(year: int, month: int, missing_day: str | None) -> date:
    first = date(year, month, 1)
    if missing_day == "last":
        return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first


def _native(value: date) -> Moment:
    """A reader's own date is certain, whatever the formats say. A time with a zone is told in ours."""
    if isinstance(value, datetime):
        value = value if value.tzinfo is None else value.astimezone(ZONE)
        return value.date(), f"{value:%H:%M:%S}"
    return value, "00:00:00"


def _from_serial(system: str, value: Any, text: str) -> Moment | None:
    """The day of a spreadsheet's number; its fraction is the time of day."""
    seconds = 0
    if isinstance(value, float) and not value.is_integer():
        text = str(int(value)) if 0 <= value < 100_000 else ""
        seconds = min(round(value % 1 * 86_400), 86_399)
    if not (text.isascii() and text.isdigit() and len(text) <= 5) or int(text) < FIRST_SERIAL[system]:
        return None
    moment = datetime.combine(SERIALS[system], time()) + timedelta(days=int(text), seconds=seconds)
    return moment.date(), f"{moment:%H:%M:%S}"


def _not_a_date(shaped: bool) -> Untranslatable:
    if shaped:
        return Untranslatable("impossible_date", "是不存在或不可能的日期", "is a day that does not or cannot exist")
    return Untranslatable(
        "not_a_date", "不是所声明的任何一种日期写法", "is not written in any of the declared date formats"
    )
