"""What an amount is measured in: its unit, and the time it is for, as a heading, a comment or a title says it.

A number in mu or for a year looks right as square metres or for a month. So what the crosswalk cannot turn exactly into
the element's unit and period is held back and told, and somebody says which column it is or that the heading is wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from standards import Element
from standards.crosswalk_steps import UNITS

AREAS = ("平方米", "公顷", "平方千米")
_SPELT = {"㎡": "平方米", "m2": "平方米", "平米": "平方米", "平方": "平方米", "平方公里": "平方千米", "万": "万元"}
_MONEY = re.compile("([十百千万亿]*)(美|港|欧|日|韩|澳|加|英|新台)?(元|币|镑)$")
_AREA = re.compile("([十百千万亿]*)(平方米|平方千米|平方公里|平米|公顷|公亩|亩|m2|平方尺|平方英尺)$")
_RATE = re.compile("([/每·.、]?(人|户|月|年|季度?|半年|天|日|周|次))+$")
_STATED = re.compile(r"(?:单位|金额|面积)[:：]([^\s;；)）]+)|[(（]([^()（）:：]{1,6})[)）]")

PERIODS: Mapping[str, tuple[str, str]] = {
    "month": ("一个月", "a month"),
    "year": ("一年", "a year"),
    "half": ("半年", "half a year"),
    "quarter": ("一个季度", "a quarter"),
    "week": ("一周", "a week"),
    "day": ("一天", "a day"),
    "once": ("一次", "one time"),
    "total": ("累计", "all the time so far"),
}
_SAID = (
    ("half", "半年"),
    ("month", "(?<!年)月(?!份|日|龄)"),
    ("quarter", "季"),
    ("year", "(?<![青老少成中幼童壮周])年(?!月|龄|份|限|金|代|老|检|级|少)"),
    ("week", "每周|/周|周[补薪]"),
    ("day", "每[日天]|/[日天]|日[均补薪工]"),
    ("once", "一次性|每次|/次"),
    ("total", "累计|历年|总计"),
)
_SAID_IN_ENGLISH = {
    "month": "monthly month permonth",
    "year": "annual annually yearly year peryear",
    "quarter": "quarterly quarter",
    "week": "weekly week",
    "day": "daily perday",
    "total": "accumulated cumulative lifetime",
}
_ENGLISH = {word: period for period, words in _SAID_IN_ENGLISH.items() for word in words.split()}


def unit_of(noted: str) -> str | None:
    """The unit at the end of a note such as ``单位：万元`` or ``元/月``; an unknown one stays as it is."""
    text = unicodedata.normalize("NFKC", noted).casefold().replace(" ", "").replace("人民币", "")
    text = _RATE.sub("", re.sub("^.*(单位|金额|面积):?", "", text))
    if text in ("分", "角") or text in _SPELT:
        return _SPELT.get(text, text)
    return unit_at_end(text)


def unit_at_end(text: str) -> str | None:
    """The unit a text ends in (注册资本万元)."""
    found = _AREA.search(text) or _MONEY.search(text)
    return _SPELT.get(found[0], found[0]) if found else None


def unit_in_titles(titles: Iterable[str], *, area: bool) -> str | None:
    """The unit of money, or of area, that the title above the headings states for the whole table."""
    for title in titles:
        for stated in _STATED.findall(unicodedata.normalize("NFKC", title)):
            for part in re.split("[,、/和]", stated[0] or stated[1]):
                unit = unit_of(part)
                if unit is not None and is_area(unit) == area:
                    return unit
    return None


def is_area(unit: str) -> bool:
    return bool(_AREA.search(unit))


def period_of(text: str) -> str | None:
    """The time an amount is for, as a name tells it (年人均收入, 元/月, annual_income); None if it tells none."""
    plain = unicodedata.normalize("NFKC", text)
    chinese = re.sub(r"\s+", "", plain)
    for period, said in _SAID:
        if re.search(said, chinese):
            return period
    words = re.split(r"[^a-z]+", re.sub("(?<=[a-z0-9])(?=[A-Z])", " ", plain).lower())
    return next((_ENGLISH[word] for word in words if word in _ENGLISH), None)


def wanted_unit(element: Element, *, area: bool) -> str:
    """The unit of an amount: its title or x-unit says 万元, 元 or 平方米."""
    stated = f"{element.schema.get('x-unit', {}).get('zh', '')} {element.zh}"
    return next((one for one in ("万元", "元", "平方米", "公顷") if one in stated), "平方米" if area else "元")


def held_back(element: Element, said: Iterable[str], unit: str | None) -> tuple[str, str] | None:
    """Why numbers of this measure cannot be the element's; None if they can, or if nobody says what they are.

    ``said``: the heading and the comment. ``unit``: what they, the values or a title name.
    """
    return next(_wrong(element, said, unit), None)


def _wrong(element: Element, said: Iterable[str], unit: str | None) -> Iterator[tuple[str, str]]:
    wanted, said = period_of(element.zh), [text for text in said if text]
    given = next((period for text in said if (period := period_of(text))), None)
    rates = [rate for text in said for rate in map(period_of, re.findall("[/每][月年日天周次季半]", text)) if rate]
    given = next((rate for rate in rates if rate != given), given)  # 月保障金（元/年） says two things
    if wanted and given and given != wanted:
        mine, theirs = PERIODS[wanted], PERIODS[given]
        yield (
            f"此列是{theirs[0]}的数，数据项要{mine[0]}的；除法会有尾差，不代为换算：请在源头给出{mine[0]}的数",
            (
                f"the column is for {theirs[1]}, the element for {mine[1]}, and a division may not be exact: "
                f"give the amount for {mine[1]} at the source"
            ),
        )
    target = wanted_unit(element, area=unit is not None and is_area(unit))
    if unit is not None and (unit not in UNITS or is_area(unit) != (target in AREAS)):
        yield (
            f"此列以{unit}计，不能准确换算成{target}：请在源头换算",
            f"the column is in {unit}, which cannot be turned exactly into {target}: convert it at the source",
        )
